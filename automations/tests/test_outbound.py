"""Calls to other servers: what goes out, what comes back, and what must not happen."""

import datetime as dt
import gzip
import ipaddress
import re
import socket
import ssl
import time
import zlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from automations import addresses, walls
from automations.outbound import Refused, Unreachable, send
from automations.tests.receivers import moved, ok, receiving


def call(receiver, path="/", method="GET", **options):
    """Call a receiver of this test, which is allowed."""
    return send(method, receiver.url(path), allow_private=[receiver.here], **options)


@pytest.fixture
def names(monkeypatch):
    """A telephone book for names of tests: a list of answers, the last one for ever."""
    book = {}
    real = socket.getaddrinfo

    def answer(host, port, *args, **kwargs):
        if host not in book:
            return real(host, port, *args, **kwargs)
        found = book[host].pop(0) if len(book[host]) > 1 else book[host][0]
        return [
            entry
            for address in found
            for entry in real(address, port, *args, **(kwargs | {"flags": socket.AI_NUMERICHOST}))
        ]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", answer)
    return book


def packed(data):
    """Return data as gzip, always the same, for it names the test."""
    return gzip.compress(data, mtime=0)


# What goes out and comes back


def test_a_call_and_its_answer():
    with receiving(ok(b'{"a": [1]}', b"Content-Type: application/json", b"X-A: 1")) as receiver:
        response = call(receiver, "/a?b=%20c#d", "POST", body={"n": 1}, headers={"X-Key": " k "})
    assert (response.status, response.ok, response.json) == (200, True, {"a": [1]})
    assert response.headers["x-a"] == "1"
    assert response.text == '{"a": [1]}'
    assert not response.truncated
    assert 0 <= response.seconds < 5
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /a?b=%20c HTTP/1.1"
    assert f"Host: {receiver.here}".encode() in lines
    assert b"X-Key: k" in lines
    assert b"Content-Type: application/json" in lines
    assert body == b'{"n":1}'


def test_failures_of_the_other_side_are_answers_too():
    with receiving(b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno") as receiver:
        response = call(receiver)
    assert (response.status, response.ok, response.text, response.json) == (500, False, "no", None)


@pytest.mark.parametrize(
    ("body", "kind", "sent"),
    [
        (b"\x00\x01", "application/octet-stream", b"\x00\x01"),
        ("ü", "text/plain; charset=utf-8", "ü".encode()),
        ([1, None], "application/json", b"[1,null]"),
    ],
)
def test_bodies(body, kind, sent):
    with receiving(ok()) as receiver:
        call(receiver, method="PUT", body=body)
    assert receiver.requests[0].endswith(b"\r\n\r\n" + sent)
    assert f"Content-Type: {kind}".encode() in receiver.requests[0]


@pytest.mark.parametrize(
    ("body", "headers", "text", "json"),
    [
        (packed(b'{"a":1}'), [b"Content-Encoding: gzip"], '{"a":1}', {"a": 1}),
        (zlib.compress(b"[]"), [b"Content-Encoding: deflate"], "[]", []),
        ("ä".encode("latin-1"), [b"Content-Type: text/plain; charset=ISO-8859-1"], "ä", None),
        (b"\xff", [b"Content-Type: text/plain; charset=utf-8"], "�", None),
        (b"abc", [b"Content-Type: text/plain; charset=unicode_escape"], "abc", None),
        (b'{"a\\u0000":"\\u0000"}', [], '{"a\\u0000":"\\u0000"}', {"a�": "�"}),
        (b"a\x00b", [], "a�b", None),
        (b"[" * 5000 + b"]" * 5000, [], "[" * 5000 + "]" * 5000, None),
        (b"[NaN]", [], "[NaN]", None),
        (b'["\\ud800"]', [], '["\\ud800"]', None),
        (b"", [], "", None),
    ],
)
def test_bodies_that_come_back_can_be_stored(body, headers, text, json):
    with receiving(ok(body, *headers)) as receiver:
        response = call(receiver)
    assert (response.text, response.json) == (text, json)


def test_cookies_and_floods_of_headers_are_not_kept():
    headers = [b"Set-Cookie: secret=1", *(b"X-%d: %s" % (n, b"y" * 200) for n in range(200))]
    with receiving(ok(b"", *headers)) as receiver:
        response = call(receiver)
    assert "set-cookie" not in response.headers
    assert len(response.headers) <= 100


def test_proxies_of_the_surroundings_are_not_asked(monkeypatch):
    with receiving(ok(b"proxy")) as proxy, receiving(ok(b"target")) as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.here}")
        assert call(receiver).text == "target"
    assert proxy.connections == 0


