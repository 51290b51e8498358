"""The same walls for libraries that bring their own client: a transport for httpx.AsyncClient.

`httpx.AsyncClient(transport=WalledTransport(...), trust_env=False)` is what MCP and the clients of
language models get. Each connection goes through the checks of walls.py, whatever the library
does; how long a whole session may take is the caller's to say (`asyncio.timeout`).
"""

import asyncio

import httpcore
import httpx
from django.conf import settings

from automations.outbound import checked_url
from automations.walls import Passage, Unreachable, allowed_hosts, tls

MAX_BYTES = 16 * 1024 * 1024
# What libraries that use httpx expect to catch, the particular before the general.
ERRORS = (
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.WriteTimeout, httpx.WriteTimeout),
    (httpcore.PoolTimeout, httpx.PoolTimeout),
    (httpcore.TimeoutException, httpx.ReadTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.WriteError, httpx.WriteError),
    (httpcore.NetworkError, httpx.ReadError),
    (httpcore.ProtocolError, httpx.RemoteProtocolError),
)


def as_httpx(error, request):
    """Return an error of httpcore as the one of httpx."""
    kind = next(ours for theirs, ours in ERRORS if isinstance(error, theirs))
    return kind(str(error) or type(error).__name__, request=request)


class AsyncPassage(httpcore.AsyncNetworkBackend):
    """A backend that looks a name up once and connects to one of the judged addresses."""

    def __init__(self, allowed, seconds):
        self.allowed = allowed
        self.seconds = seconds
        self.network = httpcore.AnyIOBackend()

    async def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        passage = Passage(self.allowed, self.seconds)
        found = await asyncio.to_thread(passage.addresses, host, port)
        for place, address in enumerate(found):
            try:
                return await self.network.connect_tcp(
                    str(address), port, timeout=passage.left() / (len(found) - place)
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise Unreachable(f"{host} can't be reached at port {port}.") from problem

    async def connect_unix_socket(self, path, timeout=None, socket_options=None):
        raise NotImplementedError

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)


class CutStream(httpx.AsyncByteStream):
    """A body that ends with an error when it is too large."""

    def __init__(self, stream, limit, request):
        self.stream = stream
        self.limit = limit
        self.request = request

    async def __aiter__(self):
        received = 0
        try:
            async for chunk in self.stream:
                received += len(chunk)
                if received > self.limit:
                    raise Unreachable(
                        f"{self.request.url.host} answered with more than {self.limit:,} bytes.",
                        perhaps_arrived=True,
                    )
                yield chunk
        except tuple(theirs for theirs, _ in ERRORS) as error:
            raise as_httpx(error, self.request) from error

    async def aclose(self):
        await self.stream.aclose()


class WalledTransport(httpx.AsyncBaseTransport):
    """A transport that reaches public addresses and allowed hosts only.

    `seconds` is for a connection to be made, `max_bytes` for one answer. Raises Refused and
    Unreachable, and the errors of httpx for what happens on a connection.
    """

    def __init__(self, seconds=10.0, max_bytes=MAX_BYTES, allow_private=()):
        allowed = allowed_hosts((*settings.AUTOMATIONS_ALLOWED_HOSTS, *allow_private))
        self.max_bytes = max_bytes
        self.pool = httpcore.AsyncConnectionPool(
            ssl_context=tls(), network_backend=AsyncPassage(allowed, seconds)
        )

    async def handle_async_request(self, request):
        checked_url(str(request.url))
        # Packed answers would be unpacked by httpx without a limit.
        request.headers["Accept-Encoding"] = "identity"
        try:
            answer = await self.pool.handle_async_request(
                httpcore.Request(
                    method=request.method,
                    url=httpcore.URL(
                        scheme=request.url.raw_scheme,
                        host=request.url.raw_host,
                        port=request.url.port,
                        target=request.url.raw_path,
                    ),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        except tuple(theirs for theirs, _ in ERRORS) as error:
            raise as_httpx(error, request) from error
        headers = httpx.Headers(answer.headers)
        if headers.get("content-encoding", "identity").lower() != "identity":
            await answer.aclose()
            raise Unreachable(
                f"{request.url.host} packed its answer, though it was asked not to.",
                perhaps_arrived=True,
            )
        return httpx.Response(
            status_code=answer.status,
            headers=headers,
            stream=CutStream(answer.stream, self.max_bytes, request),
            extensions=answer.extensions,
        )

    async def aclose(self):
        await self.pool.aclose()
