"""One entry with all its fields: a page by itself, a panel beside the grid."""

import orjson
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from records.buttons import buttons_of
from records.cells import Changes
from records.entries import delete_entries
from records.forms import EntryForm
from records.grid import Asked
from records.past import as_of
from records.plain import text_of
from records.requests import get_record
from records.shape import people_in
from workspaces.access import allows
from workspaces.errors import Missing


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def entry(request, id, entry_id):
    """Show an entry; change it for those who may."""
    record = get_record(request, id, "write" if request.method == "POST" else "read")
    if request.method == "GET" and request.GET.get("as_of"):
        record = as_of(record, request.GET["as_of"])
    row = _row(record, entry_id)
    seen = _seen(request.POST.get("seen")) or _values(record, row)
    form = EntryForm(record, request.POST or None, seen)
    if request.method == "POST" and form.is_valid():
        outcome = Changes(record, request.actor)
        values = form.changed_values
        if values:
            version = int(request.POST.get("version") or row[1])
            change = {"entry_id": entry_id, "values": values, "was": seen, "version": version}
            outcome.update([change])
        form.refuse(outcome)
        if form.is_valid():
            return _done(
                request, record, "entry:saved", entry_id, "The entry is saved.", bool(values)
            )
        row = _row(record, entry_id)
        seen = _values(record, row)
    return _show(request, record, form, row=row, seen=seen)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def entry_new(request, id):
    """Make an entry from a form."""
    record = get_record(request, id, "write")
    form = EntryForm(record, request.POST or None)
    if request.method == "POST" and form.is_valid():
        outcome = Changes(record, request.actor)
        outcome.add([form.filled_values])
        form.refuse(outcome)
        if form.is_valid():
            made = outcome.ids[0]
            return _done(request, record, "entry:added", made, "The entry is added.")
    return _show(request, record, form)


@login_required
@require_POST
def delete(request, id, entry_id):
    """Delete an entry; history keeps it."""
    record = get_record(request, id, "write")
    delete_entries(record=record, ids=[entry_id], actor=request.actor)
    return _done(request, record, "entry:deleted", entry_id, "The entry is deleted.")


def _show(request, record, form, row=None, seen=None):
    context = {
        "record": record,
        "form": form,
        "title": f"Entry {row[0]}" if row else "New entry",
        "row": row,
        "seen": orjson.dumps(seen, default=str).decode() if seen else "",
        "facts": _facts(record, row) if row else (),
        "may_write": not record.past and allows(request.actor, "write", record.workspace_id),
        "erases": bool(row) and _erases(request, record),
        "buttons": buttons_of(record, request.actor) if row else (),
    }
    part = "#panel" if request.htmx else ""
    status = 422 if form.errors else 200
    return render(request, f"records/entry.html{part}", context, status=status)


def _erases(request, record):
    """Whether the asker may erase personal data, of which this record has some."""
    personal = any(field.personal for field in record.structure.columns)
    return personal and allows(request.actor, "structure", record.workspace_id)


def _row(record, entry_id):
    rows = Asked(record).entries([entry_id])
    if not rows:
        raise Missing("This entry is not there (any more).")
    return rows[0]


def _values(record, row):
    """Return {key: API value} of a row."""
    keys = [field.key for field in record.structure.fields]
    return orjson.loads(orjson.dumps(dict(zip(keys, row[2:], strict=True)), default=str))


def _facts(record, row):
    """Return [(label, text)] of what KDAP fills in by itself, or all fields' for readers."""
    names = {str(person["id"]): person["name"] for person in people_in(record.workspace_id)}
    return [
        (field, text_of(value, field, names))
        for field, value in zip(record.structure.fields, row[2:], strict=True)
    ]


def _seen(text):
    try:
        seen = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return None
    return seen if isinstance(seen, dict) else None


def _done(request, record, event, entry_id, sentence, changed=True):
    if not request.htmx:
        undo = reverse("record_undo", args=[record.pk, request.actor.operation])
        offer = format_html('{} <a href="{}">Undo…</a>', sentence, undo)
        messages.success(request, offer if changed else sentence)
        return redirect(reverse("record", args=[record.pk]))
    response = trigger_client_event(HttpResponse(status=204), event, {"id": entry_id})
    undo = {"operation": request.actor.operation} if changed else None
    return trigger_client_event(response, "toast", {"message": sentence, "undo": undo})
