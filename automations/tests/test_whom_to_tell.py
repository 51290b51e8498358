"""Who is told about a workflow, and asked by it: never anybody who has left the workspace."""

import pytest

from automations import dispatch, notices, posting
from automations.models import Notice, WebhookSubscription
from automations.outgoing import create_webhook
from automations.services import create_workflow, publish
from automations.tests.workflows import BUTTON, runs_of, settle, start, steps_of
from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as
from workspaces.models import Member, Role

pytestmark = pytest.mark.django_db(transaction=True)
STOP = {"id": "end", "type": "stop", "failed": True, "reason": "Salary is 90,000."}
ASK = {"id": "ask", "type": "approval", "question": "Raise to 90,000?"}


def leave(workspace, *people):
    """Take people out of the workspace."""
    with acting_as(Actor.system()):
        Member.objects.filter(workspace=workspace, user__in=[one.user for one in people]).delete()


def make(owner, publisher, workspace, *steps):
    """Return a workflow of `owner` that `publisher` published."""
    definition = {"trigger": BUTTON, "steps": list(steps)}
    with owner.acting() as actor:
        made = create_workflow(
            workspace=workspace, name="Raise", actor=actor, definition=definition
        )
    with publisher.acting() as actor:
        publish(workflow=made, actor=actor)
    return made


def written_to(outbox):
    """Return the addresses of all mails, in order."""
    return [address for mail in outbox for address in mail.to]


@pytest.fixture
def dora(charlie, workspace):
    """A second owner of the workspace, who has nothing to do with its workflows."""
    give_role(workspace, charlie, Role.OWNER)
    return charlie


def test_an_owner_who_is_a_member_is_told_alone(alice, bob, dora, workspace, mailoutbox):
    workflow = make(bob, alice, workspace, STOP)
    give_role(workspace, bob, Role.VIEWER)  # which is enough to read it
    start(alice, workflow)
    settle()
    assert written_to(mailoutbox) == [bob.user.email]


def test_a_failure_is_told_to_the_publisher_when_the_owner_has_left(
    alice, bob, workspace, mailoutbox
):
    workflow = make(bob, alice, workspace, STOP)
    leave(workspace, bob)
    start(alice, workflow)
    settle()
    (mail,) = mailoutbox
    assert mail.to == [alice.user.email]
    assert "Salary is 90,000." in mail.body


def test_a_question_without_names_goes_to_the_publisher_when_the_owner_has_left(
    alice, bob, workspace, mailoutbox
):
    workflow = make(bob, alice, workspace, ASK)
    leave(workspace, bob)
    start(alice, workflow)
    settle()
    assert written_to(mailoutbox) == [alice.user.email]
    (run,) = runs_of(workflow)
    row = steps_of(run)["ask"]
    assert row.input["people"] == [alice.user.email]
    link = f"/approvals/{notices.token_for(row.pk, alice.user.email)}/"
    assert alice.client.get(link).status_code == 200
    alice.client.post(link, {"answer": "approved"})
    settle()
    assert runs_of(workflow)[0].status == "succeeded"
    assert (
        bob.client.get(f"/approvals/{notices.token_for(row.pk, bob.user.email)}/").status_code
        == 404
    )


def test_a_question_fails_where_nobody_can_be_asked(alice, bob, workspace, monkeypatch):
    workflow = make(bob, alice, workspace, ASK)
    monkeypatch.setattr(notices, "whom_to_tell", lambda *given: [])
    start(alice, workflow)
    settle()
    assert "Nobody is left in this workspace" in runs_of(workflow)[0].error_message


def test_what_nobody_knows_is_told_to_whom_is_left(alice, bob, workspace, mailoutbox):
    workflow = make(bob, alice, workspace, ASK)
    start(alice, workflow)
    settle()
    leave(workspace, bob)
    mailoutbox.clear()
    (run,) = runs_of(workflow)
    with acting_as(Actor.system()):
        notices.tell_unknown(run, steps_of(run)["ask"])
    settle()
    assert written_to(mailoutbox) == [alice.user.email]


def test_where_owner_and_publisher_left_the_workspaces_owners_are_told(
    alice, bob, dora, workspace, mailoutbox
):
    workflow = make(bob, bob, workspace, STOP)
    leave(workspace, bob)
    dispatch.halt(workflow, "It can't go on.")
    settle()
    assert written_to(mailoutbox) == [alice.user.email, dora.user.email]


def test_a_pause_is_told_to_the_publisher_when_the_owner_has_left(
    alice, bob, dora, workspace, mailoutbox
):
    workflow = make(bob, alice, workspace, STOP)
    leave(workspace, bob)
    dispatch.halt(workflow, "It can't go on.")
    settle()
    assert written_to(mailoutbox) == [alice.user.email]


def test_a_pause_of_a_webhook_is_told_to_who_is_left(
    alice, bob, workspace, make_record, mailoutbox
):
    books = make_record("Books", title="text")
    with bob.acting() as actor:
        webhook, _ = create_webhook(
            record=books, url="https://example.com/told", actor=actor, events=["entries.created"]
        )
    leave(workspace, bob)
    with acting_as(Actor.system()):
        webhook = WebhookSubscription.objects.get(pk=webhook.pk)
    posting.halt(webhook, "Its owner has left.")
    settle()
    assert written_to(mailoutbox) == [alice.user.email]


@pytest.mark.parametrize("roles", [(Role.OWNER, Role.ADMIN), (Role.ADMIN, Role.EDITOR)])
def test_only_who_may_sign_in_is_told(alice, bob, charlie, workspace, roles):
    give_role(workspace, bob, roles[0])
    give_role(workspace, charlie, roles[1])
    alice.user.is_active = False
    alice.user.save()
    with acting_as(Actor.system()):
        told = notices.whom_to_tell(workspace.pk, alice.user.pk, None)
    assert told == [bob.user]


def test_it_costs_one_question(alice, bob, dora, workspace, django_assert_num_queries):
    with acting_as(Actor.system()), django_assert_num_queries(1):
        assert notices.whom_to_tell(workspace.pk, bob.user.pk, alice.user.pk) == [bob.user]


def test_several_who_are_told_of_failures_are_told_once_each(
    alice, bob, dora, workspace, mailoutbox
):
    workflow = make(bob, bob, workspace, STOP)
    start(alice, workflow)
    settle()
    (run,) = runs_of(workflow)
    mailoutbox.clear()
    with acting_as(Actor.system()):
        Notice.objects.all().delete()
    leave(workspace, bob)
    with acting_as(Actor.system()):
        for _ in range(2):
            notices.tell_failed(run, "It failed.")
    settle()
    assert written_to(mailoutbox) == [alice.user.email, dora.user.email]
