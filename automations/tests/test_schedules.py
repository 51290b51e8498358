"""When schedules come, through changing clocks, and which are refused."""

import datetime as dt
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automations.schedules import Cron, Every, ScheduleError, schedule_of

BERLIN, LORD_HOWE, SAMOA = "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"


def moment(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def coming(schedule, after, count=3):
    """Return the next moments as short texts in the schedule's own zone, with their offset."""
    found, at = [], moment(after)
    for _ in range(count):
        at = schedule.next_after(at)
        found.append(at.astimezone(schedule.zone).strftime("%m-%d %H:%M%z"))
    return found


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        (
            Cron(line="0 8 * * 1", timezone=BERLIN),
            "2026-11-20",
            ["11-23 08:00+0100", "11-30 08:00+0100", "12-07 08:00+0100"],
        ),
        (
            Cron(line="*/20 9-10 * jan,mar mon-fri"),
            "2026-01-02 10:20",
            ["01-02 10:40+0000", "01-05 09:00+0000", "01-05 09:20+0000"],
        ),
        (
            Cron(line="0 0 29 2 *"),
            "2026-01-01",
            ["02-29 00:00+0000", "02-29 00:00+0000", "02-29 00:00+0000"],
        ),
        (Cron(line="0 12 L * *"), "2026-01-31 12:00", ["02-28 12:00+0000", "03-31 12:00+0000"]),
        # Clocks go forward at 02:00 on 29 March: at the first moment that there is.
        (
            Cron(line="30 2 * * *", timezone=BERLIN),
            "2026-03-28",
            ["03-28 02:30+0100", "03-29 03:00+0200", "03-30 02:30+0200"],
        ),
        # They go back at 03:00 on 25 October: once.
        (
            Cron(line="30 2 * * *", timezone=BERLIN),
            "2026-10-24 12:00",
            ["10-25 02:30+0200", "10-26 02:30+0100"],
        ),
        # Asked in the hour that comes again, after it ran: not a second time.
        (
            Cron(line="30 2 * * *", timezone=BERLIN),
            "2026-10-25 01:10",
            ["10-26 02:30+0100"],
        ),
        # What counts minutes goes on in both hours.
        (
            Cron(line="*/30 * * * *", timezone=BERLIN),
            "2026-10-25 00:00",
            ["10-25 02:30+0200", "10-25 02:00+0100", "10-25 02:30+0100", "10-25 03:00+0100"],
        ),
        (
            Every(count=30, unit="minutes", timezone=BERLIN),
            "2026-03-29 00:10",
            ["03-29 01:30+0100", "03-29 03:00+0200", "03-29 03:30+0200"],
        ),
        (
            Every(count=30, unit="minutes", timezone=BERLIN),
            "2026-10-25 00:00",
            ["10-25 02:30+0200", "10-25 02:00+0100", "10-25 02:30+0100", "10-25 03:00+0100"],
        ),
        # From midnight, in real time: the day of 23 hours ends with a shorter step.
        (
            Every(count=6, unit="hours", timezone=BERLIN),
            "2026-03-28 23:30",
            ["03-29 07:00+0200", "03-29 13:00+0200", "03-29 19:00+0200", "03-30 00:00+0200"],
        ),
        # What does not divide a day goes on without a break.
        (
            Every(count=7, unit="hours"),
            "1970-01-01 20:00",
            ["01-01 21:00+0000", "01-02 04:00+0000", "01-02 11:00+0000"],
        ),
        (
            Every(count=12, unit="hours", weekdays=(0, 1, 2, 3, 4), timezone=BERLIN),
            "2026-11-20 10:00",
            ["11-20 12:00+0100", "11-23 00:00+0100", "11-23 12:00+0100"],
        ),
        (
            Every(at="02:30", timezone=BERLIN),
            "2026-03-28",
            ["03-28 02:30+0100", "03-29 03:00+0200", "03-30 02:30+0200"],
        ),
        (
            Every(at="02:30", timezone=BERLIN),
            "2026-10-24 22:00",
            ["10-25 02:30+0200", "10-26 02:30+0100"],
        ),
        # Half an hour is skipped at 02:00 here.
        (
            Every(at="02:15", timezone=LORD_HOWE),
            "2026-10-03 00:00",
            ["10-04 02:30+1100", "10-05 02:15+1100"],
        ),
        # 30 December 2011 was left out of Samoa's calendar.
        (
            Every(at="08:00", timezone=SAMOA),
            "2011-12-29 12:00",
            ["12-29 08:00-1000", "12-31 00:00+1400", "12-31 08:00+1400"],
        ),
        (
            Every(count=3, unit="days", start=dt.date(2026, 1, 1)),
            "2026-01-01",
            ["01-04 00:00+0000", "01-07 00:00+0000"],
        ),
        (
            Every(unit="weeks", weekdays=(0, 3), at="09:00"),
            "2026-11-19 09:00",
            ["11-23 09:00+0000", "11-26 09:00+0000"],
        ),
        (
            Every(count=2, unit="weeks", weekdays=(4, 0), start=dt.date(2026, 11, 18)),
            "2026-11-18",
            ["11-20 00:00+0000", "11-30 00:00+0000", "12-04 00:00+0000"],
        ),
        (Every(unit="days", weekdays=(5, 6)), "2026-11-22", ["11-28 00:00+0000"]),
        (
            Every(unit="months", day=31, at="18:00"),
            "2026-01-31 18:00",
            ["02-28 18:00+0000", "03-31 18:00+0000", "04-30 18:00+0000"],
        ),
        (
            Every(count=3, unit="months", start=dt.date(2026, 2, 15)),
            "2025-01-01",
            ["02-15 00:00+0000", "05-15 00:00+0000"],
        ),
    ],
)
def test_coming(schedule, after, expected):
    assert coming(schedule, after, len(expected)) == expected


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Cron(line="0 8 * * 1", timezone=BERLIN), "at 08:00 on Monday, Europe/Berlin"),
        (Cron(line="* * * * *"), "every minute, UTC"),
        (
            Cron(line="0 0 13 * 5"),
            "at 00:00 on the 13th day of the month or on Friday, UTC",
        ),
        (
            Every(unit="weeks", at="08:00", weekdays=(0,), timezone=BERLIN),
            "every Monday at 08:00, Europe/Berlin",
        ),
        (Every(unit="weeks"), "every Monday at 00:00, UTC"),
        (Every(unit="weeks", weekdays=(0, 1, 2, 3, 4)), "every weekday at 00:00, UTC"),
        (
            Every(count=2, unit="weeks", at="08:00", weekdays=(4, 0, 2)),
            "every 2 weeks on Monday, Wednesday and Friday at 08:00, UTC",
        ),
        (
            Every(count=15, unit="minutes", weekdays=(0, 1, 2, 3, 4)),
            "every 15 minutes on weekdays, UTC",
        ),
        (Every(unit="hours"), "every hour, UTC"),
        (
            Every(unit="months", day=31, at="08:00"),
            "every month on day 31 (or the last day) at 08:00, UTC",
        ),
        (Every(count=3, unit="months"), "every 3 months on day 1 at 00:00, UTC"),
    ],
)
def test_sentences(schedule, words):
    assert schedule.sentence() == words


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("0 0 31 2 *", "The day of the month of “0 0 31 2 *” can't be"),
        ("0 0 30 feb *", "can't be"),
        ("0 0 31 2,4,6 *", "can't be"),
        ("60 * * * *", "The minute of"),
        ("* 24 * * *", "The hour of"),
        ("* * * 13 *", "The month of"),
        ("* * * * 8", "The day of the week of"),
        ("* * * * funday", "The day of the week of"),
        ("*/0 * * * *", "The minute of"),
        ("-1 * * * *", "The minute of"),
        ("5-1 * * * *", "The minute of"),
        ("* * * * * *", "more often than every minute"),
        ("* * * *", "It has five fields"),
        ("@daily", "It has five fields"),
        ("", "It has five fields"),
        ("1," * 200 + "1 * * * *", "It has five fields"),
        ("²/1 * * * *", "The minute of"),
        ("1" * 100 + " * * * *", "The minute of"),
        ("1" + "/1" * 90 + "/x * * * *", "The minute of"),
        ("* * * * #", "The day of the week of"),
        ("* * * * L", "The day of the week of"),
        ("0 0 30 2 1#5/", "can't be"),
        ("* * * * */L", "can't be"),
    ],
)
def test_lines_that_are_refused(line, sentence):
    start = time.perf_counter()
    with pytest.raises(ScheduleError) as caught:
        Cron(line=line)
    assert sentence in caught.value.detail
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"count": 0}, "more often than every minute"),
        ({"count": -5}, "more often than every minute"),
        ({"count": 0.5, "unit": "minutes"}, "more often than every minute"),
        ({"count": True}, "more often than every minute"),
        ({"unit": "seconds"}, "“seconds” is no unit of time"),
        ({"count": 100_000, "unit": "months"}, "ten years at most"),
        ({"at": "25:00"}, "“25:00” is no time of day"),
        ({"at": "8:00"}, "Write it like 08:30"),
        ({"at": "08:00", "unit": "hours"}, "does not go with every hour"),
        ({"weekdays": (7,)}, "from 0 (Monday)"),
        ({"weekdays": (0,), "unit": "months"}, "do not go with every month"),
        ({"weekdays": (0,), "count": 2}, "do not go with every 2 days"),
        ({"day": 32, "unit": "months"}, "from 1 to 31"),
        ({"day": 1, "unit": "weeks"}, "goes with months only"),
        ({"timezone": "Mars/Olympus"}, "“Mars/Olympus” is no time zone"),
        ({"timezone": "../../etc/passwd"}, "is no time zone"),
        ({"timezone": ""}, "is no time zone"),
    ],
)
def test_values_that_are_refused(values, sentence):
    with pytest.raises(ScheduleError) as caught:
        Every(**values)
    assert sentence in caught.value.detail


