"""The dialogs of views, and saving what one sees into a view."""

import orjson
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from records import saved_views
from records.grid import Asked
from records.models import GridState
from records.requests import get_record, json_answer, read_json, view_in
from workspaces.errors import Invalid, KdapError


class ViewForm(forms.Form):
    """A view's name, and whose it is."""

    name = forms.CharField(label="Name", max_length=120, strip=True)
    personal = forms.BooleanField(
        label="Only for me", required=False, help_text="Nobody else sees the view."
    )

    def __init__(self, *args, own=True, **kwargs):
        super().__init__(*args, label_suffix="", auto_id="view_%s", **kwargs)
        if not own:
            del self.fields["personal"]


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def view_new(request, id):
    """Make a view of what the address asks for, with the columns as this person has them."""
    record = get_record(request, id, "write")
    shown = view_in(request, record)
    form = ViewForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        asked = Asked.of(record, request.GET, shown)
        question = {"where": asked.where, "sort": list(asked.sort), "search": asked.search}
        try:
            view = saved_views.create_view(
                record=record,
                actor=request.actor,
                question=question,
                layout=_layout(request, record, shown),
                **form.cleaned_data,
            )
        except KdapError as error:
            form.add_error(None, error.detail)
        else:
            messages.success(request, f"The view “{view.name}” is saved.")
            return _go(request, view.get_absolute_url())
    if form.errors:
        status = 422
    context = {"form": form, "record": record, "title": "New view"}
    return render(request, "records/view_form.html", context, status=status)


def _layout(request, record, shown):
    """Return how columns look: as the page sent it, else as this person saw them last."""
    if "layout" in request.POST:
        try:
            return orjson.loads(request.POST["layout"])
        except orjson.JSONDecodeError:
            raise Invalid("How the columns look did not arrive whole. Try again.") from None
    kept = GridState.objects.filter(record=record, user=request.user, view=shown).first()
    return kept.state if kept else shown.layout if shown else {}


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def view_edit(request, id, view_id):
    """Rename a view, share it or keep it for oneself."""
    record = get_record(request, id, "write")
    view = saved_views.find_view(request.actor, view_id, "write", record=record)
    initial = {"name": view.name, "personal": view.personal}
    own = view.owner_id == request.user.pk
    form = ViewForm(request.POST or None, initial=initial, own=own)
    if request.method == "POST" and form.is_valid():
        saved_views.change_view(view=view, actor=request.actor, **form.cleaned_data)
        messages.success(request, "The view is saved.")
        return _go(request, view.get_absolute_url())
    context = {"form": form, "record": record, "view": view, "title": "Rename or share the view"}
    status = 422 if form.errors else 200
    return render(request, "records/view_form.html", context, status=status)


@require_POST
@json_answer
def view_save(request, id, view_id):
    """Save {question, layout} into a view; return its version and where that can be undone."""
    record = get_record(request, id, "write")
    view = saved_views.find_view(request.actor, view_id, "write", record=record)
    if len(request.body) > 100_000:
        raise Invalid("That is more than a view can hold.")
    data = read_json(request)
    values = {name: data[name] for name in ("question", "layout") if name in data}
    before = view.last_event_version
    view = saved_views.change_view(view=view, actor=request.actor, **values)
    undo = None
    if view.last_event_version != before:
        undo = reverse("workspace_undo", args=[view.workspace_id, request.actor.operation])
    return {"version": view.last_event_version, "undo": undo}


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def view_delete(request, id, view_id):
    """Ask, then put a view in the trash."""
    record = get_record(request, id, "write")
    view = saved_views.find_view(request.actor, view_id, "write", record=record)
    if request.method == "POST":
        saved_views.delete_view(view=view, actor=request.actor)
        messages.success(request, f"The view “{view.name}” is in the trash.")
        return _go(request, record.get_absolute_url())
    context = {"record": record, "view": view, "title": f"Delete the view “{view.name}”?"}
    return render(request, "records/view_delete.html", context)


@login_required
@require_POST
def view_restore(request, id, view_id):
    """Take a view out of the trash and open it."""
    record = get_record(request, id, "write")
    view = saved_views.find_view(request.actor, view_id, "write", record=record, trashed=True)
    saved_views.restore_view(view=view, actor=request.actor)
    messages.success(request, f"“{view.name}” is back.")
    return redirect(view)


def _go(request, url):
    if not request.htmx:
        return redirect(url)
    response = HttpResponse(status=204, headers={"HX-Redirect": url})
    return trigger_client_event(response, "dialog:close")
