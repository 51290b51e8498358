"""Taking back what was done to workflows."""

from automations import services
from automations.models import Workflow
from workspaces.errors import Conflict, Missing
from workspaces.operations import undoes


def _workflow(event):
    workflow = Workflow.objects.filter(pk=event.stream_id).first()
    if workflow is None:
        raise Missing("This workflow is not there any more.")
    return workflow


@undoes("workflow.created", "workflow.restored")
def to_trash(event, actor, outcome, force):
    """Put the workflow in the trash (again)."""
    workflow = _workflow(event)
    if workflow.deleted_at is None:
        services.delete_workflow(workflow=workflow, actor=actor)
        outcome.add(1)


@undoes("workflow.deleted")
def from_trash(event, actor, outcome, force):
    """Take the workflow out of the trash."""
    workflow = _workflow(event)
    if workflow.deleted_at is not None:
        services.restore_workflow(workflow=workflow, actor=actor)
        outcome.add(1)


@undoes("workflow.changed")
def changed(event, actor, outcome, force):
    """Give the draft its old values, where they still are what this made of them."""
    workflow, values = _workflow(event), {}
    for key, was in event.payload["was"].items():
        if force or getattr(workflow, key) == event.payload["now"][key]:
            values[key] = was
        else:
            outcome.add(kept=1, examples=[{"detail": "It was changed again since."}])
    if values:
        services.change_workflow(workflow=workflow, actor=actor, **values)
        outcome.add(len(values))


@undoes("workflow.published", "workflow.resumed")
def switched_on(event, actor, outcome, force):
    """Pause what was switched on; the version before it can be published again from its page."""
    workflow = _workflow(event)
    if workflow.state == Workflow.State.ACTIVE:
        services.pause(workflow=workflow, actor=actor)
        outcome.add(1)


@undoes("workflow.paused")
def switched_off(event, actor, outcome, force):
    """Switch it on again."""
    workflow = _workflow(event)
    if workflow.deleted_at:
        raise Conflict("This workflow is in the trash.")
    if workflow.state == Workflow.State.PAUSED:
        services.resume(workflow=workflow, actor=actor)
        outcome.add(1)
