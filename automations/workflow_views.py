"""The pages of workflows: the list, one of them with its runs, and what is done to it as a whole."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from automations import definition as definitions
from automations import running, services, signed_calls
from automations.agents.draftings import open_for
from automations.definition import said_of
from automations.differing import compare, differs
from automations.figures import figures_of
from automations.forms import NewForm, RunForm, RunsForm, WorkflowForm
from automations.models import Workflow
from automations.parts import Book
from automations.starters import starters_in
from workspaces import access
from workspaces.entrance import enter
from workspaces.errors import Invalid

RUNS = 30
FEW = 5


def begin(request, id, action="read", *, trashed=False):
    """Return the Workflow for one who may do `action` there; the frame shows its workspace."""
    found = services.find_workflow(request.actor, id, action, trashed=trashed)
    enter(request, found.workspace_id)
    return found


def page_of(request, workflow, tab, **more):
    """Return the context that every page of a workflow needs."""
    version = services.current_version(workflow)
    return {
        "workspace": request.workspace,
        "workflow": workflow,
        "version": version,
        "tab": tab,
        "may_write": access.allows(request.actor, "write", workflow.workspace_id),
        "signs": signed_calls.signs(workflow.structured_definition),
        "unpublished": version is not None
        and version.structured_definition != workflow.structured_definition,
    } | more


def went_well(request, sentence, url, **toast):
    """Answer a success: with htmx the page comes anew and a toast says it, else a redirect."""
    if request.htmx and toast:
        response = trigger_client_event(HttpResponse(status=204), "workflows:changed")
        trigger_client_event(response, "dialog:close")
        return trigger_client_event(response, "toast", {"message": sentence, **toast})
    messages.success(request, sentence)
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def workflows(request, id):
    """List the workflows of a workspace, with their last runs."""
    workspace = enter(request, id)
    found = list(workspace.workflows.filter(deleted_at=None).select_related("owner"))
    return _list(request, workspace, found)


def _list(request, workspace, found, record=None):
    figures, book = figures_of(workspace.pk, [item.pk for item in found]), Book(workspace.pk)
    for item in found:
        item.figures = figures[item.pk]
        item.said = item.natural_language_description or said_of(item.structured_definition, book)
    writes = access.allows(request.actor, "write", workspace)
    context = {
        "workspace": workspace,
        "workflows": found,
        "record": record,
        "may_write": writes,
        "starters": starters_in(workspace.pk, request.user.email) if writes and not found else [],
        "trashed": workspace.workflows.exclude(deleted_at=None).count(),
        "waiting": running.waiting_for(request.actor, workspace.pk),
        "draftings": list(open_for(request.user, workspace.pk)[:FEW]) if writes else [],
    }
    part = "#list" if request.htmx else ""
    return render(request, f"automations/workflows.html{part}", context)


@login_required
@require_safe
def trash(request, id):
    """List the deleted workflows of a workspace."""
    workspace = enter(request, id)
    found = workspace.workflows.exclude(deleted_at=None).order_by("-deleted_at")
    context = {
        "workspace": workspace,
        "workflows": found,
        "may_write": access.allows(request.actor, "write", workspace),
    }
    return render(request, "automations/trash.html", context)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workflow_new(request, id):
    """Make a workflow, empty or from a starter, and open its steps."""
    workspace = enter(request, id, "write")
    starters = starters_in(workspace.pk, request.user.email)
    form = NewForm(request.POST or None, starters=starters, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        chosen = next((s for s in starters if s.key == form.cleaned_data["starter"]), None)
        name = form.cleaned_data["name"] or (chosen.label[:120] if chosen else "New workflow")
        with form.telling("name"):
            made = services.create_workflow(
                workspace=workspace,
                name=name,
                actor=request.actor,
                definition=chosen.definition if chosen else None,
            )
            url = reverse("workflow_steps", args=[made.pk])
            return went_well(request, f"“{made.name}” is a draft. Publish it to switch it on.", url)
    context = {
        "workspace": workspace,
        "form": form,
        "starters": starters,
        "chosen": form["starter"].value() or "",
        "title": "New workflow",
    }
    status = 422 if form.is_bound else 200
    return render(request, "automations/new.html", context, status=status)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def workflow(request, id):
    """Show a workflow: what it does, its figures, and its runs."""
    found = begin(request, id)
    form = RunsForm(request.GET)
    runs = form.narrow(found.runs.select_related("version").defer("output_data", "variables"))
    before = form.cleaned_data.get("before") if form.is_valid() else None
    if before:
        runs = runs.filter(pk__lt=before)
    runs = list(runs.order_by("-id")[: RUNS + 1])
    book = Book(found.workspace_id)
    version = services.current_version(found)
    context = page_of(
        request,
        found,
        "runs",
        form=form,
        runs=runs[:RUNS],
        next=_address(request, before=runs[RUNS - 1].pk) if len(runs) > RUNS else "",
        later=_address(request, before="") if before else "",
        figures=figures_of(found.workspace_id, [found.pk])[found.pk],
        said=said_of(
            version.structured_definition if version else found.structured_definition, book
        ),
    )
    part = "#runs" if request.htmx else ""
    status = 200 if form.is_valid() else 422
    return render(request, f"automations/workflow.html{part}", context, status=status)


def _address(request, **changes):
    data = request.GET.copy()
    for name, value in changes.items():
        data[name] = str(value)
    return f"?{data.urlencode()}"


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workflow_edit(request, id):
    """Change what a workflow is called and what is written about it."""
    found = begin(request, id, "write")
    names = ("name", "natural_language_description", "description")
    form = WorkflowForm(
        request.POST or None, initial={name: getattr(found, name) for name in names}
    )
    if request.method == "POST" and form.is_valid():
        with form.telling():
            services.change_workflow(workflow=found, actor=request.actor, **form.cleaned_data)
            return went_well(request, "Saved.", found.get_absolute_url())
    context = {"form": form, "workflow": found, "title": "Edit the workflow", "verb": "Save"}
    status = 422 if form.is_bound else 200
    return render(request, "automations/form.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workflow_publish(request, id):
    """Say what publishing the draft would change, then do it."""
    found = begin(request, id, "write")
    book = Book(found.workspace_id)
    version = services.current_version(found)
    problems, refused = [], ""
    try:
        parsed = definitions.parse(found.structured_definition)
        problems = definitions.problems_of(parsed, found.workspace_id, about=found.pk)
    except Invalid as error:
        problems = error.problems
    if request.method == "POST" and not problems:
        try:
            made = services.publish(workflow=found, actor=request.actor)
            sentence = f"Version {made.number} of “{found.name}” is on."
            return went_well(request, sentence, found.get_absolute_url())
        except Invalid as error:
            refused = error.detail
    before = version.structured_definition if version else None
    same = before == found.structured_definition and not problems
    # Who published a version lends it their rights, so another may want to do it anew.
    mine = version is not None and version.user_id == request.user.pk
    title = f"Publish version {version.number + 1}?" if version else "Publish and switch on?"
    context = {
        "workflow": found,
        "version": version,
        "same": same,
        "mine": mine,
        "old": f"Version {version.number}" if version else "",
        "lines": compare(before, found.structured_definition, book) if version else [],
        "said": said_of(found.structured_definition, book),
        "problems": problems,
        "refused": refused,
        "title": "There is nothing to publish" if same and mine else title,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "automations/publish.html", context, status=status)


@login_required
@require_POST
def workflow_switch(request, id):
    """Pause a workflow that is on; switch a paused one on."""
    found = begin(request, id, "write")
    if found.state == Workflow.State.ACTIVE:
        who = request.user.name or request.user.email
        services.pause(workflow=found, actor=request.actor, because=f"{who} switched it off.")
        sentence = f"“{found.name}” is paused. What runs already goes on."
    else:
        services.resume(workflow=found, actor=request.actor)
        sentence = f"“{found.name}” is on."
    return went_well(request, sentence, _back(request, found))


def _back(request, found):
    """Return the address of the page on which the form stood, if it is one of ours here."""
    at = request.POST.get("at", "")
    ours = f"/w/{found.workspace_id}/workflows/"
    return ours if at == "list" else found.get_absolute_url()


@login_required
@require_POST
def workflow_delete(request, id):
    """Put a workflow in the trash; the list offers the way back."""
    found = begin(request, id, "write")
    services.delete_workflow(workflow=found, actor=request.actor)
    sentence = f"“{found.name}” is in the trash."
    url = f"/w/{found.workspace_id}/workflows/"
    if request.POST.get("at") == "list":
        undo = {"url": f"/flows/{found.pk}/restore/", "label": "Undo"}
        return went_well(request, sentence, url, undo=undo)
    return went_well(request, sentence, f"{url}trash/")


@login_required
@require_POST
def workflow_restore(request, id):
    """Take a workflow out of the trash."""
    found = begin(request, id, "write", trashed=True)
    services.restore_workflow(workflow=found, actor=request.actor)
    return went_well(request, f"“{found.name}” is back.", found.get_absolute_url(), kind="good")


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workflow_run(request, id):
    """Start the published version by hand, on entries or with an input."""
    found = begin(request, id, "write")
    version = services.current_version(found)
    trigger = definitions.parse(version.structured_definition).trigger if version else None
    record = trigger and trigger.record_id and Book(found.workspace_id).record(trigger.record_id)
    given = request.POST if request.method == "POST" else None
    form = RunForm(given, initial=request.GET.dict())
    if record:
        form.fields["entries"].required = True
    else:
        del form.fields["entries"]
    if request.method == "POST" and form.is_valid():
        with form.telling(names="entries"):
            if request.POST.get("switch") and found.state == Workflow.State.PAUSED:
                services.resume(workflow=found, actor=request.actor)
            runs = running.start(workflow=found, actor=request.actor, **form.cleaned_data)
            one = len(runs) == 1
            sentence = "It runs." if one else f"{len(runs):,} runs were started."
            return went_well(request, sentence, (runs[0] if one else found).get_absolute_url())
    context = {
        "form": form,
        "workflow": found,
        "record": record,
        "title": f"Run “{found.name}”",
        "verb": "Run now",
        "unready": version is None,
        "paused": found.state == Workflow.State.PAUSED,
    }
    status = 422 if form.is_bound else 200
    return render(request, "automations/form.html", context, status=status)


@login_required
@require_safe
def workflow_versions(request, id):
    """List the published versions, and show two of them side by side."""
    found = begin(request, id)
    versions = list(found.versions.select_related("user").order_by("-number")[:200])
    sides = {str(item.number): item.structured_definition for item in versions}
    sides["draft"] = found.structured_definition
    names = list(sides)
    new = request.GET.get("new", "draft")
    old = request.GET.get("old", names[0] if names[0] != new else names[min(1, len(names) - 1)])
    if new not in sides or old not in sides:
        raise Invalid("There is no such version.")
    lines = compare(sides[old], sides[new], Book(found.workspace_id)) if versions else []
    context = page_of(request, found, "versions", versions=versions, lines=lines)
    context |= {"old": old, "new": new, "sides": names, "differs": differs(sides[old], sides[new])}
    return render(request, "automations/versions.html", context)
