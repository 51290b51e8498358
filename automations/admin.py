"""Workflows and what belongs to them in Django admin, which finds registrations here."""

from automations.integrations import admin as integrations

__all__ = ["integrations"]
