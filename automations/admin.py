"""Workflows and what belongs to them in Django admin, which finds registrations here."""

from automations import flow_admin, outgoing_admin
from automations.agents import admin as agents
from automations.integrations import admin as integrations

__all__ = ["agents", "flow_admin", "integrations", "outgoing_admin"]
