"""What happened to one entry, and the way back to one of its old values."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from records import images
from records.requests import get_record
from workspaces.access import allows
from workspaces.errors import Missing
from workspaces.log import nobody_of, way_of

PAGE = 50


@login_required
@require_safe
@vary_on_headers("HX-Request")
def entry_history(request, id, entry_id):
    """Show each change of an entry, newest first; a deleted entry's too."""
    record = get_record(request, id)
    before = request.GET.get("before", "")
    before = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    known = entry_id < 2**63
    steps = images.steps_of(record, entry_id, before=before, limit=PAGE + 1) if known else []
    if not steps and before is None:
        raise Missing(images.never_was(record, entry_id))
    for step in steps:
        step.way = way_of(step.event.cause if step.event else None)
        step.nobody = nobody_of(step.event.cause if step.event else None)
    writes = allows(request.actor, "write", record.workspace_id)
    gone = before is None and steps[0].what == "Deleted"
    context = {
        "record": record,
        "entry_id": entry_id,
        "steps": steps[:PAGE],
        "before": steps[PAGE - 1].tag if len(steps) > PAGE else None,
        "gone": gone,
        "erases": allows(request.actor, "structure", record.workspace_id),
        "restore": images.restorable(record) if writes and not gone else (),
    }
    part = "" if not request.htmx else "#steps" if before else "#panel"
    return render(request, f"records/entry_history.html{part}", context)


@login_required
@require_POST
def restore(request, id, entry_id):
    """Put one old value back, as any change of a cell."""
    record = get_record(request, id, "write")
    tag, _, field_id = request.POST.get("cell", "").partition(".")
    if not (tag.isascii() and tag.isdigit() and len(tag) < 19):
        raise Missing("There is no such old value.")
    label = images.restore_cell(
        record=record, entry_id=entry_id, tag=int(tag), field_id=field_id, actor=request.actor
    )
    sentence = f"The old value of “{label}” is back."
    if not request.htmx:
        messages.success(request, sentence)
        return redirect("entry_history", record.pk, entry_id)
    response = trigger_client_event(HttpResponse(status=204), "entry:saved", {"id": entry_id})
    return trigger_client_event(response, "toast", {"message": sentence})
