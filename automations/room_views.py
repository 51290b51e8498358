"""The runs of all workflows of a workspace on one page."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from automations.finding import find_runs
from automations.forms import RoomRunsForm
from automations.workflow_views import RUNS
from workspaces.entrance import enter


@login_required
@require_safe
@vary_on_headers("HX-Request")
def runs(request, id):
    """List the runs of a workspace, the newest first, as far as the filters leave them."""
    workspace = enter(request, id)
    workflows = workspace.workflows.filter(deleted_at=None).values_list("pk", "name")
    form = RoomRunsForm(request.GET, workflows=list(workflows))
    valid = form.is_valid()
    before = form.cleaned_data.get("before")
    found = find_runs(workspace.pk, form.filters() if valid else None)
    found = found.defer("trigger_data", "output_data", "variables")
    found = found.defer("workflow__structured_definition", "version__structured_definition")
    if before:
        found = found.filter(pk__lt=before)
    found = list(found[: RUNS + 1])
    shown = found[:RUNS]
    context = {
        "workspace": workspace,
        "form": form,
        "runs": shown,
        "going": any(not run.is_over for run in shown),
        "next": _address(request, shown[-1].pk) if len(found) > RUNS else "",
        "later": _address(request, "") if before else "",
    }
    part = "#runs" if request.htmx else ""
    status = 200 if valid else 422
    return render(request, f"automations/runs.html{part}", context, status=status)


def _address(request, before):
    data = request.GET.copy()
    data["before"] = str(before)
    return f"?{data.urlencode()}"
