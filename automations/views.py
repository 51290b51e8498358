"""Pages of workflows, their runs, and the questions that runs ask."""

from django.contrib.auth.decorators import login_required
from django.core import signing
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from automations import definition as definitions
from automations import notices, running, services
from automations.models import WorkflowRun, WorkflowStep
from automations.parts import Book
from workspaces.access import Actor, acting_as
from workspaces.entrance import enter
from workspaces.errors import Conflict, Missing


@login_required
@require_safe
def workflows(request, id):
    """List the workflows of a workspace."""
    workspace = enter(request, id)
    found = workspace.workflows.filter(deleted_at=None).select_related("owner")
    context = {"workspace": workspace, "workflows": found}
    return render(request, "automations/workflows.html", context)


@login_required
@require_safe
def workflow(request, id):
    """Show a workflow: what it does, and its newest runs."""
    found = services.find_workflow(request.actor, id)
    workspace = enter(request, found.workspace_id)
    said = definitions.parse(found.structured_definition).sentence(Book(workspace.pk))
    runs = found.runs.order_by("-id")[:50]
    context = {"workspace": workspace, "workflow": found, "said": said, "runs": runs}
    return render(request, "automations/workflow.html", context)


@login_required
@require_safe
def run(request, id):
    """Show a run step by step."""
    found = running.find_run(request.actor, id)
    workspace = enter(request, found.workspace_id)
    context = {"workspace": workspace, "run": found, "steps": found.steps.all()}
    return render(request, "automations/run.html", context)


@require_http_methods(["GET", "POST"])
def approval(request, token):
    """Ask the person who follows the link in an e-mail; the link itself is the proof."""
    try:
        row_id, email = notices.read_token(token)
    except signing.BadSignature:
        raise Missing("This link is not one that KDAP sent, or it is too old.") from None
    with acting_as(Actor.system(door="automation", approval=str(row_id))):
        row = WorkflowStep.objects.filter(pk=row_id).first()
        run = row and WorkflowRun.objects.select_related("workflow__workspace").get(pk=row.run_id)
    if row is None:
        raise Missing("What this link asked about is not there any more.")
    settled = row.answer or (None if row.status == "waiting" else row.output)
    context = {"row": row, "run": run, "settled": settled}
    if request.method == "POST":
        given, comment = request.POST.get("answer", ""), request.POST.get("comment", "")
        try:
            row = running.answer(row=row, given=given, email=email, comment=comment)
        except Conflict:
            row.refresh_from_db()
        context |= {"settled": row.answer, "row": row}
    return render(request, "automations/approval.html", context)
