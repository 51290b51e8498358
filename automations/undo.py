"""Taking back what was done to workflows."""

from automations import services
from automations.models import Workflow
from workspaces.errors import Conflict
from workspaces.operations import undoes
from workspaces.undo_definitions import undoes_definition

_workflow = undoes_definition(
    "workflow",
    Workflow,
    delete=services.delete_workflow,
    restore=services.restore_workflow,
    change=services.change_workflow,
)


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
