"""Web addresses with placeholders, and what a value in one may not do.

What the author typed stands as it is. A value that comes in by a placeholder is one piece: in the
path and the query it is percent-encoded, so that it can add no step, question mark or end. A value
that begins the text is an address of its own and stays whole, as does one that says `as_is`.
"""

import re
from urllib.parse import quote, unquote

from automations.template_parser import Placeholder, parse
from automations.template_values import TemplateError, text_of
from automations.templates import Renderer

# Filters that say how their value stands in an address: encoded by themselves, or not at all.
OWN_WORD = ("urlencode", "as_is")
BEFORE_PATH = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
# A host with something in it, up to the colon of a port; and how one goes on after a value.
HOST_WRITTEN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#:]+(:?)", re.IGNORECASE)
HOST_GOES_ON = re.compile(r"[\w.-]")
IN_HOST = re.compile(r"[\w.:\[\]-]*")
# So often is something decoded on its way, by proxies and by servers that do it twice.
MOST_DECODED = 5


def render(text, context):
    """Return a web address with its values filled in from `context`; raise TemplateError."""
    renderer, made = Renderer(context), ""
    parts = parse(text)
    for number, part in enumerate(parts):
        if isinstance(part, str):
            made += renderer.spend(part)
            continue
        value = text_of(renderer.placeholder(part))
        whole = not made.strip() or (part.filters and part.filters[-1][0] in OWN_WORD)
        after = next((rest for rest in parts[number + 1 :] if isinstance(rest, str)), "")
        check_host(value, made, after)
        made += renderer.spend(value if whole else piece(value, made))
    made = made.strip()
    if any(isinstance(part, Placeholder) for part in parts[1:]):
        check_path(made)
    return made


def piece(value, before):
    """Return a value as it stands in an address after `before`."""
    if not BEFORE_PATH.fullmatch(before):
        return quote(value, safe="", errors="replace")
    if not IN_HOST.fullmatch(value):
        raise TemplateError(f"“{value[:60]}” can't be a part of the name of a host.")
    return value


def check_host(value, before, after):
    """Raise TemplateError when a value goes on with a host that the author has written to its end.

    `before` and `after` are what stands around it in the address.
    """
    host = HOST_WRITTEN.fullmatch(before)
    if not value or not host or HOST_GOES_ON.match(after):
        return
    if value[0] in "/?#" or (host[1] and value.isascii() and value.isdigit()):
        return
    raise TemplateError(f"“{value[:60]}” would change the host: write a “/” before it.")


def check_path(url):
    """Raise TemplateError when the path of an address climbs out of where it seems to lead."""
    if climbs(url):
        raise TemplateError("The path of the address has “.” or “..” as a step of its own.")


def climbs(url):
    """Return whether a path has dots as a step, as any server on its way may read it."""
    path = re.split("[?#]", BEFORE_PATH.sub("", url, count=1), maxsplit=1)[0]
    for _ in range(MOST_DECODED):
        # Some read a backslash as a slash, and what follows a semicolon as no part of the step.
        steps = path.replace("\\", "/").split("/")
        if any(step.partition(";")[0].strip() in (".", "..") for step in steps):
            return True
        decoded = unquote(path)
        if decoded == path:
            return False
        path = decoded
    return True
