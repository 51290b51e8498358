"""docs/automations.md names all that there is."""

import pytest
from django.conf import settings

from automations.steps.base import STEPS
from automations.triggers import TRIGGERS


@pytest.mark.parametrize("part", [*TRIGGERS.values(), *STEPS.values()], ids=lambda part: part.label)
def test_every_trigger_and_step_is_documented(part):
    assert part.label in (settings.BASE_DIR / "docs/automations.md").read_text()
