"""The filters of templates: a fixed list of small pure functions.

A filter takes the value before it and its arguments, and returns a new value. To add one, write a
function here and give it its row in FILTERS, with its words for sentences; docs/templates.md
lists them for people.
"""

import datetime as dt
import decimal
import html
import re
import zoneinfo
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

from django.utils.text import slugify

from automations.template_values import (
    EXACT,
    MAX_SIZE,
    TemplateError,
    joined,
    json_of,
    list_of,
    moment_of,
    not_a,
    number_of,
    text_of,
    too_large,
    weigh,
    whole_of,
)

# One letter each: C's own strftime would take "%999999999Y" at its word.
DIRECTIVES = re.compile(r"%(.?)", re.DOTALL)
ALLOWED_DIRECTIVES = frozenset("YmdHMSbBaAjyIpVGuzZ%")


def default(value, fallback):
    return fallback if value is None or value in ("", [], {}) else value


def replace(value, old, new=""):
    text, old, new = text_of(value), text_of(old), text_of(new)
    if not old:
        raise TemplateError("The filter “replace” needs to know which text to replace.")
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_SIZE:
        raise too_large()
    return text.replace(old, new)


def truncate(value, length=100):
    text, length = text_of(value), max(whole_of(length), 1)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def rounded(value, places=0):
    places = whole_of(places)
    if not -30 <= places <= 30:
        raise TemplateError("The filter “round” takes from -30 to 30 places.")
    number = EXACT.quantize(Decimal(number_of(value)), Decimal(1).scaleb(-places))
    return int(number) if places <= 0 else number


def calculated(operation):
    """Return the filter that does one operation of exact arithmetic."""

    def calculate(value, other):
        left, right = number_of(value), number_of(other)
        result = getattr(EXACT, operation)(Decimal(left), Decimal(right))
        whole = isinstance(left, int) and isinstance(right, int)
        return int(result) if whole and result == result.to_integral_value() else result

    return calculate


def date(value, pattern="iso"):
    moment = moment_of(value)
    if pattern == "iso":
        return moment.isoformat()

    def written(match):
        if match[1] not in ALLOWED_DIRECTIVES or not match[1]:
            raise TemplateError(f"“{match[0]}” is not a part of a date. Write it like %d %b %Y.")
        if match[1] == "Y":  # strftime writes the year 987 as 987 here and as 0987 elsewhere
            return f"{moment.year:04d}"
        return moment.strftime(match[0])

    return DIRECTIVES.sub(written, text_of(pattern))


def added(unit):
    """Return the filter that moves a date or time by so many units."""

    def add(value, number):
        moment = moment_of(value)
        if unit == "hours" and not isinstance(moment, dt.datetime):
            moment = dt.datetime.combine(moment, dt.time(), dt.UTC)
        try:
            return moment + dt.timedelta(**{unit: float(number_of(number))})
        except OverflowError as error:
            raise out_of_calendar() from error

    return add


def out_of_calendar():
    """Return the error for a date before the year 1 or after 9999."""
    return TemplateError("This date is out of the calendar.")


def days_until(value, *, now):
    moment = moment_of(value)
    if isinstance(moment, dt.datetime):
        try:
            moment = (moment.astimezone(now.tzinfo) if moment.tzinfo else moment).date()
        except OverflowError as error:  # its day is another one where the clock hangs
            raise out_of_calendar() from error
    return (moment - now.date()).days


def in_zone(value, name):
    moment = moment_of(value)
    if not isinstance(moment, dt.datetime):
        raise not_a("date with a time", value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    try:
        return moment.astimezone(zoneinfo.ZoneInfo(text_of(name)))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError, OverflowError) as error:
        raise TemplateError(f"“{text_of(name)[:60]}” is not a time zone.") from error


def count(value):
    if value is None:
        return 0
    if not isinstance(value, (str, list, tuple, dict)):
        raise not_a("list", value)
    return len(value)


def total(value):
    result = 0
    for one in list_of(value):
        if one is not None:
            result = calculated("add")(result, one)
    return result


def extreme(pick):
    """Return the filter that picks the least or greatest of a list, empty ones left out."""

    def choose(value):
        ordered = sort([one for one in list_of(value) if one is not None])
        return ordered[pick] if ordered else None

    return choose


def rank(value):
    """Return a key that puts values of any kinds in one order: numbers, moments, texts, nothing."""
    if value is None:
        return (4, "")
    if isinstance(value, (int, float, Decimal)):
        return (0, Decimal(int(value)) if isinstance(value, bool) else Decimal(number_of(value)))
    if isinstance(value, (dt.date, dt.datetime)):
        return (1, value.isoformat())
    return (2, text_of(value).casefold())


def member(value, key):
    return value.get(key) if isinstance(value, dict) else None


def name_of(key):
    """Return what names a member of each; raise TemplateError for a list or a group of values."""
    if isinstance(key, (list, tuple, dict)):
        raise not_a("name", key)
    return key


