"""Steps that wait, ask, act outside, fail and are tried again."""

import datetime as dt
from unittest.mock import patch

import pytest
from django.core import mail
from django.utils import timezone

from automations import clock, engine, notices, running, sandbox
from automations.finishing import as_json
from automations.models import Subscription, WorkflowRun, WorkflowStep
from automations.tests.receivers import ok, receiving
from automations.tests.workflows import (
    BUTTON,
    add,
    entries_in,
    make_workflow,
    runs_of,
    settle,
    start,
    steps_of,
)
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Invalid

pytestmark = pytest.mark.django_db(transaction=True)
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
LATER = dt.timedelta(days=400)


def note(tasks, text="done", id="note"):
    return {"id": id, "type": "create_entry", "record": str(tasks.pk), "values": {"what": text}}


def pass_time():
    """Let everything that waits for a moment have waited long enough."""
    with acting_as(Actor.system()):
        long_ago = timezone.now() - dt.timedelta(seconds=1)
        WorkflowRun.objects.filter(wake_at__isnull=False).update(wake_at=long_ago)
        WorkflowStep.objects.filter(wake_at__isnull=False).update(wake_at=long_ago)
    settle()


def only_run(workflow):
    (run,) = runs_of(workflow)
    return run


def test_a_wait_costs_nothing_and_goes_on(alice, workspace, tasks):
    wait = {"id": "wait", "type": "wait", "amount": 3, "unit": "days"}
    workflow = make_workflow(alice, workspace, BUTTON, wait, note(tasks))
    start(alice, workflow)
    settle()
    run = only_run(workflow)
    assert run.status == "waiting"
    assert run.wake_at - timezone.now() > dt.timedelta(days=2.9)
    assert entries_in(alice, tasks, "what") == []
    pass_time()
    assert only_run(workflow).status == "succeeded"
    assert entries_in(alice, tasks, "what") == [("done",)]


@pytest.mark.parametrize(("given", "then"), [("approved", "yes"), ("rejected", "no")])
def test_an_approval_goes_the_way_of_the_answer(alice, bob, workspace, tasks, given, then):
    ask = {
        "id": "ask",
        "type": "approval",
        "question": "Give 40 % to {{ trigger.input.who }}?",
        "people": [bob.user.email],
        "approved": [note(tasks, "yes {{ steps.ask.by }}", "yes")],
        "rejected": [note(tasks, "no {{ steps.ask.by }}", "no")],
    }
    workflow = make_workflow(alice, workspace, BUTTON, ask)
    start(alice, workflow, input={"who": "Ann"})
    settle()
    assert [m.to for m in mail.outbox] == [[bob.user.email]]
    with bob.acting() as actor:
        (row,) = running.waiting_for(actor, workspace.pk)
    assert row.input["question"] == "Give 40 % to Ann?"
    link = f"/approvals/{notices.token_for(row.pk, bob.user.email)}/"
    page = bob.client.get(link)
    assert "Give 40 % to Ann?" in page.content.decode()
    bob.client.post(link, {"answer": given})
    settle()
    assert entries_in(alice, tasks, "what") == [(f"{then} {bob.user.email}",)]
    assert bob.client.post(link, {"answer": given}).status_code == 200
    other = "rejected" if given == "approved" else "approved"
    assert bob.client.post(link, {"answer": other}).status_code == 409
    assert len(entries_in(alice, tasks, "what")) == 1
    with pytest.raises(Conflict):
        running.answer(row=row, given="approved", email=bob.user.email)


def test_only_members_can_be_asked(alice, bob, workspace):
    people = ["Bob <BOB@example.com>, bib@example.com", "zoe@example.org", "@", "{{ trigger.x }}"]
    ask = {"id": "ask", "type": "approval", "question": "Well?", "people": people}
    with pytest.raises(Invalid) as error:
        make_workflow(alice, workspace, BUTTON, ask)
    said = [(item["pointer"], item["detail"]) for item in error.value.problems]
    nobody = "Nobody in this workspace has the address"
    assert said == [
        ("/steps/0/people/0", f"{nobody} “bib@example.com”. Did you mean “bob@example.com”?"),
        ("/steps/0/people/1", f"{nobody} “zoe@example.org”."),
        ("/steps/0/people/2", "“@” is not an e-mail address."),
    ]


def test_who_is_no_member_is_not_asked(alice, bob, workspace):
    ask = {
        "id": "ask",
        "type": "approval",
        "question": "Well?",
        "people": ["{{ trigger.input.who }}"],
    }
    workflow = make_workflow(alice, workspace, BUTTON, ask)
    start(alice, workflow, input={"who": "zoe@example.com, bob@example.com"})
    settle()
    assert [m.to for m in mail.outbox] == [[bob.user.email]]
    assert steps_of(only_run(workflow))["ask"].input["not_members"] == ["zoe@example.com"]
    start(alice, workflow, input={"who": "zoe@example.com"})
    settle()
    assert "Only members can be asked" in runs_of(workflow)[1].error_message


