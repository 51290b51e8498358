"""The page on which a workflow's steps are put together: a picture, and a panel for each step."""

import json
from urllib.parse import urlencode

import orjson
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from automations import definition as definitions
from automations import drafts, services, testing
from automations.drafting import draft_from_sentence
from automations.drawing import draw, own_problems
from automations.forms import RunForm
from automations.panels import panel_of, posted
from automations.parts import Book
from automations.sentence_views import pieces
from automations.workflow_views import begin, page_of, said_of, went_well
from workspaces import operations
from workspaces.errors import Conflict, Invalid, KdapError

DRAFTED = {"workflow.changed"}


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def steps(request, id):
    """Show the draft as a picture with the panel of the chosen step; change it."""
    found = begin(request, id, "write" if request.method == "POST" else "read")
    if request.method == "POST":
        return _change(request, found)
    return _show(request, found, request.GET)


def _show(request, found, asked, *, errors=(), data=None, status=200, **more):
    """Answer with the page, or with htmx the part that changes.

    `asked` names the panel; `data` is what was typed into it, `errors` what is wrong with that,
    `more` goes into the context.
    """
    book = Book(found.workspace_id)
    draft, problems, picture = found.structured_definition, [], None
    try:
        parsed = definitions.parse(draft)
        problems = definitions.problems_of(parsed, found.workspace_id)
        picture = draw(parsed, book, problems)
        trigger = parsed.trigger
        said = trigger.sentence(book)
    except KdapError as error:  # a step of it was taken out of the product, or a schedule is odd
        problems = error.problems or [{"pointer": "/trigger", "detail": error.detail}]
        trigger, said = None, error.detail
    context = page_of(
        request,
        found,
        "steps",
        picture=picture,
        trigger=trigger,
        trigger_said=said[:1].upper() + said[1:],
        trigger_problems=own_problems("/trigger", problems),
        problems=problems,
        chosen=asked.get("step", ""),
        trial_form=RunForm(),
        can_undo=_newest_change(request, found, 0) is not None,
        can_redo=_newest_change(request, found, 1) is not None,
        at=asked.get("at", ""),
    )
    context["panel"] = panel_of(
        found, asked, book, request.actor, errors=errors, data=data, problems=problems
    )
    context |= more
    context["read_only"] = not context["may_write"]
    part = "#builder" if request.htmx else ""
    return render(request, f"automations/steps.html{part}", context, status=status)


def _change(request, found):
    """Carry out what a panel or a button posted; show the page anew."""
    verb, step = request.POST.get("verb", ""), request.POST.get("step", "")
    verb = "refresh" if request.POST.get("grow") else verb
    draft = found.structured_definition
    if verb in ("save", "refresh"):
        return _save(request, found, verb)
    try:
        if verb == "up":
            draft = drafts.move(draft, step, -1)
        elif verb == "down":
            draft = drafts.move(draft, step, 1)
        elif verb == "delete":
            draft, step = drafts.delete(draft, step), ""
        elif verb == "duplicate":
            draft, step = drafts.duplicate(draft, step)
        elif verb in ("undo", "redo"):
            return _take_back(request, found, verb)
        elif verb == "say":
            return _say(request, found)
        else:
            raise Invalid("There is no such thing to do with a step.")
        services.change_workflow(workflow=found, actor=request.actor, structured_definition=draft)
    except (Invalid, Conflict) as error:
        return _refused(request, found, step, error.detail)
    stay = request.POST.get("stay")
    return _again(request, found, step, None if stay is None else QueryDict(stay))


def _save(request, found, verb):
    book = Book(found.workspace_id)
    try:
        draft, asked, data, pointer = posted(found, request.POST, book, keep=verb == "refresh")
    except Conflict:  # pressed twice
        return _again(request, found, request.POST.get("id", ""))
    if verb == "refresh":
        return _show(request, found, asked, data=data)
    try:
        services.change_workflow(workflow=found, actor=request.actor, structured_definition=draft)
    except Invalid as error:
        errors = [
            (item["pointer"].removeprefix(pointer).strip("/").split("/")[0], item["detail"])
            for item in error.problems
            if item["pointer"].startswith(pointer)
        ] or [("", error.detail)]
        _, asked, data, _ = posted(found, request.POST, book, keep=True)
        return _show(request, found, asked, errors=errors, data=data, status=422)
    then = QueryDict(request.POST.get("then", "")) or None
    return _again(request, found, data.get("id") or asked.get("step", ""), then)