def test_a_weekday_that_the_count_never_meets():
    # 168 hours from a Thursday on, and only Mondays are wanted.
    with pytest.raises(ScheduleError, match="never comes"):
        Every(count=168, unit="hours", weekdays=(0,)).next_after(moment("2026-01-01"))


def test_beyond_the_calendar():
    for schedule in (Every(), Every(unit="months"), Cron(line="* * * * *")):
        with pytest.raises(ScheduleError, match="never comes"):
            schedule.next_after(moment("9998-12-31"))


def test_missed_ticks_are_the_oldest_first():
    schedule = Every(unit="hours")
    last, now = moment("2026-01-01 00:30"), moment("2026-01-01 03:00")
    assert [one.hour for one in schedule.missed(last, now)] == [1, 2, 3]
    assert len(schedule.missed(last, now, limit=2)) == 2
    assert schedule.missed(now, now) == []
    assert len(Cron(line="* * * * *").missed(moment("2000-01-01"), now, limit=1)) == 1


def test_the_latest_of_all_that_were_missed():
    last, now = moment("2025-01-01"), moment("2026-01-01 00:00:30")
    start = time.perf_counter()
    assert Cron(line="* * * * *").latest(last, now) == moment("2026-01-01")
    assert time.perf_counter() - start < 5
    assert Every(unit="months").latest(last, moment("2025-12-31")) == moment("2025-12-01")
    assert Every(unit="months").latest(moment("2025-12-01"), moment("2025-12-31")) is None
    assert Every(unit="hours").latest(last, last) is None


