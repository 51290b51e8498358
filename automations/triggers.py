"""What starts a workflow: a registry of models, each of which says itself and checks itself.

Triggers about entries name the events they listen to and what must be true of an entry's images
before and after; `automations.dispatch` reads the log for them. The others are fired by the
clock, by a person, by a call or by another run.
"""

import datetime as dt
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from automations import saying
from automations.parts import Condition, Part, said_condition
from automations.schedules import in_english, schedule_of

TRIGGERS = {}


def registered(kind):
    """Make a trigger known under its type."""
    TRIGGERS[kind.model_fields["type"].default] = kind
    return kind


def _zone(name):
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"“{name[:60]}” is no time zone; give one as Europe/Berlin.") from None
    return name


Zone = Annotated[str, AfterValidator(_zone)]


class Trigger(Part):
    """What starts a workflow.

    `label`, `icon` and `help` are for pickers; `events` are the types of events it listens to.
    """

    label: ClassVar[str]
    icon: ClassVar[str]
    help: ClassVar[str]
    events: ClassVar[tuple] = ()
    record_id: ClassVar[UUID | None] = None
    implied: ClassVar[tuple] = ()  # options that follow from others; forms don't show them
    brings: ClassVar[dict] = {}  # what it hands on besides entries, empty, for trials

    def sentence(self, book):
        """Return when it starts, beginning with a small letter: “when an entry is added to …”."""
        raise NotImplementedError

    def check(self, book):
        """Note in `book` what can't work, with pointers under /trigger."""

    def first(self, now):
        """Return the next moment at which the clock has to look at it, None for never."""
        return None

    def same_moments(self, other):
        """Whether the clock looks at the same moments as for `other`, a Trigger."""
        asked = {"exclude": {"where", "missed"}}
        return self.model_dump(**asked) == other.model_dump(**asked)

    @classmethod
    def completed(cls, data, book):
        """Return `data`, as a form sent it, with what is implied by it."""
        return data


class OnEntries(Trigger):
    """Something happens to entries of a record.

    With `where` only entries that match it (as they are then; as they were, when they are
    deleted). `each` says whether every entry makes a run of its own, or each operation makes one
    with the list of them.
    """

    record: UUID
    where: Condition | None = None
    each: Literal["entry", "operation"] = "entry"

    @property
    def record_id(self):
        return self.record

    def wants(self, before, after):
        """Return [(record, condition, whether it must match)] to ask of each entry.

        `before` and `after` are copies of the record as it was at those moments.
        """
        return [(after, self.where, True)] if self.where else []

    def listens(self, changed):
        """Return whether an update of the fields `changed` (keys) can concern it."""
        return True

    def comes_by(self, cause):
        """Return whether it is about what has that cause, the dict of an event."""
        return True

    def sentence(self, book):
        what = self._what(book)
        if self.where:
            what += f" and {said_condition(book, self.record, self.where)}"
        return what if self.each == "entry" else f"{what} (once for all entries of an operation)"

    def _what(self, book):
        raise NotImplementedError

    def check(self, book):
        record = book.check_record(self.record, "/trigger/record")
        if record and self.where:
            book.check_condition(record, self.where, "/trigger/where")
        return record


@registered
class EntryCreated(OnEntries):
    """An entry is added, by anybody and any door, imports included."""

    label, icon, events = "An entry is added", "plus", ("entries.created",)
    help = (
        "Somebody or something adds an entry: in the grid, by a form, an import or another program."
    )
    type: Literal["entry_created"] = "entry_created"

    def _what(self, book):
        return f"when an entry is added to {book.name(self.record)}"