def _say(request, found):
    """Make of the draft what a sentence means; show the words that are not understood."""
    text = request.POST.get("text", "").strip()
    _, understood = draft_from_sentence(text=text, actor=request.actor, workflow=found)
    if understood.definition is not None:
        return _again(request, found, "words")
    sentence = {"understood": understood, "pieces": pieces(text, understood.problems)}
    asked = QueryDict("step=words")
    return _show(request, found, asked, data={"text": text}, sentence=sentence, status=422)


def _again(request, found, step, then=None):
    """Answer with the page as it is now, the panel of `step` open, or the one that `then` names."""
    found.refresh_from_db()
    asked = QueryDict(urlencode({"step": step} if step else {})) if then is None else then
    address = reverse("workflow_steps", args=[found.pk])
    address += f"?{asked.urlencode()}" if asked else ""
    if not request.htmx:
        return redirect(address)
    answer = _show(request, found, asked)
    answer["HX-Replace-Url"] = address
    return answer


def _refused(request, found, step, detail):
    if not request.htmx:
        messages.error(request, detail)
        return _again(request, found, step)
    return _show(
        request, found, QueryDict(urlencode({"step": step})), errors=[("", detail)], status=422
    )


def _newest_change(request, found, which):
    """Return the id of the person's newest operation on the draft to undo (0) or redo (1)."""
    ids = operations.stacks(request.actor, found.pk)[which]
    if not ids:
        return None
    types = {event.type for event in operations.events_of(ids[-1])}
    return ids[-1] if types <= DRAFTED else None


def _take_back(request, found, verb):
    operation = _newest_change(request, found, 0 if verb == "undo" else 1)
    if operation is None:
        raise Conflict(f"There is nothing to {verb}.")
    operations.undo(operation_id=operation, actor=request.actor)
    return _again(request, found, "")


@login_required
@require_POST
def try_out(request, id):
    """Run the draft on an entry without effect, and show what each step would do."""
    found = begin(request, id, "write")
    form = RunForm(request.POST)
    asked = QueryDict(urlencode({"step": "test", "until": request.POST.get("until", "")}))
    if not form.is_valid():
        return _show(request, found, asked, trial_form=form, status=422)
    entries = form.cleaned_data["entries"]
    try:
        trial = testing.try_out(
            workflow=found,
            actor=request.actor,
            entry_id=entries[0] if entries else None,
            input=form.cleaned_data["input"],
            step=asked["until"],
        )
    except KdapError as error:
        form.add_error(None, error.detail)
        return _show(request, found, asked, trial_form=form, status=422)
    return _show(request, found, asked, trial_form=form, trial=trial)


@login_required
@require_http_methods(["GET", "POST"])
def steps_json(request, id):
    """Show the draft as JSON, and take it back changed."""
    found = begin(request, id, "write" if request.method == "POST" else "read")
    text, problems = json.dumps(found.structured_definition, indent=2, ensure_ascii=False), []
    status = 200
    if request.method == "POST":
        text = request.POST.get("definition", "")
        try:
            services.change_workflow(
                workflow=found, actor=request.actor, structured_definition=parsed_json(text)
            )
            return went_well(request, "Saved.", request.path)
        except Invalid as error:
            problems, status = error.problems or [{"pointer": "", "detail": error.detail}], 422
    else:
        try:
            parsed = definitions.parse(found.structured_definition)
            problems = definitions.problems_of(parsed, found.workspace_id)
        except Invalid as error:
            problems = error.problems
    said = said_of(found.structured_definition, Book(found.workspace_id))
    context = page_of(request, found, "steps", text=text, problems=problems, said=said)
    return render(request, "automations/steps_json.html", context, status=status)


def parsed_json(text):
    """Return the JSON object that a text (or bytes) holds; raise Invalid in words."""
    try:
        made = orjson.loads(text)  # whose numbers and texts PostgreSQL takes as well
    except (ValueError, RecursionError) as error:
        where = f" in line {error.lineno}" if isinstance(error, orjson.JSONDecodeError) else ""
        raise Invalid(f"This is no JSON{where}.") from None
    if not isinstance(made, dict):
        raise Invalid("A definition is a JSON object.")
    return made
