"""What people do with workflows. Each verb checks the actor, then appends an event."""

import copy

from django.utils import timezone
from uuid_utils.compat import uuid7

from automations import definition as definitions
from automations import listening
from automations.models import Subscription, Workflow, WorkflowVersion
from automations.parts import refuse
from workspaces import access
from workspaces.errors import Conflict, Invalid, Missing
from workspaces.events import append, applied, applies, applies_changes, hold, keeps, stamp
from workspaces.services import clean_name

keeps("workflows", "workflow_id")
keeps("workflow_versions", "version_id")

MOST_TEXT = 20_000
EMPTY = {"trigger": {"type": "button"}, "steps": []}
CHANGEABLE = ("name", "description", "natural_language_description", "structured_definition")


def find_workflow(actor, id, action="read", *, trashed=False):
    """Return the Workflow of that id if `actor` may do `action` there; raise Missing, Forbidden."""
    workflow = Workflow.objects.select_related("workspace", "owner").filter(pk=id).first()
    if workflow is None or workflow.workspace.deleted_at:
        raise Missing("There is no such workflow, or it is not shared with you.")
    access.require(actor, action, workflow.workspace_id)
    if workflow.deleted_at and not trashed:
        raise Missing("This workflow is in the trash.")
    return workflow


def create_workflow(
    *, workspace, name, actor, definition=None, sentence="", description="", owner=None
):
    """Make a workflow as a draft; return it.

    `definition` is JSON as automations.definition takes it; it may be unfinished, but not wrong in
    shape. Raises Invalid, Forbidden or Missing.
    """
    access.require(actor, "write", workspace)
    values = _cleaned(
        {
            "name": name,
            "description": description,
            "natural_language_description": sentence,
            "structured_definition": copy.deepcopy(definition or EMPTY),
        }
    )
    workflow_id = uuid7()
    append(
        type="workflow.created",
        stream_id=workflow_id,
        workspace_id=workspace.pk,
        payload=values | {"owner": str((owner or actor.user).pk)},
    )
    return Workflow.objects.get(pk=workflow_id)


def hold_workflow(workflow):
    """Let nobody else change a workflow until the running transaction ends, and read it again."""
    hold(workflow.pk)
    workflow.refresh_from_db()


def change_workflow(*, workflow, actor, **values):
    """Change the draft or its names: any of CHANGEABLE; return the workflow."""
    access.require(actor, "write", workflow.workspace_id)
    values = _cleaned(values)
    now = {key: value for key, value in values.items() if getattr(workflow, key) != value}
    if now:
        was = {key: getattr(workflow, key) for key in now}
        _append(workflow, "workflow.changed", {"now": now, "was": was})
        workflow.refresh_from_db()
    return workflow


def _cleaned(values):
    unknown = set(values) - set(CHANGEABLE)
    if unknown:
        raise Invalid(f"“{min(unknown)}” can't be changed.")
    made = dict(values)
    if "name" in made:
        made["name"] = clean_name(made["name"], "name for the workflow")
    for key in ("description", "natural_language_description"):
        if key in made:
            made[key] = str(made[key]).replace("\x00", "").strip()
            if len(made[key]) > MOST_TEXT:
                raise Invalid(f"At most {MOST_TEXT:,} characters fit.")
    if "structured_definition" in made:
        parsed = definitions.parse(made["structured_definition"])
        made["structured_definition"] = parsed.model_dump(mode="json", exclude_defaults=False)
    return made


def publish(*, workflow, actor):
    """Make the draft the version that runs from now on; return the WorkflowVersion.

    Its steps act in the name of `actor`'s user. Raises Invalid with every problem of the draft.
    """
    access.require(actor, "write", workflow.workspace_id)
    parsed = definitions.parse(workflow.structured_definition)
    refuse(definitions.problems_of(parsed, workflow.workspace_id, about=workflow.pk))
    version_id, moment = uuid7(), listening.now()
    _append(
        workflow,
        "workflow.published",
        {
            "version_id": str(version_id),
            "definition": workflow.structured_definition,
            "sentence": workflow.natural_language_description,
        },
    )
    workflow.refresh_from_db()
    listen(workflow, moment)
    return WorkflowVersion.objects.get(pk=version_id)


def pause(*, workflow, actor, because=""):
    """Let a workflow start no more runs; those that began go on. `because` is shown to people."""
    access.require(actor, "write", workflow.workspace_id)
    if workflow.state != Workflow.State.ACTIVE:
        raise Conflict("Only a workflow that is on can be paused.")
    _append(workflow, "workflow.paused", {"because": because[:2000]})
    Subscription.objects.filter(pk=workflow.pk).delete()
    workflow.refresh_from_db()
    return workflow


