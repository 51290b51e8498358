"""Runs that wait until somebody calls their address."""

import datetime as dt

import orjson
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from automations import awaiting, calls, dispatch, engine, running
from automations.definition import parse, problems_of
from automations.models import Look, RunCall, WorkflowRun, WorkflowStep
from automations.testing import try_out
from automations.tests.receivers import ok, receiving
from automations.tests.test_waiting import _elsewhere, states, time_is_up
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start, steps_of
from automations.trimming import trim_runs
from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as
from workspaces.models import Role

pytestmark = pytest.mark.django_db(transaction=True)
TELL = {"id": "tell", "type": "set", "values": {"address": "{{ run.call_url }}"}}
WAIT = {"id": "wait", "type": "wait_for_call"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def waiting(alice, workspace):
    """Return a function: a workflow whose run waits for a call, and the run's address."""

    def make(*steps, work=settle, **more):
        workflow = make_workflow(alice, workspace, BUTTON, TELL, WAIT | more, *steps)
        (run,) = start(alice, workflow)
        work()
        return workflow, calls.address_for(run.pk, 0)

    return make


def path_of(address):
    return "/calls/" + address.partition("/calls/")[2]


def post(address, body=b'{"answer": "yes"}', kind="application/json", query="", **headers):
    return Client().generic(
        "POST", path_of(address) + query, body, content_type=kind, headers=headers
    )


def told(answer):
    return answer.status_code, orjson.loads(answer.content)


def output(workflow):
    return steps_of(runs_of(workflow)[0])["wait"].output


def test_a_call_lets_the_run_go_on_with_what_it_brought(waiting):
    workflow, address = waiting()
    (run,) = runs_of(workflow)
    assert (run.status, run.variables) == ("waiting", {"address": address})
    answer = post(address, query="?by=ann", **{"User-Agent": "shop", "Authorization": "x"})
    assert told(answer) == (202, {"status": "taken"})
    settle()
    assert states(workflow) == ["succeeded"]
    came = output(workflow)
    assert dt.datetime.fromisoformat(came.pop("at"))
    assert came == {
        "met": True,
        "body": {"answer": "yes"},
        "query": {"by": "ann"},
        "headers": {"content-type": "application/json", "user-agent": "shop"},
    }


def test_a_call_that_comes_before_the_run_waits_is_kept(waiting):
    workflow, address = waiting(work=lambda: None)
    assert states(workflow) == ["pending"]
    assert post(address).status_code == 202
    settle()
    assert (states(workflow), output(workflow)["body"]) == (["succeeded"], {"answer": "yes"})
    assert runs_of(workflow)[0].fence == 1


def test_an_address_takes_one_call(waiting):
    workflow, address = waiting()
    assert post(address, **{"Idempotency-Key": "a"}).status_code == 202
    again = post(address, b'{"answer": "no"}')
    assert told(again) == (
        409,
        {
            "title": "Not as things stand",
            "status": 409,
            "detail": "This address was called already; it takes one call.",
        },
    )
    assert post(address, **{"Idempotency-Key": "a"}).status_code == 202  # nobody knew of the first
    assert post(address, **{"Idempotency-Key": "b"}).status_code == 409
    settle()
    assert post(address).status_code == 409
    assert output(workflow)["body"] == {"answer": "yes"}


def test_what_is_over_takes_no_call(alice, waiting):
    workflow, address = waiting()
    with alice.acting() as actor:
        running.cancel(run=runs_of(workflow)[0], actor=actor)
    assert told(post(address)) == (
        410,
        {
            "title": "Nobody waits for this any more",
            "status": 410,
            "detail": "What waited for this call is over.",
        },
    )
    with alice.acting() as actor:
        running.retry(run=runs_of(workflow)[0], actor=actor)
    assert post(address).status_code == 202
    settle()
    assert states(workflow) == ["succeeded"]


@pytest.mark.parametrize(("silence", "status"), [("continue", "succeeded"), ("fail", "failed")])
def test_silence_goes_on_or_fails_and_takes_no_call_any_more(alice, waiting, silence, status):
    last = {"id": "last", "type": "wait", "amount": 1}
    workflow, address = waiting(last, silence=silence, most=3)
    (run,) = runs_of(workflow)
    assert dt.timedelta(days=2) < run.wake_at - timezone.now() < dt.timedelta(days=3)
    with acting_as(Actor.system()):
        WorkflowRun.objects.update(wake_at=timezone.now())
        WorkflowStep.objects.filter(status="waiting").update(wake_at=timezone.now())
    settle()
    assert post(address).status_code == 410
    assert output(workflow)["met"] is False
    time_is_up()
    (run,) = runs_of(workflow)
    assert run.status == status
    if silence == "fail":
        assert "Nobody called within 3 days." in run.error_message
        with alice.acting() as actor:  # the same address, for whoever has it gets no other
            running.retry(run=run, actor=actor)
        settle()
        assert post(address).status_code == 202
        settle()
        assert output(workflow)["met"] is True


def test_a_call_beside_the_beginning_of_the_wait_is_not_passed_over(waiting, monkeypatch):
    asked = awaiting.ask
    workflow, address = waiting(work=lambda: None)

    def called_meanwhile(run):
        monkeypatch.setattr(awaiting, "ask", asked)
        asked(run)
        _elsewhere(lambda: (post(address), awaiting.look()))

    monkeypatch.setattr(awaiting, "ask", called_meanwhile)
    engine.work()
    assert states(workflow) == ["waiting"]
    settle()
    assert (states(workflow), output(workflow)["met"]) == (["succeeded"], True)


def test_a_call_just_before_the_time_is_up_is_taken(waiting, monkeypatch):
    """The database decides who was first; the caller was told that the call is taken."""
    workflow, address = waiting(silence="fail")
    closed = calls.close

    def called_meanwhile(run, number):
        _elsewhere(lambda: post(address))
        return closed(run, number)

    monkeypatch.setattr(calls, "close", called_meanwhile)
    time_is_up()
    assert (states(workflow), output(workflow)["body"]) == (["succeeded"], {"answer": "yes"})


def test_each_wait_has_an_address_of_its_own(alice, workspace):
    loop = {"id": "each", "type": "for_each", "items": [1, 2], "steps": [TELL, WAIT]}
    workflow = make_workflow(alice, workspace, BUTTON, loop)
    (run,) = start(alice, workflow)
    settle()
    first = runs_of(workflow)[0].variables["address"]
    assert post(first, b'"one"').status_code == 202
    settle()
    second = runs_of(workflow)[0].variables["address"]
    assert first != second
    assert post(first, b'"again"').status_code == 409
    assert post(second, b'"two"').status_code == 202
    settle()
    rows = steps_of(run)
    assert [rows[f"each.{n}.wait"].output["body"] for n in range(2)] == ["one", "two"]
    assert states(workflow) == ["succeeded"]


def test_items_that_are_done_at_once_have_addresses_of_their_own(alice, workspace):
    loop = {"id": "each", "type": "for_each", "items": [1, 2], "steps": [TELL, WAIT], "at_once": 2}
    workflow = make_workflow(alice, workspace, BUTTON, loop)
    start(alice, workflow)
    settle()
    outer, *items = runs_of(workflow)
    addresses = [item.variables["address"] for item in items]
    assert len(set(addresses)) == 2
    for number, address in enumerate(addresses):
        assert post(address, orjson.dumps(number)).status_code == 202
    settle()
    assert states(workflow) == ["succeeded"] * 3
    (row,) = (row for path, row in steps_of(outer).items() if path == "each")
    assert [result["body"] for result in row.output["results"]] == [0, 1]


def test_opening_the_address_lets_nothing_go_on(waiting):
    """Programs that look at mails follow their links."""
    workflow, address = waiting()
    for ask in (Client().get, Client().head):
        answer = ask(path_of(address) + "?answer=yes", headers=BROWSER)
        assert answer.status_code == 200
    assert b"Go on" in Client().get(path_of(address)).content
    settle()
    assert states(workflow) == ["waiting"]
    page = Client().get(path_of(address) + "?answer=yes", headers=BROWSER)
    assert f'action="{path_of(address)}?answer=yes"'.encode() in page.content
    assert (page["X-Robots-Tag"], "no-store" in page["Cache-Control"]) == ("noindex", True)
    form = "application/x-www-form-urlencoded"
    answer = post(address, b"", form, query="?answer=yes", **BROWSER)
    assert (answer.status_code, b"Thank you" in answer.content) == (200, True)
    settle()
    assert states(workflow) == ["succeeded"]
    assert (output(workflow)["body"], output(workflow)["query"]) == (None, {"answer": "yes"})
    late = Client().get(path_of(address), headers=BROWSER)
    assert (late.status_code, b"called already" in late.content) == (409, True)


def test_pages_and_answers_tell_nothing_of_the_workspace(waiting, workspace, alice):
    workflow, address = waiting()
    page = Client().get(path_of(address), headers=BROWSER).content.decode()
    answer = post(address).content.decode()
    for secret in (workspace.name, workflow.name, str(workspace.pk), alice.user.email, "Test"):
        assert secret not in page + answer


@pytest.mark.parametrize("change", ["run", "number", "other", "long"])
def test_nobody_can_make_an_address(waiting, change):
    workflow, address = waiting()
    token = path_of(address).split("/")[2]
    named, _, signature = token.partition(":")
    tokens = {
        "run": f"{named[::-1]}:{signature}",
        "number": f"{named[:-1]}{'A' if named[-1] != 'A' else 'B'}:{signature}",
        "other": "example",
        "long": "ä" * 300,
    }
    answer = Client().post(f"/calls/{tokens[change]}/", b"{}", content_type="application/json")
    assert answer.status_code == 404
    assert orjson.loads(answer.content)["detail"] == "There is nothing at this address."
    settle()
    assert states(workflow) == ["waiting"]


@pytest.mark.parametrize(
    ("raw", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'"' + b"x" * 2**20 + b'"', "application/json", 413),
        (b"\x00", "application/octet-stream", 415),
    ],
)
def test_what_can_not_be_read_is_refused_and_can_come_again(waiting, raw, kind, status):
    _, address = waiting()
    assert post(address, raw, kind).status_code == status
    assert post(address).status_code == 202


