"""Dates and times in sentences: “24 December 2026”, “3 days ago”, “2 hours after its Due”."""

import datetime as dt

from automations.scope import template

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september")
MONTHS += ("october", "november", "december")
MONTH_OF = {name: n + 1 for n, name in enumerate(MONTHS)}
MONTH_OF |= {name[:3]: n + 1 for n, name in enumerate(MONTHS)} | {"sept": 9}
DAYS = {"day": 1, "days": 1, "week": 7, "weeks": 7}
HOURS = {"hour": 1, "hours": 1}


class Moments:
    """The rules for dates and times; mixed into the grammar."""

    def _moment(self, field):
        """Read a date, or a time that is counted from now or from a date."""
        c = self.c
        if token := c.kind("date", "datetime"):
            made = token.value
            if token.kind == "date" and field is not None and field.type == "datetime":
                made = self._at_time(made)
            return (self._real(made, token),)
        if made := self._calendar():
            return (made,)
        if c.said("today"):
            return ("{{ today }}",)
        if c.said("right now", "now"):
            return ("{{ now }}",)
        for word, days in (("tomorrow", 1), ("yesterday", -1)):
            if c.said(word):
                return (template("today", f"add_days: {days}"),)
        start = c.at
        if c.said("in") and (span := self._span()):
            return (self._counted(*span, 1),)
        c.at = start
        if span := self._span():
            if c.said("ago"):
                return (self._counted(*span, -1),)
            if c.said("from now"):
                return (self._counted(*span, 1),)
            side = c.which({"after": 1, "before": -1})
            if side and (path := self._moved_from()):
                unit, count = span
                return (template(path, f"add_{unit}: {side * count}"),)
        c.at = start
        return None

    def _moved_from(self):
        if self.c.said("today"):
            return "today"
        if token := self.c.kind("ref"):
            return self.placeholder(token)[3:-3]
        found = self._own(None) or self._bare()
        return found[0][3:-3] if found and str(found[0]).startswith("{{") else None

    def _span(self):
        """Read “3 days” or “2 hours”; return (unit, count)."""
        c, start = self.c, self.c.at
        count = self.count()
        unit = c.look().norm
        if count is not None and unit in DAYS:
            c.take()
            return "days", count * DAYS[unit]
        if count is not None and unit in HOURS:
            c.take()
            return "hours", count
        c.at = start
        return None

    def _counted(self, unit, count, side):
        if unit == "days":
            return template("today", f"add_days: {side * count}")
        return template("now", f"add_hours: {side * count}")

    def _calendar(self):
        """Read “24 December 2026” or “December 24, 2026” as an ISO date."""
        c, start = self.c, self.c.at
        day = month = None
        if c.look().kind == "number" and c.look(1).norm in (*MONTH_OF, "st", "nd", "rd", "th"):
            day = c.take()
            c.said("st", "nd", "rd", "th")
            month = MONTH_OF.get(c.take().norm)
        elif c.look().norm in MONTH_OF and c.look(1).kind == "number":
            month, day = MONTH_OF[c.take().norm], c.take()
            c.said("st", "nd", "rd", "th")
            c.said(",")
        year = c.kind("number") if month else None
        if year is None or not 1000 <= year.value <= 9999 or day.value != int(day.value):
            c.at = start
            return None
        return self._real(f"{int(year.value)}-{month:02}-{int(day.value):02}", day)

    def _real(self, text, token):
        try:
            dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            raise self.c.stuck("There is no such date.", start=token.start, end=token.end) from None
        return text

    def _at_time(self, date):
        if self.c.sees("at") and self.c.look(1).kind == "time":
            self.c.take()
            return f"{date} {self.c.take().value:0>5}"
        return date