def resume(*, workflow, actor):
    """Let a paused workflow start runs again; what happened meanwhile starts none."""
    access.require(actor, "write", workflow.workspace_id)
    if workflow.state != Workflow.State.PAUSED:
        raise Conflict("Only a paused workflow can be switched on again.")
    version = current_version(workflow)
    parsed = definitions.of(version)
    refuse(definitions.problems_of(parsed, workflow.workspace_id, about=workflow.pk))
    moment = listening.now()
    _append(workflow, "workflow.resumed", {})
    workflow.refresh_from_db()
    listen(workflow, moment)
    return workflow


def delete_workflow(*, workflow, actor):
    """Put a workflow in the trash. It starts nothing there; runs that began go on."""
    access.require(actor, "write", workflow.workspace_id)
    _append(workflow, "workflow.deleted", {"name": workflow.name})
    Subscription.objects.filter(pk=workflow.pk).delete()
    workflow.refresh_from_db()


def restore_workflow(*, workflow, actor):
    """Take a workflow out of the trash; one that was on is paused and can be resumed."""
    access.require(actor, "write", workflow.workspace_id)
    if workflow.deleted_at is None:
        raise Conflict("This workflow is not in the trash.")
    _append(workflow, "workflow.restored", {})
    workflow.refresh_from_db()
    return workflow


def current_version(workflow):
    """Return the WorkflowVersion that runs, or None when nothing was published."""
    if workflow.published is None:
        return None
    return WorkflowVersion.objects.get(workflow=workflow, number=workflow.published)


def listen(workflow, moment):
    """Let the dispatcher know what an active workflow waits for, from `moment` (listening.now) on.

    A new version that listens to the same goes on where the one before was: what had happened and
    was not read yet, or was due and not looked at, starts runs of the new one.
    """
    listening.begin()
    version = current_version(workflow)
    trigger = definitions.of(version).trigger
    now = timezone.now()
    values = {
        "workspace_id": workflow.workspace_id,
        "version": version,
        "trigger": trigger.type,
        "record_id": trigger.record_id,
        "events": list(trigger.events),
        "whole": getattr(trigger, "each", "entry") == "operation",
        "next_at": trigger.first(now),
        "scanned_to": now,
        "scanned_id": 0,
    }
    mine = Subscription.objects.select_related("version").filter(pk=workflow.pk)
    before = mine.select_for_update(of=("self",)).first()  # the clock must not move it meanwhile
    if before is None or (before.trigger, before.record_id) != (trigger.type, trigger.record_id):
        values |= {"listens_after": workflow.last_event_id, "listens_from": moment}
    elif trigger.same_moments(definitions.of(before.version).trigger):
        for column in ("next_at", "scanned_to", "scanned_id"):
            values[column] = getattr(before, column)
    Subscription.objects.update_or_create(workflow=workflow, defaults=values)


def _append(workflow, type, payload):
    return append(
        type=type, stream_id=workflow.pk, workspace_id=workflow.workspace_id, payload=payload
    )


@applies("workflow.created")
def _created(event):
    values = {key: event.payload[key] for key in CHANGEABLE}
    applied(
        Workflow.objects.bulk_create(
            [
                Workflow(
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


def _switched_off(event):
    """Return the columns by which a workflow that comes out of the trash waits to be switched on."""
    workflow = Workflow.objects.get(pk=event.stream_id)
    if workflow.state != Workflow.State.ACTIVE:
        return {}
    return {"state": Workflow.State.PAUSED, "paused_because": "It came out of the trash."}


_touch = applies_changes("workflow", Workflow, _switched_off)


@applies("workflow.published")
def _published(event):
    number = WorkflowVersion.objects.filter(workflow=event.stream_id).count() + 1
    WorkflowVersion.objects.create(
        id=event.payload["version_id"],
        workflow_id=event.stream_id,
        workspace_id=event.workspace_id,
        number=number,
        structured_definition=event.payload["definition"],
        natural_language_description=event.payload["sentence"],
        user_id=event.user_id,
        created_at=event.timestamp,
        event_id=event.id,
    )
    _touch(event, published=number, state=Workflow.State.ACTIVE, paused_because="")


@applies("workflow.paused")
def _paused(event):
    _touch(event, state=Workflow.State.PAUSED, paused_because=event.payload["because"])


@applies("workflow.resumed")
def _resumed(event):
    _touch(event, state=Workflow.State.ACTIVE, paused_because="")