def test_hosts_of_the_settings_are_allowed(settings):
    with receiving(ok(b"hello")) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [f"localhost:{receiver.port}"]
        assert send("GET", receiver.url(host="LOCALHOST")).text == "hello"
        with pytest.raises(Refused):  # the same machine by another name
            send("GET", receiver.url(host="127.0.0.1"))


# Addresses


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "LOCALHOST", "127.1", "2130706433", "0x7f000001", "0x7f.1"),
        *("017700000001", "0177.0.0.1", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]"),
        *("[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[2002:7f00:1::]"),
        *("[64:ff9b::7f00:1]", "169.254.169.254", "[fe80::1]", "10.0.0.1", "192.168.0.1"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255"),
    ],
)
def test_private_addresses_are_refused_in_every_form(host):
    with receiving(ok()) as receiver, pytest.raises(Refused) as caught:
        send("GET", receiver.url(host=host))
    assert re.search("private network|is not an address", caught.value.detail)
    assert caught.value.perhaps_arrived is False
    assert receiver.connections == 0


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "is empty"),
        (None, "is empty"),
        ("example.com", "begins with https://"),
        ("//example.com/", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("gopher://example.com/", "begins with https://"),
        ("javascript:alert(1)", "begins with https://"),
        ("http://", "names no host"),
        ("http:///path", "names no host"),
        ("http://user:pass@example.com/", "must not hold a name or password"),
        ("http://127.0.0.1@example.com/", "must not hold a name or password"),
        ("http://@example.com/", "must not hold a name or password"),
        ("http://example.com\\@127.0.0.1/", "backslashes"),
        ("http://example.com/\r\nX-A: 1", "line breaks"),
        ("http://example.com/ x", "spaces"),
        ("http://exa\tmple.com/", "spaces"),
        ("http://example.com:99999/", "not a port"),
        ("http://example.com:-1/", "not a port"),
        ("http://[::1/", "is not an address"),
        ("http://[fe80::1%25eth0]/", ""),
        ("http://ⓛocalhost/", "is not an address"),
        ("http://%31%32%37.0.0.1/", "names no host"),
        ("http://example.com/" + "a" * 9000, "longer than"),
        ("http://example.com:22/", "Port 22 is not for HTTP"),
        ("http://example.com:6379/", "Port 6379 is not for HTTP"),
    ],
)
def test_urls_that_are_refused(url, sentence):
    with pytest.raises(Refused) as caught:
        send("GET", url)
    assert sentence in caught.value.detail


def test_a_name_with_one_private_address_is_refused(names):
    names["mixed.example"] = [["93.184.216.34", "127.0.0.1"]]
    with receiving(ok()) as receiver, pytest.raises(Refused):
        send("GET", receiver.url(host="mixed.example"))
    assert receiver.connections == 0


def test_a_name_that_changes_its_meaning_is_asked_once(names, monkeypatch):
    """DNS rebinding: public when checked, private when connected to."""
    connected = []

    def connect(address, timeout):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(walls.socket, "create_connection", connect)
    names["rebinding.example"] = [["93.184.216.34"], ["127.0.0.1"]]
    with pytest.raises(Unreachable):
        send("GET", "http://rebinding.example/")
    assert connected == [("93.184.216.34", 80)]
    assert names["rebinding.example"] == [["127.0.0.1"]]


def test_a_redirect_to_a_name_that_changed_is_judged_again(names):
    with receiving(lambda c, r: c.sendall(moved(f"http://b.example:{receiver.port}/"))) as receiver:
        names["b.example"] = [["127.0.0.1"]]
        with pytest.raises(Refused) as caught:
            call(receiver)
    assert receiver.connections == 1
    assert caught.value.perhaps_arrived is True


# What people may send


@pytest.mark.parametrize(
    "method", ["CONNECT", "TRACE", "GET / HTTP/1.1\r\nX:", "", None, "OPTIONS"]
)
def test_methods_that_are_refused(method):
    with pytest.raises(Refused, match="is not one of"):
        send(method, "http://example.com/")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "1\r\nX-B: 2"},
        {"X-A": "1\nX-B: 2"},
        {"X-A": "1\x00"},
        {"X-A": "ü"},
        {"X-A: 1\r\nX-B": "2"},
        {"X A": "1"},
        {"": "1"},
        {"X-A": 1},
        {"Host": "internal"},
        {"host": "internal"},
        {"Content-Length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "Upgrade"},
        {"Upgrade": "websocket"},
        {"Proxy-Authorization": "x"},
        {"Accept-Encoding": "br"},
        {f"X-{n}": "1" for n in range(60)},
        {"X-A": "y" * 20_000},
    ],
)
def test_headers_that_are_refused(headers):
    with pytest.raises(Refused):
        send("GET", "http://example.com/", headers=headers)


