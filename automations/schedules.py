"""When a schedule comes next: cron lines and “every so many units”, in a time zone.

When clocks go forward, a time that does not exist runs at the first moment that does; when they
go back, a time that exists twice runs once. Schedules that count minutes or hours go on through
both, in real time.
"""

import datetime as dt
import re
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from workspaces.errors import Invalid

MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
UNITS = {"minutes": MINUTE, "hours": 60 * MINUTE, "days": DAY, "weeks": 7 * DAY, "months": 31 * DAY}
LONGEST = 3660 * DAY
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIRST_DATE = dt.date(1970, 1, 1)  # what “every 3 days” counts from, unless told
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
LAST_MOMENT = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)


class ScheduleError(Invalid):
    """A schedule that can't be read, is too frequent, or never comes."""

    title = "This schedule can't be used"


@dataclass(frozen=True)
class Schedule:
    """What both kinds can do. Moments come and go as aware datetimes."""

    timezone: str = "UTC"

    @cached_property
    def zone(self):
        try:
            return ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError, TypeError) as error:
            raise ScheduleError(
                f"“{str(self.timezone)[:60]}” is no time zone. Give one like Europe/Berlin."
            ) from error

    def next_after(self, moment):
        """Return the first moment after `moment`, in UTC; raise ScheduleError if there is none."""
        if moment.tzinfo is None:
            raise ValueError("A moment needs its time zone.")
        moment = moment.astimezone(dt.UTC)
        try:
            found = self._next(moment) if moment < LAST_MOMENT else None
        except OverflowError:
            found = None
        if found is None:
            raise ScheduleError("This schedule never comes.")
        return found.astimezone(dt.UTC)

    def missed(self, last, now, limit=100):
        """Return the moments after `last` up to and with `now`, the oldest `limit` of them."""
        found, moment = [], last
        while len(found) < limit and (moment := self.next_after(moment)) <= now:
            found.append(moment)
        return found

    def latest(self, last, now):
        """Return the last moment after `last` that is not after `now`; None if there is none.

        It looks back from now in growing steps, so a year of missed minutes costs no more than a day.
        """
        back = MINUTE
        while (found := self.next_after(max(last, now - back))) > now:
            if now - back <= last:
                return None
            back *= 2
        while (following := self.next_after(found)) <= now:
            found = following
        return found


@dataclass(frozen=True)
class Cron(Schedule):
    """The five fields of cron: minute, hour, day of month, month, day of week."""

    line: str = ""

    def __post_init__(self):
        fields = self.line.split() if isinstance(self.line, str) else []
        if len(fields) == 6:
            raise ScheduleError("A schedule can't run more often than every minute: five fields.")
        if len(fields) != 5 or len(self.line) > 200:
            raise ScheduleError(
                f"“{str(self.line)[:60]}” is no cron line. It has five fields: minute, hour, day, "
                "month, weekday; “0 8 * * 1” is every Monday at 08:00."
            )
        try:
            next(self._simulation(dt.datetime(2024, 1, 1, tzinfo=dt.UTC)))
        except (CronSimError, ValueError, AssertionError, RecursionError) as error:
            raise ScheduleError(self._mistake(str(error))) from error
        except (StopIteration, OverflowError) as error:
            raise ScheduleError(f"The date of “{self.line}” never comes.") from error
        _ = self.zone

    def _mistake(self, message):
        field = message.removeprefix("Bad ") if message.startswith("Bad ") else "line"
        names = {"day-of-month": "day of the month", "day-of-week": "day of the week"}
        return (
            f"The {names.get(field, field)} of “{self.line}” can't be: nothing like that "
            "is in any calendar."
        )

    def _simulation(self, moment):
        return CronSim(self.line, moment)

    def _next(self, moment):
        simulation = self._simulation(moment.astimezone(self.zone))
        # In the hour that clocks repeat, the wall time found first may lie behind us.
        return next((found for found in simulation if found > moment), None)

    def sentence(self):
        """Return the schedule in words: “at 08:00 on Monday, Europe/Berlin”."""
        words = self._simulation(dt.datetime.now(dt.UTC)).explain()
        # Two restricted fields of days mean either, which “and” would hide.
        words = words.replace(" day of month and on ", " day of the month or on ")
        return f"{words[:1].lower()}{words[1:]}, {self.timezone}"