@registered
class EntryUpdated(OnEntries):
    """An entry changes; with `fields` only when one of those does."""

    label, icon, events = "An entry is changed", "pencil", ("entries.updated",)
    help = "An entry changes. You can choose the fields that matter."
    type: Literal["entry_updated"] = "entry_updated"
    fields: list[str] = Field(default=[], max_length=500)

    def listens(self, changed):
        return not self.fields or bool(set(self.fields) & set(changed))

    def _what(self, book):
        if not self.fields:
            return f"when an entry of {book.name(self.record)} is changed"
        labels = saying.joined([saying.label(book, self.record, key) for key in self.fields], "or")
        return f"when {labels} of an entry of {book.name(self.record)} is changed"

    def check(self, book):
        record = super().check(book)
        for number, key in enumerate(self.fields if record else ()):
            book.check_field(record, key, f"/trigger/fields/{number}")


@registered
class FieldChanged(OnEntries):
    """A field changes from one value to another; either may be left out and means any."""

    label, icon, events = "A field changes to a value", "pencil", ("entries.updated",)
    help = "One field goes from one value to another. Leave either empty for any value."
    type: Literal["field_changed"] = "field_changed"
    field: str
    was: Any = None
    now: Any = None

    def listens(self, changed):
        return self.field in changed

    def wants(self, before, after):
        found = super().wants(before, after)
        if self.was is not None:
            found.append((before, {"field": self.field, "op": "is", "value": self.was}, True))
        if self.now is not None:
            found.append((after, {"field": self.field, "op": "is", "value": self.now}, True))
        return found

    def _what(self, book):
        label = saying.label(book, self.record, self.field)
        field = saying.field_of(book, self.record, self.field)
        what = f"when {label} of an entry of {book.name(self.record)} changes"
        if self.was is not None:
            what += f" from {saying.value(book, self.was, field)}"
        return what if self.now is None else f"{what} to {saying.value(book, self.now, field)}"

    def check(self, book):
        record = super().check(book)
        if record and book.check_field(record, self.field, "/trigger/field"):
            for name in ("was", "now"):
                value = getattr(self, name)
                if value is not None:
                    condition = {"field": self.field, "op": "is", "value": value}
                    book.check_condition(record, condition, f"/trigger/{name}")


@registered
class EntryDeleted(OnEntries):
    """An entry is deleted."""

    label, icon, events = "An entry is deleted", "trash", ("entries.deleted",)
    help = "An entry is deleted."
    type: Literal["entry_deleted"] = "entry_deleted"

    def wants(self, before, after):
        return [(before, self.where, True)] if self.where else []

    def _what(self, book):
        return f"when an entry of {book.name(self.record)} is deleted"


class AcrossFilter(OnEntries):
    """An entry begins or ceases to match a filter."""

    where: Condition

    def sentence(self, book):
        said = said_condition(book, self.record, self.where)
        what = f"when an entry of {book.name(self.record)} {self.verb} ({said})"
        return what if self.each == "entry" else f"{what} (once for all entries of an operation)"


@registered
class EntersFilter(AcrossFilter):
    """An entry matches a filter that it did not match before, or is added and matches it."""

    label, icon = "An entry enters a filter", "filter"
    help = "An entry begins to match a filter: it did not before, or it is new."
    events: ClassVar[tuple] = ("entries.updated", "entries.created")
    verb: ClassVar[str] = "begins to match"
    type: Literal["enters_filter"] = "enters_filter"

    def sentence(self, book):
        verb = {"lt": "falls below", "gt": "rises above"}.get(self.where.get("op"))
        field = saying.field_of(book, self.record, self.where.get("field"))
        if verb is None or self.each != "entry" or field is None or field.kind.align != "end":
            return super().sentence(book)
        label = saying.label(book, self.record, field.key)
        value = saying.value(book, self.where.get("value"), field)
        return f"when {label} of an entry of {book.name(self.record)} {verb} {value}"

    def wants(self, before, after):
        return [(after, self.where, True), (before, self.where, False)]


@registered
class LeavesFilter(AcrossFilter):
    """An entry matches a filter no more, or is deleted while it did."""

    label, icon = "An entry leaves a filter", "filter"
    help = "An entry stops matching a filter, or is deleted while it did."
    events: ClassVar[tuple] = ("entries.updated", "entries.deleted")
    verb: ClassVar[str] = "no longer matches"
    type: Literal["leaves_filter"] = "leaves_filter"

    def wants(self, before, after):
        return [(before, self.where, True), (after, self.where, False)]


