"""One workflow calls another's webhook, on a machine where nothing else may be called."""

import orjson
import pytest
from django.test import Client

from automations import at_home, delivering, dispatch, outgoing
from automations.models import WorkflowRun
from automations.tests.workflows import BUTTON, add, make_workflow, runs_of, settle, start
from records.tests.api import Api
from workspaces.access import Actor, acting_as

KEEP = {"id": "keep", "type": "set", "values": {"title": "{{ trigger.body.title }}"}}


@pytest.fixture
def home(live_server, settings, transactional_db):
    """KDAP itself as it can be called, at an address inside."""
    settings.SITE_URL = live_server.url
    return live_server


def hook_of(alice, workflow):
    return Api(alice).post(f"workflows/{workflow.pk}/webhook/", None).data


def test_a_workflow_calls_another(alice, workspace, home):
    receiver = make_workflow(alice, workspace, {"type": "webhook"}, KEEP)
    call = {"id": "call", "type": "http_request", "url": hook_of(alice, receiver)["url"]}
    sender = make_workflow(alice, workspace, BUTTON, call | {"body": {"title": "Dune"}})
    start(alice, sender)
    settle()
    (sent,), (received,) = runs_of(sender), runs_of(receiver)
    assert (sent.status, received.output_data) == ("succeeded", {"title": "Dune"})
    assert (received.parent_id, received.depth) == (sent.pk, 1)


def test_only_webhooks_are_open(home):
    assert at_home.door_of(f"{home.url}/hooks/abcdefgh/?a=1") == (home.url.removeprefix("http://"),)
    for path in ("/api/v1/", "/hooks/../api/", "/hooks/", "/hooks/abcdefgh/x/", "/hooks/%2e%2e/a"):
        assert at_home.door_of(home.url + path) == ()
    assert at_home.door_of("http://127.0.0.1:1/hooks/abcdefgh/") == ()
    assert at_home.door_of("moon") == ()


def test_circles_end(alice, workspace, home):
    call = {"id": "call", "type": "http_request", "url": "https://example.com"}
    workflow = make_workflow(alice, workspace, {"type": "webhook"}, call)
    url = hook_of(alice, workflow)["url"]
    again = Api(alice)
    data = again.get(f"workflows/{workflow.pk}/").data["structured_definition"]
    data["steps"][0]["url"] = url
    again.patch(f"workflows/{workflow.pk}/", {"structured_definition": data})
    again.post(f"workflows/{workflow.pk}/publish/", None)

    Client().post("/hooks/" + url.partition("/hooks/")[2], {}, content_type="application/json")
    settle()
    runs = runs_of(workflow)
    assert [run.depth for run in runs] == list(range(dispatch.DEEPEST + 1))
    assert runs[-1].status == "failed"
    assert "answered 409" in runs[-1].error_message


def test_a_subscription_calls_a_workflow_once(alice, workspace, make_record, home):
    books = make_record("Books", title="text")
    kept = {"id": "keep", "type": "set", "values": {"title": "{{ trigger.body.data.entry.title }}"}}
    receiver = make_workflow(alice, workspace, {"type": "webhook"}, kept)
    with alice.acting() as actor:
        outgoing.create_webhook(
            record=books,
            url=hook_of(alice, receiver)["url"],
            events=["entries.created"],
            actor=actor,
        )
    add(alice, books, {"title": "Dune"})
    dispatch.route()
    assert delivering.deliver() == 1
    settle()
    (run,) = runs_of(receiver)
    assert run.output_data == {"title": "Dune"}


def test_a_cause_can_not_be_made_up(alice, workspace, home):
    receiver = make_workflow(alice, workspace, {"type": "webhook"}, KEEP)
    path = "/hooks/" + hook_of(alice, receiver)["url"].partition("/hooks/")[2]

    Client().post(
        path, orjson.dumps({}), content_type="application/json", headers={"KDAP-Cause": "x:y:z"}
    )
    with acting_as(Actor.system()):
        assert WorkflowRun.objects.get().depth == 0
