"""Schedules and dates while nobody looks at the clock, or everybody does at once."""

import datetime as dt
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from automations import clock
from automations.models import Subscription
from automations.tests.test_concurrency import at_once
from automations.tests.workflows import add, make_workflow, runs_of
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
KEEP = {"id": "keep", "type": "set", "values": {"x": 1}}
BERLIN = ZoneInfo("Europe/Berlin")
SECOND, HOUR = dt.timedelta(seconds=1), dt.timedelta(hours=1)


def moment(text, zone=dt.UTC):
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.fixture
def look(monkeypatch):
    """Return a function that looks at the clock when it is a certain time."""

    def look(now):
        monkeypatch.setattr(clock, "timezone", SimpleNamespace(now=lambda: now))
        clock.due_schedules()

    return look


def next_at(workflow, **columns):
    """Return when the clock looks at a workflow next; with columns, set them before."""
    with acting_as(Actor.system()):
        Subscription.objects.filter(workflow=workflow).update(**columns) if columns else None
        return Subscription.objects.get(workflow=workflow).next_at


def times_of(workflow, zone=dt.UTC):
    """Return when the workflow's runs were due, as people there say it, and whether it was missed."""
    found = []
    for run in runs_of(workflow):
        at = dt.datetime.fromisoformat(run.trigger_data["at"]).astimezone(zone)
        found.append((f"{at:%d. %H:%M}", run.trigger_data["missed"]))
    return found


def go_through(workflow, look, start, end, *, off=()):
    """Look whenever something is due from `start` to `end`, twice; not between the times of `off`."""
    begin, finish = off or (end, end)
    next_at(workflow, next_at=start)
    while (due := next_at(workflow)) < end:
        now = finish if begin <= due < finish else due + SECOND
        look(now)
        look(now)


@pytest.mark.parametrize(("missed", "caught_up"), [("once", [("01. 10:50", True)]), ("skip", [])])
def test_after_an_hour_off_a_schedule_is_caught_up_once_or_skipped(
    alice, workspace, look, missed, caught_up
):
    trigger = {"type": "schedule", "every": 10, "unit": "minutes", "missed": missed}
    workflow = make_workflow(alice, workspace, trigger, KEEP)
    start, end = moment("2026-03-01 09:40"), moment("2026-03-01 11:20")
    off = moment("2026-03-01 09:55"), moment("2026-03-01 10:58")
    go_through(workflow, look, start, end, off=off)
    usual = ["09:40", "09:50"], ["11:00", "11:10"]
    before, after = ([(f"01. {time}", False) for time in times] for times in usual)
    assert times_of(workflow) == before + caught_up + after


def test_each_of_many_schedules_is_due_once_however_many_look(alice, workspace):
    trigger = {"type": "schedule", "every": 1, "unit": "hours"}
    made = [make_workflow(alice, workspace, trigger, KEEP, name=f"W{n}") for n in range(20)]
    for workflow in made:
        next_at(workflow, next_at=dt.datetime.now(dt.UTC) - HOUR)
    at_once(clock.tick, clock.tick, clock.tick, clock.tick)
    assert [len(runs_of(workflow)) for workflow in made] == [1] * 20


@pytest.mark.parametrize(
    ("days", "expected"),
    [  # a time that does not exist runs at the first that does, one that is there twice once
        (("2026-03-28", "2026-03-31"), ["28. 02:30", "29. 03:00", "30. 02:30"]),
        (("2026-10-24", "2026-10-27"), ["24. 02:30", "25. 02:30", "26. 02:30"]),
    ],
)
@pytest.mark.parametrize("off", [False, True])
def test_a_daily_time_comes_once_a_day_when_clocks_change(
    alice, workspace, look, days, expected, off
):
    trigger = {"type": "schedule", "cron": "30 2 * * *", "timezone": "Europe/Berlin"}
    workflow = make_workflow(alice, workspace, trigger, KEEP)
    start, end = (moment(day, BERLIN) for day in days)
    change = start + dt.timedelta(days=1)  # nobody looks from midnight to six on the day itself
    away = (change.astimezone(dt.UTC), (change + 6 * HOUR).astimezone(dt.UTC)) if off else ()
    first = moment(f"{days[0]} 02:30", BERLIN).astimezone(dt.UTC)
    go_through(workflow, look, first, end.astimezone(dt.UTC), off=away)
    late = [place == 1 and off for place in range(3)]
    assert times_of(workflow, BERLIN) == list(zip(expected, late, strict=True))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_an_hourly_schedule_goes_through_the_change_of_clocks(alice, workspace, look, day, hours):
    trigger = {"type": "schedule", "every": 1, "unit": "hours", "timezone": "Europe/Berlin"}
    workflow = make_workflow(alice, workspace, trigger, KEEP)
    start = moment(day, BERLIN).astimezone(dt.UTC)
    end = (moment(day, BERLIN) + dt.timedelta(days=1)).astimezone(dt.UTC)
    go_through(workflow, look, start, end)
    assert len(runs_of(workflow)) == hours
    due = [run.trigger_data["at"] for run in runs_of(workflow)]
    assert len(set(due)) == hours