@registered
class Schedule(Trigger):
    """The clock: a cron line, or every so many units of time, in a time zone.

    Ticks missed while nobody ran them are caught up by one run, or skipped.
    """

    label, icon, brings = "At certain times", "clock", {"missed": False}
    help = (
        "By the clock: every so many hours, days or weeks, or by a cron line. What was "
        "missed is caught up once, or skipped."
    )
    type: Literal["schedule"] = "schedule"
    cron: str = Field(default="", max_length=200)
    every: int = Field(default=0, ge=0, le=100_000)
    unit: Literal["minutes", "hours", "days", "weeks", "months"] = "days"
    at: str = Field(default="", max_length=5)
    weekdays: list[int] = Field(default=[], max_length=7)
    timezone: Zone = "UTC"
    missed: Literal["once", "skip"] = "once"

    @property
    def schedule(self):
        """The automations.schedules object; raises Invalid for what is no schedule."""
        return schedule_of(self)

    def sentence(self, book):
        said = in_english(self)
        return said if self.missed == "once" else f"{said} (missed times are skipped)"

    def check(self, book):
        from workspaces.errors import Invalid

        try:
            self.schedule.next_after(dt.datetime.now(dt.UTC))
        except Invalid as error:
            book.wrong("/trigger", error.detail)

    def first(self, now):
        return self.schedule.next_after(now)


@registered
class DateReached(OnEntries):
    """A date or date-time field of an entry is reached, or is so many days, hours before or after.

    For fields with dates alone `at` is the time of day in `timezone`.
    """

    label, icon = "A date is reached", "calendar"
    help = "The date in a field of an entry comes, or is some days or hours before or after."
    type: Literal["date_reached"] = "date_reached"
    field: str
    offset: int = Field(default=0, ge=-100_000, le=100_000)
    unit: Literal["minutes", "hours", "days"] = "days"
    at: str = Field(default="09:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    timezone: Zone = "UTC"
    each: Literal["entry"] = "entry"

    def _what(self, book):
        label = saying.label(book, self.record, self.field)
        when = f"when {label} of an entry of {book.name(self.record)} is reached"
        if self.offset:
            side = "after" if self.offset > 0 else "before"
            count = abs(self.offset)
            unit = self.unit if count != 1 else self.unit[:-1]
            when = f"{count} {unit} {side} {label} of an entry of {book.name(self.record)}"
        field = saying.field_of(book, self.record, self.field)
        timed = field is not None and field.type == "datetime"
        usual = timed and (self.at, self.timezone) == ("09:00", "UTC")
        return when if usual else f"{when} at {self.at}, {self.timezone}"

    def check(self, book):
        record = super().check(book)
        found = record and book.check_field(record, self.field, "/trigger/field")
        if found and found.type not in ("date", "datetime"):
            book.wrong("/trigger/field", f"“{found.label}” holds no dates.")

    def first(self, now):
        return now


@registered
class Button(Trigger):
    """A person presses the workflow's button: on chosen entries of a record, or without any."""

    label, icon = "A person presses a button", "hand-click"
    help = "Somebody presses the workflow's button, on chosen entries or without any."
    type: Literal["button"] = "button"
    record: UUID | None = None
    where: Condition | None = None

    @property
    def record_id(self):
        return self.record

    def sentence(self, book):
        if self.record is None:
            return "when somebody presses its button"
        said = f"when somebody presses its button on entries of {book.name(self.record)}"
        if self.where:
            said += f" and {said_condition(book, self.record, self.where)}"
        return said

    def check(self, book):
        if self.record is not None:
            record = book.check_record(self.record, "/trigger/record")
            if record and self.where:
                book.check_condition(record, self.where, "/trigger/where")


from automations import calls_received, form_received  # noqa: E402, F401 - of the registry
