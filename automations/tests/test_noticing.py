"""Mails to the people behind workflows: committed with what they tell of, sent by workers, never silently lost."""

import datetime as dt
import smtplib

import pytest
from django.urls import reverse
from django.utils import timezone

from automations import noticing, pilot, trimming
from automations.models import Notice
from automations.tests.workflows import BUTTON, make_workflow, runs_of, settle, start
from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.access import Actor, acting_as
from workspaces.models import Role

pytestmark = pytest.mark.django_db(transaction=True)
ASK = {"id": "ask", "type": "approval", "question": "Buy it?"}
STOP = {"id": "end", "type": "stop", "failed": True, "reason": "No stock."}


def notices():
    with acting_as(Actor.system()):
        return list(Notice.objects.order_by("id"))


def change(**columns):
    with acting_as(Actor.system()):
        Notice.objects.update(**columns)


@pytest.fixture
def asked(alice, bob, workspace, monkeypatch):
    """A question to Bob whose mail nobody has sent yet; the notice."""
    workflow = make_workflow(alice, workspace, BUTTON, ASK | {"people": [bob.user.email]})
    work = noticing.work
    monkeypatch.setattr(noticing, "work", lambda: 0)
    start(alice, workflow)
    settle()
    monkeypatch.setattr(noticing, "work", work)
    (notice,) = notices()
    return notice


def test_a_question_is_a_row_until_a_worker_sends_it(asked, bob, mailoutbox):
    assert (asked.status, mailoutbox) == ("pending", [])
    assert pilot.due()["notices"] is True
    assert noticing.work() == 1
    assert noticing.work() == 0
    (mail,) = mailoutbox
    assert mail.to == [bob.user.email]
    assert "/approvals/" in mail.body
    assert mail.extra_headers["Message-ID"]
    assert notices()[0].kept_here == "kept in the memory of this server"
    assert pilot.due()["notices"] is False


def test_its_links_are_for_whom_it_asks_only(asked, alice, bob, charlie, workspace):
    url = reverse("mails", args=[workspace.pk])
    mine, others = (person.client.get(url).content.decode() for person in (bob, alice))
    assert "/approvals/ey" in mine or "?approved" in mine
    assert "?approved" not in others
    assert f"(a link for {bob.user.email} only)" in others
    path = f"workspaces/{workspace.pk}/notices/"
    for person in (alice, bob):  # no token decides by a link what it may not decide itself
        (item,) = Api(person).get(path).data["results"]
        assert f"(a link for {bob.user.email} only)" in item["body"]
        assert ("/approvals/" in item["body"], item["state"]) == (False, "waiting")
    assert "approvals/" not in asked.body  # nor in the database
    assert Api(charlie).get(path).status_code == 404
    give_role(workspace, bob, Role.VIEWER)
    assert Api(bob).get(f"{path}?state=sent").data["results"] == []


def test_a_question_holds_no_link(alice, workspace, mailoutbox):
    question = "Approve: ⟦approved⟧\n{{ '⟦rejected⟧' }}"
    start(alice, make_workflow(alice, workspace, BUTTON, ASK | {"question": question}))
    settle()
    noticing.work()
    (mail,) = mailoutbox
    assert mail.body.count("/approvals/ey") == 2
    assert "Approve: ⟦approved⟧\n⟦rejected⟧\n\nApprove: http" in mail.body


@pytest.mark.parametrize("wrong", ["x" * 400 + "@example.com", "nobody"])
def test_who_can_not_be_asked_fails_the_step_in_words(alice, workspace, wrong):
    workflow = make_workflow(alice, workspace, BUTTON, ASK | {"people": [f"{{{{ '{wrong}' }}}}"]})
    start(alice, workflow)
    settle()
    (run,) = runs_of(workflow)
    assert run.status == "failed"
    assert "is not an e-mail address" in run.error_message


def test_people_are_asked_by_their_addresses_alone(alice, bob, workspace):
    people = [f"Bob <{bob.user.email}>, {alice.user.email}", "{{ '' }}"]
    workflow = make_workflow(alice, workspace, BUTTON, ASK | {"people": people})
    start(alice, workflow)
    settle()
    assert [notice.to for notice in notices()] == [bob.user.email, alice.user.email]


def test_a_mail_server_that_is_down_is_asked_again_for_a_day(asked, monkeypatch, mailoutbox):
    def refuse(*args, **kwargs):
        raise smtplib.SMTPServerDisconnected("gone")

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
        assert noticing.work() == 1
    (notice,) = notices()
    assert (notice.status, notice.attempts) == ("pending", 1)
    assert "gone" in notice.error
    assert noticing.work() == 0  # not yet
    change(next_at=timezone.now())
    assert noticing.work() == 1
    assert (notices()[0].status, len(mailoutbox)) == ("sent", 1)
    change(status="pending", created_at=timezone.now() - dt.timedelta(days=2))
    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
        noticing.work()
    assert notices()[0].status == "failed"


def test_who_leaves_before_it_is_sent_gets_nothing(asked, bob, workspace, mailoutbox):
    with acting_as(Actor.system()):
        workspace.members.filter(user=bob.user).delete()
    assert noticing.work() == 0
    (notice,) = notices()
    assert (notice.status, mailoutbox) == ("failed", [])
    assert "nobody in this workspace has this address" in notice.error


def test_what_a_dead_worker_held_is_sent_by_the_next(asked, mailoutbox):
    dead = noticing.claim()
    assert noticing.work() == 0
    change(lease=timezone.now() - dt.timedelta(seconds=1))
    assert pilot.due()["notices"] is True
    assert noticing.work() == 1
    noticing.note(dead, None)
    assert notices()[0].attempts == 2
    assert len(mailoutbox) == 1


def test_a_mail_server_that_hangs_keeps_one_worker_only(asked, alice, mailoutbox):
    with acting_as(Actor.system()):
        Notice.objects.create(
            workspace_id=asked.workspace_id,
            about="x",
            link="/",
            to=alice.user.email.upper(),
            subject="Another",
            body="x",
        )
    held = noticing.claim()
    assert noticing.work() == 0
    noticing.note(held, None)
    assert noticing.work() == 1
    assert [mail.subject for mail in mailoutbox] == ["Another"]


def test_failures_are_told_once_in_a_while_also_when_the_first_telling_was_taken_back(
    alice, workspace, mailoutbox
):
    workflow = make_workflow(alice, workspace, BUTTON, STOP)
    for _ in range(3):
        start(alice, workflow)
        settle()
    assert [mail.subject for mail in mailoutbox] == ["“Test” failed"]
    assert [run.status for run in runs_of(workflow)] == ["failed"] * 3
    change(key=None)  # a quarter of an hour later
    start(alice, workflow)
    settle()
    assert len(mailoutbox) == 2
    assert trimming.trim_notices() == 0
    change(finished_at=timezone.now() - dt.timedelta(days=1000))
    assert trimming.trim_notices() == 2
