"""How far a long change of structure is, and the button that stops it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from records import long_changes
from records.structure_jobs import StructureJob
from workspaces.access import allows


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def structure_job(request, job_id):
    """Show a change that is under way; it asks again every second. POST stops it."""
    job = long_changes.find(request.actor, job_id)
    request.workspace = job.workspace
    if request.method == "POST":
        long_changes.cancel(job=job, actor=request.actor)
        if not request.htmx:
            return redirect(job)
    if request.htmx and request.GET.get("part") == "progress":
        if job.state == StructureJob.State.DONE:
            return _told(job)
        return progress(request, job, "#progress")
    return progress(request, job)


def progress(request, job, part=""):
    """Answer how far `job` is, as a dialog or a page."""
    context = {
        "title": f"Changing “{job.record.name}”",
        "job": job,
        "record": job.record,
        "may_stop": allows(request.actor, "structure", job.workspace_id),
    }
    return render(request, f"records/structure_job.html{part}", context)


def begun(request, job):
    """Answer a request whose change goes on in the background."""
    if request.htmx:
        return progress(request, job)
    messages.info(request, "The change is under way. You can go on working meanwhile.")
    return redirect(job)


def _told(job):
    response = trigger_client_event(HttpResponse(status=204), "structure:changed")
    trigger_client_event(response, "dialog:close")
    return trigger_client_event(response, "toast", {"message": str(job)})
