"""Trials of drafts that no entry starts, and of steps that read what others did outside."""

import pytest

from automations import services
from automations.models import WorkflowSecret
from automations.tests.receivers import ok, receiving
from automations.tests.test_trials import draft, tried
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start
from records.tests.api import Api
from workspaces.access import Actor, acting_as

__all__ = ["draft"]

pytestmark = pytest.mark.django_db(transaction=True)


def keep(**values):
    return {"id": "keep", "type": "set", "values": values}


def kept(found):
    """Return what the last step of a trial remembered; the trial has to work."""
    assert (found["status"], found["error"]) == ("succeeded", "")
    return found["steps"][-1]["output"]


WEBHOOK = {"type": "webhook"}
NAME = keep(name="{{ trigger.body.customer.name }}", page="{{ trigger.query.page }}")


def test_a_webhook_without_a_call_is_empty(alice, draft):
    assert kept(tried(alice, draft(NAME, trigger=WEBHOOK))) == {"name": None, "page": None}


def test_a_webhook_is_tried_with_the_call_that_was_kept(alice, draft):
    flow = draft(NAME, trigger=WEBHOOK)
    sample = {"type": "webhook", "body": {"customer": {"name": "Ann"}}, "query": {}, "seen": 1}
    with acting_as(Actor.system()):
        WorkflowSecret.objects.update_or_create(
            pk=flow.pk, defaults={"workspace_id": flow.workspace_id, "sample": sample}
        )
    found = tried(alice, flow)
    assert found["status"] == "failed"  # the query of that call has no “page”
    assert "page" in found["error"]
    with alice.acting() as actor:
        only = keep(name="{{ trigger.body.customer.name }}")
        services.change_workflow(
            workflow=flow, actor=actor, structured_definition={"trigger": WEBHOOK, "steps": [only]}
        )
    assert kept(tried(alice, flow)) == {"name": "Ann"}


def test_a_failure_is_the_last_one(alice, workspace, draft):
    step = keep(error="{{ trigger.error }}", who="{{ trigger.workflow.name }}")
    flow = draft(step, trigger={"type": "run_failed"})
    assert kept(tried(alice, flow)) == {"error": "", "who": None}
    stop = {"id": "stop", "type": "stop", "failed": True, "reason": "Too dear."}
    broken = make_workflow(alice, workspace, BUTTON, stop, name="Broken")
    start(alice, broken)
    settle()
    assert kept(tried(alice, flow)) == {
        "error": runs_of(broken)[0].error_message,
        "who": "Broken",
    }


def test_a_call_has_the_input_that_came_last_or_is_given(alice, workspace, draft):
    flow = draft(keep(x="{{ trigger.input.x }}"), trigger={"type": "called"})
    assert kept(tried(alice, flow, input={"x": 3})) == {"x": 3}
    with alice.acting() as actor:
        services.publish(workflow=flow, actor=actor)
    call = {"id": "c", "type": "run_workflow", "workflow": str(flow.pk), "input": {"x": 7}}
    start(alice, make_workflow(alice, workspace, BUTTON, call, name="Caller"))
    settle()
    assert kept(tried(alice, flow)) == {"x": 7}


def test_a_schedule_knows_its_moment(alice, draft):
    trigger = {"type": "schedule", "every": 1, "unit": "hours"}
    made = kept(
        tried(alice, draft(keep(m="{{ trigger.missed }}", at="{{ trigger.at }}"), trigger=trigger))
    )
    assert made["m"] is False
    assert made["at"][:2] == "20"


def test_a_form_without_an_answer_yet_is_empty(alice, draft, make_record):
    books = make_record("Books", title="text")
    trigger = {"type": "entry_created", "record": str(books.pk)}
    flow = draft(keep(title="{{ trigger.entry.title }}", at="{{ trigger.at }}"), trigger=trigger)
    assert kept(tried(alice, flow))["title"] is None


def test_what_steps_would_have_got_outside(alice, workspace, settings, draft):
    call = {"id": "call", "type": "http_request", "method": "GET"}
    mail = {"id": "mail", "type": "send_email", "to": ["a@example.com"], "subject": "Hello"}
    step = keep(
        status="{{ steps.call.status }}",
        name="{{ steps.call.body.name }}",
        mail="{{ steps.mail.message_id }}",
        subject="{{ steps.mail.subject }}",
    )
    with receiving(ok(b'{"name": "Ann"}', b"Content-Type: application/json")) as server:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [server.here]
        flow = draft(call | {"url": server.url("/x")}, mail, step)
        found = tried(alice, flow)
        made = kept(found)
        assert (made["status"], made["name"], made["subject"]) == (200, None, "Hello")
        assert made["mail"].startswith("<")
        assert found["steps"][0]["output"]["assumed"] == "empty, for it never ran"
        assert found["steps"][0]["output"]["would_send"]["method"] == "GET"
        assert server.requests == []
        with alice.acting() as actor:
            services.publish(workflow=flow, actor=actor)
        start(alice, flow)
        settle()
        found = tried(alice, flow)
    assert kept(found)["name"] == "Ann"
    assert found["steps"][0]["output"]["assumed"] == "as in the newest run"


def test_a_called_workflow_and_its_output(alice, workspace, draft):
    other = make_workflow(alice, workspace, {"type": "called"}, keep(x=1), name="Other")
    call = {"id": "c", "type": "run_workflow", "workflow": str(other.pk)}
    flow = draft(call, keep(x="{{ steps.c.output.x }}", s="{{ steps.c.status }}"))
    assert kept(tried(alice, flow)) == {"x": None, "s": "succeeded"}
    with alice.acting() as actor:
        services.publish(workflow=flow, actor=actor)
    start(alice, flow)
    settle()
    assert kept(tried(alice, flow)) == {"x": 1, "s": "succeeded"}


@pytest.mark.parametrize("given", ["approved", "rejected"])
def test_who_is_asked_answers_as_chosen(alice, draft, given):
    ask = {
        "id": "ask",
        "type": "approval",
        "question": "May we?",
        "approved": [keep(way="approved", by="{{ steps.ask.by }}", c="{{ steps.ask.comment }}")],
        "rejected": [keep(way="rejected", at="{{ steps.ask.at }}") | {"id": "other"}],
    }
    flow = draft(ask)
    made = kept(tried(alice, flow, answer=given))
    assert made["way"] == given
    if given == "approved":
        assert (made["by"], made["c"]) == (alice.user.email, "")
        assert kept(tried(alice, flow)) == made
    url = f"/flows/{flow.pk}/steps/"
    page = alice.client.get(f"{url}?step=test").content.decode()
    assert "Who is asked for approval says" in page
    shown = alice.client.post(f"{url}try/", {"answer": given}).content.decode()
    assert "It would work" in shown
    assert f'value="{given}" selected' in shown or given == "approved"


def test_an_answer_that_is_none(alice, draft):
    flow = draft(keep(x=1))
    assert Api(alice).post(f"workflows/{flow.pk}/try/", {"answer": "maybe"}).status_code == 422