def test_other_methods_and_too_many_calls_are_refused(waiting, settings):
    _, address = waiting()
    answer = Client().put(path_of(address), b"{}", content_type="application/json")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, POST")
    settings.WEBHOOK_THROTTLE = "2/min"
    assert [Client().get(path_of(address)).status_code for _ in range(3)] == [200, 200, 429]


def test_a_call_does_not_wait_for_the_worker_that_has_the_run(waiting):
    workflow, address = waiting(work=lambda: None)
    with acting_as(Actor.system()):
        WorkflowRun.objects.select_for_update().get(workflow=workflow)
        _elsewhere(lambda: post(address))
    with acting_as(Actor.system()):
        assert RunCall.objects.count() == 1


def test_a_deleted_workspace_takes_no_call(alice, workspace, waiting):
    _, address = waiting()
    with acting_as(Actor.system()):
        type(workspace).objects.filter(pk=workspace.pk).update(deleted_at=timezone.now())
    assert post(address).status_code == 404


def test_a_worker_that_dies_while_it_looks_loses_no_call(waiting, monkeypatch):
    workflow, address = waiting()
    assert post(address).status_code == 202

    class Killed(BaseException):
        pass

    def die(rows):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(awaiting, "_let_go_on", die)
        with pytest.raises(Killed):
            awaiting.look()
    connection.close()
    settle()
    assert states(workflow) == ["succeeded"]