def mapped(value, key):
    key = name_of(key)
    return [member(one, key) for one in list_of(value)]


def sort(value, key=None):
    values, key = list_of(value), name_of(key)
    return sorted(values, key=lambda one: rank(one if key is None else member(one, key)))


def where(value, key, wanted=True):
    key = name_of(key)
    return [one for one in list_of(value) if isinstance(one, dict) and one.get(key) == wanted]


def unique(value):
    seen = {}
    for one in list_of(value):
        seen.setdefault(json_of(one), one)
    return list(seen.values())


def urlencoded(value):
    try:
        return quote(text_of(value), safe="")
    except UnicodeEncodeError as error:
        raise TemplateError("This text has half a character, which no address can have.") from error


def split(value, separator=","):
    separator = text_of(separator)
    if not separator:
        raise TemplateError("The filter “split” needs to know where to split.")
    return [part.strip() for part in text_of(value).split(separator)]


def yes_no(value, yes="yes", no="no"):
    return yes if value not in (None, False, 0, "", "false", "no", "0", [], {}) else no


@dataclass(frozen=True)
class Filter:
    """A filter: what it does, how many arguments it takes, how a sentence says it."""

    function: callable
    arguments: tuple[int, int] = (0, 0)  # least and most
    words: str = ""
    clock: bool = False  # it is told what time it is

    def apply(self, value, arguments, now):
        """Return the new value; raises TemplateError."""
        try:
            extra = {"now": now} if self.clock else {}
            result = self.function(value, *arguments, **extra)
        except decimal.DivisionByZero as error:
            raise TemplateError("Nothing can be divided by zero.") from error
        except decimal.DecimalException as error:
            raise TemplateError("The result is not a number that can be kept.") from error
        weigh(result)
        return result


FILTERS = {
    "default": Filter(default, (1, 1), "or {0} when empty"),
    "upper": Filter(lambda value: text_of(value).upper(), words="in capitals"),
    "lower": Filter(lambda value: text_of(value).lower(), words="in small letters"),
    "trim": Filter(lambda value: text_of(value).strip(), words="without spaces around"),
    "title": Filter(lambda value: text_of(value).title(), words="with capital initials"),
    "slug": Filter(lambda value: slugify(text_of(value)), words="as a slug"),
    "replace": Filter(replace, (1, 2), "with {0} replaced by {1}"),
    "truncate": Filter(truncate, (0, 1), "cut to {0} characters"),
    "round": Filter(rounded, (0, 1), "rounded to {0} places"),
    "abs": Filter(lambda value: abs(number_of(value)), words="without its sign"),
    "plus": Filter(calculated("add"), (1, 1), "plus {0}"),
    "minus": Filter(calculated("subtract"), (1, 1), "minus {0}"),
    "times": Filter(calculated("multiply"), (1, 1), "times {0}"),
    "divided_by": Filter(calculated("divide"), (1, 1), "divided by {0}"),
    "number": Filter(number_of, words="as a number"),
    "text": Filter(text_of, words="as text"),
    "date": Filter(date, (0, 1), "as a date like {0}"),
    "add_days": Filter(added("days"), (1, 1), "plus {0} days"),
    "add_hours": Filter(added("hours"), (1, 1), "plus {0} hours"),
    "days_until": Filter(days_until, words="in days from today", clock=True),
    "timezone": Filter(in_zone, (1, 1), "in the time of {0}"),
    "count": Filter(count, words="counted"),
    "first": Filter(lambda value: next(iter(list_of(value)), None), words="the first"),
    "last": Filter(lambda value: next(iter(list_of(value)[-1:]), None), words="the last"),
    "join": Filter(
        lambda value, separator=", ": joined(list_of(value), text_of(separator)),
        (0, 1),
        "joined by {0}",
    ),
    "sum": Filter(total, words="summed up"),
    "min": Filter(extreme(0), words="the least"),
    "max": Filter(extreme(-1), words="the greatest"),
    "map": Filter(mapped, (1, 1), "{0} of each"),
    "sort": Filter(sort, (0, 1), "sorted by {0}"),
    "where": Filter(where, (1, 2), "those whose {0} is {1}"),
    "unique": Filter(unique, words="each once"),
    "json": Filter(json_of, words="as JSON"),
    "urlencode": Filter(urlencoded, words="for an address"),
    # In an address its value stays whole (template_addresses.py); elsewhere every value does.
    "as_is": Filter(lambda value: value, words="as it is"),
    "escape": Filter(lambda value: html.escape(text_of(value)), words="safe in HTML"),
    "lines": Filter(lambda value: text_of(value).splitlines(), words="line by line"),
    "split": Filter(split, (0, 1), "split at {0}"),
    "yes_no": Filter(yes_no, (0, 2), "as yes or no"),
}
