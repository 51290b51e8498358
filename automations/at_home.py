"""Calls from this installation to its own webhooks, which lead through no wall.

Anybody may call those addresses, so KDAP may as well, wherever it runs; on a machine without a
network one workflow can so be the receiver of another. What caused a call goes with it, signed, so
that circles are seen.
"""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing

from automations.outbound import checked_url, port_of
from automations.walls import Refused

HEADER = "KDAP-Cause"
PATH = re.compile(r"/(?:hooks/[A-Za-z0-9_-]{8,200}|calls/[A-Za-z0-9_:-]{8,200})/")
SALT = "automations.cause"
LONGEST = 3600


def door_of(url):
    """Return (“host:port”,) when an address is a webhook of this installation, else ()."""
    try:
        found = checked_url(url)
    except Refused:
        return ()
    home = urlsplit(settings.SITE_URL)
    ours = home.scheme, (home.hostname or ""), home.port or (443 if home.scheme == "https" else 80)
    if (found.scheme, found.host.lower(), port_of(found)) != ours:
        return ()
    if not PATH.fullmatch(found.raw_path.partition(b"?")[0].decode("latin-1")):
        return ()
    host = f"[{ours[1]}]" if ":" in ours[1] else ours[1]
    return (f"{host}:{ours[2]}",)


def cause_headers(run_id, depth):
    """Return the header by which one of our own webhooks learns which run calls it."""
    return {HEADER: signing.dumps({"run": str(run_id), "depth": depth}, salt=SALT)}


def cause_of(headers):
    """Return {"run", "depth"} of a call that came from here, {} for any other."""
    given = headers.get(HEADER.lower())
    if not given:
        return {}
    try:
        return signing.loads(given, salt=SALT, max_age=LONGEST)
    except signing.BadSignature:
        return {}
