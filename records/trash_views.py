"""The trash of a workspace: deleted records and fields, and the way back."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from records import services
from records.models import PublicForm, Record, RecordView
from records.purging import deleted_fields
from records.requests import NOWHERE
from workspaces import access
from workspaces.entrance import enter
from workspaces.errors import Missing


@login_required
@require_safe
def trash(request, id):
    """List the deleted records, fields, views and forms of a workspace to those who may restore them."""
    workspace = enter(request, id, "structure")
    keep = timedelta(days=workspace.retention_days)
    deleted = list(workspace.records.exclude(deleted_at=None).order_by("-deleted_at"))
    for item in deleted:
        item.purged_at = item.deleted_at + keep
    alive = workspace.records.filter(deleted_at=None)
    fields = [
        {"record": record, "field": item.field, "deleted_at": when, "purged_at": when + keep}
        for record, item, when in deleted_fields(alive)
    ]
    views, forms = _deleted(RecordView, alive, keep), _deleted(PublicForm, alive, keep)
    fields.sort(key=lambda item: item["deleted_at"], reverse=True)
    context = {
        "workspace": workspace,
        "records": deleted,
        "fields": fields,
        "views": views,
        "forms": forms,
        "manages": access.allows(request.actor, "admin", workspace),
    }
    return render(request, "records/trash.html", context)


def _deleted(model, records, keep):
    """Return what of `model` is in the trash, of `records`, with when it will be purged."""
    found = model.objects.filter(record__in=records).exclude(deleted_at=None)
    found = list(found.select_related("record").order_by("-deleted_at"))
    for item in found:
        item.purged_at = item.deleted_at + keep
    return found


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
