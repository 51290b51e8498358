"""Pages by which workflows leave and enter a workspace: move, duplicate, download, upload."""

import orjson
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from automations import portable
from automations.builder_views import parsed_json
from automations.forms import DuplicateForm, MoveForm, UploadForm
from automations.workflow_views import begin, went_well
from workspaces import access
from workspaces.entrance import enter
from workspaces.models import Workspace


def _rooms(request):
    """Return the workspaces in which a person may write."""
    return [
        room
        for room in Workspace.objects.visible_to(request.user).alphabetical()
        if access.allows(request.actor, "write", room)
    ]


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workflow_duplicate(request, id):
    """Make a draft like this one, here or in another workspace."""
    found = begin(request, id)
    rooms = _rooms(request)
    access.require(request.actor, "read" if rooms else "write", found.workspace_id)
    first = {"name": f"{found.name[:110]} (copy)", "workspace": str(found.workspace_id)}
    form = DuplicateForm(request.POST or None, workspaces=rooms, initial=first)
    if request.method == "POST" and form.is_valid():
        target = next(r for r in rooms if str(r.pk) == form.cleaned_data["workspace"])
        with form.telling("name"):
            made = portable.duplicate(
                workflow=found,
                actor=request.actor,
                workspace=target,
                name=form.cleaned_data["name"],
            )
            return went_well(request, f"“{made.name}” is a draft.", made.get_absolute_url())
    context = {"form": form, "workflow": found, "title": "Duplicate", "verb": "Duplicate"}
    status = 422 if form.is_bound else 200
    return render(request, "automations/form.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workflow_move(request, id):
    """Put it into another workspace; here it goes to the trash."""
    found = begin(request, id, "write")
    rooms = [room for room in _rooms(request) if room.pk != found.workspace_id]
    form = MoveForm(request.POST or None, workspaces=rooms)
    if request.method == "POST" and form.is_valid():
        target = next(r for r in rooms if str(r.pk) == form.cleaned_data["workspace"])
        with form.telling("workspace"):
            made = portable.move(workflow=found, actor=request.actor, workspace=target)
            sentence = f"“{made.name}” is a draft in “{target.name}” now. Undo brings it back."
            return went_well(request, sentence, made.get_absolute_url())
    context = {"form": form, "workflow": found, "title": "Move to…", "verb": "Move"}
    context["nowhere"] = not rooms
    status = 422 if form.is_bound else 200
    return render(request, "automations/form.html", context, status=status)


@login_required
@require_safe
def workflow_download(request, id):
    """Give the draft as a file of JSON."""
    found = begin(request, id)
    document = portable.exported(workflow=found, actor=request.actor)
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    answer = HttpResponse(text, content_type="application/json")
    answer["Content-Disposition"] = content_disposition_header(True, f"{found.name}.json")
    return answer


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workflow_upload(request, id):
    """Make a draft of a file that was downloaded here or elsewhere."""
    workspace = enter(request, id)
    access.require(request.actor, "write", workspace)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        with form.telling("file"):
            document = parsed_json(form.cleaned_data["file"].read())
            made = portable.imported(document=document, workspace=workspace, actor=request.actor)
            return went_well(request, f"“{made.name}” is a draft.", made.get_absolute_url())
    context = {"form": form, "title": "A workflow from a file", "verb": "Make the draft"}
    context["multipart"] = True
    status = 422 if request.method == "POST" else 200
    return render(request, "automations/form.html", context, status=status)
