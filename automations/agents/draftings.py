"""Drafting a workflow by an agent's model: a task drafts, a person reads it and takes it or not.

Nothing that a model says is written: what is taken goes through the same verbs as what people build
(automations.services), in the name of who takes it, and only ever becomes a draft.
"""

import hashlib

import orjson
from django.db import transaction
from django.utils import timezone

from automations import services
from automations.agents import drafting_room, providers, tasks
from automations.agents.drafting_guide import guide
from automations.agents.drafting_marks import marks_of
from automations.agents.models import Agent, AgentDrafting, AgentTask
from automations.definition import said_of
from automations.drafting import name_of
from automations.english import MOST_CHARACTERS
from automations.models import Workflow
from automations.parts import Book
from workspaces import access
from workspaces.access import because
from workspaces.errors import Conflict, Invalid, Missing

STATES = ("running", "ready", "question", "failed", "stopped", "taken", "discarded")


def find_drafting(actor, id, action="read"):
    """Return the AgentDrafting of that id if `actor` may do `action` there; raise Missing, Forbidden."""
    related = ("agent__owner", "agent__workspace", "user", "workflow__owner", "workflow__workspace")
    drafting = AgentDrafting.objects.select_related(*related).filter(pk=id).first()
    if drafting is None or drafting.agent.workspace.deleted_at:
        raise Missing("There is no such drafting, or it is not shared with you.")
    access.require(actor, action, drafting.workspace_id)
    return drafting


def agents_for(workspace_id):
    """Return the Agents that can draft, by name: those that are on and have a real model."""
    offered = providers.offered(workspace_id)
    real = [name for name, found in offered.items() if found.api != providers.OFFLINE]
    rows = Agent.objects.filter(workspace=workspace_id, deleted_at=None, status="active")
    return list(rows.filter(provider__in=real).order_by("name", "id"))


def open_for(user, workspace_id):
    """Return the AgentDraftings of a person that are neither taken nor discarded, newest first."""
    rows = AgentDrafting.objects.filter(workspace=workspace_id, user=user, closed="")
    return rows.select_related("workflow").order_by("-id")


def start_drafting(*, agent, actor, text, workflow=None):
    """Ask the model of `agent` for a workflow that does what `text` says, or for a change of
    `workflow`; return the AgentDrafting, which a worker takes up.

    Raises Invalid, Conflict, Forbidden, Missing.
    """
    text = str(text).replace("\x00", "").replace("\r\n", "\n").strip()
    if not text or len(text) > MOST_CHARACTERS:
        detail = f"Say in up to {MOST_CHARACTERS:,} characters what should happen."
        raise Invalid(detail, problems=[{"pointer": "/text", "detail": detail}])
    tasks.require_ready(agent, actor)
    if agent not in agents_for(agent.workspace_id):
        detail = f"“{agent.name}” has no model that could draft; choose an agent that has one."
        raise Invalid(detail, problems=[{"pointer": "/agent", "detail": detail}])
    if workflow is not None and workflow.workspace_id != agent.workspace_id:
        raise Missing("There is no such workflow, or it is not shared with you.")
    draft = workflow.structured_definition if workflow else None
    drafting = AgentDrafting(
        workspace_id=agent.workspace_id,
        agent=agent,
        user=actor.user,
        workflow=workflow,
        text=text,
        base=draft,
    )
    task = tasks.made_task(
        agent=agent,
        actor=actor,
        input=_input(drafting, actor),
        name=f"Draft: {' '.join(text.split())}",
        instruction=guide(change=draft is not None),
        drafting=drafting,
    )
    drafting.save(force_insert=True)
    task.save(force_insert=True)
    return drafting


def _input(drafting, actor):
    """Return what the model is given: the person's words, and what there is to speak of."""
    agent, workflow = drafting.agent, drafting.workflow
    only = tasks.records_of(tasks.config_of(agent))
    room = drafting_room.told(
        text=drafting.text,
        person=actor.user,
        workspace_id=agent.workspace_id,
        only=only,
        draft=drafting.base,
        owner=workflow.owner if workflow else None,
    )
    made = {"request": drafting.text, "workspace": room}
    return made | ({"draft": drafting.base} if drafting.base is not None else {})


def task_of(drafting):
    """Return its newest AgentTask."""
    return drafting.tasks.defer("messages", "results").order_by("-id").first()


