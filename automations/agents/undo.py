"""Taking back what was done to agents. What an agent did is undone like anybody's changes."""

from automations.agents import services
from automations.agents.models import Agent
from workspaces.undo_definitions import undoes_definition

undoes_definition(
    "agent",
    Agent,
    delete=services.delete_agent,
    restore=services.restore_agent,
    change=services.change_agent,
)
