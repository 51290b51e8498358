"""Every step there is; a new one is known by being imported here."""

from automations.steps import code, entries, flow, http, mail
from automations.steps.base import STEPS

__all__ = ["STEPS", "code", "entries", "flow", "http", "mail"]
