"""How long a workspace keeps what is in its trash, and the end of a workspace.

Purging is the only thing here that nobody can take back.
"""

from datetime import timedelta

from django.utils import timezone

from workspaces import access
from workspaces.errors import Invalid
from workspaces.events import append, applied, applies, stamp
from workspaces.models import Workspace
from workspaces.operations import undoes
from workspaces.sentences import counted, says

LEAST, MOST = 1, 3650


def change_retention(*, workspace, days, actor):
    """Keep what is deleted in `workspace` for `days` days from now on; return the workspace."""
    access.require(actor, "admin", workspace)
    if not LEAST <= days <= MOST:
        raise Invalid(f"The trash is kept from {LEAST} to {MOST:,} days.")
    if days != workspace.retention_days:
        append(
            type="workspace.changed",
            stream_id=workspace.pk,
            workspace_id=workspace.pk,
            payload={
                "now": {"retention_days": days},
                "was": {"retention_days": workspace.retention_days},
            },
        )
        workspace.refresh_from_db()
    return workspace


def overdue_workspaces():
    """Return the workspaces whose time in the trash is over; ask as the system."""
    now = timezone.now()
    return [
        workspace
        for workspace in Workspace.objects.exclude(deleted_at=None)
        if workspace.deleted_at + timedelta(days=workspace.retention_days) < now
    ]


def purge_workspace(*, workspace):
    """End an empty workspace in the trash for good; its events stay. Only the system does this."""
    append(
        type="workspace.purged",
        stream_id=workspace.pk,
        workspace_id=workspace.pk,
        payload={"name": workspace.name, "deleted_at": workspace.deleted_at},
    )


@applies("workspace.changed")
def _changed(event):
    applied(
        Workspace.objects.filter(pk=event.stream_id).update(
            updated_at=event.timestamp, **stamp(event), **event.payload["now"]
        )
    )


@applies("workspace.purged")
def _purged(event):
    Workspace.objects.filter(pk=event.stream_id).delete()


@says("workspace.changed", icon="settings")
def _say_changed(fact):
    days = fact.payload["now"].get("retention_days")
    return f"Set the trash to be kept for {counted(days, 'day')}"


@says("workspace.purged", icon="trash")
def _say_purged(fact):
    return f"Removed the workspace “{fact.payload.get('name', '')}” for good"


@undoes("workspace.changed")
def _take_back(event, actor, outcome, force):
    workspace = Workspace.objects.filter(pk=event.stream_id).first()
    now, was = (event.payload[key]["retention_days"] for key in ("now", "was"))
    if workspace and (force or workspace.retention_days == now):
        change_retention(workspace=workspace, days=was, actor=actor)
        outcome.add(1)
    else:
        outcome.add(kept=1, examples=[{"detail": "It was changed again since."}])
