"""Workflows, runs, webhooks, mails, fillings and draftings in Django admin: through verbs only."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from automations import outgoing
from automations.agents.fillings import start_filling
from automations.models import (
    AgentDrafting,
    AgentFilling,
    Notice,
    WebhookDelivery,
    WebhookSubscription,
    Workflow,
    WorkflowRun,
)
from automations.tests.agents import make_agent
from automations.tests.workflows import BUTTON, add, make_workflow, runs_of, settle, start
from records.tests.test_admin_entries import staff
from workspaces.access import Actor, acting_as
from workspaces.models import Event, Role

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = [Workflow, WorkflowRun, WebhookSubscription, WebhookDelivery, Notice, AgentFilling]
MODELS += [AgentDrafting]
FAIL = {"id": "no", "type": "stop", "failed": True, "reason": "There is no paper."}


@pytest.fixture
def root(db):
    return staff("root", superuser=True)[1]


@pytest.fixture
def fill(alice, workspace, make_record):
    """Return a function that makes something of every model; it returns the workflow."""
    books = make_record("Books", title="text")
    agent = make_agent(alice, workspace)
    (entry,) = add(alice, books, {"title": "Emma"})

    def make(number=0):
        flow = make_workflow(alice, workspace, BUTTON, FAIL, name=f"Print {number}")
        start(alice, flow)
        settle()
        with alice.acting() as actor:
            url = f"https://example.com/{number}"
            webhook, _ = outgoing.create_webhook(
                record=books, url=url, events=["entries.created"], actor=actor
            )
            start_filling(record=books, actor=actor, agent=agent, field="title", entries=[entry])
        with acting_as(Actor.system()):
            WebhookDelivery.objects.create(
                subscription=webhook,
                workspace_id=workspace.pk,
                event_id=1,
                entry_id=entry,
                type="entries.created",
                body='{"entry_id": 1}',
                status="failed",
            )
            AgentDrafting.objects.create(
                agent=agent, workspace=workspace, user=alice.user, text="Stop", workflow=flow
            )
        return flow

    return make


def url(model, page, *args):
    opts = model._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=args)


def stored(model, **wanted):
    with acting_as(Actor.system()):
        return model.objects.filter(**wanted).first()


def act(client, model, verb, *rows, **more):
    """Do an action with rows; return the page that follows."""
    chosen = {"action": verb, "_selected_action": [row.pk for row in rows], **more}
    return client.post(url(model, "changelist"), chosen, follow=True).content.decode()


def last_event(type):
    with acting_as(Actor.system()):
        return Event.objects.select_related("user").filter(type=type).order_by("-id").first()


def test_lists_and_pages_open_and_show_no_secret(root, fill):
    fill()
    sealed = bytes(stored(WebhookSubscription).sealed)
    for model in MODELS:
        assert root.get(url(model, "changelist")).status_code == 200
        assert root.get(url(model, "changelist"), {"q": "x\x00'%"}).status_code == 200
        page = root.get(url(model, "change", stored(model).pk))
        assert page.status_code == 200
        assert sealed not in page.content
        assert b"sealed" not in page.content
        assert root.get(url(model, "add")).status_code == 403


def test_nobody_but_staff(alice, fill):
    for model in MODELS:
        response = alice.client.get(url(model, "changelist"))
        assert response.status_code == 302
        assert alice.client.get(response.url).status_code == 403


def test_lists_ask_the_same_number_of_queries(root, fill):
    def count(model):
        with CaptureQueriesContext(connection) as asked:
            root.get(url(model, "changelist"))
        return len(asked)

    fill()
    for model in MODELS:
        count(model)
    few = {model: count(model) for model in MODELS}
    for number in range(1, 5):
        fill(number)
    assert {model: count(model) for model in MODELS} == few


def test_a_workflow_is_shown_in_english_and_named_through_its_verb(root, fill):
    flow = fill()
    page = url(Workflow, "change", flow.pk)
    shown = root.get(page).content.decode()
    assert "When somebody presses its button" in shown
    assert "There is no paper." in shown
    data = {"name": "Paper", "description": "", "natural_language_description": ""}
    inline = {"versions-TOTAL_FORMS": 0, "versions-INITIAL_FORMS": 0}
    assert root.post(page, data | inline).status_code == 302
    assert stored(Workflow, pk=flow.pk).name == "Paper"
    assert last_event("workflow.changed").user.email == "root@example.com"


def test_workflows_are_switched_thrown_away_and_brought_back_by_events(root, fill):
    flow = fill()
    assert "1 paused" in act(root, Workflow, "pause", flow)
    assert "Only a workflow that is on can be paused" in act(root, Workflow, "pause", flow)
    assert "1 resumed" in act(root, Workflow, "resume", flow)
    act(root, Workflow, "delete_selected", flow, post="yes")
    assert stored(Workflow, pk=flow.pk).deleted_at
    assert "1 restored" in act(root, Workflow, "restore", flow)
    for verb in ("paused", "resumed", "deleted", "restored"):
        assert last_event(f"workflow.{verb}").user.email == "root@example.com"


def test_staff_publish_only_where_they_may_write(workspace, fill):
    flow = fill()
    user, root = staff("root", superuser=True)
    refused = act(root, Workflow, "publish", flow)
    assert "not shared with you" in refused
    assert stored(Workflow, pk=flow.pk).published == 1
    with acting_as(Actor.system()):
        workspace.members.create(user=user, workspace=workspace, role=Role.EDITOR)
    assert "1 published" in act(root, Workflow, "publish", flow)


def test_runs_are_ended_and_done_again(root, alice, fill):
    flow = fill()
    (run,) = runs_of(flow)
    shown = root.get(url(WorkflowRun, "change", run.pk)).content.decode()
    assert "There is no paper." in shown
    assert "This run is over already." in act(root, WorkflowRun, "cancel", run)
    assert "1 begun again" in act(root, WorkflowRun, "retry", run)
    assert "1 cancelled" in act(root, WorkflowRun, "cancel", run)
    assert "1 started" in act(root, WorkflowRun, "replay", run)
    assert len(runs_of(flow)) == 2


def test_who_may_only_look_gets_no_verbs(fill):
    flow = fill()
    (run,) = runs_of(flow)
    _, looks = staff("looks", "view_workflowrun", "view_webhookdelivery", "view_workflow")
    assert looks.get(url(WorkflowRun, "change", run.pk)).status_code == 200
    for model, verb in [(WorkflowRun, "replay"), (WebhookDelivery, "resend"), (Workflow, "pause")]:
        act(looks, model, verb, stored(model))
    assert len(runs_of(flow)) == 1
    assert stored(WebhookDelivery).status == "failed"
    assert stored(Workflow, pk=flow.pk).state == "active"


def test_deliveries_are_sent_once_more(root, fill):
    fill()
    delivery = stored(WebhookDelivery)
    assert "1 sent once more" in act(root, WebhookDelivery, "resend", delivery)
    assert stored(WebhookDelivery).status == "pending"
    webhook = stored(WebhookSubscription)
    assert "1 paused" in act(root, WebhookSubscription, "pause", webhook)
    assert "This webhook is paused" in act(root, WebhookDelivery, "resend", delivery)


def test_all_of_them_say_what_staff_may_look_for():
    for model in MODELS:
        registered = admin.site._registry[model]
        assert registered.search_fields
        assert registered.list_filter
