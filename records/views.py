"""A record's pages: its grid, a new record, settings, deleting."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import cached_property
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from records import services
from records.forms import DeleteForm, RecordForm, SettingsForm
from records.grid import Asked
from records.plain import cells_of
from records.requests import get_record, problem_of, view_in
from records.saved_views import views_of
from records.shape import embedded, shape_of
from records.watching import concerns
from workspaces import access
from workspaces.errors import Invalid
from workspaces.models import Workspace

PAGE = 50


class Pages(Paginator):
    """Pages of rows that were read already; counts only once."""

    def __init__(self, asked):
        super().__init__((), PAGE)
        self.asked = asked

    @cached_property
    def count(self):
        return self.asked.count()

    def page(self, number):
        number = self.validate_number(number)
        rows = self.asked.query.rows(limit=PAGE, offset=(number - 1) * PAGE)
        return self._get_page(rows, number, self)


@login_required
@require_safe
def record(request, id):
    """Show a record: a plain table that works by itself, which the grid then takes over."""
    record = get_record(request, id)
    view = view_in(request, record)
    page, status, data, problem = None, 200, {}, None
    try:
        asked = Asked.of(record, request.GET, view)
        record = asked.record
        data["rows"] = asked.rows(0)
        if "page" in request.GET:
            page = Pages(asked).get_page(request.GET["page"])
    except Invalid as error:
        problem, status = problem_of(error), 422
    data |= shape_of(request, record, view) | ({"problem": problem} if problem else {})
    rows = page.object_list if page else data.get("rows", ())[:PAGE]
    context = {
        "record": record,
        "fields": record.structure.fields,
        "entries": cells_of(record, rows, data["people"]),
        "page": page,
        "more": len(data.get("rows", ())) > PAGE,
        "data": embedded(data),
        "problem": data.get("problem"),
        "rights": data["rights"],
        "buttons": data["buttons"],
        "views": views_of(record, request.actor),
        "view": view,
        "left_out": data["view"]["leftOut"] if view else (),
        "may_restore": record.past and access.allows(request.actor, "write", record.workspace_id),
    }
    return render(request, "records/grid.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def record_new(request, id):
    """Ask for a name, and make an empty record with one field to begin with."""
    workspace = get_object_or_404(Workspace.objects.visible_to(request.user), pk=id)
    access.require(request.actor, "structure", workspace)
    request.workspace = workspace
    form = RecordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        start = [{"label": "Name", "type": "text"}]
        record = services.create_record(
            workspace=workspace, fields=start, actor=request.actor, **form.cleaned_data
        )
        return _go(request, record.get_absolute_url())
    context = {"form": form, "title": "New record", "workspace": workspace}
    return render(request, "records/new.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def settings(request, id):
    """Change a record's name, description, icon and colour."""
    record = get_record(request, id, "structure")
    names = ("name", "description", "icon", "color", "history_days")
    now = {name: getattr(record, name) for name in names}
    form = SettingsForm(request.POST or None, initial=now)
    if request.method == "POST" and form.is_valid():
        services.change_record(record=record, actor=request.actor, **form.cleaned_data)
        messages.success(request, "The record is saved.")
        return _go(request, record.get_absolute_url())
    context = {"form": form, "title": "Record settings", "record": record}
    return render(request, "records/settings.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def delete(request, id):
    """Put a record in the trash, when the person typed its name."""
    record = get_record(request, id, "structure")
    form = DeleteForm(record, request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.delete_record(record=record, actor=request.actor)
        messages.success(request, f"“{record.name}” is in the trash.")
        return _go(request, record.workspace.get_absolute_url())
    context = {"form": form, "title": f"Delete “{record.name}”?", "record": record}
    context["concerns"] = concerns(record)
    return render(request, "records/delete.html", context, status=422 if form.errors else 200)


def _go(request, url):
    """Send the browser to `url`, out of a dialog too."""
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)
