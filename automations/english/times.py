"""Schedules in sentences: “every Monday at 8:00, Europe/Berlin”, “on the first of every month”."""

import zoneinfo
from functools import cache

from automations.english.moments import MONTH_OF
from automations.english.words import near
from automations.schedules import NAMES, schedule_of
from automations.triggers import TRIGGERS
from workspaces.errors import Invalid

DAY_OF = {name.lower(): n for n, name in enumerate(NAMES)}
DAY_OF |= {name.lower() + "s": n for n, name in enumerate(NAMES)}
DAY_OF |= {name.lower()[:3]: n for n, name in enumerate(NAMES)}
UNITS = {"minute": "minutes", "hour": "hours", "day": "days", "week": "weeks", "month": "months"}
UNITS |= {plural: plural for plural in UNITS.values()}
ADVERBS = {"daily": "days", "hourly": "hours", "weekly": "weeks", "monthly": "months"}
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
ORDINALS = {word: number + 1 for number, word in enumerate((*ORDINALS, "tenth"))}
EXAMPLES = ["every Monday at 8:00", "every 15 minutes", "on the first of every month at 9:00"]


@cache
def zones():
    """Return {name in small letters: name} of all time zones, and of their cities."""
    known = zoneinfo.available_timezones()
    cities = {}
    for name in sorted(known):
        if "/" in name and not name.startswith(("Etc/", "posix/", "right/", "SystemV/", "US/")):
            city = name.rpartition("/")[2].replace("_", " ").lower()
            cities[city] = None if city in cities else name
    return {city: name for city, name in cities.items() if name} | {n.lower(): n for n in known}


