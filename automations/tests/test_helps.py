"""Every trigger and step says, for the people who pick it, what it does."""

import re

import pytest

from automations.steps import STEPS
from automations.triggers import TRIGGERS

KINDS = [*TRIGGERS.values(), *STEPS.values()]
CODE = re.compile(r"[`_{}<>=]|\b(literals?|templates?|HMAC|JSON|vars|None|True|False)\b")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_says_what_it_does(kind):
    assert kind.help[0].isupper()
    assert kind.help.endswith(".")
    assert 15 < len(kind.help) <= 160
    assert not CODE.search(kind.help), "This is for people, not for programmers."


def test_no_two_say_the_same():
    assert len({kind.help for kind in KINDS}) == len(KINDS)
