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
from django_htmx.http import reswap, retarget, trigger_client_event

from automations import definition as definitions
from automations import drafts, services, testing
from automations.building import altered, broken_by
from automations.definition import said_of
from automations.drafting import draft_from_sentence
from automations.drawing import draw, own_problems
from automations.forms import RunForm
from automations.panels import MOVE, is_there, panel_of, posted, seen_of
from automations.parts import Book
from automations.sentence_views import pieces
from automations.workflow_views import begin, page_of, went_well
from workspaces import operations
from workspaces.errors import Conflict, Invalid, KdapError, Missing

DRAFTED = {"workflow.changed"}
CHANGED_SINCE = (
    "Somebody changed this in the meantime; the picture shows what it is now. "
    "Saving again puts yours in its place."
)
MOVED_SINCE = (
    "Somebody moved steps in the meantime. Look whether the marked place is still the one you want."
)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def steps(request, id):
    """Show the draft as a picture with the panel of the chosen step; change it."""
    found = begin(request, id, "write" if request.method == "POST" else "read")
    if request.method == "POST":
        return _change(request, found)
    if request.htmx and (request.htmx.target or "").endswith("#side"):
        return _beside(request, found, request.GET)
    return _show(request, found, request.GET)


def _show(request, found, asked, *, errors=(), data=None, status=200, alone=False, **more):
    """Answer with the page; with htmx with its #builder, or `alone` with what is beside the picture.

    `asked` names the panel; `data` is what was typed into it, `errors` what is wrong with that,
    `more` goes into the context.
    """
    alone = alone and bool(request.htmx)
    book = Book(found.workspace_id)
    context = page_of(request, found, "steps", trial_form=RunForm(), at=asked.get("at", ""))
    context |= _seen(found, book, drawn=not alone or asked.get("step") == MOVE)
    panel = panel_of(
        found, asked, book, request.actor, errors=errors, data=data, problems=context["problems"]
    )
    if panel and data is not None and status == 200:  # nothing was compared with it yet
        panel.seen = request.POST.get("seen", "")
    context |= {"panel": panel, "chosen": asked.get("of") or asked.get("step", "")} | more
    context["read_only"] = not context["may_write"]
    if alone:
        answer = render(request, "automations/steps.html#side", context, status=status)
        return reswap(retarget(answer, "#side"), "innerHTML")
    context |= {"shape": drafts.shape(found.structured_definition), "stay": asked.urlencode()}
    context["can_undo"] = _newest_change(request, found, 0) is not None
    context["can_redo"] = _newest_change(request, found, 1) is not None
    part = "#builder" if request.htmx else ""
    return render(request, f"automations/steps.html{part}", context, status=status)


def _seen(found, book, drawn):
    """Return what the page says of a draft: its trigger, its problems, and its picture if `drawn`."""
    picture = trigger = None
    try:
        parsed = definitions.parse(found.structured_definition)
        problems = definitions.problems_of(parsed, found.workspace_id, about=found.pk)
        picture = draw(parsed, book, problems) if drawn else None
        trigger = parsed.trigger
        said = trigger.sentence(book)
    except KdapError as error:  # a step of it was taken out of the product, or a schedule is odd
        problems = error.problems or [{"pointer": "/trigger", "detail": error.detail}]
        trigger, said = None, error.detail
    return {
        "picture": picture,
        "trigger": trigger,
        "trigger_said": said[:1].upper() + said[1:],
        "trigger_problems": own_problems("/trigger", problems),
        "problems": problems,
    }


def _beside(request, found, asked):
    """Answer with the panel alone; with all there is when its step is gone meanwhile."""
    try:
        return _show(request, found, asked, alone=True)
    except Missing as error:
        answer = _again(request, found, QueryDict(""))
        answer = reswap(retarget(answer, "#builder"), "outerHTML")
        return trigger_client_event(answer, "toast", {"message": error.detail, "kind": "bad"})


def _change(request, found):
    """Carry out what a panel or a button posted; show the page anew."""
    verb = "refresh" if request.POST.get("grow") else request.POST.get("verb", "")
    if verb in ("undo", "redo"):
        return _take_back(request, found, verb)
    if verb == "say":
        return _say(request, found)
    services.hold_workflow(found)
    if verb == "refresh":
        _, asked, data, _ = posted(found, request.POST, Book(found.workspace_id), keep=True)
        return _show(request, found, asked, data=data, alone=True)
    if verb == "save":
        wrong, step = _save(request, found)
        then = request.POST.get("then", "")
        asked = QueryDict("") if then == "close" else QueryDict(then) or _asked(step)
        return wrong or _again(request, found, asked)
    return _act(request, found, verb)


def _asked(step):
    return QueryDict(urlencode({"step": step} if step else {}))


def _stay(post):
    """Return which panel is to stay open, None when that was not said.

    One for a new step does not: its place is another one when steps were moved.
    """
    stay = post.get("stay")
    asked = None if stay is None else QueryDict(stay)
    return QueryDict("") if asked and "at" in asked else asked


def _save(request, found):
    """Make of the draft what a panel's form says; return (None, id of the step).

    Where that can't be, it is (the answer that says so, "").
    """
    post, book = request.POST, Book(found.workspace_id)
    try:
        draft, asked, data, pointer = posted(found, post, book)
    except Conflict:  # pressed twice
        return None, post.get("id", "")
    seen = post.get("seen")
    if seen and seen != seen_of(found.structured_definition, post.get("step", "")):
        said = MOVED_SINCE if post["step"] == "new" else CHANGED_SINCE
        return _typed_again(request, found, [("", said)], conflict=True), ""
    try:
        services.change_workflow(workflow=found, actor=request.actor, structured_definition=draft)
    except Invalid as error:
        errors = [
            (item["pointer"].removeprefix(pointer).strip("/"), item["detail"])
            for item in error.problems
            if f"{item['pointer']}/".startswith(f"{pointer}/")
        ] or [("", error.detail)]
        return _typed_again(request, found, errors), ""
    return None, data.get("id") or asked.get("step", "")


