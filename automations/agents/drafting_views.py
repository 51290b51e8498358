"""The pages on which a model drafts a workflow: ask it, read what it drafted, take that or not."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from automations import services
from automations.agents import draftings, providers
from automations.agents.drafting_forms import DraftForm, TakeForm
from automations.agents.drafting_marks import marks_of, pieces
from automations.definition import said_of
from automations.differing import compare
from automations.parts import Book
from automations.workflow_views import begin, went_well
from workspaces import access
from workspaces.entrance import enter
from workspaces.errors import Missing


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def draft_new(request, id):
    """Ask which agent's model shall draft a new workflow, and of what; `?text=` begins with one."""
    return _ask(request, enter(request, id, "write"), None)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def draft_change(request, id):
    """Ask which agent's model shall change the draft of a workflow, and how."""
    workflow = begin(request, id, "write")
    return _ask(request, workflow.workspace, workflow)


def _ask(request, workspace, workflow):
    agents = draftings.agents_for(workspace.pk)
    form = DraftForm(
        request.POST if request.method == "POST" else None,
        agents=agents,
        change=workflow is not None,
        initial={"text": request.GET.get("text", "")},
    )
    if request.method == "POST" and form.is_valid():
        with form.telling():
            made = draftings.start_drafting(actor=request.actor, workflow=workflow, **form.values())
            return went_well(request, "The model begins.", made.get_absolute_url())
    context = {
        "workspace": workspace,
        "workflow": workflow,
        "agents": agents,
        "form": form,
        "title": f"Change “{workflow.name}” with a model" if workflow else "Draft with a model",
    }
    status = 422 if form.is_bound else 200
    return render(request, "agents/draft.html", context, status=status)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def drafting(request, id):
    """Show what a model drafted; the page asks again until it did."""
    found = draftings.find_drafting(request.actor, id)
    return _show(request, found)


def _show(request, found, *, asked=None, taken=None):
    """Answer with the page; `asked` and `taken` are forms that were not right."""
    workspace = enter(request, found.workspace_id)
    task, book = draftings.task_of(found), Book(workspace.pk)
    status = draftings.status_of(found, task)
    change, workflow = found.base is not None, found.workflow
    output = task.task_output if isinstance(task.task_output, dict) else {}
    context = {
        "workspace": workspace,
        "drafting": found,
        "task": task,
        "agent": found.agent,
        "status": status,
        "workflow": workflow if workflow and not workflow.deleted_at else None,
        "change": change,
        "question": output.get("question", ""),
        "answered_by": providers.said(task.provider, providers.offered(task.workspace_id)),
        "may_write": access.allows(request.actor, "write", workspace),
    }
    if definition := output.get("definition"):
        context |= _draft(found, definition, book)
        context["take_form"] = taken or TakeForm(
            marks=context["marks"],
            change=change,
            initial={
                "name": output.get("title") or context["said"].partition("\n")[0].rstrip(":")[:120],
                "seen": draftings.seen_of(workflow) if change else "",
            },
        )
    if status in ("ready", "question", "failed", "stopped"):
        agents = draftings.agents_for(workspace.pk)
        first = {"text": found.text, "agent": str(found.agent_id)}
        context["ask_form"] = asked or DraftForm(agents=agents, change=change, initial=first)
        context["agents"] = agents
    part = "#drafting" if request.htmx else ""
    bad = 422 if asked or taken else 200
    return render(request, f"agents/drafting.html{part}", context, status=bad)


def _draft(found, definition, book):
    """Return what the page shows of a draft: what it says, what is marked, what would change."""
    said = said_of(definition, book)
    marks = marks_of(definition, found.text, book, found.base)
    made = {"said": said, "pieces": pieces(said, marks), "marks": marks}
    if found.base is not None and found.workflow and not found.closed:
        now = found.workflow.structured_definition
        made["lines"] = compare(now, definition, book)
        made["moved_on"] = now != found.base
    return made


@login_required
@require_POST
def drafting_act(request, id, verb):
    """Take a draft, discard it, or ask again with other words."""
    found = draftings.find_drafting(request.actor, id, "write")
    enter(request, found.workspace_id)
    if verb == "take":
        return _take(request, found)
    if verb == "again":
        return _again(request, found)
    if verb != "discard":
        raise Missing("There is no such thing to do with a draft.")
    draftings.discard(drafting=found, actor=request.actor)
    return went_well(request, "It is dropped; nothing was changed.", _back(found))


def _take(request, found):
    output = draftings.task_of(found).task_output or {}
    book, change = Book(found.workspace_id), found.base is not None
    marks = ()
    if "definition" in output:
        marks = marks_of(output["definition"], found.text, book, found.base)
    form = TakeForm(request.POST, marks=marks, change=change)
    if form.is_valid():
        with form.telling():
            made = draftings.take(drafting=found, actor=request.actor, **form.cleaned_data)
            sentence = f"“{made.name}” is a draft. Try it out, then publish it."
            url = f"{reverse('workflow_steps', args=[made.pk])}?step=test"
            return went_well(request, sentence, url)
    return _show(request, found, taken=form)


def _again(request, found):
    workflow = None
    if found.base is not None:  # which may lie in the trash by now
        workflow = services.find_workflow(request.actor, found.workflow_id, "write")
    agents = draftings.agents_for(found.workspace_id)
    form = DraftForm(request.POST, agents=agents, change=workflow is not None)
    if form.is_valid():
        with form.telling():
            made = draftings.start_drafting(actor=request.actor, workflow=workflow, **form.values())
            if not found.closed:
                draftings.discard(drafting=found, actor=request.actor)
            return went_well(request, "The model begins anew.", made.get_absolute_url())
    return _show(request, found, asked=form)


def _back(found):
    """Return the address of what a drafting was about."""
    if found.base is not None and found.workflow:
        return reverse("workflow_sentence", args=[found.workflow_id])
    return reverse("workflows", args=[found.workspace_id])
