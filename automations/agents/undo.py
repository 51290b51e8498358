"""Taking back what was done to agents. What an agent did is undone like anybody's changes."""

from automations.agents import services
from automations.agents.models import Agent
from workspaces.errors import Missing
from workspaces.operations import undoes


def _agent(event):
    agent = Agent.objects.filter(pk=event.stream_id).first()
    if agent is None:
        raise Missing("This agent is not there any more.")
    return agent


@undoes("agent.created", "agent.restored")
def away(event, actor, outcome, force):
    """Delete the agent (again)."""
    agent = _agent(event)
    if agent.deleted_at is None:
        services.delete_agent(agent=agent, actor=actor)
        outcome.add(1)


@undoes("agent.deleted")
def back(event, actor, outcome, force):
    """Bring the agent back."""
    agent = _agent(event)
    if agent.deleted_at is not None:
        services.restore_agent(agent=agent, actor=actor)
        outcome.add(1)


@undoes("agent.changed")
def changed(event, actor, outcome, force):
    """Give the agent its old values, where they still are what this made of them."""
    agent, values = _agent(event), {}
    for key, was in event.payload["was"].items():
        if force or getattr(agent, key) == event.payload["now"][key]:
            values[key] = was
        else:
            outcome.add(kept=1, examples=[{"detail": "It was changed again since."}])
    if values:
        services.change_agent(agent=agent, actor=actor, **values)
        outcome.add(len(values))
