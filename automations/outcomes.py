"""What came of a step, as its row keeps it. What follows from that for the run is the engine's."""

from django.utils import timezone

from automations import finishing
from automations.models import WorkflowRun, WorkflowStep
from automations.steps.base import Waits
from workspaces.access import Actor, acting_as

Status = WorkflowStep.Status


def succeeded(row, output):
    """Note that a step did its work."""
    row.status, row.output = Status.SUCCEEDED, finishing.as_json(output)
    row.error, row.finished_at, row.wake_at = "", timezone.now(), None
    row.save()


def failed(row, error):
    """Note that a step failed, by a KdapError."""
    _tell(row, error)
    row.status, row.finished_at = Status.FAILED, timezone.now()
    row.save()


def to_retry(row, error):
    """Note that a step failed and is tried again, and when."""
    _tell(row, error)
    row.attempts += 1
    row.status, row.waits_for = Status.WAITING, "retry"
    row.wake_at = timezone.now() + finishing.backoff(row.attempts)
    row.save()


def unknown(row, detail, output=None):
    """Note that nobody knows whether a step took effect."""
    row.status, row.error = Status.UNKNOWN, detail
    row.output = finishing.as_json(output)
    row.save()


def waiting(row, waits):
    """Note what a step waits for, given as Waits."""
    row.status, row.waits_for = Status.WAITING, waits.kind
    row.input, row.wake_at = finishing.as_json(waits.asked), waits.until
    row.save()


def is_unknown(step, error):
    """Whether nobody knows if the step took effect, and it must not be done again unasked."""
    return getattr(error, "unknown", False) and not step.repeatable()


def note_late(run, step, row, output, error):
    """Note what came of a step outside whose run goes no further; return whether the run is still ours.

    As the system: who acts in the run has perhaps no rights any more, yet what was done was done.
    """
    with acting_as(Actor.system(door="automation", run=str(run.pk))):
        mine = WorkflowRun.objects.select_for_update().filter(
            pk=run.pk, fence=run.fence, status="running"
        )
        if mine.first() is None:
            return False
        if error is None:
            succeeded(row, output)
        elif isinstance(error, Waits):
            waiting(row, error)
        elif is_unknown(step, error):
            unknown(row, error.detail, error.output)
        else:
            failed(row, error)
    return True


def _tell(row, error):
    row.error = error.detail[:5000]
    row.output = finishing.as_json(getattr(error, "output", None))
