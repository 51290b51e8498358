"""What is done with a published version of a workflow."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from automations import services
from automations.workflow_views import begin
from workspaces.errors import Missing


@login_required
@require_POST
def version_draft(request, id, number):
    """Make a version the draft again; what was the draft comes back by an undo."""
    found = begin(request, id, "write")
    version = found.versions.filter(number=number).first()
    if version is None:
        raise Missing("There is no such version.")
    before = found.last_event_version
    services.change_workflow(
        workflow=found,
        actor=request.actor,
        structured_definition=version.structured_definition,
        natural_language_description=version.natural_language_description,
    )
    if found.last_event_version == before:
        messages.info(request, f"The draft is version {number} already.")
    else:
        undo = reverse("workspace_undo", args=[found.workspace_id, request.actor.operation])
        said = '“{}” has version {} as its draft. <a href="{}">Undo…</a>'
        messages.success(request, format_html(said, found.name, number, undo))
    return redirect("workflow_versions", found.pk)
