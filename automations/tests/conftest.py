"""Fixtures of the tests of automations."""

import pytest

from automations.tests.agents import fake, record
from automations.tests.drafts import drafted, large
from automations.tests.english import contact, read, shop

__all__ = ["contact", "drafted", "fake", "large", "read", "record", "shop"]


@pytest.fixture
def tasks(make_record):
    """A record of tasks, as what workflows work on."""
    return make_record("Tasks", what="text")
