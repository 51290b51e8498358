"""The structure page, and the dialogs by which fields are added, changed and deleted."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from records import fields, long_changes, services
from records.forms import FieldForm
from records.plain import text_of
from records.query import Query
from records.requests import get_record
from records.shape import people_in
from records.structure_job_views import begun
from records.structure_jobs import StructureJob
from workspaces.access import allows
from workspaces.errors import Conflict, DestructiveChange, InvalidStructure, Missing

# A field with more different values than this is not offered them as choices.
MOST_SUGGESTED = 50


@login_required
@require_safe
@vary_on_headers("HX-Request")
def structure(request, id):
    """Show the fields in order, the deleted ones, and what each version changed."""
    record = get_record(request, id)
    versions = list(record.versions.select_related("user")[:100])
    shelf = [item for item in record.structure.shelf if item.reason == "deleted"]
    context = {
        "record": record,
        "fields": record.structure.fields,
        "deleted": list(reversed(shelf)),
        "conversions": list(reversed(record.structure.revertible)),
        "versions": versions,
        "job": long_changes.running_on(record),
        "may_change": allows(request.actor, "structure", record.workspace_id),
    }
    part = "#structure" if request.htmx else ""
    return render(request, f"records/structure.html{part}", context)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def field_new(request, id):
    """Add a field, at `position` among the fields when it is given."""
    record = get_record(request, id, "structure")
    form = FieldForm(request.POST or None)
    position = request.GET.get("position", "")

    def change():
        place = {} if (number := _place(position)) is None else {"position": number}
        return {"op": "add_field", "field": form.spec, **place}

    return _field_dialog(request, record, form, change, {"title": "Add a field", "verb": "Add"})


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def field(request, id, name):
    """Change a field: its name, its type, its rules."""
    record = get_record(request, id, "structure")
    old = _field(record, name)
    form = FieldForm(request.POST or None, old)

    def change():
        return {"op": "change_field", "field": old.id, **form.spec}

    back = [item for item in record.structure.revertible if item.field.id == old.id]
    context = {"title": f"Edit “{old.label}”", "verb": "Save", "field": old, "conversions": back}
    return _field_dialog(request, record, form, change, context)


def _field_dialog(request, record, form, change, context):
    """Show a field's form; with `part` only its options or its plan; else carry it out."""
    context |= {
        "record": record,
        "form": form,
        "types": fields.TYPES,
        "version": request.POST.get("version") or record.version,
    }
    part = request.POST.get("part", "")
    if request.method == "GET":
        return render(request, "records/field.html", context)
    if part == "options":
        form._errors = {}
        if "field" in context and form.kind.key in ("choice", "choices"):
            form.suggest_choices(_values_in(request, record, context["field"]))
        suffix = "#options" if request.htmx else ""
        return render(request, f"records/field.html{suffix}", context)
    if not form.is_valid():
        return render(request, "records/field.html", context, status=422)
    return _carry_out(request, record, [change()], context, "records/field.html", form)


def _values_in(request, record, field):
    """Return the different values of a field as labels, when they are few enough for choices."""
    if field.kind.virtual or not field.kind.sortable or "choices" in field.options:
        return []
    query = Query(record, where={"field": field.key, "op": "filled"})
    groups = query.aggregate([("count", None)], [field.key], limit=MOST_SUGGESTED + 1)
    if len(groups) > MOST_SUGGESTED:
        return []
    names = {str(person["id"]): person["name"] for person in people_in(record.workspace_id)}
    return [" ".join(text_of(group[field.key], field, names).split()) for group in groups]


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def field_delete(request, id, name):
    """Say what deleting a field takes away, then do it."""
    record = get_record(request, id, "structure")
    old = _field(record, name)
    changes = [{"op": "delete_field", "field": old.id}]
    context = {
        "title": f"Delete “{old.label}”?",
        "record": record,
        "field": old,
        "version": request.POST.get("version") or record.version,
    }
    if request.method == "GET":
        context["plan"] = services.preview_structure(
            record=record, changes=changes, actor=request.actor
        )
        return render(request, "records/field_delete.html", context)
    return _carry_out(request, record, changes, context, "records/field_delete.html")


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def field_revert(request, id, name, version):
    """Say what taking a conversion back does, then do it."""
    record = get_record(request, id, "structure")
    old = _field(record, name)
    changes = [{"op": "revert_field", "field": old.id, "version": version}]
    context = {
        "title": f"Take the conversion of “{old.label}” back?",
        "record": record,
        "field": old,
        "version": request.POST.get("version") or record.version,
    }
    if request.method == "GET":
        context["plan"] = services.preview_structure(
            record=record, changes=changes, actor=request.actor
        )
        return render(request, "records/field_revert.html", context)
    return _carry_out(request, record, changes, context, "records/field_revert.html")


@login_required
@require_POST
def field_restore(request, id, name):
    """Bring a deleted field back with its cells."""
    record = get_record(request, id, "structure")
    return _change_and_return(request, record, {"op": "restore_field", "field": name})


@login_required
@require_POST
def field_move(request, id, name):
    """Give a field another place, for everybody."""
    record = get_record(request, id, "structure")
    position = request.POST.get("position", "")
    change = {"op": "move_field", "field": name, "position": _place(position)}
    return _change_and_return(request, record, change)


def _place(text):
    """Return the place that a request names, None when it is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _carry_out(request, record, changes, context, template, form=None):
    """Apply `changes`; show the plan again when it would lose cells and nobody agreed yet."""
    plan = sentence = None
    try:
        plan = services.preview_structure(record=record, changes=changes, actor=request.actor)
        if request.POST.get("part") == "plan":
            return render(request, f"{template}#plan", context | {"plan": plan})
        agreed = request.POST.get("confirmed") == "1"
        if plan["destructive"] and not agreed:
            return render(request, template, context | {"plan": plan, "ask": True}, status=422)
        done = long_changes.change_structure(
            record=record,
            changes=changes,
            actor=request.actor,
            version=int(context["version"]),
            confirmed=agreed,
        )
        if isinstance(done, StructureJob):
            return begun(request, done)
        return _done(request, record, " ".join(done.describe()) or "Nothing had to change.")
    except (InvalidStructure, DestructiveChange, Conflict) as error:
        sentence = error.detail
        if isinstance(error, Conflict):
            record.reload()
            context["version"] = record.version
    if request.POST.get("part") == "plan":
        return render(request, f"{template}#plan", context | {"plan": plan, "sentence": sentence})
    return render(
        request, template, context | {"plan": plan, "sentence": sentence, "ask": False}, status=422
    )


def _change_and_return(request, record, change):
    plan = services.change_structure(record=record, changes=[change], actor=request.actor)
    return _done(request, record, " ".join(plan.describe()) or "Nothing had to change.")


def _done(request, record, sentence):
    if not request.htmx:
        messages.success(request, sentence)
        return redirect("record_structure", record.pk)
    response = trigger_client_event(HttpResponse(status=204), "structure:changed")
    trigger_client_event(response, "dialog:close")
    undo = {"operation": request.actor.operation}
    return trigger_client_event(response, "toast", {"message": sentence, "undo": undo})


def _field(record, name):
    try:
        return record.structure.field(name)
    except KeyError:
        raise Missing("There is no such field (any more).") from None
