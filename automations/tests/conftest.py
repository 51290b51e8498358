"""Fixtures of the tests of automations."""

from automations.tests.english import read, shop

__all__ = ["read", "shop"]
