"""Questions that runs ask: who may answer which."""

from automations import notices
from automations.models import WorkflowStep
from workspaces import access
from workspaces.errors import Forbidden, Missing


def find(actor, step_id):
    """Return the WorkflowStep that asks, if `actor`'s user is among those asked.

    A viewer may be asked as well; a token needs the right to write. Raises Missing, Forbidden.
    """
    rows = WorkflowStep.objects.select_related("run__workflow__owner", "run__workspace")
    row = rows.filter(pk=step_id, type="approval").first()
    if row is None or row.run.workspace.deleted_at:
        raise Missing("There is no such question, or it is not for you.")
    access.require(actor, "read", row.workspace_id)
    if actor.token and "write" not in actor.token.verbs:
        raise Forbidden("This token was not given the right “write”.")
    if actor.user.email.lower() not in notices.people_asked(row.run, row):
        raise Forbidden("Somebody else was asked this.")
    return row
