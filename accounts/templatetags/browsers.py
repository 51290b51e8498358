"""User agents in words that people know."""

import re

from django import template

register = template.Library()

# The order matters: Edge and Opera also say "Chrome", which also says "Safari".
BROWSERS = [
    (r"Edg/", "Edge"),
    (r"OPR/", "Opera"),
    (r"Firefox/|FxiOS/", "Firefox"),
    (r"Chrome/|CriOS/", "Chrome"),
    (r"Safari/", "Safari"),
]
SYSTEMS = [
    (r"iPhone", "iPhone", "device-mobile"),
    (r"iPad", "iPad", "device-mobile"),
    (r"Android", "Android", "device-mobile"),
    (r"Windows", "Windows", "device-desktop"),
    (r"Mac OS X|Macintosh", "macOS", "device-desktop"),
    (r"CrOS", "ChromeOS", "device-desktop"),
    (r"Linux", "Linux", "device-desktop"),
]


@register.filter
def browser(agent):
    """Return "Firefox on Linux" for a User-Agent header; its first word when it is unknown."""
    name = next((name for pattern, name in BROWSERS if re.search(pattern, agent)), None)
    system = next((name for pattern, name, _ in SYSTEMS if re.search(pattern, agent)), None)
    if name and system:
        return f"{name} on {system}"
    return name or system or agent.split("/")[0].strip() or "Unknown browser"


@register.filter
def device_icon(agent):
    """Return the icon's name for the kind of machine behind a User-Agent header."""
    return next((icon for pattern, _, icon in SYSTEMS if re.search(pattern, agent)), "world")
