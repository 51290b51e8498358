"""The way into a record's past, and bringing back from there."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from records.past import as_of
from records.requests import get_record
from records.restoring import MOST_ENTRIES, restore
from workspaces.errors import Invalid


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def bring_back(request, id):
    """Say what bringing back would change, then do it.

    In the address: `as_of`, and to narrow it `ids` and `fields`, separated by commas.
    """
    record = get_record(request, id, "write")
    then = as_of(record, request.GET.get("as_of", ""))
    ids, keys = _ids(request.GET.get("ids", "")), _words(request.GET.get("fields", ""))
    preview = request.method == "GET"
    outcome = restore(then=then, actor=request.actor, ids=ids, keys=keys, preview=preview)
    if preview:
        context = {
            "record": record,
            "past": then.past,
            "what": _what(then, ids, keys),
            "outcome": outcome,
            "title": "Bring back",
        }
        return render(request, "records/past_restore.html", context)
    messages.success(request, f"Brought back. {outcome.detail}")
    if not request.htmx:
        return redirect(record)
    response = HttpResponse(status=204, headers={"HX-Redirect": record.get_absolute_url()})
    return trigger_client_event(response, "dialog:close")


def _words(text):
    return [word for word in text.split(",") if word] or None


def _ids(text):
    words = _words(text)
    if words is None:
        return None
    if len(words) > MOST_ENTRIES or not all(
        w.isascii() and w.isdigit() and len(w) < 19 for w in words
    ):
        raise Invalid(f"Entries are named by up to {MOST_ENTRIES:,} numbers with commas between.")
    return [int(word) for word in words]


def _what(then, ids, keys):
    """Return in words what is brought back."""
    entries = "all entries"
    if ids is not None:
        entries = "one entry" if len(ids) == 1 else f"{len(ids):,} entries"
    if keys is None:
        return entries
    labels = [f"“{field.label}”" for field in then.structure.fields if field.key in keys]
    return f"{', '.join(labels[:5])}{' …' * (len(labels) > 5)} of {entries}"