def test_another_workflow_of_this_installation_may_call_it(alice, workspace, waiting, settings):
    """Also where no address in a private network may be called."""
    from automations.at_home import door_of

    _, address = waiting()
    assert door_of(address)
    assert not door_of(settings.SITE_URL + "/accounts/login/")


def test_a_trial_shows_an_example_and_does_not_wait(alice, workspace, settings):
    with receiving(ok(b"{}")) as receiver:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        ask = {
            "id": "ask",
            "type": "http_request",
            "method": "POST",
            "url": receiver.url(),
            "body": {"call": "{{ run.call_url }}"},
        }
        workflow = make_workflow(alice, workspace, BUTTON, ask, WAIT)
        with alice.acting() as actor:
            trial = try_out(workflow=workflow, actor=actor)
    assert (trial.status, len(receiver.requests)) == ("succeeded", 0)
    asked, waited = trial.tree
    assert asked.row.output["would_send"]["body"]["call"].endswith("/calls/example/")
    assert waited.row.output["met"] is True


def test_an_address_that_nothing_waits_for_is_a_mistake(alice, workspace):
    def problems(*steps):
        with alice.acting():
            made = parse({"trigger": BUTTON, "steps": list(steps)})
            return [item["detail"] for item in problems_of(made, workspace.pk)]

    assert problems(TELL, WAIT) == []
    assert problems(TELL) == [
        "Nothing here waits for a call of this address: add “Wait for a call”."
    ]
    (unknown,) = problems(WAIT, {"id": "x", "type": "set", "values": {"x": "{{ call.x }}"}})
    assert "is unknown" in unknown


def test_the_page_of_the_run_shows_its_address_to_those_who_write(alice, bob, workspace, waiting):
    workflow, address = waiting()
    page = runs_of(workflow)[0].get_absolute_url()
    assert address in alice.client.get(page).content.decode()
    give_role(workspace, bob, Role.VIEWER)
    shown = bob.client.get(page).content.decode()
    assert "Waits for a call, at most until" in shown
    assert "data-copy" not in shown


def test_calls_go_with_their_runs(waiting):
    _, address = waiting()
    post(address)
    settle()
    with acting_as(Actor.system()):
        WorkflowRun.objects.update(finished_at=timezone.now() - dt.timedelta(days=900))
    trim_runs(days=1)
    with acting_as(Actor.system()):
        assert (RunCall.objects.count(), Look.objects.count()) == (0, 0)
    assert post(address).status_code == 404
    assert dispatch.route() == 0
