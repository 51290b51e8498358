"""Every icon that a template names is in the sprite."""

import re

from django.conf import settings

SPRITE = (settings.BASE_DIR / "static/kdap/img/icons.svg").read_text()
KNOWN = set(re.findall(r'id="([\w-]+)"', SPRITE))


def test_templates_use_only_icons_that_we_have():
    used = {}
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        for name in re.findall(r"""{% icon ["']([\w-]+)["']""", path.read_text()):
            used.setdefault(name, path.name)
    missing = {name: where for name, where in used.items() if name not in KNOWN}
    assert not missing
