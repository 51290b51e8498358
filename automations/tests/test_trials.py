"""Trials of drafts over the API: nothing happens, and what would happen is told."""

import pytest

from automations import services, signed_calls
from automations.models import Integration, WorkflowRun
from automations.tests.mcp_servers import connect
from automations.tests.workflows import BUTTON, add, entries_in
from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.access import Actor, acting_as
from workspaces.models import Role

pytestmark = pytest.mark.django_db(transaction=True)
CALL = {"id": "call", "type": "http_request", "url": "https://example.com/", "body": {"a": 1}}


@pytest.fixture
def draft(alice, workspace):
    """Return a function that makes a draft."""

    def make(*steps, trigger=BUTTON):
        definition = {"trigger": trigger, "steps": list(steps)}
        with alice.acting() as actor:
            return services.create_workflow(
                workspace=workspace, name="Draft", actor=actor, definition=definition
            )

    return make


def tried(person, workflow, **given):
    answer = Api(person).post(f"workflows/{workflow.pk}/try/", given)
    assert answer.status_code == 200, answer.data
    return answer.data


def test_what_steps_would_do_is_told_and_taken_back(alice, draft, make_record, mailoutbox):
    books = make_record("Books", title="text")
    ids = add(alice, books, {"title": "Dune"}, {"title": "Emma"})
    entry = {"id": "note", "type": "create_entry", "record": str(books.pk)}
    note = entry | {"values": {"title": "Copy of {{ trigger.entry.title }}"}}
    mail = {
        "id": "mail",
        "type": "send_email",
        "to": ["a@example.com"],
        "subject": "{{ steps.note.entry.title }}",
    }
    again = {
        "id": "twice",
        "type": "for_each",
        "items": "{{ trigger.input.list }}",
        "steps": [mail],
    }
    trigger = {"type": "button", "record": str(books.pk)}
    flow = draft(note, again, trigger=trigger)
    found = tried(alice, flow, entry_id=ids[0], input={"list": [1, 2]})
    assert (found["status"], found["error"]) == ("succeeded", "")
    assert [step["path"] for step in found["steps"]] == [
        "note",
        "twice",
        "twice.0.mail",
        "twice.1.mail",
    ]
    would = found["steps"][2]["output"]["would_send"]
    assert (would["to"], would["subject"]) == (["a@example.com"], "Copy of Dune")
    assert [step["path"] for step in tried(alice, flow, until="note")["steps"]] == ["note"]
    assert entries_in(alice, books, "title") == [("Dune",), ("Emma",)]
    assert mailoutbox == []
    with acting_as(Actor.system()):
        assert not WorkflowRun.objects.exists()


def test_a_signature_is_told_and_a_missing_secret_fails(alice, draft):
    flow = draft(CALL | {"signed": True})
    found = tried(alice, flow)
    assert found["status"] == "failed"
    assert "the workflow has no signing secret yet" in found["error"]
    (step,) = found["steps"]
    assert step["output"]["would_send"]["signed"]
    with alice.acting() as actor:
        signed_calls.set_secret(workflow=flow, actor=actor)
    found = tried(alice, flow)
    assert (found["status"], found["steps"][0]["error"]) == ("succeeded", "")
    assert (
        found["steps"][0]["output"]["would_send"]["signed"]
        == "with the signing secret of this workflow"
    )
    assert "whsec_" not in str(found)
    assert "signed" not in tried(alice, draft(CALL))["steps"][0]["output"]["would_send"]


def test_a_connection_without_its_secret_or_gone_fails(alice, workspace, draft):
    made = connect(alice, workspace, "http", "Shop", url="https://a.example", auth="bearer")
    flow = draft(CALL | {"url": "/orders", "connection": str(made.pk)})
    found = tried(alice, flow)
    assert (found["status"], "It has no secret yet" in found["error"]) == ("failed", True)
    would = found["steps"][0]["output"]["would_send"]
    assert (would["url"], would["through"]) == ("https://a.example/orders", "Shop")
    with acting_as(Actor.system()):
        Integration.objects.update(deleted_at="2026-01-01T00:00Z")
    assert "was deleted" in tried(alice, flow)["error"]


def test_bad_bodies_and_who_may(alice, bob, charlie, workspace, draft, make_record):
    books = make_record("Books", title="text")
    flow = draft(CALL, trigger={"type": "button", "record": str(books.pk)})
    url = f"workflows/{flow.pk}/try/"
    assert Api(alice).post(url, {"entry_id": 77}).status_code == 404
    assert Api(alice).post(url, {"entry_id": "x"}).status_code == 422
    assert Api(alice).post(url, {"moon": 1}).status_code == 422
    give_role(workspace, bob, Role.VIEWER)
    assert Api(bob).post(url, {}).status_code == 403
    assert Api(charlie).post(url, {}).status_code == 404
    assert Api(alice, ["read"]).post(url, {}).status_code == 403
