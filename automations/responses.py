"""The answer of another server, kept within limits and safe to store."""

import zlib
from dataclasses import dataclass, field
from functools import cached_property

import httpcore
import orjson

MAX_HEADERS = 100
MAX_HEADER = 2000
MAX_JSON_DEPTH = 100
CHARSETS = frozenset(
    (
        *("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "iso-8859-15"),
        *("windows-1252", "utf-16", "shift_jis", "gbk"),
    )
)
NETWORK = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


@dataclass(frozen=True)
class Response:
    """What came back. `cut` says why the body is not whole; it is "" when it is."""

    status: int
    headers: dict
    body: bytes = field(repr=False)
    url: str
    cut: str = ""
    redirects: int = 0
    seconds: float = 0.0

    @property
    def truncated(self):
        return bool(self.cut)

    @property
    def ok(self):
        return 200 <= self.status < 300

    @cached_property
    def text(self):
        """The body as text that PostgreSQL takes: without NUL, wrong bytes marked."""
        given = self.headers.get("content-type", "").lower().partition("charset=")[2]
        charset = given.partition(";")[0].strip(" \"'")
        text = self.body.decode(charset if charset in CHARSETS else "utf-8", errors="replace")
        return text.replace("\x00", "�").removeprefix("\ufeff")

    @cached_property
    def json(self):
        """The body as JSON; None when it is none, is not whole, or nested too deep."""
        if self.truncated:
            return None
        try:
            return storable(orjson.loads(self.body.removeprefix(b"\xef\xbb\xbf")))
        except ValueError:
            return None


def storable(value, depth=0):
    """Return JSON without NUL, which jsonb can't keep; raises ValueError when nested too deep."""
    if depth > MAX_JSON_DEPTH:
        raise ValueError
    if isinstance(value, str):
        return value.replace("\x00", "�")
    if isinstance(value, list):
        return [storable(inner, depth + 1) for inner in value]
    if isinstance(value, dict):
        return {
            key.replace("\x00", "�"): storable(inner, depth + 1) for key, inner in value.items()
        }
    return value


def headers_of(pairs):
    """Return a dictionary of response headers by small names; cookies are not kept."""
    headers = {}
    for name, value in pairs[:MAX_HEADERS]:
        name = name.decode("latin-1").lower()
        if name not in ("set-cookie", "set-cookie2"):
            text = value.decode("latin-1")[:MAX_HEADER]
            headers[name] = f"{headers[name]}, {text}"[:MAX_HEADER] if name in headers else text
    return headers


class Body:
    """Gathers a body: at most `limit` bytes of it unpacked, and as many on the wire."""

    def __init__(self, limit, encoding):
        self.limit = limit
        self.received = 0
        self.content = bytearray()
        self.cut = ""
        self.inflater = None
        if encoding in ("gzip", "x-gzip", "deflate"):
            self.inflater = zlib.decompressobj(wbits=47)  # gzip or zlib, whichever it is
        elif encoding not in ("", "identity"):
            self.cut = f"It came packed as “{encoding[:40]}”, which KDAP did not ask for."

    def read(self, stream, passage, enough=None):
        """Take chunks until the body, the limit or the time ends, or `enough(content)` is true."""
        try:
            for chunk in stream:
                self.take(chunk)
                if enough is not None and enough(self.content):
                    return
                if not self.cut and passage.is_over():
                    self.cut = f"It was not whole after {passage.seconds:g} s."
                if self.cut or (self.inflater and self.inflater.eof):
                    return
        except httpcore.TimeoutException:
            self.cut = f"It was not whole after {passage.seconds:g} s."
        except NETWORK:
            self.cut = "The connection broke before it was whole."
        if self.inflater and self.received and not self.inflater.eof and not self.cut:
            self.cut = "It ended in the middle."

    def take(self, chunk):
        if self.cut:
            return
        self.received += len(chunk)
        if self.inflater:
            try:
                # One byte more than there is room for tells whether there is more.
                chunk = self.inflater.decompress(chunk, self.limit + 1 - len(self.content))
            except zlib.error:
                self.cut = "It could not be unpacked."
                return
        self.content += chunk
        if len(self.content) > self.limit or self.received > self.limit:
            del self.content[self.limit :]
            self.cut = f"It was larger than {self.limit:,} bytes."