def _typed_again(request, found, errors, conflict=False):
    """Show a panel with what was typed, and what is wrong with it.

    After a `conflict` the picture is shown anew as well: it is of an older draft.
    """
    _, asked, data, _ = posted(found, request.POST, Book(found.workspace_id), keep=True)
    more = {"refused": True, "conflict": conflict, "alone": not conflict}
    return _show(request, found, asked, errors=errors, data=data, status=422, **more)


def _act(request, found, verb):
    """Move, copy or delete a step; what was typed into its panel is saved before."""
    post = request.POST
    step = post.get("step", "")
    if any(name.startswith("has-") for name in post) and verb != "delete":
        wrong, _ = _save(request, found)
        if wrong:
            return wrong
    stay = _stay(post)
    try:
        draft, shown, sentence = altered(found, verb, post)
        before = found.structured_definition
        services.change_workflow(workflow=found, actor=request.actor, structured_definition=draft)
    except (Invalid, Conflict) as error:
        asked = _asked(step) if stay is None else stay
        return _refused(request, found, asked, error)
    asked = _asked(shown) if stay is None else stay
    if not sentence or found.structured_definition == before:
        return _again(request, found, asked)
    wrong = broken_by(before, found)
    toast = {"message": " ".join([sentence, *wrong]), "kind": "warn" if wrong else "good"}
    return _again(request, found, asked, toast | {"undo": {"operation": request.actor.operation}})


def _say(request, found):
    """Make of the draft what a sentence means; show the words that are not understood."""
    text = request.POST.get("text", "").strip()
    _, understood = draft_from_sentence(text=text, actor=request.actor, workflow=found)
    if understood.definition is not None:
        return _again(request, found, QueryDict("step=words"))
    sentence = {"understood": understood, "pieces": pieces(text, understood.problems)}
    asked = QueryDict("step=words")
    typed = {"text": text}
    return _show(request, found, asked, data=typed, sentence=sentence, status=422, alone=True)


def _again(request, found, asked, toast=None):
    """Answer with the page as it is now and the panel that `asked` names, if it is still there."""
    found.refresh_from_db()
    asked = asked if is_there(found.structured_definition, asked) else QueryDict("")
    address = reverse("workflow_steps", args=[found.pk])
    address += f"?{asked.urlencode()}" if asked else ""
    if not request.htmx:
        if toast:
            level = {"good": messages.SUCCESS, "warn": messages.WARNING, "bad": messages.ERROR}
            messages.add_message(request, level[toast["kind"]], toast["message"])
        return redirect(address)
    answer = _show(request, found, asked)
    answer["HX-Replace-Url"] = address
    return trigger_client_event(answer, "toast", toast) if toast else answer


def _refused(request, found, asked, error):
    """Answer with the page as it is now, and with why it did not become another one."""
    details = [problem["detail"] for problem in error.problems[:1]] or [error.detail]
    answer = _again(request, found, asked, {"message": details[0], "kind": "bad"})
    if request.htmx:
        answer.status_code = 422
    return answer


def _newest_change(request, found, which):
    """Return the id of the person's newest operation on the draft to undo (0) or redo (1)."""
    ids = operations.stacks(request.actor, found.pk)[which]
    if not ids:
        return None
    types = {event.type for event in operations.events_of(ids[-1])}
    return ids[-1] if types <= DRAFTED else None


def _take_back(request, found, verb):
    """Undo or redo the newest of the person's changes, or undo the one that is named."""
    stay = _stay(request.POST) or QueryDict("")
    operation = _newest_change(request, found, 0 if verb == "undo" else 1)
    named = request.POST.get("operation", "")
    try:
        if operation is None or (named and str(operation) != named):
            raise Conflict(f"There is nothing to {verb}.")
        outcome = operations.undo(operation_id=operation, actor=request.actor)
        if outcome.kept and not outcome.restored:
            raise Conflict("The draft was changed again since, so this can't be taken back.")
    except Conflict as error:
        return _refused(request, found, stay, error)
    return _again(request, found, stay)


@login_required
@require_POST
def try_out(request, id):
    """Run the draft on an entry without effect, and show what each step would do."""
    found = begin(request, id, "write")
    form = RunForm(request.POST)
    answer = "rejected" if request.POST.get("answer") == "rejected" else "approved"
    given = {"step": "test", "until": request.POST.get("until", ""), "answer": answer}
    asked = QueryDict(urlencode(given))
    if not form.is_valid():
        return _show(request, found, asked, trial_form=form, status=422, alone=True)
    entries = form.cleaned_data["entries"]
    try:
        trial = testing.try_out(
            workflow=found,
            actor=request.actor,
            entry_id=entries[0] if entries else None,
            input=form.cleaned_data["input"],
            step=asked["until"],
            answer=answer,
        )
    except KdapError as error:
        form.add_error(None, error.detail)
        return _show(request, found, asked, trial_form=form, status=422, alone=True)
    return _show(request, found, asked, trial_form=form, trial=trial, alone=True)


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
            problems = definitions.problems_of(parsed, found.workspace_id, about=found.pk)
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
