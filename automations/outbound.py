"""HTTP requests to addresses that people typed: the one way in which KDAP calls other servers.

Addresses are checked at every hop (addresses.py, walls.py), answers are cut by bytes and by time
(responses.py), and a failure says whether the request may have arrived.
"""

import re
import time
from dataclasses import dataclass, replace

import httpcore
import httpx
import orjson
from django.conf import settings

from automations.responses import Body, Response, headers_of
from automations.signing import BadSignature, new_secret, sign, verify
from automations.template_values import plain
from automations.walls import (
    CallFailed,
    Passage,
    Refused,
    Unreachable,
    allowed_hosts,
    tls,
)
from workspaces.jsons import json_bytes

__all__ = [
    "BadSignature",
    "CallFailed",
    "Refused",
    "Response",
    "Unreachable",
    "new_secret",
    "send",
    "sign",
    "verify",
]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
PORTS = {"http": 80, "https": 443}
MAX_REDIRECTS = 5
MAX_URL = 8000
MAX_BODY = 10 * 1024 * 1024
MAX_HEADERS = 50
MAX_HEADERS_SIZE = 16 * 1024
REDIRECTS = (301, 302, 303, 307, 308)

# Visible ASCII without what browsers and libraries read in different ways.
WRONG_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
# What the connection itself decides.
OURS = frozenset(
    (
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade"),
        *("te", "trailer", "expect", "accept-encoding", "proxy-connection"),
        *("proxy-authorization", "proxy-authenticate"),
    )
)
# All that may go on to another host; any other header may hold a secret.
HARMLESS = frozenset(("accept", "accept-language", "content-type", "user-agent"))


@dataclass(frozen=True)
class Request:
    """A checked request."""

    method: str
    url: httpx.URL
    headers: tuple
    content: bytes

    @property
    def origin(self):
        return self.url.scheme, self.url.host.lower().rstrip("."), port_of(self.url)

    def raw_headers(self):
        """Return all headers in bytes, our own among them."""
        given = {name.lower() for name, _ in self.headers}
        ours = [("Host", self.url.netloc.decode()), ("Accept-Encoding", "gzip, deflate")]
        ours += [("Connection", "close")]
        if self.content or self.method in ("POST", "PUT", "PATCH"):
            ours.append(("Content-Length", str(len(self.content))))
        defaults = [("Accept", "*/*"), ("User-Agent", "KDAP")]
        ours += [pair for pair in defaults if pair[0].lower() not in given]
        return [(name.encode(), value.encode()) for name, value in (*ours, *self.headers)]

    def redirected(self, status, location):
        """Return the request that a redirect asks for; raises Refused."""
        try:
            url = checked_url(str(self.url.join(location)))
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise Refused(f"{self.url.host} leads to an address that can't be read.") from error
        if self.url.scheme == "https" and url.scheme == "http":
            raise Refused(f"{self.url.host} leads from a secure address to an open one.")
        moved = replace(self, url=url)
        if (status == 303 and self.method != "HEAD") or (
            status in (301, 302) and self.method == "POST"
        ):
            moved = moved.as_get()
        # The same host made secure may keep what it was sent.
        if moved.origin[1] == self.origin[1] and (
            moved.origin == self.origin or (port_of(self.url), port_of(url)) == (80, 443)
        ):
            return moved
        if moved.content:
            raise Refused(f"{self.url.host} leads to {url.host}, which must not get the content.")
        kept = tuple(pair for pair in moved.headers if pair[0].lower() in HARMLESS)
        return replace(moved, headers=kept)

    def as_get(self):
        kept = tuple(pair for pair in self.headers if pair[0].lower() != "content-type")
        return replace(self, method="GET", content=b"", headers=kept)


def port_of(url):
    """Return the port of a URL, the usual one of its scheme when it names none."""
    return url.port or PORTS[url.scheme]


def checked_url(text):
    """Return the httpx.URL of an address; raises Refused with what is wrong."""
    if not isinstance(text, str) or not text:
        raise Refused("The address is empty.")
    if len(text) > MAX_URL:
        raise Refused(f"The address is longer than {MAX_URL} characters.")
    if WRONG_IN_URL.search(text):
        raise Refused("The address has spaces, line breaks or backslashes in it.")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise Refused(f"“{text[:100]}” is not an address.") from error
    if url.scheme not in PORTS:
        raise Refused("An address begins with https:// or http://.")
    if url.userinfo or "@" in re.split("[/?#]", text.partition("://")[2], maxsplit=1)[0]:
        raise Refused("An address must not hold a name or password; use a header.")
    if not url.host or "%" in url.host:
        raise Refused(f"“{text[:100]}” names no host.")
    if not 0 < port_of(url) < 65536:
        raise Refused(f"{url.port} is not a port.")
    return url.copy_with(fragment=None)


