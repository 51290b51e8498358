"""Which addresses of the network a call may go to: public ones, and what the administrator allows.

Names are looked up once and every address they have is judged; the caller connects to one of
those, so that a name can't mean something else a moment later.
"""

import ipaddress
import socket
import threading

NAT64 = ipaddress.ip_network("64:ff9b::/96")
# The only part of IPv6 from which public addresses are given out.
GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")
# Wrappings of IPv4 (6to4, Teredo) and ranges that older Pythons still call global.
NEVER = tuple(
    ipaddress.ip_network(block)
    for block in (
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
        *("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "100.64.0.0/10"),
    )
)
# Ports of other protocols, whose servers a request could be made to look like a command to.
# https://fetch.spec.whatwg.org/#port-blocking, and databases.
OTHER_PROTOCOLS = frozenset(
    (
        *(7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101),
        *(102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179),
        *(389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587),
        *(601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 5060, 5061, 5432),
        *(6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 10080, 11211),
    )
)


def is_public(address):
    """Return whether an ipaddress object is a public host of the internet, however it is written."""
    if address.version == 6:
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address in NAT64:
            return is_public(ipaddress.ip_address(int(address) & 0xFFFFFFFF))
        if address not in GLOBAL_IPV6:
            return False
    if any(address in block for block in NEVER if block.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def look_up(host, port, seconds):
    """Return the addresses of a name or of a number in any notation, as ipaddress objects.

    Raises OSError when there are none, TimeoutError after `seconds`: the system's own look-up
    knows no limit, so it is left behind in a thread.
    """
    found = []

    def ask():
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    thread = threading.Thread(target=ask, daemon=True, name="look-up")
    thread.start()
    thread.join(seconds)
    if not found:
        raise TimeoutError
    if isinstance(found[0], Exception):
        raise OSError(str(found[0])) from found[0]
    # A scope (fe80::1%eth0) is cut off: such addresses are not public anyway.
    texts = dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found[0])
    return [ipaddress.ip_address(text) for text in texts]


def host_and_port(text):
    """Return (host, port) of “host:port” or “[::1]:port”; raises ValueError."""
    host, colon, port = text.strip().rpartition(":")
    if not (colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(text)
    if host.startswith("[") and host.endswith("]"):
        host = str(ipaddress.IPv6Address(host[1:-1]))
    elif not host or any(letter in "/:@[]*? " for letter in host):
        raise ValueError(text)
    return host.lower().rstrip("."), int(port)