@dataclass(frozen=True)
class Every(Schedule):
    """Every `count` minutes, hours, days, weeks or months.

    Days, weeks and months come at the time `at`; weeks on `weekdays` (0 is Monday), months on
    `day`, or on their last day when they are shorter. `start` is the date that is counted from.
    Minutes and hours that divide a day are counted from midnight, others without a break.
    """

    count: int = 1
    unit: str = "days"
    at: str = ""
    weekdays: tuple = ()
    day: int | None = None
    start: dt.date = FIRST_DATE

    def __post_init__(self):
        object.__setattr__(self, "weekdays", tuple(sorted(set(self.weekdays))))
        if problem := self._problem():
            raise ScheduleError(problem)
        _ = self.zone

    def _problem(self):
        """Return what is wrong, or None."""
        if self.unit not in UNITS:
            return f"“{str(self.unit)[:20]}” is no unit of time. Take one of {', '.join(UNITS)}."
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            return "A schedule can't run more often than every minute: count whole units from 1."
        if self.count > LONGEST // UNITS[self.unit]:
            return f"Every {self.count} {self.unit} is too seldom: ten years at most."
        if self.at and not (isinstance(self.at, str) and TIME.fullmatch(self.at)):
            return f"“{str(self.at)[:20]}” is no time of day. Write it like 08:30."
        if self.at and self._counts_time:
            return f"A time of day does not go with every {self._period}."
        if any(day not in range(7) or isinstance(day, bool) for day in self.weekdays):
            return "Weekdays are the numbers from 0 (Monday) to 6 (Sunday)."
        if self.weekdays and (self.unit == "months" or (self.unit == "days" and self.count > 1)):
            return f"Weekdays do not go with every {self._period}."
        if self.day is not None and (self.unit != "months" or self.day not in range(1, 32)):
            return "The day of a month is a number from 1 to 31, and goes with months only."
        return None

    @property
    def _counts_time(self):
        return self.unit in ("minutes", "hours")

    @property
    def _period(self):
        return self.unit[:-1] if self.count == 1 else f"{self.count} {self.unit}"

    def _next(self, moment):
        return self._next_of_time(moment) if self._counts_time else self._next_of_dates(moment)

    # Minutes and hours

    def _next_of_time(self, moment):
        for _ in range(400):
            found = self._next_step(moment)
            date = found.astimezone(self.zone).date()
            if not self.weekdays or date.weekday() in self.weekdays:
                return found
            moment = midnight(date + DAY, self.zone) - dt.timedelta(microseconds=1)
        return None

    def _next_step(self, moment):
        """Return the next moment of the count, whatever its weekday."""
        period = self.count * UNITS[self.unit]
        if DAY % period:
            begin = midnight(self.start, self.zone)
            return begin + ((moment - begin) // period + 1) * period
        today = moment.astimezone(self.zone).date()
        begin, end = midnight(today, self.zone), midnight(today + DAY, self.zone)
        return min(begin + ((moment - begin) // period + 1) * period, end)

    # Days, weeks and months

    def _next_of_dates(self, moment):
        time = dt.time.fromisoformat(self.at or "00:00")
        # Where a whole day was left out of the calendar, yesterday's moment may still come.
        date = moment.astimezone(self.zone).date() - DAY
        while (found := at_wall(self._date_from(date), time, self.zone)) <= moment:
            date = max(self._date_from(date), date) + DAY
        return found

    def _date_from(self, date):
        """Return the first date of the schedule that is not before `date`."""
        if self.unit == "days" and not self.weekdays:
            return date + (-(date - self.start).days % self.count) * DAY
        if self.unit == "months":
            return self._day_of_month_from(date)
        weeks = self.count if self.unit == "weeks" else 1
        weekdays = self.weekdays or (self.start.weekday() if self.start != FIRST_DATE else 0,)
        monday = self.start - self.start.weekday() * DAY
        while (date - monday).days // 7 % weeks or date.weekday() not in weekdays:
            out = (date - monday).days // 7 % weeks
            # Out of turn: to the Monday of the next week that is in turn.
            date += ((weeks - out) * 7 - date.weekday()) * DAY if out else DAY
        return date

    def _day_of_month_from(self, date):
        day = self.day or self.start.day
        first = self.start.year * 12 + self.start.month - 1
        month = date.year * 12 + date.month - 1
        month += -(month - first) % self.count
        found = day_of_month(month, day)
        return found if found >= date else day_of_month(month + self.count, day)

    def sentence(self):
        """Return the schedule in words: “every Monday at 08:00, Europe/Berlin”."""
        words = f"every {self._period}"
        days = self._days_in_words()
        if self.unit == "weeks" and not self.weekdays:
            days = NAMES[self.start.weekday()] if self.start != FIRST_DATE else NAMES[0]
        if days and self.count == 1 and not self._counts_time:
            words = f"every {days}"
        elif days:
            words += f" on {days}"
        if self.unit == "months":
            words += f" on day {self.day or self.start.day}"
            words += " (or the last day)" if (self.day or self.start.day) > 28 else ""
        at = "" if self._counts_time else f" at {self.at or '00:00'}"
        return f"{words}{at}, {self.timezone}"

    def _days_in_words(self):
        if self.weekdays == (0, 1, 2, 3, 4):
            return "weekday" if self.count == 1 and not self._counts_time else "weekdays"
        names = [NAMES[day] for day in self.weekdays]
        return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def day_of_month(month, day):
    """Return the date of a day in a month counted from year 0; the last day when it is shorter."""
    following = month + 1
    if following // 12 > dt.MAXYEAR:
        raise OverflowError
    last = dt.date(following // 12, following % 12 + 1, 1) - DAY
    return last.replace(day=min(day, last.day))


def midnight(date, zone):
    """Return the moment at which a date begins in a zone."""
    return at_wall(date, dt.time(), zone)


def at_wall(date, time, zone):
    """Return the moment in UTC when clocks in `zone` first show or pass this time of this date."""
    wall = dt.datetime.combine(date, time, zone)
    moment = wall.astimezone(dt.UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    # The clocks skip it. They do so between these two, where the offset from UTC changes.
    low, high = wall.replace(fold=1).astimezone(dt.UTC), moment
    before = low.astimezone(zone).utcoffset()
    while high - low > dt.timedelta(seconds=1):
        middle = low + (high - low) // 2
        low, high = (
            (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
        )
    return high.replace(microsecond=0)


def schedule_of(source):
    """Return the Cron or Every of anything with the attributes of a schedule trigger.

    `cron` wins over `every`, `unit`, `at`, `weekdays` and `day`; raises ScheduleError.
    """
    zone = getattr(source, "timezone", "UTC")
    if source.cron:
        return Cron(timezone=zone, line=source.cron)
    if not source.every:
        raise ScheduleError("Say when: by a cron line, or every how many minutes, hours or days.")
    return Every(
        timezone=zone,
        count=source.every,
        unit=source.unit,
        at=source.at,
        weekdays=tuple(source.weekdays),
        day=getattr(source, "day", None),
    )


# Cron lines of one moment a month or a year, which read better than the line.
MONTHLY = re.compile(r"(\d{1,2}) (\d{1,2}) (L|\d{1,2}(?:,\d{1,2})*) (\*|\d{1,2}) \*")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September")
MONTHS += ("October", "November", "December")


def ordinal(number):
    """Return “1st”, “2nd”, “11th”."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0)
    return f"{number}{ending or 'th'}"


def in_english(source):
    """Return a schedule trigger in words that automations.english reads back."""
    if not source.cron:
        return schedule_of(source).sentence()
    found = MONTHLY.fullmatch(source.cron)
    if found is None:
        return f"on the cron line “{source.cron}”, {source.timezone}"
    minute, hour, day, month = found.groups()
    time = f"at {int(hour):02}:{int(minute):02}, {source.timezone}"
    if month != "*":
        if not day.isdigit():
            return f"on the cron line “{source.cron}”, {source.timezone}"
        return f"every year on {day} {MONTHS[int(month) - 1]} {time}"
    if day == "L":
        return f"on the last day of every month {time}"
    days = [ordinal(int(one)) for one in day.split(",")]
    listed = " and ".join([", ".join(days[:-1]), days[-1]] if days[1:] else days)
    return f"on the {listed} of every month {time}"
