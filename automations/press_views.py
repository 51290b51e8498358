"""Pressing a workflow's button on entries, from the grid, an entry's page or the plain table."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from automations import definition as definitions
from automations import pressing, services
from automations.parts import Book
from automations.workflow_views import begin
from workspaces.errors import Invalid

# Up to so many entries it runs at once; for more it is asked first.
FEW = 5
OVER = ("succeeded", "failed", "cancelled")


@login_required
@require_POST
@vary_on_headers("HX-Request")
def workflow_press(request, id):
    """Run a workflow on the entries in `entries`; many are asked about first, unless `sure`."""
    found = begin(request, id, "write")
    choice = pressing.choose(found, request.actor, _ids(request))
    if len(choice.matching) > FEW and not request.POST.get("sure"):
        return _ask(request, found, choice)
    runs = pressing.press(found, request.actor, choice)
    return _started(request, found, choice, runs)


def _ids(request):
    """Return the numbers of entries that a request names; raise Invalid."""
    # An entry's page has fields of its own in the form, so it names the entry in the address.
    source = request.GET if "entries" in request.GET else request.POST
    words = ",".join(source.getlist("entries")).replace(",", " ").split()
    if not all(word.isascii() and word.isdigit() and len(word) < 19 for word in words):
        raise Invalid("Entries are named by their numbers.")
    return [int(word) for word in words]


def _ask(request, found, choice):
    where = definitions.of(services.current_version(found)).trigger
    context = {
        "workflow": found,
        "record": choice.record,
        "choice": choice,
        "said": where.sentence(Book(found.workspace_id)) if choice.filtered else "",
        "title": f"Run “{found.name}”?",
    }
    return render(request, "automations/press.html", context)


def _started(request, found, choice, runs):
    one = runs[0] if len(runs) == 1 else None
    press = pressing.press_of(runs[0])
    url = one.get_absolute_url() if one else f"{found.get_absolute_url()}?press={press}"
    said = f"“{found.name}” runs on {_said(choice, runs)}"
    if not request.htmx:
        messages.success(request, said)
        return redirect(url)
    response = trigger_client_event(HttpResponse(status=204), "dialog:close")
    link = {"url": url, "label": "Show the run" if one else "Show the runs"}
    trigger_client_event(response, "toast", {"message": said, "link": link})
    asks = reverse("workflow_pressed", args=[found.pk, press])
    return trigger_client_event(response, "runs:started", {"url": asks, "link": link})


def _said(choice, runs):
    count = len(runs)
    if not choice.left_out:
        return f"entry {runs[0].entry_id}." if count == 1 else f"{count:,} entries."
    why = "do not match its filter, or are gone" if choice.filtered else "are gone"
    return f"{count:,} of {len(choice.ids):,} entries; the others {why}."


@login_required
@require_safe
def workflow_pressed(request, id, press):
    """Tell what became of the runs of one press, as JSON for the page that pressed."""
    found = begin(request, id)
    runs = pressing.runs_of(press, found.runs.all())
    counts = dict(runs.order_by().values_list("status").annotate(n=Count("pk")))
    failed = runs.filter(status="failed").order_by("pk").first()
    total, bad = sum(counts.values()), counts.get("failed", 0)
    answer = {
        "going": sum(n for status, n in counts.items() if status not in (*OVER, "waiting")),
        "failed": bad,
        "said": "",
    }
    if failed:
        which = "The run" if total == 1 else f"{bad:,} of {total:,} runs"
        answer["said"] = f"{which} of “{found.name}” failed: {failed.error_message[:300]}"
    return JsonResponse(answer)
