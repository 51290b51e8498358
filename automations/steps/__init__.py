"""Every step there is; a new one is known by being imported here."""

from automations.steps import entries, flow
from automations.steps.base import STEPS

__all__ = ["STEPS", "entries", "flow"]
