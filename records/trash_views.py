"""The trash of a workspace: deleted records, and the way back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from records import services
from records.models import Record
from records.requests import NOWHERE
from workspaces import access
from workspaces.entrance import enter
from workspaces.errors import Missing


@login_required
@require_safe
def trash(request, id):
    """List the deleted records of a workspace to those who may bring them back."""
    workspace = enter(request, id, "structure")
    deleted = workspace.records.exclude(deleted_at=None).order_by("-deleted_at")
    context = {"workspace": workspace, "records": deleted}
    return render(request, "records/trash.html", context)


@login_required
@require_POST
def restore(request, id):
    """Take a record out of the trash and open it."""
    found = Record.objects.filter(pk=id, workspace__deleted_at=None).exclude(deleted_at=None)
    record = found.first()
    if record is None:
        raise Missing(NOWHERE)
    access.require(request.actor, "structure", record.workspace_id)
    services.restore_record(record=record, actor=request.actor)
    messages.success(request, f"“{record.name}” is back.")
    return redirect(record)
