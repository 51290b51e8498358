"""Files that mails had: kept with the run, within the limits of a run and of a workspace."""

import datetime as dt
import os

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from automations import mailed_files
from automations.models import MailedFile, WorkflowStep
from automations.tests.workflows import BUTTON, add, make_workflow, runs_of, settle, start, steps_of
from workspaces.access import Actor, acting_as

BYTES = 1200  # random letters, so that packing saves next to nothing


@pytest.fixture
def books(alice, make_record):
    record = make_record("Books", title="long_text")
    add(alice, record, {"title": os.urandom(BYTES // 2).hex()})
    return record


@pytest.fixture
def report(alice, workspace, books):
    """Return a function that sends the books with `mails` e-mails; it returns the run."""
    file = {"record": str(books.pk), "format": "csv"}

    def step(number):
        more = {"to": ["dora@example.com"], "subject": "Books", "attachments": [file]}
        return {"id": f"mail{number}", "type": "send_email", **more}

    def send(mails=1):
        steps = [step(number) for number in range(mails)]
        workflow = make_workflow(alice, workspace, BUTTON, *steps)
        start(alice, workflow)
        settle()
        return runs_of(workflow)[0]

    return send


def kept():
    with acting_as(Actor.system()):
        return list(MailedFile.objects.order_by("id"))


def age(run):
    """Let a run's mails be two days old."""
    with acting_as(Actor.system()):
        long_ago = timezone.now() - dt.timedelta(days=2)
        WorkflowStep.objects.filter(run=run).update(started_at=long_ago)


def test_the_database_knows_how_large_they_are(report):
    report()
    (file,) = kept()
    assert file.size == len(file.packed) < len(file.content)


def test_a_run_keeps_so_much_and_fails_before_it_sends_more(report, monkeypatch):
    report(mails=2)
    monkeypatch.setattr(mailed_files, "MOST_OF_RUN", 2 * kept()[0].size + 10)
    mail.outbox.clear()
    run = report(mails=3)
    assert run.status == "failed"
    assert "take more than" in steps_of(run)["mail2"].error
    assert len(to_dora()) == 2
    assert len(kept()) == 4
    assert report(mails=2).status == "succeeded"


def test_the_oldest_make_room_in_a_workspace(alice, workspace, report, settings):
    first, second = report(), report()
    age(first), age(second)
    settings.MAILED_FILES_MAX_BYTES = 2 * kept()[0].size + 10
    third = report()
    assert third.status == "succeeded"
    assert [file.step.run_id for file in kept_with_runs()] == [second.pk, third.pk]
    page = alice.client.get(reverse("mails", args=[workspace.pk])).content.decode()
    assert page.count("the file itself is not kept") == 1
    gone = reverse("mailed_file", args=[steps_of(first)["mail0"].pk, 0])
    assert gone not in page
    assert alice.client.get(gone).status_code == 404


def test_files_of_today_make_no_room(report, settings):
    first = report()
    settings.MAILED_FILES_MAX_BYTES = kept()[0].size + 10
    mail.outbox.clear()
    run = report()
    assert run.status == "failed"
    assert "those of one day fill it" in steps_of(run)["mail0"].error
    assert to_dora() == []
    assert [file.step.run_id for file in kept_with_runs()] == [first.pk]
    settings.MAILED_FILES_MAX_BYTES = 0
    assert report().status == "succeeded"


def test_another_workspace_is_another_account(alice, report, settings):
    report()
    settings.MAILED_FILES_MAX_BYTES = kept()[0].size + 10
    with acting_as(Actor.system()):
        MailedFile.objects.update(workspace_id="00000000-0000-7000-8000-000000000000")
    assert report().status == "succeeded"


def kept_with_runs():
    with acting_as(Actor.system()):
        return list(MailedFile.objects.select_related("step").order_by("id"))


def to_dora():
    return [one for one in mail.outbox if one.to == ["dora@example.com"]]
