"""What no template may have, whoever writes it."""

import re
from pathlib import Path

from django.conf import settings

TEMPLATES = sorted(Path(settings.BASE_DIR, "templates").rglob("*.html"))
# htmx would evaluate a filter as JavaScript, which the content security policy refuses: nothing happens.
FILTER = re.compile(r'hx-trigger="[^"{]*\[')


def test_no_trigger_has_a_filter():
    assert len(TEMPLATES) > 50
    assert [path.name for path in TEMPLATES if FILTER.search(path.read_text())] == []
