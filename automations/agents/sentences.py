"""What events about agents mean to people."""

from automations.agents.models import Agent
from workspaces.sentences import Named, names, says


@names("agent")
def _agents(ids):
    found = Agent.objects.filter(pk__in=ids)
    return {
        agent.pk: Named(agent.name, "" if agent.deleted_at else agent.get_absolute_url(), "robot")
        for agent in found
    }


@says("agent.created", icon="robot")
def _created(fact):
    return f"Made the agent “{fact.payload['name']}”"


@says("agent.changed", icon="pencil")
def _changed(fact):
    now, was = fact.payload["now"], fact.payload["was"]
    if "name" in now:
        return f"Renamed the agent “{was['name']}” to “{now['name']}”"
    if "config" in now and now["config"].get("outside") != was["config"].get("outside"):
        return f"Changed the tools of other servers that the agent {fact.name} may call"
    if "provider" in now:
        return f"Changed who answers for the agent {fact.name}"
    what = {"prompt": "prompt", "tools": "tools", "config": "limits", "model": "model"}
    changed = next((word for key, word in what.items() if key in now), "description")
    if "status" in now:
        return f"{'Paused' if now['status'] == 'paused' else 'Switched on'} the agent {fact.name}"
    return f"Changed the {changed} of the agent {fact.name}"


@says("agent.executed", icon="robot")
def _executed(fact):
    if fact.payload.get("filling"):
        return f"Asked the agent {fact.name} what to fill in"
    tokens = fact.payload.get("tokens")
    ended = {"failed": " failed at", "cancelled": " was stopped at"}
    verb = ended.get(fact.payload.get("status"), " finished")
    what = "drafting a workflow" if fact.payload.get("drafting") else "a task"
    return f"The agent {fact.name}{verb} {what}" + (f" ({tokens:,} tokens)" if tokens else "")


@says("agent.deleted", icon="trash")
def _deleted(fact):
    return f"Deleted the agent “{fact.payload['name']}”"


@says("agent.restored", icon="robot")
def _restored(fact):
    return f"Brought the agent {fact.name} back"
