"""Versions of a workflow: one becomes the draft again; publishing what did not change says so."""

import pytest
from django.urls import reverse

from automations import services
from automations.models import Workflow
from automations.tests.workflows import BUTTON, make_workflow
from kdap.tests.people import give_role
from workspaces.models import Event, Role

pytestmark = pytest.mark.django_db(transaction=True)
KEEP = {"id": "keep", "type": "set", "values": {"a": "b"}}
STOP = {"id": "stop", "type": "stop"}


@pytest.fixture
def flow(alice, workspace):
    """A workflow whose draft has a step more than its version."""
    made = make_workflow(alice, workspace, BUTTON, KEEP, name="Tidy")
    edit(alice, made, KEEP, STOP)
    return made


def edit(person, flow, *steps):
    with person.acting() as actor:
        definition = {"trigger": BUTTON, "steps": list(steps)}
        services.change_workflow(workflow=flow, actor=actor, structured_definition=definition)


def draft(person, flow):
    with person.acting():
        stored = Workflow.objects.get(pk=flow.pk)
        return [step["id"] for step in stored.structured_definition["steps"]]


def make_draft(person, flow, number=1, **more):
    return person.client.post(reverse("version_draft", args=[flow.pk, number]), **more)


def publish(flow):
    return reverse("workflow_publish", args=[flow.pk])


def test_a_version_becomes_the_draft_and_undo_brings_back_what_was(alice, flow):
    versions = reverse("workflow_versions", args=[flow.pk])
    assert "Make it the draft" in alice.client.get(versions).content.decode()
    page = make_draft(alice, flow, follow=True).content.decode()
    assert "has version 1 as its draft" in page
    assert "is the draft" in page
    assert draft(alice, flow) == ["keep"]
    with alice.acting():
        event = Event.objects.filter(type="workflow.changed").order_by("-id").first()
    undo = reverse("workspace_undo", args=[flow.workspace_id, event.operation_id])
    assert undo in page
    alice.client.post(undo)
    assert draft(alice, flow) == ["keep", "stop"]


def test_nothing_is_written_where_it_is_the_draft_already(alice, flow):
    make_draft(alice, flow)
    again = make_draft(alice, flow, follow=True).content.decode()
    assert "The draft is version 1 already." in again


def test_who_may_do_so(bob, charlie, workspace, flow):
    assert make_draft(charlie, flow).status_code == 404
    assert make_draft(bob, flow, 9).status_code == 404
    give_role(workspace, bob, Role.VIEWER)
    assert make_draft(bob, flow).status_code == 403
    page = bob.client.get(reverse("workflow_versions", args=[flow.pk])).content.decode()
    assert "Make it the draft" not in page
    assert draft(bob, flow) == ["keep", "stop"]


def test_versions_that_do_not_differ_say_so(alice, flow):
    url = reverse("workflow_versions", args=[flow.pk])
    assert "Nothing differs." not in alice.client.get(url).content.decode()
    assert "Nothing differs." in alice.client.get(f"{url}?old=1&new=1").content.decode()
    edit(alice, flow, KEEP)
    assert "Nothing differs." in alice.client.get(url).content.decode()


def test_publishing_without_a_change_says_so(alice, bob, flow):
    assert "Publish version 2?" in alice.client.get(publish(flow)).content.decode()
    edit(alice, flow, KEEP)
    page = alice.client.get(publish(flow)).content.decode()
    assert "There is nothing to publish" in page
    assert "Publish version 2?" not in page
    assert "Publish</button>" not in page
    other = bob.client.get(publish(flow)).content.decode()
    assert "published anew they act in yours" in other
    assert "Publish in my name" in other
