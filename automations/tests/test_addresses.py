"""Which addresses are public, in every notation that people and machines have thought of."""

import ipaddress
import threading

import pytest

from automations import addresses
from automations.addresses import host_and_port, is_public, look_up


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1"),
        "64:ff9b::101:101",  # NAT64 of 1.1.1.1
    ],
)
def test_public(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1"),  # noqa: S104
        *("172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "198.18.0.1"),
        *("192.0.0.8", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1"),
        *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "ff0e::1"),
        "2001:db8::1",
        "::ffff:127.0.0.1",  # mapped
        "::ffff:10.0.0.1",
        "::127.0.0.1",  # compatible
        "::ffff:0:127.0.0.1",  # translated
        "2002:7f00:1::",  # 6to4 of 127.0.0.1
        "2002:a9fe:a9fe::",
        "2001:0:7f00:1::",  # Teredo
        "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::101:101",  # NAT64 of a local network
        *("100::1", "3fff::1", "5f00::1", "4000::1"),
    ],
)
def test_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001"),
        *("0177.0.0.1", "127.0.1", "0", "0x0", "::1", "localhost"),
    ],
)
def test_every_notation_of_this_machine_is_seen_through(host):
    found = look_up(host, 80, 5)
    assert found
    assert not any(is_public(address) for address in found)


def test_a_look_up_has_an_end(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: release.wait(30))
    with pytest.raises(TimeoutError):
        look_up("slow.example", 80, 0.05)
    release.set()


def test_a_name_without_addresses_is_an_error():
    for host in ("nothing.invalid", "a" * 300, "exa..mple", "ü" * 100):
        with pytest.raises(OSError):
            look_up(host, 80, 5)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("localhost:9000", ("localhost", 9000)),
        (" ERP.internal.:443 ", ("erp.internal", 443)),
        ("[::1]:80", ("::1", 80)),
        ("[0:0:0:0:0:0:0:1]:80", ("::1", 80)),
    ],
)
def test_host_and_port(text, pair):
    assert host_and_port(text) == pair


@pytest.mark.parametrize(
    "text",
    [
        *("localhost", "localhost:", ":80", "localhost:0", "localhost:99999", "localhost:x"),
        *("http://localhost:80", "*:80", "[localhost]:80", "::1:80", "a b:80", "", "a:²"),
    ],
)
def test_no_host_and_port(text):
    with pytest.raises(ValueError):
        host_and_port(text)