def test_silence_answers_as_the_step_says(alice, workspace, tasks):
    ask = {"id": "ask", "type": "approval", "question": "Well?", "silence": "fail"}
    workflow = make_workflow(alice, workspace, BUTTON, ask)
    start(alice, workflow)
    settle()
    pass_time()
    assert only_run(workflow).status == "failed"
    assert "Nobody answered" in only_run(workflow).error_message


def test_an_email_is_sent_once_with_what_it_is_about(alice, workspace, make_record):
    books = make_record("Books", title="text")
    add(alice, books, {"title": "Dune"})
    mailed = {
        "id": "tell",
        "type": "send_email",
        "to": ["{{ trigger.input.to }}"],
        "subject": "New: {{ trigger.input.title }}",
        "body": "Look at it.",
        "attachments": [{"record": str(books.pk), "format": "csv"}],
    }
    workflow = make_workflow(alice, workspace, BUTTON, mailed)
    start(alice, workflow, input={"to": "ann@example.com", "title": "Emma\nBcc: x@example.com"})
    settle()
    assert only_run(workflow).error_message == ""
    (sent,) = mail.outbox
    assert sent.to == ["ann@example.com"]
    assert sent.subject == "New: Emma Bcc: x@example.com"
    assert sent.attachments[0].content == "Title\nDune\n"


def test_a_call_is_tried_again_with_the_same_key(alice, workspace, settings):
    answers = [BUSY, ok(b'{"took": true}', b"Content-Type: application/json")]
    with receiving(lambda connection, request: connection.sendall(answers.pop(0))) as server:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [server.here]
        call = {
            "id": "call",
            "type": "http_request",
            "url": server.url("/hook"),
            "body": {"who": "{{ trigger.input.who }}"},
            "retries": 2,
        }
        workflow = make_workflow(alice, workspace, BUTTON, call)
        start(alice, workflow, input={"who": "Ann"})
        settle()
        assert only_run(workflow).status == "waiting"
        pass_time()
    run = only_run(workflow)
    key = f"Idempotency-Key: {run.pk}:call".encode()
    assert [key in request for request in server.requests] == [True, True]
    assert server.requests[1].endswith(b'{"who":"Ann"}')
    assert steps_of(run)["call"].output["body"] == {"took": True}
    assert run.status == "succeeded"
    assert steps_of(run)["call"].attempts == 2


def test_a_worker_that_dies_while_it_acts_outside_leaves_the_question_to_a_person(
    alice, workspace, tasks
):
    mailed = {"id": "tell", "type": "send_email", "to": ["ann@example.com"], "subject": "Hello"}
    workflow = make_workflow(alice, workspace, BUTTON, mailed, note(tasks))
    start(alice, workflow)

    class Killed(BaseException):
        pass

    def die(message):
        raise Killed

    with patch("automations.mailing.send", die), pytest.raises(Killed):
        engine.work()
    with acting_as(Actor.system()):
        WorkflowRun.objects.update(lease=timezone.now() - LATER)
    clock.silent_runs()
    settle()
    run = only_run(workflow)
    row = steps_of(run)["tell"]
    assert (run.status, row.status) == ("waiting", "unknown")
    mails_before = [m for m in mail.outbox if m.to == ["ann@example.com"]]
    assert mails_before == []
    with alice.acting() as actor:
        running.decide(row=row, decision="again", actor=actor)
    settle()
    assert only_run(workflow).status == "succeeded"
    assert len([m for m in mail.outbox if m.to == ["ann@example.com"]]) == 1


def test_cancelling_ends_what_waits(alice, workspace, tasks):
    wait = {"id": "wait", "type": "wait", "amount": 3, "unit": "days"}
    workflow = make_workflow(alice, workspace, BUTTON, wait, note(tasks))
    (run,) = start(alice, workflow)
    settle()
    with alice.acting() as actor:
        run = running.cancel(run=run, actor=actor)
    assert (run.status, run.error_message) == ("cancelled", "Cancelled by Alice.")
    pass_time()
    assert entries_in(alice, tasks, "what") == []


def test_a_failed_run_goes_on_from_the_step_that_failed(alice, workspace, make_record, tasks):
    books = make_record("Books", title="text", code={"type": "text", "unique": True})
    add(alice, books, {"title": "old", "code": "A"})
    second = {
        "id": "second",
        "type": "create_entry",
        "record": str(books.pk),
        "values": {"title": "new", "code": "A"},
    }
    workflow = make_workflow(alice, workspace, BUTTON, note(tasks, "first"), second)
    start(alice, workflow)
    settle()
    assert only_run(workflow).status == "failed"
    with alice.acting():
        books.model.objects.all().delete()
    with alice.acting() as actor:
        running.retry(run=only_run(workflow), actor=actor)
    settle()
    assert only_run(workflow).status == "succeeded"
    assert entries_in(alice, tasks, "what") == [("first",)]


