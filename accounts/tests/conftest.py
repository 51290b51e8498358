"""What the tests of accounts share."""

import pytest
from django.core.cache import cache

from accounts.models import ApiToken


@pytest.fixture(autouse=True)
def forget_rate_limits():
    """One test's attempts to sign in don't count against the next."""
    cache.clear()


@pytest.fixture
def token(alice):
    """A token of Alice's that may read."""
    made, _ = ApiToken.objects.issue(user=alice.user, name="Export", verbs=["read"])
    return made