def status_of(drafting, task):
    """Return one of STATES."""
    if drafting.closed:
        return drafting.closed
    output = task.task_output if isinstance(task.task_output, dict) else {}
    if task.status == AgentTask.Status.SUCCEEDED:
        return "ready" if "definition" in output else "question"
    ends = {AgentTask.Status.FAILED: "failed", AgentTask.Status.CANCELLED: "stopped"}
    return ends.get(task.status, "running")


def seen_of(workflow):
    """Return a name of the draft that a workflow has now; who takes another in its place says it."""
    text = orjson.dumps(workflow.structured_definition, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:32]


def discard(*, drafting, actor):
    """Drop a drafting; a model that is still being asked is not heard. Return the AgentDrafting."""
    access.require(actor, "write", drafting.workspace_id)
    with transaction.atomic():
        drafting = _open(drafting)
        rows = AgentTask.objects.filter(drafting=drafting, status__in=tasks.UNFINISHED)
        who = actor.user.name or actor.user.email
        found = rows.select_for_update(of=("self",)).select_related("user", "agent")
        for task in found.order_by("pk"):
            tasks.end(task, "cancelled", error=f"Cancelled by {who}.")
        return _close(drafting, AgentDrafting.Closed.DISCARDED)


def take(*, drafting, actor, name="", seen=None, accepted=False):
    """Make what was drafted the draft of its workflow, or a new workflow; return the Workflow.

    `seen` is seen_of the workflow as the person was shown it, by itself what it was when the model
    was asked. `accepted` says that the person looked at what is marked. Raises Conflict, Invalid.
    """
    access.require(actor, "write", drafting.workspace_id)
    with transaction.atomic():
        drafting = _open(drafting)
        task = task_of(drafting)
        if status_of(drafting, task) != "ready":
            raise Conflict("There is no draft to be taken.")
        made, book = task.task_output, Book(drafting.workspace_id)
        if not accepted and marks_of(made["definition"], drafting.text, book, drafting.base):
            raise Conflict("It does what your words do not name. Look at what is marked first.")
        agent = drafting.agent
        with because(agent=str(agent.pk), agent_name=agent.name, drafting=str(drafting.pk)):
            workflow = (_change if drafting.base is not None else _create)(
                drafting, actor, made, name, seen
            )
        drafting.workflow, drafting.operation_id = workflow, actor.operation
        return _close(drafting, AgentDrafting.Closed.TAKEN) and workflow


def _create(drafting, actor, made, name, seen):
    said = said_of(made["definition"], Book(drafting.workspace_id))
    return services.create_workflow(
        workspace=drafting.agent.workspace,
        name=name or made.get("title") or name_of(said),
        actor=actor,
        definition=made["definition"],
        sentence=drafting.text,
    )


def _change(drafting, actor, made, name, seen):
    Workflow.objects.select_for_update().get(pk=drafting.workflow_id)
    workflow = services.find_workflow(actor, drafting.workflow_id, "write")
    base = Workflow(structured_definition=drafting.base)
    if seen_of(workflow) != (seen or seen_of(base)):
        raise Conflict("The draft was changed meanwhile. Look at the difference, then take it.")
    return services.change_workflow(
        workflow=workflow,
        actor=actor,
        structured_definition=made["definition"],
        natural_language_description=words_for(workflow, drafting.text),
        **({"name": name} if name else {}),
    )


def words_for(workflow, text):
    """Return the words about a workflow once those of `text` are done as well.

    Nobody may have said in words what it did until now: then that is said here. Where it is too long
    together only the new words stay.
    """
    own = workflow.natural_language_description
    if not own and workflow.structured_definition.get("steps"):
        own = said_of(workflow.structured_definition, Book(workflow.workspace_id))
    both = f"{own}\n{text}" if own else text
    return both if len(both) <= services.MOST_TEXT else text


def _open(drafting):
    """Return the drafting, locked; raise Conflict when it is over."""
    drafting = AgentDrafting.objects.select_for_update(of=("self",)).select_related(
        "agent__workspace", "workflow"
    ).get(pk=drafting.pk)  # fmt: skip
    if drafting.closed:
        raise Conflict(f"This was {drafting.get_closed_display().lower()} already.")
    return drafting


def _close(drafting, how):
    drafting.closed, drafting.closed_at = how, timezone.now()
    drafting.save(update_fields=["closed", "closed_at", "workflow", "operation_id"])
    return drafting
