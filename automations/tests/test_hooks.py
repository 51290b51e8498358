"""Calls of a workflow's secret address: what is taken, what is refused, and each only once."""

import time

import orjson
import pytest
from django.test import Client

from automations import hooks, services, signing
from automations.models import WorkflowSecret
from automations.tests.workflows import entries_in, make_workflow, runs_of, settle, steps_of
from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.access import Actor, acting_as
from workspaces.models import Event, Role

STEP = {"id": "keep", "type": "set", "values": {"title": "{{ trigger.body.title }}"}}


@pytest.fixture
def api(alice):
    return Api(alice)


@pytest.fixture
def hooked(alice, workspace, api):
    """Return a function: a published workflow and its webhook; options go to the trigger."""

    def make(**options):
        workflow = make_workflow(alice, workspace, {"type": "webhook", **options}, STEP)
        return workflow, api.post(f"workflows/{workflow.pk}/webhook/", None).data

    return make


def call(webhook, body=b'{"title": "Dune"}', kind="application/json", method="POST", **headers):
    path = "/hooks/" + webhook["url"].partition("/hooks/")[2]
    answer = Client().generic(method, path, body, content_type=kind, headers=headers)
    answer.told = orjson.loads(answer.content)
    return answer


def signed(webhook, body, **options):
    return signing.sign(webhook["secret"], body, **options)


def test_a_call_starts_a_run_with_what_it_brought(hooked):
    workflow, webhook = hooked()
    answer = call(webhook, **{"User-Agent": "shop", "Authorization": "secret"})
    assert (answer.status_code, answer.told["status"]) == (202, "pending")
    settle()
    (run,) = runs_of(workflow)
    assert (str(run.pk), run.output_data) == (answer.told["run"], {"title": "Dune"})
    assert run.trigger_data["body"] == {"title": "Dune"}
    assert run.trigger_data["headers"] == {"content-type": "application/json", "user-agent": "shop"}


@pytest.mark.parametrize(
    ("kind", "raw", "body"),
    [
        ("application/json", b"[1, null]", [1, None]),
        ("application/vnd.api+json; charset=utf-8", b'"a\\u0000b"', "a�b"),
        (
            "application/x-www-form-urlencoded",
            b"a=1&b=%C3%A4&b=2&c=",
            {"a": "1", "b": ["ä", "2"], "c": ""},
        ),
        ("text/plain", "grün\xff".encode("latin-1"), "gr�n�"),
        ("text/plain; charset=iso-8859-1", b"gr\xfcn", "grün"),
        ("", b"", None),
    ],
)
def test_bodies_of_every_kind(hooked, kind, raw, body):
    workflow, webhook = hooked()
    assert call(webhook, raw, kind).status_code == 202
    assert runs_of(workflow)[0].trigger_data["body"] == body


@pytest.mark.parametrize(
    ("kind", "raw", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"[" * 500 + b"]" * 500, 400),
        ("application/json", b'"' + b"x" * 2**20 + b'"', 413),
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/octet-stream", b"\x00", 415),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(6000)), 413),
    ],
)
def test_what_can_not_be_read_is_refused(hooked, kind, raw, status):
    workflow, webhook = hooked()
    answer = call(webhook, raw, kind)
    assert (answer.status_code, answer.told["status"]) == (status, status)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert runs_of(workflow) == []


def test_only_posts_are_taken(hooked):
    _, webhook = hooked()
    answer = call(webhook, b"", method="GET")
    assert (answer.status_code, answer.told["detail"]) == (405, "A webhook is called by POST.")
    assert call(webhook, method="PUT").status_code == 405


def test_unknown_addresses_tell_nothing(hooked, api):
    workflow, webhook = hooked()
    unknown = call({"url": "/hooks/" + "x" * 43 + "/"})
    assert unknown.status_code == 404
    api.delete(f"workflows/{workflow.pk}/")
    assert call(webhook).content == unknown.content


def test_a_repeated_call_is_one_run_by_any_version(alice, hooked):
    workflow, webhook = hooked()
    first = call(webhook, **{"webhook-id": "msg_1"})
    with alice.acting() as actor:
        services.publish(workflow=services.find_workflow(actor, workflow.pk), actor=actor)
    assert call(webhook, **{"webhook-id": "msg_1"}).told["run"] == first.told["run"]
    assert call(webhook, **{"Idempotency-Key": "x" * 1000}).told["run"] != first.told["run"]
    assert len(runs_of(workflow)) == 2


def test_signed_calls_only(hooked):
    workflow, webhook = hooked(signed=True)
    body = b'{"title": "Emma"}'
    good = signed(webhook, body, message_id="msg_1")
    assert call(webhook, body).status_code == 401
    assert call(webhook, b'{"title": "Dune"}', **good).status_code == 401
    old = signed(webhook, body, timestamp=time.time() - 400)
    assert call(webhook, body, **old).status_code == 401
    first = call(webhook, body, **good)
    assert first.status_code == 202
    assert call(webhook, body, **good).told["run"] == first.told["run"]
    assert len(runs_of(workflow)) == 1


