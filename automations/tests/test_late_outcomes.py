"""What came of a step outside is kept, although its run was ended while the step was at work."""

import pytest

from automations import claiming, engine, mailing, running
from automations.mails import Mail, mails_of
from automations.models import WorkflowRun
from automations.steps.base import Failed
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start, steps_of
from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as
from workspaces.models import Member, Role
from workspaces.services import delete_workspace, restore_workspace

pytestmark = pytest.mark.django_db(transaction=True)
MAIL = {
    "id": "tell",
    "type": "send_email",
    "to": ["zoe@example.com"],
    "subject": "Sold",
    "body": "It is yours.",
}
KEEP = {"id": "keep", "type": "set", "values": {"x": 1}}


@pytest.fixture
def flow(alice, bob, workspace):
    """A workflow in Bob's name that sends a mail."""
    return make_workflow(bob, workspace, BUTTON, MAIL, KEEP)


@pytest.fixture
def while_sending(monkeypatch):
    """Return a function: while_sending(do) does that while the next mail is on its way."""
    send = mailing.send

    def meanwhile(do, error=None):
        def sending(*args, **kwargs):
            monkeypatch.setattr(mailing, "send", send)
            do()
            if error is not None:
                raise error
            return send(*args, **kwargs)

        monkeypatch.setattr(mailing, "send", sending)

    return meanwhile


def cancelled_by(person, flow):
    """Return a function by which a person cancels the run of a workflow."""

    def cancel():
        (run,) = runs_of(flow)
        with person.acting() as actor:
            running.cancel(run=running.find_run(actor, run.pk, "write"), actor=actor)

    return cancel


def try_again(person, run):
    """Try a run again, and let it get as far as it can."""
    with person.acting() as actor:
        running.retry(run=running.find_run(actor, run.pk, "write"), actor=actor)
    settle()


def test_a_mail_that_was_sent_while_its_run_was_cancelled_is_known(
    alice, flow, workspace, while_sending, mailoutbox
):
    while_sending(cancelled_by(alice, flow))
    start(alice, flow)
    settle()
    (run,) = runs_of(flow)
    row = steps_of(run)["tell"]
    assert (run.status, run.error_message) == ("cancelled", "Cancelled by Alice.")
    assert (row.status, row.output["subject"]) == ("succeeded", "Sold")
    assert list(steps_of(run)) == ["tell"]
    with alice.acting() as actor:
        (mail,) = mails_of(workspace=workspace, actor=actor)
        assert Mail(mail).state == "sent"
    try_again(alice, run)
    assert runs_of(flow)[0].status == "succeeded"
    assert [mail.subject for mail in mailoutbox] == ["Sold"]


@pytest.mark.parametrize("role", [Role.VIEWER, None])
def test_a_mail_that_was_sent_while_rights_were_lost_is_known(
    alice, bob, flow, workspace, while_sending, mailoutbox, role
):
    def lose():
        if role:
            return give_role(workspace, bob, role)
        with acting_as(Actor.system()):
            Member.objects.filter(workspace=workspace, user=bob.user).delete()

    while_sending(lose)
    start(alice, flow)
    settle()
    (run,) = runs_of(flow)
    assert run.status == "failed"
    assert "may not write here any more" in run.error_message
    assert steps_of(run)["tell"].status == "succeeded"
    give_role(workspace, bob, Role.EDITOR)
    try_again(alice, run)
    assert runs_of(flow)[0].status == "succeeded"
    assert [mail.subject for mail in mailoutbox].count("Sold") == 1


def test_a_mail_that_failed_while_its_run_was_cancelled_is_sent_by_trying_again(
    alice, flow, while_sending, mailoutbox
):
    while_sending(cancelled_by(alice, flow), Failed("There is no such address."))
    start(alice, flow)
    settle()
    (run,) = runs_of(flow)
    row = steps_of(run)["tell"]
    assert (run.status, row.status) == ("cancelled", "failed")
    assert row.error == "There is no such address."
    try_again(alice, run)
    assert runs_of(flow)[0].status == "succeeded"
    assert len(mailoutbox) == 1


def test_what_nobody_knows_is_still_asked_by_trying_again(alice, flow, while_sending, mailoutbox):
    lost = Failed("The mail server was gone before it answered.", unknown=True)
    while_sending(cancelled_by(alice, flow), lost)
    start(alice, flow)
    settle()
    (run,) = runs_of(flow)
    assert (run.status, steps_of(run)["tell"].status) == ("cancelled", "unknown")
    try_again(alice, run)
    assert steps_of(run)["tell"].status == "unknown"
    assert "Sold" not in [mail.subject for mail in mailoutbox]


def test_what_nobody_knows_is_not_done_again_by_a_run_that_goes_on(
    alice, flow, while_sending, mailoutbox
):
    lost = Failed("The mail server was gone before it answered.", unknown=True)
    while_sending(lambda: None, lost)
    start(alice, flow)
    settle()
    with acting_as(Actor.system()):
        WorkflowRun.objects.update(status="pending")
    settle()
    (run,) = runs_of(flow)
    assert (run.status, steps_of(run)["tell"].status) == ("waiting", "unknown")
    assert "Sold" not in [mail.subject for mail in mailoutbox]


@pytest.mark.parametrize("error", [None, Failed("There is no such address.")])
def test_what_came_of_it_counts_when_a_workspace_is_restored(
    alice, flow, workspace, while_sending, mailoutbox, error
):
    def trashed():
        with alice.acting() as actor:
            delete_workspace(workspace=workspace, actor=actor)

    while_sending(trashed, error)
    start(alice, flow)
    settle()
    with alice.acting() as actor:
        restore_workspace(workspace=workspace, actor=actor)
    with acting_as(Actor.system()):
        WorkflowRun.objects.filter(status="waiting").update(status="pending", wake_at=None)
    settle()
    (run,) = runs_of(flow)
    assert run.status == ("failed" if error else "succeeded")
    assert [mail.subject for mail in mailoutbox].count("Sold") == (0 if error else 1)


def test_who_lost_the_run_to_another_worker_notes_nothing(alice, flow, while_sending, mailoutbox):
    def taken():
        cancelled_by(alice, flow)()
        with acting_as(Actor.system()):
            WorkflowRun.objects.update(status="pending", cancel_asked=False)
        assert claiming.claim() is not None
        cancelled_by(alice, flow)()

    while_sending(taken)
    start(alice, flow)
    engine.work()
    (run,) = runs_of(flow)
    assert (run.status, run.fence) == ("running", 2)
    assert steps_of(run)["tell"].status == "started"
