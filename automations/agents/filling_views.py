"""The pages by which an agent fills in a field: ask it, look at what it proposes, apply that."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from automations.agents import fillings, providers
from automations.agents.filling_forms import FillForm
from automations.agents.proposals import field_of, figures_of, proposals_of, status_of
from automations.workflow_views import went_well
from records.grid import Asked
from records.history import quoted
from records.history_views import change
from records.lookup import find_record
from records.requests import get_record, view_in
from workspaces import access
from workspaces.entrance import enter
from workspaces.errors import Conflict, Invalid, Missing


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def record_fill(request, id):
    """Ask which agent shall fill in a field of the entries in ?entries=, or of those found."""
    record = get_record(request, id, "write")
    chosen = _ids(request.GET["entries"].split(",")) if "entries" in request.GET else None
    agents = fillings.agents_for(record)
    form = FillForm(
        request.POST if request.method == "POST" else None,
        record=record,
        agents=agents,
        field=request.GET.get("field", ""),
        chosen=chosen,
    )
    if request.method == "POST" and form.is_valid():
        with form.telling():
            made = _start(request, record, form.values(), chosen)
            return went_well(request, "The agent begins.", made.get_absolute_url())
    context = {
        "record": record,
        "form": form,
        "agents": agents,
        "title": "Fill in by an agent",
        "chosen": len(chosen) if chosen is not None else None,
    }
    status = 422 if form.is_bound else 200
    return render(request, "agents/fill.html", context, status=status)


def _ids(texts):
    """Return the numbers of entries that somebody named; raise Invalid."""
    if not all(text.isascii() and text.isdigit() and len(text) < 19 for text in texts):
        raise Invalid("Name entries by their numbers, with commas between.")
    if not 0 < len(set(texts)) <= fillings.MOST_ENTRIES:
        raise Invalid(f"Choose from 1 to {fillings.MOST_ENTRIES} entries at a time.")
    return [int(text) for text in dict.fromkeys(texts)]


def _start(request, record, values, chosen):
    most = values.pop("most", None)
    entries = _empty(request, record, values["field"], most) if chosen is None else chosen
    return fillings.start_filling(record=record, actor=request.actor, entries=entries, **values)


def _empty(request, record, field_id, most):
    """Return the ids of the first entries asked for by the address in which the field is empty."""
    field = next(item for item in record.structure.columns if item.id == field_id)
    asked = Asked.of(record, request.GET, view_in(request, record))
    rows = asked.query.rows(limit=most, extra=f"{quoted(field.key)} IS NULL")
    if not rows:
        raise Conflict(f"There is no entry in which “{field.label}” is empty.")
    return [row[0] for row in rows]


@login_required
@require_safe
@vary_on_headers("HX-Request")
def filling(request, id):
    """Show what an agent proposes; the page asks again until it was asked about every entry."""
    found = fillings.find_filling(request.actor, id)
    workspace = enter(request, found.workspace_id)
    record = find_record(request.actor, found.record_id)
    field = field_of(found, record)
    proposals = proposals_of(found, record) if field else []
    figures = figures_of(proposals)
    context = {
        "workspace": workspace,
        "filling": found,
        "record": record,
        "agent": found.agent,
        "field": field,
        "inputs": [item.label for item in record.structure.fields if item.id in found.inputs],
        "proposals": proposals,
        "figures": figures,
        "status": status_of(found, figures),
        "can_be_applied": figures["counts"].get("proposed", 0),
        "provider": providers.offered(found.workspace_id).get(found.agent.provider),
        "may_write": access.allows(request.actor, "write", workspace),
        "operation": change(request, workspace, found.operation_id),
    }
    part = "#filling" if request.htmx else ""
    return render(request, f"agents/filling.html{part}", context)


@login_required
@require_POST
def filling_act(request, id, verb):
    """Apply the values that were ticked; stop asking, or drop all of it."""
    found = fillings.find_filling(request.actor, id, "write")
    enter(request, found.workspace_id)
    if verb == "apply":
        ids = _ids(request.POST.getlist("entry"))
        applied = fillings.apply(filling=found, actor=request.actor, entries=ids)
        changed = applied.outcome["changed"]
        said = f"{changed} {'entry' if changed == 1 else 'entries'} filled in."
        if left := len(applied.outcome["asked"]) - changed:
            said += f" {left} held the value already, or did not take it: see the list."
    elif verb == "stop":
        fillings.stop(filling=found, actor=request.actor)
        said = "It is stopped. What was proposed by then can be applied."
    elif verb == "cancel":
        fillings.cancel(filling=found, actor=request.actor)
        said = "It is dropped; nothing was written."
    else:
        raise Missing("There is no such thing to do with a filling.")
    return went_well(request, said, found.get_absolute_url())
