"""Fixtures of the tests of automations."""

from automations.tests.agents import fake, record
from automations.tests.english import read, shop

__all__ = ["fake", "read", "record", "shop"]