def test_after_an_hour_off_each_date_that_was_reached_fires_once(
    alice, workspace, make_record, look
):
    orders = make_record("Orders", title="text", due="datetime")
    trigger = {"type": "date_reached", "record": str(orders.pk), "field": "due", "offset": 0}
    workflow = make_workflow(alice, workspace, trigger, KEEP)
    minutes = ["09:30", "10:00", "10:20", "10:59", "11:01", "12:00"]
    add(alice, orders, *[{"title": at, "due": f"2026-03-01T{at}:00Z"} for at in minutes])
    begun = moment("2026-03-01 10:00")
    next_at(workflow, next_at=begun, scanned_to=begun)
    for now in ("10:00:10", "11:00", "11:00", "11:00:30", "11:02", "11:02:30"):
        look(moment(f"2026-03-01 {now}"))
    fired = [run.trigger_data["entry"]["title"] for run in runs_of(workflow)]
    assert fired == ["10:00", "10:20", "10:59", "11:01"]


@pytest.mark.parametrize(
    ("type", "options", "fired"),
    [
        # Three days before is three days of the calendar, whatever clocks do between.
        ("date", {"offset": -3}, {"2027-03-29": "2027-03-26 09:00", "2027-03-30": "2027-03-27 09:00"}),
        ("date", {"offset": 2}, {"2027-03-26": "2027-03-28 09:00", "2027-03-27": "2027-03-29 09:00"}),
        ("date", {"offset": -3}, {"2027-10-31": "2027-10-28 09:00", "2027-11-02": "2027-10-30 09:00"}),
        ("date", {"offset": 1}, {"2027-10-30": "2027-10-31 09:00", "2027-10-31": "2027-11-01 09:00"}),
        # An hour that is not there comes after the gap; one that is there twice comes once.
        ("date", {"offset": -1, "at": "02:30"}, {"2027-03-29": "2027-03-28 03:30"}),
        ("date", {"offset": -1, "at": "02:30"}, {"2027-11-01": "2027-10-31 02:30"}),
        # Hours are time that passes.
        ("date", {"offset": -10, "unit": "hours"}, {"2027-03-28": "2027-03-27 22:00"}),
        ("date", {"offset": 26, "unit": "hours", "at": "00:00"}, {"2027-03-27": "2027-03-28 03:00"}),
        ("datetime", {"offset": -3}, {"2027-03-29T09:00": "2027-03-26 09:00"}),
        ("datetime", {"offset": 1}, {"2027-10-30T23:30": "2027-10-31 23:30"}),
        ("datetime", {"offset": -24, "unit": "hours"}, {"2027-03-28T09:00": "2027-03-27 08:00"}),
        ("datetime", {"offset": 90, "unit": "minutes"}, {"2027-03-28T01:00": "2027-03-28 03:30"}),
    ],
)  # fmt: skip
def test_days_before_a_date_are_days_of_the_calendar(
    alice, workspace, make_record, look, type, options, fired
):
    orders = make_record("Orders", title="text", due=type)
    trigger = {"type": "date_reached", "record": str(orders.pk), "field": "due"}
    trigger |= {"timezone": "Europe/Berlin"} | options
    workflow = make_workflow(alice, workspace, trigger, KEEP)
    for due in fired:
        when = due if type == "date" else moment(due, BERLIN).isoformat()
        add(alice, orders, {"title": due, "due": when})
    first = moment(min(fired.values()), BERLIN).astimezone(dt.UTC) - 3 * HOUR
    last = moment(max(fired.values()), BERLIN).astimezone(dt.UTC) + 3 * HOUR
    next_at(workflow, next_at=first, scanned_to=first)
    now = first
    while now < last:  # the bounds of looks fall everywhere, on the moments too
        now += 0.5 * HOUR
        next_at(workflow, next_at=now)
        look(now)
        look(now)
    found = [run.trigger_data for run in runs_of(workflow)]
    at = [dt.datetime.fromisoformat(data["at"]).astimezone(BERLIN) for data in found]
    assert (
        dict(
            zip(
                [data["entry"]["title"] for data in found],
                map("{:%Y-%m-%d %H:%M}".format, at),
                strict=True,
            )
        )
        == fired
    )
    assert len(found) == len(fired)


def test_more_entries_than_a_look_takes_may_fall_on_one_day(
    alice, workspace, make_record, look, monkeypatch
):
    monkeypatch.setattr(clock, "MOST_DATES", 3)
    orders = make_record("Orders", title="text", due="date")
    trigger = {"type": "date_reached", "record": str(orders.pk), "field": "due"}
    workflow = make_workflow(alice, workspace, trigger, KEEP)
    days = ["2026-03-01"] * 2 + ["2026-03-02"] * 8 + ["2026-03-03"] * 2
    add(alice, orders, *[{"title": str(number), "due": day} for number, day in enumerate(days)])
    begun = moment("2026-03-01 00:00")
    next_at(workflow, next_at=begun, scanned_to=begun)
    for _ in range(3):
        look(moment("2026-03-04 00:00"))
    fired = [run.trigger_data["entry"]["title"] for run in runs_of(workflow)]
    assert sorted(fired, key=int) == [str(number) for number in range(12)]
