"""Today, now and days without a zone are those of the person in whose name a workflow works."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from automations import services, testing
from automations.tests.workflows import (
    BUTTON,
    add,
    make_workflow,
    runs_of,
    settle,
    start,
    steps_of,
)
from kdap.tests.people import give_role
from workspaces.models import Role

pytestmark = pytest.mark.django_db(transaction=True)
DAY = {"id": "day", "type": "set", "values": {"day": "{{ today }}", "now": "{{ now }}"}}


# Never on the same day.
@pytest.fixture(params=["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def zone(request, alice):
    with alice.acting():
        alice.user.time_zone = request.param
        alice.user.save()
    return ZoneInfo(request.param)


def today(zone):
    return dt.datetime.now(zone).date()


def test_a_run_and_a_trial_have_the_day_of_who_published(alice, workspace, zone):
    workflow = make_workflow(alice, workspace, BUTTON, DAY)
    start(alice, workflow)
    settle()
    with alice.acting() as actor:
        trial = testing.try_out(workflow=workflow, actor=actor)
    (run,) = runs_of(workflow)
    for output in (steps_of(run)["day"].output, trial.tree[0].row.output):
        assert output["day"] == today(zone).isoformat()
        assert dt.datetime.fromisoformat(output["now"]).utcoffset() == zone.utcoffset(
            dt.datetime.now()
        )


def test_a_wait_until_a_day_ends_as_it_begins_there(alice, workspace, zone):
    day = today(zone) + dt.timedelta(days=2)
    wait = {"id": "wait", "type": "wait", "until": day.isoformat()}
    workflow = make_workflow(alice, workspace, BUTTON, wait)
    start(alice, workflow)
    settle()
    (run,) = runs_of(workflow)
    assert run.wake_at == dt.datetime.combine(day, dt.time(), zone)


@pytest.mark.parametrize("days", [2, 1, 0, -1])
def test_filters_know_that_day_as_well(alice, bob, workspace, make_record, zone, days):
    """What is due today or tomorrow is so within the next day, whenever this runs; no other is."""
    books = make_record("Books", title="text", due="date")
    soon = {"field": "due", "op": "next_days", "value": 1}
    record = {"record": str(books.pk), "where": soon}
    added = make_workflow(alice, workspace, record | {"type": "entry_created"}, DAY)
    pressed = make_workflow(alice, workspace, BUTTON | record, DAY)
    find = {"id": "find", "type": "find_entries", **record}
    found = make_workflow(alice, workspace, BUTTON, find)
    due = today(zone) + dt.timedelta(days=days)
    ids = add(alice, books, {"title": "x", "due": due.isoformat()})
    give_role(workspace, bob, Role.EDITOR)
    if days in (0, 1):
        start(bob, pressed, entries=ids)  # who presses may be elsewhere
    start(alice, found)
    settle()
    expected = int(days in (0, 1))
    assert len(runs_of(added)) == expected
    assert len(runs_of(pressed)) == expected
    assert steps_of(runs_of(found)[0])["find"].output["count"] == expected


def test_moments_without_a_zone_are_written_in_that_of_the_publisher(
    alice, workspace, make_record, zone
):
    books = make_record("Books", title="text", at="datetime")
    values = {"title": "x", "at": "2026-03-01 09:00"}
    step = {"id": "add", "type": "create_entry", "record": str(books.pk), "values": values}
    workflow = make_workflow(alice, workspace, BUTTON, step)
    start(alice, workflow)
    settle()
    with alice.acting():
        (made,) = books.model.objects.all()
    assert made.at == dt.datetime(2026, 3, 1, 9, tzinfo=zone)


def test_an_unknown_zone_is_that_of_the_site(alice, workspace):
    with alice.acting() as actor:
        type(alice.user).objects.filter(pk=alice.user.pk).update(time_zone="Gone/Away")
        workflow = services.create_workflow(
            workspace=workspace,
            name="X",
            actor=actor,
            definition={"trigger": BUTTON, "steps": [DAY]},
        )
        services.publish(workflow=workflow, actor=actor)
    start(alice, workflow)
    settle()
    assert runs_of(workflow)[0].status == "succeeded"
