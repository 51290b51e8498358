"""The pages of runs: one of them step by step, what people do about it, and what waits for them."""

from django.contrib.auth.decorators import login_required
from django.core import signing
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from automations import calls, looping, notices, running
from automations import definition as definitions
from automations.agents import talk
from automations.agents import tasks as agent_tasks
from automations.approvals import members_among
from automations.models import WorkflowRun, WorkflowStep
from automations.parts import Book
from automations.trees import pretty, tree_of
from automations.workflow_views import went_well
from records.history_views import change
from records.models import Record
from workspaces import access
from workspaces.access import Actor, acting_as
from workspaces.entrance import enter
from workspaces.errors import Conflict, Invalid, KdapError, Missing

MOST_ROWS = 500
MOST_TASKS = 30
UNUSUAL = ("failed", "unknown", "waiting", "started")


@login_required
@require_safe
@vary_on_headers("HX-Request")
def run(request, id):
    """Show a run step by step; the page asks again until it is over."""
    found = running.find_run(request.actor, id)
    workspace = enter(request, found.workspace_id)
    steps = found.steps.defer("workspace_id")
    rows = list(steps[:MOST_ROWS])
    count = len(rows) if len(rows) < MOST_ROWS else steps.count()
    if count > MOST_ROWS:
        last = rows[-1].pk
        rows += list(steps.filter(pk__gt=last, status__in=UNUSUAL)[:100])
    writes = access.allows(request.actor, "write", workspace)
    parsed = _definition(found)
    mine = request.user.email.lower()
    loops = looping.shown(found)
    for row in rows:
        row.loop = loops.get(row.path)
        row.is_cut_off = found.is_over and row.status == "waiting"
        waits = row.status == "waiting" and row.waits_for == "approval" and not row.answer
        row.asked = notices.people_asked(found, row) if waits else []
        row.call_url = _address_of(found, row) if writes else ""
        row.mine = waits and not found.is_over and mine in row.asked
    caused = found.children.filter(position=None)
    context = {
        "workspace": workspace,
        "run": found,
        "top": looping.top_of(found),
        "tree": tree_of(rows, parsed, Book(workspace.pk)),
        "left_out": count - len(rows),
        "may_write": writes,
        "record": _record_of(found, parsed),
        "operation": change(request, workspace, found.operation_id),
        "parent": found.parent_id
        and WorkflowRun.objects.select_related("workflow").get(pk=found.parent_id),
        "children": list(caused.select_related("workflow").order_by("id")[:50]),
        "retries": list(found.retries.order_by("id")[:20]),
        "newer": found.workflow.published and found.workflow.published > found.version.number,
        "trigger_json": pretty(found.trigger_data, 20_000),
        "output_json": pretty(found.output_data, 20_000),
    }
    part = "#run" if request.htmx else ""
    return render(request, f"automations/run.html{part}", context)


def _address_of(found, row):
    """Return the address whose call a step waits for, "" for any other."""
    waits = row.status == "waiting" and row.waits_for == "call" and not found.is_over
    return calls.address_for(found.pk, row.input["number"]) if waits else ""


def _definition(found):
    try:
        return definitions.parse(found.version.structured_definition)
    except KdapError:
        return None  # an old version may have steps that are gone; its rows are shown all the same


def _record_of(found, parsed):
    named = (found.trigger_data or {}).get("record") or (parsed and parsed.trigger.record_id)
    if not named or not found.entry_id:
        return None
    return Record.objects.filter(pk=named, workspace=found.workspace_id, deleted_at=None).first()


@login_required
@require_POST
def run_act(request, id, verb):
    """Cancel a run, go on with it (by its version or the newest one), or do it anew."""
    found = running.find_run(request.actor, id, "write")
    enter(request, found.workspace_id)
    if verb == "cancel":
        running.cancel(run=found, actor=request.actor)
        return _back(request, found, "The run is cancelled, or will be after the step at work.")
    step = "step that failed" if found.status == "failed" else "step it had come to"
    if verb == "retry":
        made = running.retry(run=found, actor=request.actor)
        return _back(request, made, f"It goes on from the {step}.")
    if verb == "renew":
        made = running.retry(run=found, actor=request.actor, latest=True)
        return _back(request, made, f"It goes on by the newest version from the {step}.")
    if verb == "replay":
        made = running.replay(run=found, actor=request.actor)
        return _back(request, made, "Started anew by the newest version, with the same data.")
    raise Missing("There is no such thing to do with a run.")


@login_required
@require_POST
def step_act(request, id, step_id):
    """Answer an approval from the run's page, or say what became of a step nobody can tell about."""
    found = running.find_run(request.actor, id)
    enter(request, found.workspace_id)
    row = found.steps.filter(pk=step_id).first()
    if row is None:
        raise Missing("There is no such step in this run.")
    if decision := request.POST.get("decision"):
        running.decide(row=row, decision=decision, actor=request.actor)
        return _back(request, found, "Noted; the run goes on.")
    mine = request.user.email.lower()
    if row.waits_for != "approval" or mine not in notices.people_asked(found, row):
        raise Invalid("This question is not for you.")
    given, comment = request.POST.get("answer", ""), request.POST.get("comment", "")
    running.answer(row=row, given=given, email=mine, comment=comment)
    said = "Approved." if given == "approved" else "Rejected."
    if request.POST.get("at") == "inbox":
        return went_well(request, said, f"/w/{found.workspace_id}/approvals/")
    return _back(request, found, said)


def _back(request, found, sentence):
    return went_well(request, sentence, found.get_absolute_url())


@login_required
@require_safe
def approvals(request, id):
    """List what waits for an answer of the person who asks."""
    workspace = enter(request, id)
    rows = running.waiting_for(request.actor, workspace.pk)
    waiting = agent_tasks.waiting_for(request.actor, workspace.pk).defer("messages")
    tasks = list(waiting.select_related("agent", "user", "run__workflow")[:MOST_TASKS])
    for task in tasks:
        task.wants = talk.wants_of(task)
    answered = (
        WorkflowStep.objects.filter(
            answer__by=request.user.email.lower(), workspace_id=workspace.pk, type="approval"
        )
        .select_related("run__workflow")
        .order_by("-id")[:10]
    )
    context = {"workspace": workspace, "rows": rows, "tasks": tasks, "answered": answered}
    return render(request, "automations/approvals.html", context)


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
        member = row and members_among([email], row.workspace_id)[0]
    if row is None:
        raise Missing("What this link asked about is not there any more.")
    if not member:
        raise Missing("This link was for a member of a workspace, who is none any more.")
    settled = row.answer or (None if row.status == "waiting" else row.output)
    wanted = next((word for word in ("approved", "rejected") if word in request.GET), "")
    context = {"row": row, "run": run, "settled": settled, "email": email, "wanted": wanted}
    late = False
    if request.method == "POST":
        given, comment = request.POST.get("answer", ""), request.POST.get("comment", "")
        try:
            row = running.answer(row=row, given=given, email=email, comment=comment)
        except Conflict:
            with acting_as(Actor.system(door="automation", approval=str(row_id))):
                row.refresh_from_db()
            # Who only pressed twice has what they want.
            had = row.answer or {}
            late = (had.get("answer"), had.get("by")) != (given, email)
        context |= {"settled": row.answer, "row": row, "now": not late, "late": late}
    return render(request, "automations/approval.html", context, status=409 if late else 200)