def test_a_moment_without_a_zone_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="time zone"):
        Every().next_after(dt.datetime(2026, 1, 1))


def trigger(**values):
    empty = {"cron": "", "every": 0, "unit": "days", "at": "", "weekdays": [], "timezone": "UTC"}
    return SimpleNamespace(**(empty | values))


def test_from_a_trigger():
    assert schedule_of(trigger(cron="0 8 * * *")) == Cron(line="0 8 * * *")
    assert schedule_of(trigger(every=2, unit="weeks", weekdays=[3, 0])) == Every(
        count=2, unit="weeks", weekdays=(0, 3)
    )
    with pytest.raises(ScheduleError, match="Say when"):
        schedule_of(trigger())


ZONES = st.sampled_from(["UTC", BERLIN, "America/New_York", LORD_HOWE, SAMOA, "Africa/Casablanca"])
MOMENTS = st.datetimes(dt.datetime(2009, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC))
SCHEDULES = st.one_of(
    st.builds(
        Cron,
        timezone=ZONES,
        line=st.sampled_from(["30 2 * * *", "*/7 * * * *", "0 */5 * * 6", "59 23 L * *"]),
    ),
    st.builds(
        Every,
        timezone=ZONES,
        count=st.integers(1, 50),
        unit=st.sampled_from(["minutes", "hours", "days", "weeks", "months"]),
    ),
    st.builds(
        Every,
        timezone=ZONES,
        at=st.sampled_from(["00:00", "02:15", "02:30", "23:59"]),
        unit=st.sampled_from(["days", "weeks"]),
        weekdays=st.sets(st.integers(0, 6)).map(tuple),
    ),
)


@given(SCHEDULES, MOMENTS)
def test_time_only_goes_forward_and_nothing_lies_between(schedule, after):
    found = schedule.next_after(after)
    assert found > after
    between = after + (found - after) / 2
    assert schedule.next_after(between) == found
    assert schedule.next_after(found) > found
    assert schedule.latest(after, found) == found
    assert schedule.latest(after, between) is None
