"""The pages on which a workflow is described in a sentence, and checked while somebody types."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from automations import drafting
from automations.agents import draftings
from automations.agents.drafting_forms import DraftForm
from automations.english import MOST_CHARACTERS, understand
from automations.english.examples import examples_for
from automations.forms import SentenceForm
from automations.parts import Book
from automations.workflow_views import begin, page_of, went_well
from workspaces.entrance import enter

FEW = 5


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def sentence_new(request, id):
    """Make a workflow of a sentence; `?text=` begins with one."""
    workspace = enter(request, id, "write")
    return _page(request, workspace, None)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def sentence(request, id):
    """Show a workflow's draft as a sentence, and change it by another."""
    workflow = begin(request, id, "read" if request.method == "GET" else "write")
    return _page(request, workflow.workspace, workflow)


def _page(request, workspace, workflow):
    """Show the text with what it means; with POST make the draft, or only check it (`part`)."""
    text = request.GET.get("text", "")
    if not text and workflow is not None:
        text = drafting.sentence_of(workflow)
    data = request.POST if request.method == "POST" else None
    form = SentenceForm(data, initial={"text": text[:MOST_CHARACTERS]})
    checks = request.POST.get("part") == "check"
    understood = None
    if form.is_bound and form.is_valid():
        text = form.cleaned_data["text"]
        if checks:
            understood = _understood(text, workspace, workflow, request)
        else:
            made, understood = drafting.draft_from_sentence(
                text=text, actor=request.actor, workspace=workspace, workflow=workflow
            )
            if understood.definition is not None:
                sentence = f"“{made.name}” is a draft. Try it out, then publish it."
                return went_well(request, sentence, reverse("workflow_sentence", args=[made.pk]))
    elif not form.is_bound and text:
        understood = _understood(text, workspace, workflow, request)
    return _shown(request, workspace, workflow, form, text, understood, checks)


def _understood(text, workspace, workflow, request):
    owner = workflow.owner if workflow else request.user
    return understand(text, Book(workspace.pk), owner=owner)


def _shown(request, workspace, workflow, form, text, understood, checks):
    address = "workflow_sentence" if workflow else "workflow_sentence_new"
    said = {
        "form": form,
        "url": reverse(address, args=[workflow.pk if workflow else workspace.pk]),
        "understood": understood,
        "pieces": pieces(text, understood.problems) if understood else [],
        "workflow": workflow,
        "may_write": True,
    }
    context = page_of(request, workflow, "sentence") if workflow else {"workspace": workspace}
    said["may_write"] = context.get("may_write", True)
    if not checks:
        said["examples"] = examples_for(workspace, request.user.email)
        said |= _by_a_model(request, workspace, workflow, form)
    bad = form.is_bound and not checks
    template = "automations/sentence.html"
    if request.htmx and not request.htmx.boosted:
        template = "automations/_sentence.html" + ("#meaning" if checks else "")
    return render(request, template, context | {"sentence": said}, status=422 if bad else 200)


def _by_a_model(request, workspace, workflow, form):
    """Return what the page shows of drafting by a model, and a person's words that are no grammar."""
    agents = draftings.agents_for(workspace.pk)
    drafts = draftings.open_for(request.user, workspace.pk)
    made = {
        "agents": agents,
        "draftings": list(drafts.filter(workflow=workflow)[:FEW]),
        "draft_url": reverse("workflow_draft_new", args=[workspace.pk]),
    }
    if workflow is None:
        return made
    own = workflow.natural_language_description
    made["own"] = own if own != form["text"].value() and not form.is_bound else ""
    made["draft_url"] = reverse("workflow_draft", args=[workflow.pk])
    made["draft_form"] = DraftForm(agents=agents, change=True, auto_id="draft-%s")
    return made


def pieces(text, problems):
    """Cut a text at its problems: return [(words, problem or None)]; of two that overlap the first.

    A problem between two words, where something is missing, has no words.
    """
    made, here = [], 0
    for problem in sorted(problems, key=lambda problem: (problem.start, problem.end)):
        if problem.start < here:
            continue
        made.append((text[here : problem.start], None))
        made.append((text[problem.start : problem.end], problem))
        here = problem.end
    return [piece for piece in [*made, (text[here:], None)] if piece[0] or piece[1]]