@pytest.mark.django_db(transaction=True)
def test_the_result_is_waited_for_without_a_transaction(hooked, monkeypatch):
    _, webhook = hooked(answer="result")

    def work(seconds):
        assert not hooks.connection.in_atomic_block
        settle()

    monkeypatch.setattr("automations.hooks.time.sleep", work)
    answer = call(webhook)
    assert (answer.status_code, answer.told["output"]) == (200, {"title": "Dune"})
    failed = call(webhook, b"7")
    assert (failed.status_code, failed.told["detail"]) == (500, "The run failed.")
    assert "steps" not in failed.content.decode()


def test_a_result_that_takes_too_long_is_fetched_later(hooked, monkeypatch):
    _, webhook = hooked(answer="result")
    monkeypatch.setattr("automations.hook_views.hooks.wait_for.__defaults__", (0.1,))
    assert call(webhook).status_code == 202


def test_a_paused_workflow_asks_to_call_later(alice, hooked):
    workflow, webhook = hooked()
    with alice.acting() as actor:
        services.pause(workflow=services.find_workflow(actor, workflow.pk), actor=actor)
    answer = call(webhook)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert runs_of(workflow) == []


def test_a_draft_keeps_what_comes_as_a_sample(alice, workspace, api):
    body = {"name": "x", "structured_definition": {"trigger": {"type": "webhook"}, "steps": [STEP]}}
    workflow = api.post(f"workspaces/{workspace.pk}/workflows/", body).data
    url = f"workflows/{workflow['id']}/webhook/"
    assert api.get(url).status_code == 404
    webhook = api.post(url, None).data
    assert call(webhook).status_code == 409
    shown = api.get(url).data
    assert shown["sample"]["body"] == {"title": "Dune"}
    assert (shown["url"], shown["secret"]) == (webhook["url"], None)


def test_too_many_calls_wait(hooked, settings):
    _, webhook = hooked()
    settings.WEBHOOK_THROTTLE = "2/min"
    answers = [call(webhook) for _ in range(4)]
    assert [answer.status_code for answer in answers][2:] == [429, 429]
    assert int(answers[-1].headers["Retry-After"]) <= 60


def test_a_new_address_ends_the_old_one(hooked, api):
    workflow, old = hooked()
    new = api.post(f"workflows/{workflow.pk}/webhook/", None).data
    assert call(old).status_code == 404
    assert call(new).status_code == 202
    with acting_as(Actor.system()):
        events = Event.objects.filter(type="workflow.webhook_made").order_by("pk")
        assert [event.payload["again"] for event in events] == [False, True]
        row = WorkflowSecret.objects.get()
    for told in (new["secret"], new["url"].split("/")[-2]):
        assert told not in f"{row.address} {bytes(row.sealed)} {list(events)}"


def test_a_secret_is_told_once(alice, workspace, api):
    workflow = make_workflow(alice, workspace, {"type": "webhook"}, STEP)
    url, key = f"workflows/{workflow.pk}/webhook/", {"Idempotency-Key": "k"}
    first, second = (api.post(url, None, **key).data for _ in range(2))
    assert first["secret"].startswith("whsec_")
    assert second == first | {"secret": None}


def test_who_may_see_the_address(alice, bob, charlie, workspace, hooked):
    workflow, _ = hooked()
    give_role(workspace, bob, Role.VIEWER)
    url = f"workflows/{workflow.pk}/webhook/"
    for method in ("GET", "POST"):
        assert Api(charlie)(method, url).status_code == 404
        assert Api(bob)(method, url).status_code == 403
        assert Api(alice, ["read"])(method, url).status_code == 403


def test_a_number_of_any_length_can_be_kept_read_and_repeated(alice, workspace, make_record, api):
    """jsonb gives 1e30 back as a whole number of more than 64 bits."""
    keep = {"id": "keep", "type": "set", "values": {"told": "{{ trigger.body | json }}"}}
    calls = make_record("Calls", told="json")
    note = {"id": "note", "type": "create_entry", "record": str(calls.pk)}
    note["values"] = {"told": "{{ trigger.body }}"}
    stop = {"id": "stop", "type": "stop", "failed": True, "reason": "Enough."}
    workflow = make_workflow(alice, workspace, {"type": "webhook"}, keep, note, stop)
    webhook = api.post(f"workflows/{workflow.pk}/webhook/", None).data
    assert call(webhook, b'{"n": 1e30}').status_code == 202
    settle()
    (run,) = runs_of(workflow)
    assert steps_of(run)["keep"].output["told"] == f'{{"n":{10**30}}}'
    assert entries_in(alice, calls, "told") == [({"n": 10**30},)]
    home = f"runs/{run.pk}/"
    assert api.get(home).data["trigger_data"]["body"] == {"n": 1e30}
    assert str(10**30) in alice.client.get(f"/{home}").content.decode()
    for verb in ("retry", "replay"):
        answer = api.post(f"{home}{verb}/", None, **{"Idempotency-Key": verb})
        assert answer.status_code in (200, 201, 202)
        again = api.post(f"{home}{verb}/", None, **{"Idempotency-Key": verb})
        assert again.content == answer.content
        settle()
    assert [run.trigger_data["body"] for run in runs_of(workflow)] == [{"n": 10**30}] * 2
