"""The page of mails: what workflows wrote to people, found again, by members only."""

import smtplib

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from automations import mails, running
from automations.models import WorkflowStep
from automations.tests.workflows import BUTTON, add, make_workflow, runs_of, settle, start
from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.access import Actor, acting_as
from workspaces.models import Role


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text")


@pytest.fixture
def sent(alice, workspace, books):
    """Return a function that lets a workflow send a mail; it returns the run."""

    def send(subject="Hello", to="dora@example.com", **more):
        mail = {"id": "mail", "type": "send_email", "to": [to], "subject": subject, **more}
        workflow = make_workflow(alice, workspace, BUTTON, mail, name=f"Says {subject}")
        start(alice, workflow)
        settle()
        return runs_of(workflow)[0]

    return send


@pytest.fixture
def url(workspace):
    return reverse("mails", args=[workspace.pk])


def test_what_was_sent_can_be_read(alice, charlie, books, sent, url):
    add(alice, books, {"title": "Dune"})
    file = {"record": str(books.pk), "format": "csv", "name": "Report"}
    run = sent("Monday {{ 1 }}", body="See <b>there</b>.", attachments=[file], cc=["e@example.com"])
    page = alice.client.get(url).content.decode()
    for text in ("Monday 1", "dora@example.com", "e@example.com", "Says Monday", "Report.csv"):
        assert text in page
    assert "See &lt;b&gt;there&lt;/b&gt;." in page
    assert run.get_absolute_url() in page
    (item,) = Api(alice).get(f"workspaces/{run.workspace_id}/mails/").data["results"]
    assert (item["state"], item["to"], item["subject"]) == (
        "sent",
        ["dora@example.com"],
        "Monday 1",
    )
    assert item["kept_here"] == "kept in the memory of this server"
    assert item["attachments"][0]["name"] == "Report.csv"
    link = reverse("mailed_file", args=[item["id"], 0])
    assert link in page
    answer = alice.client.get(link)
    assert b"Dune" in answer.content
    assert answer["Content-Type"] == "text/csv"
    assert answer["Content-Disposition"] == 'attachment; filename="Report.csv"'
    assert Api(alice).get(f"mails/{item['id']}/files/0/").content == answer.content
    assert alice.client.get(reverse("mailed_file", args=[item["id"], 1])).status_code == 404
    assert charlie.client.get(link).status_code == 404
    assert Api(charlie).get(f"mails/{item['id']}/files/0/").status_code == 404


def test_it_says_what_becomes_of_mails_and_prints_none(alice, sent, url, settings, capsys):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    sent("Not printed")
    assert capsys.readouterr().out == ""
    page = alice.client.get(url).content.decode()
    assert "Not printed" in page
    assert "it is kept in the database, and stands here" in page
    assert "Kept here" in page
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert "No mail server is set" not in alice.client.get(url).content.decode()


def test_mails_are_found_and_turned_over(alice, workspace, sent, url, monkeypatch):
    monkeypatch.setattr("automations.mail_views.AT_ONCE", 2)
    for subject in ("Ada", "Bea", "Cleo"):
        sent(subject, to=f"{subject}@example.com", body="Grüße")
    client = alice.client

    def seen(**given):
        answer = client.get(url, given, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in answer
        return [name for name in ("Ada", "Bea", "Cleo") if f"<strong>{name}<" in answer]

    assert seen() == ["Bea", "Cleo"]
    with acting_as(Actor.system()):
        last = WorkflowStep.objects.order_by("id")[1].pk
    assert seen(before=f"{last}-1") == ["Ada"]
    assert seen(q="ada@") == ["Ada"]
    assert seen(q="grüße") == ["Bea", "Cleo"]
    assert seen(status="failed") == []
    assert seen(status="x", before="y", q="ö" * 300) == ["Bea", "Cleo"]
    api, path = Api(alice), f"workspaces/{workspace.pk}/mails/"
    assert len(api.get(f"{path}?text=BEA").data["results"]) == 1
    assert api.get(f"{path}?state=x").status_code == 400
    assert api.get(f"{path}?moon=1").status_code == 400


@pytest.mark.parametrize("kind", ["mail", "approval"])
def test_the_second_page_when_the_first_has_one_kind_only(
    alice, workspace, sent, url, monkeypatch, kind
):
    monkeypatch.setattr("automations.mail_views.AT_ONCE", 2)
    if kind == "approval":
        for question in ("Ada", "Bea", "Cleo"):
            ask = {"id": "ask", "type": "approval", "question": question}
            start(alice, make_workflow(alice, workspace, BUTTON, ask))
            settle()
    else:
        for subject in ("Ada", "Bea", "Cleo"):
            sent(subject)
    first = alice.client.get(url)
    assert [mail.subject[-4:].strip() for mail in first.context["mails"]] == ["Cleo", "Bea"]
    second = alice.client.get(url + first.context["older"])
    assert [mail.subject[-4:].strip() for mail in second.context["mails"]] == ["Ada"]
    assert second.context["older"] == ""


def test_what_did_not_arrive_says_why(alice, workspace, sent, url, monkeypatch):
    def refuse(*args, **kwargs):
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
    run = sent("Lost {{ 1 }}")
    page = alice.client.get(url).content.decode()
    assert "Lost 1" in page
    assert "Unknown" in page
    with alice.acting() as actor:
        running.decide(row=run.steps.get(), decision="done", actor=actor)
    with alice.acting() as actor:
        (row,) = mails.mails_of(workspace=workspace, actor=actor, state="sent")
        assert mails.Mail(row).subject == "Lost 1"


def test_what_was_never_put_together(alice, sent, url):
    sent("Wrong {{ 1 }}", to="{{ 1 }}")
    page = alice.client.get(url).content.decode()
    assert "Wrong {{ 1 }}" in page
    assert "It was not put together" in page
    assert "Not sent" in page


def test_who_may(alice, bob, charlie, workspace, sent, url):
    sent("Secret")
    give_role(workspace, bob, Role.VIEWER)
    assert "Secret" in bob.client.get(url).content.decode()
    assert charlie.client.get(url).status_code == 404
    assert Api(charlie).get(f"workspaces/{workspace.pk}/mails/").status_code == 404


def test_questions_to_the_database_do_not_grow(alice, sent, url):
    client = alice.client

    def asked():
        with CaptureQueriesContext(connection) as made:
            client.get(url)
        return len(made)

    sent("First")
    client.get(url)
    one = asked()
    for number in range(6):
        sent(f"Number {number}")
    assert asked() == one
