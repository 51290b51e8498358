"""Libraries with a client of their own go through the same walls."""

import asyncio
import gzip
import time

import httpx
import pytest

from automations import addresses
from automations.outbound import Refused, Unreachable
from automations.outbound_async import WalledTransport
from automations.tests.receivers import moved, ok, receiving


def call(url, method="GET", timeout=1.0, follow=False, allow_private=(), **options):
    """Do one request with a client of httpx, as a library would."""

    async def do():
        transport = WalledTransport(seconds=1, allow_private=allow_private, **options)
        async with httpx.AsyncClient(
            transport=transport, trust_env=False, timeout=timeout, follow_redirects=follow
        ) as client:
            return await client.request(method, url)

    return asyncio.run(do())


def allowed(receiver, path="/", **options):
    return call(receiver.url(path), allow_private=[receiver.here], **options)


def test_a_call():
    with receiving(ok(b'{"a": 1}', b"Content-Type: application/json")) as receiver:
        assert allowed(receiver, "/x?y=1").json() == {"a": 1}
    assert receiver.requests[0].startswith(b"GET /x?y=1 HTTP/1.1\r\n")
    assert b"accept-encoding: identity" in receiver.requests[0].lower()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "169.254.169.254"]
)
def test_private_addresses_are_refused(host):
    with receiving(ok()) as receiver, pytest.raises(Refused, match="private network"):
        call(receiver.url(host=host))
    assert receiver.connections == 0


def test_a_name_is_looked_up_once(monkeypatch):
    asked = []

    def answer(host, port, **kwargs):
        asked.append(host)
        address = "127.0.0.1" if len(asked) > 1 else "10.9.8.7"
        return [(2, 1, 6, "", (address, port))]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", answer)
    with pytest.raises(Refused):
        call("http://rebinding.example/")
    assert asked == ["rebinding.example"]


def test_redirects_are_judged_again():
    with receiving(moved("http://localhost/")) as receiver, pytest.raises(Refused):
        allowed(receiver, follow=True)


@pytest.mark.parametrize("url", ["http://u:p@example.com/", "http://example.com:25/"])
def test_bad_addresses_are_refused(url):
    with pytest.raises(Refused):
        call(url)


def test_large_answers_are_cut():
    with receiving(ok(b"x" * 2000)) as receiver, pytest.raises(Unreachable, match="1,000 bytes"):
        allowed(receiver, max_bytes=1000)


def test_packed_answers_are_refused():
    packed = ok(gzip.compress(b"x" * 100), b"Content-Encoding: gzip")
    with receiving(packed) as receiver, pytest.raises(Unreachable, match="packed"):
        allowed(receiver)


def test_what_libraries_expect_to_catch():
    with (
        receiving(lambda connection, request: time.sleep(5)) as receiver,
        pytest.raises(httpx.ReadTimeout),
    ):
        allowed(receiver, timeout=0.2)
    with receiving(b"nonsense\r\n\r\n") as receiver, pytest.raises(httpx.RemoteProtocolError):
        allowed(receiver)
    with (
        receiving(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc") as receiver,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        allowed(receiver)
    with pytest.raises(Unreachable, match="can't be reached"):
        allowed(receiver)  # it has stopped