def checked_headers(headers):
    """Return headers as pairs; raises Refused for what could end a header early."""
    pairs = tuple((headers or {}).items())
    if len(pairs) > MAX_HEADERS:
        raise Refused(f"There are more than {MAX_HEADERS} headers.")
    for name, value in pairs:
        if not isinstance(name, str) or not HEADER_NAME.fullmatch(name):
            raise Refused(f"“{str(name)[:60]}” can't be the name of a header.")
        if name.lower() in OURS:
            raise Refused(f"KDAP sets the header “{name}” itself.")
        if not isinstance(value, str) or not HEADER_VALUE.fullmatch(value):
            raise Refused(f"The value of the header “{name}” may only hold printable ASCII.")
    if sum(len(name) + len(value) for name, value in pairs) > MAX_HEADERS_SIZE:
        raise Refused(f"The headers are larger than {MAX_HEADERS_SIZE // 1024} KB.")
    return tuple((name, value.strip()) for name, value in pairs)


def content_of(body, headers):
    """Return (bytes, headers) of a body: bytes, text, or anything else as JSON."""
    if body is None:
        return b"", headers
    kind = "application/octet-stream"
    if isinstance(body, str):
        body, kind = body.encode(errors="replace"), "text/plain; charset=utf-8"
    elif not isinstance(body, bytes):
        try:
            body, kind = json_bytes(body, default=plain), "application/json"
        except (orjson.JSONEncodeError, TypeError) as error:
            raise Refused("The content can't be written as JSON.") from error
    if len(body) > MAX_BODY:
        raise Refused(f"The content is larger than {MAX_BODY // 1024**2} MB.")
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers = (*headers, ("Content-Type", kind))
    return body, headers


def send(
    method,
    url,
    headers=None,
    body=None,
    timeout=10.0,
    max_bytes=2**20,
    allow_private=(),
    enough=None,
):
    """Make a request and return its Response, whatever its status.

    `body` is bytes, text or JSON; `timeout` are the seconds for everything together, redirects
    and body included; a body above `max_bytes` is cut. `allow_private` are “host:port” that may be
    private, besides those of AUTOMATIONS_ALLOWED_HOSTS. `enough`, called with what has come of the
    body so far, says whether the rest may be left. Raises Refused or Unreachable.
    """
    if not isinstance(method, str) or method.upper() not in METHODS:
        raise Refused(f"“{str(method)[:20]}” is not one of {', '.join(METHODS)}.")
    content, pairs = content_of(body, checked_headers(headers))
    request = Request(method.upper(), checked_url(url), pairs, content)
    allowed = allowed_hosts((*settings.AUTOMATIONS_ALLOWED_HOSTS, *allow_private))
    passage, begun = Passage(allowed, timeout), time.monotonic()
    for redirects in range(MAX_REDIRECTS + 1):
        try:
            response, following = exchange(request, passage, max_bytes, enough)
        except Refused as error:
            error.perhaps_arrived = passage.sent
            raise
        if following is None:
            seconds = round(time.monotonic() - begun, 3)
            return replace(response, redirects=redirects, seconds=seconds)
        request = following
    raise Refused(f"The address leads on more than {MAX_REDIRECTS} times.", perhaps_arrived=True)


def exchange(request, passage, max_bytes, enough=None):
    """Do one hop; return (response, None), or (None, the request that a redirect asks for)."""
    host = request.url.host
    url = httpcore.URL(
        scheme=request.url.raw_scheme,
        host=request.url.raw_host,
        port=request.url.port,
        target=request.url.raw_path,
    )
    try:
        with (
            httpcore.ConnectionPool(ssl_context=tls(), network_backend=passage) as pool,
            pool.stream(
                request.method, url, headers=request.raw_headers(), content=request.content
            ) as answer,
        ):
            location = {name.lower(): value for name, value in answer.headers}.get(b"location")
            if answer.status in REDIRECTS and location:
                return None, request.redirected(answer.status, location.decode("latin-1"))
            return taken(request, answer, passage, max_bytes, enough), None
    except httpcore.TimeoutException as error:
        raise passage.too_slow(host) from error
    except httpcore.NetworkError as error:
        raise Unreachable(
            f"{host} broke the connection off without an answer.", perhaps_arrived=passage.sent
        ) from error
    except httpcore.ProtocolError as error:
        raise Unreachable(
            f"{host} gave an answer that is not HTTP.", perhaps_arrived=passage.sent
        ) from error


def taken(request, answer, passage, max_bytes, enough=None):
    """Return the Response of an answer whose body is still on its way."""
    headers = headers_of(answer.headers)
    body = Body(max_bytes, headers.get("content-encoding", "").strip().lower())
    if not body.cut:
        body.read(answer.stream, passage, enough)
    return Response(
        status=answer.status,
        headers=headers,
        body=bytes(body.content),
        url=str(request.url),
        cut=body.cut,
    )