class Times:
    """The rules for schedules; mixed into the grammar."""

    def schedule(self):
        """Read when the clock starts a workflow; return the trigger, or None if nothing such."""
        c, start = self.c, self.c.at
        c.said("on", "at")
        made = self._on_days() or self._cron() or self._rhythm() or self._on_weekdays()
        if made is None:
            c.at = start
            return None
        self._when_in_day(made)
        if c.said("(missed times are skipped)", "(missed ones are skipped)"):
            made["missed"] = "skip"
        made = {"type": "schedule"} | made
        made.setdefault("timezone", self.zone)
        self._possible(made, start)
        return made

    def _rhythm(self):
        """Read “every day”, “every 2 weeks on Monday”, “weekly”."""
        c = self.c
        if c.sees(*ADVERBS):
            return self._with_days({"every": 1, "unit": ADVERBS[c.take().norm]})
        if not c.said("every", "each", "once every", "once a", "once per"):
            return None
        count = 2 if c.said("other", "second") else self.count()
        if c.sees(*UNITS):
            return self._with_days(
                {"every": 1 if count is None else count, "unit": UNITS[c.take().norm]}
            )
        if c.said("quarter"):
            return {"every": 3, "unit": "months"}
        if c.said("year"):
            return self._yearly()
        if days := self._weekdays():
            return {"every": count or 1, "unit": "weeks", "weekdays": days}
        if c.said("hours", "half hour"):
            return {"every": 30, "unit": "minutes"}
        raise c.stuck("I know no such rhythm.", EXAMPLES)

    def _with_days(self, made):
        """Read the days that may follow: “on weekdays”, “on Monday”, “on day 1”."""
        c, start = self.c, self.c.at
        if made["unit"] == "months":
            if c.said("on day"):
                return self._on_day(made)
            if c.said("on the"):
                return self._on_ordinals(made) or made
            return made
        if c.said("on") and (days := self._weekdays()):
            return made | {"weekdays": days}
        c.at = start
        return made

    def _on_day(self, made):
        c = self.c
        day = self.count()
        c.said("(or the last day)")
        if day == 1:
            return made
        if made["every"] == 1 and day:
            return {"cron": f"{day} * *"}
        raise c.stuck("Such months begin on day 1; of every month any day can be said.", EXAMPLES)

    def _on_ordinals(self, made):
        found = self._ordinals()
        return {"cron": f"{found} * *"} if found and made["every"] == 1 else None

    def _weekdays(self):
        """Read “Monday, Wednesday and Friday”, “weekday”, “weekend”; return their numbers."""
        c = self.c
        if c.said("weekday", "weekdays", "working day", "working days", "workday", "workdays"):
            return [0, 1, 2, 3, 4]
        if c.said("weekend", "weekends"):
            return [5, 6]
        days = []
        while c.look().norm in DAY_OF and c.look().kind == "word":
            days.append(DAY_OF[c.take().norm])
            start = c.at
            c.said(",")
            c.said("and", "or")
            c.said("on", "every")
            if c.look().norm not in DAY_OF:
                c.at = start
                break
        return sorted(set(days))

    def _on_weekdays(self):
        if self.c.look(-1).norm != "on" and not self.c.sees("weekdays", "mondays"):
            return None
        days = self._weekdays()
        return {"every": 1, "unit": "weeks", "weekdays": days} if days else None

    def _on_days(self):
        """Read “the first of every month”, “the 1st and 15th of each month”, “the last day of …”."""
        c, start = self.c, self.c.at
        c.said("the")
        if c.said("last day of every month", "last day of each month", "last day of the month"):
            return {"cron": "L * *"}
        days = self._ordinals()
        if not days:
            c.at = start
            return None
        c.said("day", "days")
        if not c.said("of every month", "of each month", "of the month", "every month"):
            c.at = start
            return None
        return {"every": 1, "unit": "months"} if days == "1" else {"cron": f"{days} * *"}

    def _ordinals(self):
        c, days = self.c, []
        while True:
            start = c.at
            if days:
                c.said(",")
                c.said("and")
                c.said("the")
            day = self._ordinal()
            if day is None:
                c.at = start
                break
            days.append(day)
        return ",".join(map(str, days))

    def _ordinal(self):
        c, token = self.c, self.c.look()
        if token.norm in ORDINALS:
            c.take()
            return ORDINALS[token.norm]
        if token.kind == "number" and c.look(1).norm in ("st", "nd", "rd", "th"):
            c.at += 2
            if not 1 <= token.value <= 31:
                raise c.stuck("A month has days from 1 to 31.", start=token.start, end=token.end)
            return int(token.value)
        return None

    def _yearly(self):
        c = self.c
        c.need("on", suggestions=["every year on 24 December at 9:00"])
        c.said("the")
        month = MONTH_OF.get(c.take().norm) if c.look().norm in MONTH_OF else None
        day = self._ordinal() or self.count()
        c.said("of")
        if month is None and c.look().norm in MONTH_OF:
            month = MONTH_OF[c.take().norm]
        if not (day and month):
            raise c.stuck("Say the day and the month.", ["every year on 24 December at 9:00"])
        return {"cron": f"{day} {month} *"}

    def _cron(self):
        c, start = self.c, self.c.at
        c.said("the")
        if c.said("cron line", "cron") and c.look().kind == "text":
            return {"cron": c.take().value}
        c.at = start
        return None

    def _when_in_day(self, made):
        """Read the time of day and the time zone that may follow, in any order."""
        c, time = self.c, None
        for _ in range(3):
            start = c.at
            c.said(",")
            if time is None and c.said("at") and (time := self.time_of_day()) is not None:
                continue
            c.at = start
            if "timezone" not in made and (zone := self.time_zone()):
                made["timezone"] = zone
                continue
            if time is None and (days := c.said("on") and self._weekdays()) and made.get("unit"):
                made["weekdays"] = days
                continue
            c.at = start
            break
        if "cron" in made and made["cron"].count(" ") == 2:
            hour, minute = (time or "00:00").split(":")
            made["cron"] = f"{int(minute)} {int(hour)} {made['cron']}"
        elif time and time != "00:00":
            made["at"] = time

    def time_of_day(self):
        """Read “8:00”, “8 am”, “8”, “noon” or “midnight”; return it as 08:00."""
        c, token = self.c, self.c.look()
        if c.said("noon"):
            return "12:00"
        if c.said("midnight"):
            return "00:00"
        if token.kind not in ("time", "number"):
            raise c.stuck("Here a time of day should stand.", ["at 8:00", "at 8 am"])
        c.take()
        hour, _, minute = str(token.value).partition(":")
        hour, minute = int(float(hour)), int(minute or 0)
        half = c.which(
            {"am": 0, "a.m.": 0, "a.m": 0, "pm": 12, "p.m.": 12, "p.m": 12, "o'clock": -1}
        )
        if half in (0, 12) and 1 <= hour <= 12:
            hour = hour % 12 + half
        if hour > 23 or minute > 59:
            raise c.stuck("There is no such time of day.", start=token.start, end=token.end)
        return f"{hour:02}:{minute:02}"

    def time_zone(self):
        """Read “, Europe/Berlin”, “in Berlin time” or “(UTC)”; return the zone's name or None."""
        c, start = self.c, self.c.at
        opened = c.said("(")
        if not opened and not c.said(","):
            c.said("in")
        c.said("in", "the time zone", "in the time zone")
        if c.look().kind == "text":
            word, size = str(c.look().value).lower(), 1
        else:
            word, size = self._zone_words()
        known = zones().get(word)
        if known is None and "/" in word and "http" not in word:
            names = [zones()[name] for name in near(word, list(zones()))]
            raise c.stuck("There is no such time zone.", names, count=size)
        if known is None:
            c.at = start
            return None
        c.at += size
        c.said("time")
        if opened:
            c.need(")")
        return known

    def _zone_words(self):
        """Return the longest run of tokens that is a time zone, or what looks like one."""
        c, best = self.c, ("", 1)
        first = c.look()
        if first.kind != "word":
            return best
        size = 1
        while size < 8 and (
            c.look(size).norm in ("/", "_", "-", "+")
            or (size > 1 and c.look(size - 1).norm in ("/", "+", "-"))
        ):
            size += 1
        for count in (size, 3, 2, 1):
            word = c.words(count).lower()
            if word in zones():
                return word, count
        return (c.words(size).lower(), size) if size > 1 else best

    def _possible(self, made, start):
        """Raise Stuck for a schedule that can't be: too frequent, or never."""
        try:
            schedule_of(TRIGGERS["schedule"].model_validate(made))
        except (Invalid, ValueError) as error:
            c = self.c
            detail = error.detail if isinstance(error, Invalid) else "There is no such schedule."
            raise c.stuck(
                detail, EXAMPLES, start=c.tokens[start].start, end=c.tokens[c.at - 1].end
            ) from None
