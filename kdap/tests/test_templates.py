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


def test_dialogs_of_automations_bring_their_styles_when_opened_as_pages():
    ours = [path for path in TEMPLATES if path.parent.name in ("automations", "agents")]
    dialogs = [path for path in ours if "_dialog.html," in path.read_text()]
    assert len(dialogs) > 5
    for path in dialogs:
        assert "_dialog.html,automations/_dialog_page.html" in path.read_text(), path.name
