"""Every step there is; a new one is known by being imported here."""

from automations.steps import agent, code, entries, flow, http, mail, mcp, waiting
from automations.steps.base import STEPS

__all__ = ["STEPS", "agent", "code", "entries", "flow", "http", "mail", "mcp", "waiting"]
