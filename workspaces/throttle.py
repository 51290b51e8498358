"""Counting calls at doors that are open to everybody."""

import time
from ipaddress import ip_address, ip_network

from django.core.cache import cache

from workspaces.errors import KdapError

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class TooMany(KdapError):
    """More calls than a door takes; `wait` seconds later it takes some again."""

    status = 429
    title = "Too many calls"


def origin(ip):
    """Return what stands for whoever calls from `ip`: of IPv6 its /64, which one household has whole."""
    try:
        address = ip_address(ip)
    except ValueError:
        return str(ip)
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), 64), strict=False))


def count(door, rate, detail="At most {number} calls per {period} are taken."):
    """Count a call at `door` (a text that holds no secret); raise TooMany beyond `rate`, as 600/min."""
    number, _, period = rate.partition("/")
    window = SECONDS[period[0]]
    now = int(time.time())
    key = f"{door}:{now // window}"
    used = 1
    if not cache.add(key, 1, window):
        try:
            used = cache.incr(key)
        except ValueError:  # it expired between the two
            used = 1
    if used > int(number):
        raise TooMany(detail.format(number=number, period=period), wait=window - now % window)
