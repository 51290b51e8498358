"""Workflows and what belongs to them in Django admin, which finds registrations here."""

from automations.agents import admin as agents
from automations.integrations import admin as integrations

__all__ = ["agents", "integrations"]