@pytest.mark.parametrize("body", [b"x" * (10 * 1024**2 + 1), {"a": object()}, {1, 2}])
def test_bodies_that_are_refused(body):
    with pytest.raises(Refused, match="content"):
        send("POST", "http://example.com/", body=body)


# Redirects


@pytest.mark.parametrize(
    ("status", "method", "arrives"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (302, "PUT", "PUT"),
        (307, "POST", "POST"),
        (308, "DELETE", "DELETE"),
        (303, "HEAD", "HEAD"),
    ],
)
def test_redirects_on_the_same_host(status, method, arrives):
    def answer(connection, request):
        first = b" /first " in request
        connection.sendall(moved("/second", status) if first else ok())

    with receiving(answer) as receiver:
        body = b"content" if method in ("POST", "PUT") else None
        response = call(receiver, "/first", method, body=body, headers={"Authorization": "k"})
    second = receiver.requests[1]
    assert second.startswith(f"{arrives} /second HTTP/1.1".encode())
    assert second.endswith(b"content") == (arrives == method and body is not None)
    assert b"Authorization: k" in second
    assert response.redirects == 1
    assert response.url.endswith("/second")


def test_secrets_do_not_go_on_to_another_host(names):
    names["other.example"] = [["127.0.0.1"]]
    with receiving(ok(b"there")) as other:
        target = other.url(host="other.example")
        with receiving(moved(target)) as receiver:
            response = send(
                "GET",
                receiver.url(),
                headers={"Authorization": "k", "X-Api-Key": "k", "Accept": "text/x"},
                allow_private=[receiver.here, f"other.example:{other.port}"],
            )
    assert response.text == "there"
    assert b"Accept: text/x" in other.requests[0]
    assert b"k\r\n" not in other.requests[0]
    assert f"Host: other.example:{other.port}".encode() in other.requests[0]


def test_content_does_not_go_on_to_another_host(names):
    names["other.example"] = [["127.0.0.1"]]
    with receiving(ok()) as other:
        target = other.url(host="other.example")
        with receiving(moved(target, 307)) as receiver, pytest.raises(Refused) as caught:
            call(receiver, method="POST", body="secret")
    assert "must not get the content" in caught.value.detail
    assert caught.value.perhaps_arrived is True
    assert other.connections == 0


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "//localhost/",
        "file:///etc/passwd",
        "http://user@example.com/",
        "http://[bad/",
        "http://example.com:25/",
    ],
)
def test_redirects_to_bad_places_are_refused(location):
    with receiving(moved(location)) as receiver, pytest.raises(Refused):
        call(receiver)


def test_circles_end():
    with receiving(moved("/again")) as receiver, pytest.raises(Refused, match="more than 5 times"):
        call(receiver)
    assert receiver.connections == 6


# Servers that hang, drip, flood or lie


def forever(connection, chunk, pause=0.0):
    while True:
        connection.sendall(chunk)
        time.sleep(pause)


def silent(connection, request):
    time.sleep(30)


def dripping_head(connection, request):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    forever(connection, b"X-A: 1\r\n", 0.05)


def endless_early_hints(connection, request):
    forever(connection, b"HTTP/1.1 103 Early Hints\r\n\r\n")


@pytest.mark.parametrize("answer", [silent, dripping_head, endless_early_hints])
def test_answers_that_never_come(answer):
    start = time.monotonic()
    with receiving(answer) as receiver, pytest.raises(Unreachable) as caught:
        call(receiver, timeout=0.4)
    assert time.monotonic() - start < 10
    assert caught.value.perhaps_arrived is True


def test_a_server_that_reads_nothing():
    with receiving(silent, early=True) as receiver, pytest.raises(Unreachable):
        call(receiver, method="POST", body=b"x" * (10 * 1024**2), timeout=0.4)


def test_a_server_that_answers_before_it_has_read_all():
    too_large = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with receiving(too_large) as receiver:
        assert call(receiver, method="POST", body=b"x" * 100_000).status == 413


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"y" * 300_000 + b"\r\n\r\n",
        b"\x00" * 200_000,
    ],
)
def test_answers_that_are_not_http(garbage):
    with receiving(garbage) as receiver, pytest.raises(Unreachable) as caught:
        call(receiver)
    assert caught.value.perhaps_arrived is True


