"""The demo's workflows, on Northwind: each is made from its sentence and does what it says."""

from decimal import Decimal

import pytest
from django.core import mail

from automations import demo, engine, running
from automations.agents import running as agents
from automations.models import Workflow, WorkflowRun
from automations.tests.workflows import settle
from records.demo import loading
from records.models import Record
from workspaces.access import Actor, acting_as


@pytest.fixture
def northwind(transactional_db, live_server, settings):
    """The demo as `up` makes it; returns its user and workspace."""
    settings.SITE_URL = live_server.url
    user = loading.demo_user()
    room = loading.workspace_of(user)
    list(loading.load_northwind(user, room))
    assert list(demo.load(user, room)) == list(demo.SENTENCES)
    return user, room


def work():
    """Let runs and agents go on until nothing is left to do."""
    settle()
    agents.work()
    engine.work(10)
    settle()


def entries(name, *keys):
    """Return the values of `keys` of a record's entries, in order."""
    record = Record.objects.get(name=name)
    return list(record.model.objects.order_by("pk").values_list(*keys))


def test_every_workflow_of_the_demo_has_run(northwind):
    user, room = northwind
    work()
    with acting_as(Actor(user=user)) as actor:
        runs = {run.workflow.name: run for run in WorkflowRun.objects.all()}
        states = {name: (run.status, run.error_message) for name, run in runs.items()}
        assert states.pop("Large discounts") == ("waiting", "")
        assert states == dict.fromkeys([*states], ("succeeded", ""))
        assert set(runs) == {demo.OFFICE, *demo.SENTENCES}
        assert entries("Tasks", "what") == [("Reorder Chai: 4 left",)]
        assert [order for (order,) in entries("Parcels", "order")] == [11077]
        ((topic, answer),) = entries("Support requests", "topic", "answer")
        assert topic
        assert "offline example" in answer
        subjects = [message.subject for message in mail.outbox]
        assert {"Low stock: Chai", "Open orders"} <= set(subjects)
        report = next(message for message in mail.outbox if message.subject == "Open orders")
        assert report.attachments[0][0] == "Orders.xlsx"
        (row,) = running.waiting_for(actor, room.pk)
        assert row.input["question"] == "25% off order 11077?"
        running.answer(row=row, given="rejected", email=user.email)
    work()
    with acting_as(Actor(user=user)):
        assert entries("Order details", "discount")[-1] == (Decimal("0.2000"),)


def test_what_is_there_stays(db, northwind):
    user, room = northwind
    assert list(demo.load(user, room)) == []
    with acting_as(Actor(user=user)):
        assert Workflow.objects.count() == len(demo.SENTENCES) + 1
