"""Fixtures of the tests of automations."""

from automations.tests.agents import fake, record
from automations.tests.drafts import drafted, large
from automations.tests.english import contact, read, shop

__all__ = ["contact", "drafted", "fake", "large", "read", "record", "shop"]
