"""The log on pages: what happened to a record, in a workspace, in one operation."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from records import images
from records.models import Record
from records.requests import get_record
from workspaces import access, log, operations
from workspaces.entrance import enter
from workspaces.errors import Missing
from workspaces.log_forms import LogForm

PAGE = 50
MOST_CELLS = 50


@login_required
@require_safe
@vary_on_headers("HX-Request")
def history(request, id):
    """Show what happened to a record, newest first."""
    record = get_record(request, id)
    return _show(request, record.workspace, record)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def activity(request, id):
    """Show what happened in a workspace, newest first."""
    return _show(request, enter(request, id))


def _show(request, workspace, record=None):
    form = LogForm(request.GET, workspace=workspace, fields=_fields(record))
    manages = access.allows(request.actor, "admin", workspace)
    page = log.Page([])
    if form.is_valid():
        page = log.operations(
            workspace_id=workspace.pk,
            stream_id=record and record.pk,
            filters=form.filters,
            before=form.cleaned_data["before"],
            limit=PAGE,
            private=manages,
        )
    mark(request, workspace, page.operations)
    for item in page.operations:
        item.day = timezone.localdate(item.timestamp)
        item.places = [at for at in item.streams if at.url != workspace.get_absolute_url()]
    context = {
        "workspace": workspace,
        "record": record,
        "form": form,
        "page": page,
        "next": form.address(before=page.cursor) if page.cursor else "",
        "manages": manages,
    }
    part = ("#more" if request.GET.get("before") else "#log") if request.htmx else ""
    status = 200 if form.is_valid() else 422
    return render(request, f"records/history.html{part}", context, status=status)


def _fields(record):
    """Return (key, label) of a record's fields, the deleted ones too, for the filter."""
    if record is None:
        return []
    structure = record.structure
    there = {field.key: field.label for field in structure.fields if not field.kind.virtual}
    gone = {
        item.field.key: f"{item.field.label} (deleted)"
        for item in structure.shelf
        if item.reason == "deleted"
    }
    return list((gone | there).items())


def mark(request, workspace, items):
    """Note on each operation whether it is undone, and whether the page offers to undo it.

    Undoing checks again by itself.
    """
    undone = operations.undone([item.id for item in items if item.id])
    writes = access.allows(request.actor, "write", workspace)
    all_of_them = access.allows(request.actor, "undo_others", workspace)
    for item in items:
        item.undone = item.id in undone
        mine = writes and item.user_id == request.user.pk
        known = item.facts and all(
            operations.can_be_undone(fact.type) and not fact.forgotten(item.event_id)
            for fact in item.facts
        )
        item.undoable = bool(item.id and known and not item.undone and (mine or all_of_them))


def change(request, workspace, operation_id):
    """Return the Operation that something did, marked, for the page of what did it; None without.

    Its `back` is the Operation that took it back, as things stand, or None.
    """
    item = operation_id and log.operation(operation_id, workspace_id=workspace.pk, private=False)
    if not item:
        return None
    back = operations.undoer(item.id)
    item.back = back and log.operation(back, workspace_id=workspace.pk, private=False)
    mark(request, workspace, [found for found in (item, item.back) if found])
    return item


def find(request, id, operation_id, *, of_record):
    """Return (workspace, record or None, Operation) for a page about one operation; Missing."""
    record = get_record(request, id) if of_record else None
    workspace = record.workspace if record else enter(request, id)
    manages = access.allows(request.actor, "admin", workspace)
    item = log.operation(operation_id, workspace_id=workspace.pk, private=manages)
    if item is None or (record and not operations.is_about(operation_id, record.pk)):
        raise Missing("There is no such operation here.")
    mark(request, workspace, [item])
    return workspace, record, item


@login_required
@require_safe
@vary_on_headers("HX-Request")
def operation(request, id, operation_id, of_record):
    """Show one operation: its sentences, and the cells it changed, old and new."""
    workspace, record, item = find(request, id, operation_id, of_record=of_record)
    after = request.GET.get("after", "")
    after = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
    touched = {fact.stream_id for fact in item.facts if fact.type.startswith("entries.")}
    chosen = request.GET.get("record") or (record and str(record.pk))
    tables = []
    for found in Record.objects.filter(pk__in=touched, deleted_at=None).order_by("name"):
        if not chosen or str(found.pk) == chosen:
            steps, cursor = images.changes_of(found, item.id, after=after, limit=MOST_CELLS)
            forgotten = images.is_forgotten(found, item.id)
            item.undoable = item.undoable and not forgotten
            note = found.history_note if forgotten else ""
            tables.append({"record": found, "steps": steps, "cursor": cursor, "note": note})
    context = {
        "workspace": workspace,
        "record": record,
        "item": item,
        "tables": tables,
        "after": after,
        "title": item.sentence,
        "manages": access.allows(request.actor, "admin", workspace),
    }
    part = "#cells" if request.htmx and after else ""
    return render(request, f"records/operation.html{part}", context)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def undo(request, id, operation_id, of_record):
    """Say what taking an operation back would do, then do it."""
    workspace, record, item = find(request, id, operation_id, of_record=of_record)
    force = request.POST.get("force") == "1"
    outcome = operations.undo(
        operation_id=item.id, actor=request.actor, preview=request.method == "GET", force=force
    )
    if request.method == "GET":
        verb = item.way_back
        context = {
            "workspace": workspace,
            "record": record,
            "item": item,
            "outcome": outcome,
            "verb": verb,
            "title": f"{verb}: {item.sentence}",
        }
        return render(request, "records/undo.html", context)
    said = outcome.told("done again" if item.way_back == "Redo" else "taken back")
    if not request.htmx:
        messages.success(request, said)
        return redirect(*_home(workspace, record))
    response = trigger_client_event(HttpResponse(status=204), "history:changed")
    trigger_client_event(response, "dialog:close")
    return trigger_client_event(response, "toast", {"message": said})


def _home(workspace, record):
    return ("record_history", record.pk) if record else ("workspace_activity", workspace.pk)
