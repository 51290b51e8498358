"""What people do with agents. Each verb checks the actor, then appends an event."""

from uuid_utils.compat import uuid7

from automations.agents import outside, providers
from automations.agents.config import AgentConfig, checked
from automations.agents.models import Agent
from automations.agents.tools import TOOLS
from workspaces import access
from workspaces.errors import Conflict, Invalid, Missing
from workspaces.events import append, applied, applies, applies_changes, keeps, stamp
from workspaces.services import clean_name

keeps("agents", "agent_id")

MOST_TEXT = 20_000
CHANGEABLE = (*("name", "description", "prompt", "provider", "model", "tools", "config", "status"),)


def find_agent(actor, id, action="read", *, trashed=False):
    """Return the Agent of that id if `actor` may do `action` there; raise Missing, Forbidden."""
    agent = Agent.objects.select_related("workspace", "owner").filter(pk=id).first()
    if agent is None or agent.workspace.deleted_at:
        raise Missing("There is no such agent, or it is not shared with you.")
    access.require(actor, action, agent.workspace_id)
    if agent.deleted_at and not trashed:
        raise Missing("This agent was deleted.")
    return agent


def create_agent(*, workspace, actor, name, provider="offline", **values):
    """Make an agent; return it. `values` are any of CHANGEABLE. Raises Invalid with pointers."""
    access.require(actor, "write", workspace)
    given = {"description": "", "prompt": "", "model": "", "tools": [], "config": {}}
    given |= {"status": "active"} | values | {"name": name, "provider": provider}
    made = _cleaned(given, workspace.pk)
    made["config"] = _signed(made["config"], workspace.pk)
    agent_id = uuid7()
    append(
        type="agent.created",
        stream_id=agent_id,
        workspace_id=workspace.pk,
        payload=made | {"owner": str(actor.user.pk)},
    )
    return Agent.objects.get(pk=agent_id)


def change_agent(*, agent, actor, **values):
    """Change any of CHANGEABLE; return the agent. Tasks that began go on with what is new."""
    access.require(actor, "write", agent.workspace_id)
    if "provider" in values or "model" in values:
        values = {"provider": agent.provider, "model": agent.model} | values
    values = _cleaned(values, agent.workspace_id)
    if "config" in values:
        values["config"] = _signed(values["config"], agent.workspace_id)
    now = {key: value for key, value in values.items() if getattr(agent, key) != value}
    if now:
        was = {key: getattr(agent, key) for key in now}
        _append(agent, "agent.changed", {"now": now, "was": was})
        agent.refresh_from_db()
    return agent


def delete_agent(*, agent, actor):
    """Take an agent away; its tasks stay to be read, and it can be restored."""
    access.require(actor, "write", agent.workspace_id)
    _append(agent, "agent.deleted", {"name": agent.name})
    agent.refresh_from_db()


def restore_agent(*, agent, actor):
    """Bring a deleted agent back; return it."""
    access.require(actor, "write", agent.workspace_id)
    if agent.deleted_at is None:
        raise Conflict("This agent is not deleted.")
    _append(agent, "agent.restored", {})
    agent.refresh_from_db()
    return agent


def _cleaned(values, workspace_id):
    unknown = set(values) - set(CHANGEABLE)
    if unknown:
        raise Invalid(f"“{min(unknown)}” can't be changed.")
    made = dict(values)
    if "name" in made:
        made["name"] = clean_name(made["name"], "name for the agent")
    for key in ("description", "prompt"):
        if key in made:
            made[key] = str(made[key]).replace("\x00", "").strip()
            if len(made[key]) > MOST_TEXT:
                _wrong(key, f"At most {MOST_TEXT:,} characters fit.")
    if "config" in made:
        made["config"] = checked(AgentConfig, made["config"], "/config").model_dump(mode="json")
    if made.get("status", "active") not in Agent.Status.values:
        _wrong("status", f"A status is one of {', '.join(Agent.Status.values)}.")
    if "tools" in made:
        made["tools"] = _tools(made["tools"])
    if "provider" in made:
        found = providers.find(made["provider"], workspace_id)
        made["provider"] = found.name
        made["model"] = found.checked_model(made["model"])
    return made


def _signed(config, workspace_id):
    return outside.signed(AgentConfig(**config), workspace_id).model_dump(mode="json")


def _tools(names):
    for number, name in enumerate(names):
        if name not in TOOLS:
            _wrong(f"tools/{number}", f"There is no tool “{str(name)[:60]}”.")
    return [name for name in TOOLS if name in names]


def _wrong(key, detail):
    raise Invalid(detail, problems=[{"pointer": f"/{key}", "detail": detail}])


def _append(agent, type, payload):
    return append(type=type, stream_id=agent.pk, workspace_id=agent.workspace_id, payload=payload)


def note_executed(task):
    """Write into the log that a task is over: counts only, neither what was asked nor answered."""
    _append(
        task.agent,
        "agent.executed",
        {
            "task": str(task.pk),
            "run": str(task.run_id) if task.run_id else None,
            "filling": str(task.filling_id) if task.filling_id else None,
            "drafting": str(task.drafting_id) if task.drafting_id else None,
            "status": task.status,
            "tokens": task.tokens,
            "duration": round(task.duration, 3),
            "steps": task.steps,
            "writes": task.writes,
            "operation": str(task.operation_id),
        },
    )


@applies("agent.created")
def _created(event):
    values = {key: event.payload[key] for key in CHANGEABLE}
    applied(
        Agent.objects.bulk_create(
            [
                Agent(
                    id=event.stream_id,
                    workspace_id=event.workspace_id,
                    owner_id=event.payload["owner"],
                    created_at=event.timestamp,
                    updated_at=event.timestamp,
                    **values,
                    **stamp(event),
                )
            ]
        )
    )


applies_changes("agent", Agent)


@applies("agent.executed")
def _executed(event):
    """Leave the agent as it is: whoever edits it meanwhile is at no older version by this."""
    applied(Agent.objects.filter(pk=event.stream_id).exists())