def test_workflows_call_each_other_and_get_the_answer(alice, workspace, tasks):
    inner = make_workflow(
        alice,
        workspace,
        {"type": "called"},
        {"id": "s", "type": "set", "values": {"sum": "{{ trigger.input.a | plus: 1 }}"}},
        name="Inner",
    )
    call = {
        "id": "call",
        "type": "run_workflow",
        "workflow": str(inner.pk),
        "input": {"a": 41},
    }
    outer = make_workflow(
        alice, workspace, BUTTON, call, note(tasks, "{{ steps.call.output.sum }}"), name="Outer"
    )
    start(alice, outer)
    settle()
    assert only_run(outer).error_message == ""
    assert entries_in(alice, tasks, "what") == [("42",)]


def test_a_workflow_that_starts_itself_is_stopped_as_a_loop(alice, workspace, tasks):
    trigger = {"type": "entry_created", "record": str(tasks.pk)}
    workflow = make_workflow(alice, workspace, trigger, note(tasks, "again"), name="Circle")
    add(alice, tasks, {"what": "first"})
    settle()
    runs = runs_of(workflow)
    assert [run.status for run in runs] == ["succeeded"] * 6 + ["failed"]
    assert "Stopped as a loop" in runs[-1].error_message
    assert "“Circle” → “Circle”" in runs[-1].error_message


def test_repeated_failures_pause_the_workflow_and_say_so(alice, workspace):
    stop = {"id": "stop", "type": "stop", "failed": True, "reason": "No stock."}
    workflow = make_workflow(alice, workspace, BUTTON, stop, pause_after=3)
    for _ in range(3):
        start(alice, workflow)
        settle()
    with alice.acting():
        workflow.refresh_from_db()
    assert workflow.state == "paused"
    assert "Its last 3 runs all failed" in workflow.paused_because
    assert "is paused" in mail.outbox[-1].subject


def test_schedules_fire_once_for_all_that_was_missed(alice, workspace, tasks):
    trigger = {"type": "schedule", "every": 1, "unit": "hours"}
    workflow = make_workflow(alice, workspace, trigger, note(tasks))
    with acting_as(Actor.system()):
        Subscription.objects.update(next_at=timezone.now() - dt.timedelta(hours=5))
    for _ in range(3):
        clock.due_schedules()
        settle()
    run = only_run(workflow)
    assert run.status == "succeeded"
    assert run.trigger_data["missed"]


def test_a_date_that_is_reached_fires_once(alice, workspace, make_record, tasks):
    orders = make_record("Orders", customer="text", due="datetime")
    trigger = {"type": "date_reached", "record": str(orders.pk), "field": "due"}
    workflow = make_workflow(alice, workspace, trigger, note(tasks, "{{ trigger.entry.customer }}"))
    now = timezone.now()
    add(alice, orders, {"customer": "now", "due": (now + dt.timedelta(seconds=1)).isoformat()})
    add(alice, orders, {"customer": "later", "due": (now + dt.timedelta(days=1)).isoformat()})
    for minutes in (1, 2):
        with acting_as(Actor.system()):
            Subscription.objects.update(next_at=now)
        moment = now + dt.timedelta(minutes=minutes)
        with patch("automations.clock.timezone.now", return_value=moment):
            clock.due_schedules()
        settle()
    assert [run.status for run in runs_of(workflow)] == ["succeeded"]
    assert entries_in(alice, tasks, "what") == [("now",)]


@pytest.mark.skipif(bool(sandbox.why_missing()), reason="This machine can't run code safely.")
def test_code_gets_its_input_and_gives_a_result(alice, workspace, tasks):
    code = {
        "id": "code",
        "type": "code",
        "code": "result = [n * 2 for n in input['numbers']]\nprint('hello')",
        "input": {"numbers": [1, 2, 3]},
    }
    workflow = make_workflow(
        alice, workspace, BUTTON, code, note(tasks, "{{ steps.code.result | sum }}")
    )
    start(alice, workflow)
    settle()
    assert only_run(workflow).error_message == ""
    assert entries_in(alice, tasks, "what") == [("12",)]
    assert steps_of(only_run(workflow))["code"].output["prints"] == "hello\n"


def test_a_kept_value_loses_its_zero_bytes_and_nothing_else():
    told = {"a\x00": "b\x00\x00c", "code": r"\u0000 and \\u0000", "slash": "\\\x00"}
    assert as_json(told) == {"a": "bc", "code": r"\u0000 and \\u0000", "slash": "\\"}