def drip(connection, request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    forever(connection, b"x", 0.02)


def flood(connection, request):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    forever(connection, b"x" * 65536)


def chunks(connection, request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    forever(connection, b"1\r\nx\r\n" * 1000)


BOMB = zlib.compressobj(9, wbits=31)
BOMB = BOMB.compress(b"0" * 200_000_000) + BOMB.flush()
TWICE = packed(BOMB)


@pytest.mark.parametrize(
    ("answer", "size", "why"),
    [
        (drip, None, "not whole after 0.5 s"),
        (flood, 1000, "larger than 1,000 bytes"),
        (chunks, 1000, "larger than 1,000 bytes"),
        (ok(b"x" * 1001), 1000, "larger than 1,000 bytes"),
        (ok(b"x" * 1000), 1000, ""),
        (ok(packed(b"x" * 1001), b"Content-Encoding: gzip"), 1000, "larger than"),
        (ok(packed(b"x" * 1000), b"Content-Encoding: gzip"), 1000, ""),
        (ok(packed(b"x" * 99)[:-9], b"Content-Encoding: gzip"), None, "ended in the middle"),
        (ok(b"not gzip", b"Content-Encoding: gzip"), 0, "could not be unpacked"),
        (ok(TWICE, b"Content-Encoding: gzip, gzip"), 0, "packed as “gzip, gzip”"),
        (ok(b"x", b"Content-Encoding: br"), 0, "packed as “br”"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 3, "broke before it was whole"),
    ],
)
def test_bodies_are_cut(answer, size, why):
    with receiving(answer) as receiver:
        response = call(receiver, timeout=0.5 if answer is drip else 20, max_bytes=1000)
    assert (response.status, response.truncated) == (200, bool(why))
    assert why in response.cut
    assert size is None or len(response.body) == size


def test_a_bomb_is_not_unpacked():
    import tracemalloc

    with receiving(ok(BOMB, b"Content-Encoding: gzip")) as receiver:
        tracemalloc.start()
        response = call(receiver, timeout=30, max_bytes=2**20)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert len(response.body) == 2**20
    assert "larger than" in response.cut
    assert peak < 8 * 2**20


def test_nobody_there():
    with receiving(ok()) as receiver:
        pass
    with pytest.raises(Unreachable, match="can't be reached") as caught:
        call(receiver)
    assert caught.value.perhaps_arrived is False


def test_a_name_without_address():
    with pytest.raises(Unreachable, match="no address") as caught:
        send("GET", "http://nothing.invalid/")
    assert caught.value.perhaps_arrived is False


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for hooks.example, as (server's context, path of the certificate)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context, path


@pytest.fixture
def trusted(certificate, monkeypatch):
    """Trust the test's certificate, as if a known authority had signed it."""
    monkeypatch.setattr(
        "automations.outbound.tls", lambda: ssl.create_default_context(cafile=certificate[1])
    )


def secure(receiver, host):
    return send(
        "GET",
        receiver.url(host=host, scheme="https"),
        allow_private=[f"{host}:{receiver.port}"],
        timeout=20,
    )


def test_the_certificate_is_checked_against_the_name_not_the_address(names, certificate, trusted):
    names["hooks.example"] = names["evil.example"] = [["127.0.0.1"]]
    asked = []
    certificate[0].sni_callback = lambda _, name, __: asked.append(name)
    with receiving(ok(b"secret"), context=certificate[0]) as receiver:
        assert secure(receiver, "hooks.example").text == "secret"
        assert f"Host: hooks.example:{receiver.port}".encode() in receiver.requests[0]
        with pytest.raises(Unreachable, match="can't prove who it is") as caught:
            secure(receiver, "evil.example")
    assert caught.value.perhaps_arrived is False
    assert asked == ["hooks.example", "evil.example"]


def test_an_unknown_authority_is_not_believed(names, certificate):
    names["hooks.example"] = [["127.0.0.1"]]
    with (
        receiving(ok(), context=certificate[0]) as receiver,
        pytest.raises(Unreachable, match="can't prove who it is"),
    ):
        secure(receiver, "hooks.example")
    assert receiver.requests == []


def test_a_handshake_that_hangs_ends(names):
    with receiving(silent, early=True) as receiver:
        start = time.monotonic()
        with pytest.raises(Unreachable) as caught:
            send(
                "GET",
                receiver.url(scheme="https"),
                allow_private=[receiver.here],
                timeout=0.3,
            )
    assert time.monotonic() - start < 10
    assert caught.value.perhaps_arrived is False


def test_from_a_secure_to_an_open_address_is_refused(names, certificate, trusted):
    names["hooks.example"] = [["127.0.0.1"]]
    target = "http://hooks.example/"
    with (
        receiving(moved(target), context=certificate[0]) as receiver,
        pytest.raises(Refused, match="secure address to an open one"),
    ):
        secure(receiver, "hooks.example")


def test_numbers_of_addresses_are_never_sent_to_a_resolver():
    """`127.0.0.1` is itself, so that the allow-list means what it says."""
    assert addresses.look_up("127.0.0.1", 80, 1) == [ipaddress.ip_address("127.0.0.1")]
