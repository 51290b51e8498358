"""A record as it was: its structure then, where the columns of then are now, its entries then."""

import copy
import datetime as dt
import time
from collections import namedtuple
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format

from records import structure as structures
from records import twins
from records.history import quoted
from records.models import RecordStructure, StructureVersion
from records.names import SYSTEM_COLUMNS, history_name
from workspaces.errors import Invalid, Missing

Incarnation = namedtuple("Incarnation", "field column")


@dataclass(frozen=True)
class Past:
    """What `record` was when the event numbered `event` had just been written."""

    record: object
    event: int
    version: int
    structure: structures.Structure
    columns: dict  # {name of a column then: its name now, or None when it was purged}
    moment: object = None  # the datetime that was asked for, None for an event

    def column(self, field):
        """Return where the cells of `field` (of the structure then) lie now, None if purged."""
        return self.columns.get(field.key)

    def incarnations(self, field):
        """Return [Incarnation] of a field from then until now, oldest first.

        A conversion leaves the cells of the old type in a column of their own; incarnations in
        the same column differ in label or rules at most. The last one is what people see now; a
        deleted field ends with the column it has on the shelf. Empty when its cells were purged.
        """
        first = self.column(field)
        if first is None:
            return []
        present = self.record.structure
        line = [Incarnation(field, first)]
        steps = sorted(
            (item for item in present.shelf if item.field.id == field.id and item.column),
            key=lambda item: item.version,
        )
        passed = next((n for n, item in enumerate(steps) if item.column == first), len(steps))
        line += [Incarnation(item.field, item.column) for item in steps[passed + 1 :]]
        now = next((item for item in present.fields if item.id == field.id), None)
        if now is not None:
            line.append(Incarnation(now, now.key))
        return line

    @cached_property
    def at(self):
        """The datetime that was asked for, or that of the event."""
        if self.moment:
            return self.moment
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT timestamp FROM events WHERE stream_id = %s AND event_id <= %s "
                "ORDER BY event_id DESC LIMIT 1",
                [self.record.pk, self.event],
            )
            return cursor.fetchone()[0]

    @cached_property
    def _listed(self):
        """SQL of the columns of an entry, those of today under the names of then."""
        named = [*map(quoted, SYSTEM_COLUMNS), "_ev"]
        for field in self.structure.columns:
            now = self.column(field)
            column = quoted(now) if now else f"NULL::{field.kind.column(field)}"
            named.append(f"{column} AS {quoted(field.key)}")
        return ", ".join(named)

    @cached_property
    def source(self):
        """SQL of a subquery with the entries as they were, its columns named as they were.

        PostgreSQL takes it apart: conditions, orders and limits reach the indexes of both tables.
        """
        return f"({self._images()}) AS entries"

    def _images(self, of=""):
        live = quoted(self.record.table_name)
        return (
            f"SELECT {self._listed} FROM {live} WHERE _ev <= {self.event}{of} UNION ALL "
            f"SELECT {self._listed} FROM {twins.images(self.record)} AS kept "
            f"WHERE _ev <= {self.event} AND _ev_to > {self.event}{of}"
        )

    @property
    def _highest(self):
        return _highest(self.record.pk, self.event, time.time() // 60)

    def page(self, after, most):
        """SQL like `source`, of at most `most` entries behind the id `after`, in their order.

        It goes along the ids there are and looks for each one's image: what was written since,
        however much, is not read.
        """
        live, twin = quoted(self.record.table_name), quoted(history_name(self.record.table_name))
        ids = f"entry_id > {int(after)} AND entry_id <= {self._highest}"
        # There is one image at most; that it is limited keeps PostgreSQL from joining all there are.
        of = " AND entry_id = ids.known"
        image = f"CROSS JOIN LATERAL ({self._images(of)} LIMIT 1) AS image"
        there = f"SELECT entry_id AS known FROM {live} WHERE {ids} ORDER BY entry_id"
        gone = (
            f"SELECT DISTINCT entry_id AS known FROM {twin} WHERE _op = 'D' "
            f"AND _ev_to > {self.event} AND {ids} AND NOT EXISTS "
            f"(SELECT FROM {live} t WHERE t.entry_id = {twin}.entry_id) ORDER BY entry_id"
        )
        parts = " UNION ALL ".join(
            f"(SELECT image.* FROM ({found}) AS ids {image} ORDER BY known LIMIT {int(most)})"
            for found in (there, gone)
        )
        return f"({parts}) AS entries"


# Entries get their ids as they are made, so none made since has one that is not higher.
HIGHEST = """
SELECT coalesce(max(coalesce(
    (payload ->> 'last')::bigint,
    (SELECT max(id::bigint) FROM jsonb_array_elements_text(payload -> 'ids') AS ids(id))
)), 0) FROM events WHERE stream_id = %s AND type = 'entries.created' AND event_id <= %s
"""


@lru_cache(maxsize=500)
def _highest(record_id, event, minute):
    """Return the highest id of an entry made up to an event.

    It is asked anew each `minute`: a long transaction may yet commit an older event.
    """
    with connection.cursor() as cursor:
        cursor.execute(HIGHEST, [record_id, event])
        return cursor.fetchone()[0]


def carry(line, sql):
    """Return SQL that carries `sql`, a cell of the first of `line` (incarnations), to the last."""
    steps = [(old.field, new.field) for old, new in pairwise(line) if old.column != new.column]
    for place, (old, new) in enumerate(steps):
        if not place:
            sql = new.kind.cast(new, old.kind.text(old, sql))
            continue
        # A cast names its text several times. Without a name of its own for each step's value
        # the statement would grow by that factor with every conversion; OFFSET 0 keeps it apart.
        made = new.kind.cast(new, old.kind.text(old, "step.cell"))
        sql = f"(SELECT {made} FROM (SELECT {sql} AS cell OFFSET 0) AS step)"
    return f"({sql})"


def misfits(line, sql):
    """Return SQL: whether its field now can't take `sql`, a cell of the first of `line`.

    That is when it can't be carried there or breaks a rule there. It is "" when neither can be.
    """
    if not line:
        return ""
    old, new, value = line[0], line[-1], carry(line, sql)
    kept = _rules(old.field, value) if old.field.type == new.field.type else []
    found = [f"({rule}) IS FALSE" for rule in _rules(new.field, value) if rule not in kept]
    if old.column != new.column:
        found.append(f"{sql} IS NOT NULL AND {value} IS NULL")
    if dangles := new.field.kind.dangles(value):
        found.append(dangles)
    return " OR ".join(found)


def _rules(field, sql):
    """Return the rules that the cell `sql` of `field` can break by itself, as SQL conditions."""
    required = [f"{sql} IS NOT NULL"] if field.required else []
    return required + [rule for _, rule in field.kind.checks(field, sql)]


def past_of(record, event, moment=None):
    """Return the Past of `record` at the event numbered `event`; Missing before its beginning."""
    found = (
        StructureVersion.objects.filter(record=record, event_id__lte=event)
        .order_by("-version")
        .values_list("version", flat=True)
        .first()
    )
    if found is None:
        raise Missing(f"“{record.name}” did not exist yet at that moment.")
    structure, columns = _then(record.pk, found, record.head.last_event_id)
    return Past(record, event, found, structure, columns, moment)


def as_of(record, text):
    """Return `record` as it was at `text`: an event's number, or a date and time (ISO 8601).

    What reads a record (Query, grid, exports, shapes) reads its past out of the copy; nothing
    writes to one. A time without a zone is in the reader's own; a date alone means its end.
    Raises Invalid for what is no moment, lies ahead, or before the record was made.
    """
    try:
        past = _past_at(record, str(text).strip())
    except Missing as error:
        raise Invalid(error.detail) from None
    if past.event < record.history_begins:
        raise Invalid(record.history_note)
    then = copy.copy(record)
    then.__dict__.pop("head", None)
    stored, began = _stored(record.pk, past.version, record.head.last_event_id)
    then.head = RecordStructure(
        record_id=record.pk,
        structure=stored,
        version=past.version,
        last_event_id=began,
    )
    then.past = past
    return then


def _past_at(record, text):
    if text.isascii() and text.isdigit() and len(text) < 19:
        if int(text) > _newest():
            raise Invalid("That event has not happened yet.")
        return past_of(record, int(text))
    moment = _moment(text)
    if moment > timezone.now():
        raise Invalid("That moment is still to come; choose one in the past.")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(event_id) FROM events WHERE stream_id = %s AND timestamp <= %s",
            [record.pk, moment],
        )
        event = cursor.fetchone()[0]
    if event is None:
        made = date_format(timezone.localtime(record.created_at), "j F Y, H:i")
        raise Invalid(f"“{record.name}” did not exist yet; it was made on {made}.")
    return past_of(record, event, moment)


def _moment(text):
    try:
        moment = parse_datetime(text)
        day = None if moment else parse_date(text)
    except ValueError:
        moment = day = None
    if day:
        moment = dt.datetime.combine(day, dt.time.max)
    if moment is None:
        raise Invalid(
            f"“{text[:60]}” is no moment. Give one as 2026-01-31T18:30, with a zone as +01:00 or "
            "without, or the number of an event."
        )
    try:
        aware = moment if timezone.is_aware(moment) else timezone.make_aware(moment)
        return aware.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise Invalid("That moment is out of reach of any calendar.") from None


def _newest():
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM events_event_id_seq")
        return cursor.fetchone()[0]


@lru_cache(maxsize=500)
def _then(record_id, version, newest):
    """Return (structure, columns) of a Past; `newest` is the event of the newest structure."""
    versions = list(
        StructureVersion.objects.filter(record=record_id, version__gte=version)
        .order_by("version")
        .values_list("version", "structure")
    )
    return structures.parse(versions[0][1]), names_now(versions)


@lru_cache(maxsize=500)
def _stored(record_id, version, newest):
    """Return (structure as stored, its event) of one version; purges write all of them anew."""
    found = StructureVersion.objects.get(record=record_id, version=version)
    return found.structure, found.event_id


def names_now(versions):
    """Return {name of a column in the first structure: its name in the last, None if purged}.

    `versions` are (number, structure as stored), oldest first, without a gap.
    """
    names = {name: name for name in _columns(versions[0][1])}
    for (_, before), (number, after) in pairwise(versions):
        moved = _moves(before, after, number)
        names = {then: moved.get(now, now) for then, now in names.items()}
    return names


def names_of_each(versions):
    """Return what names_now gives from each of the `versions` on, in one pass; oldest first."""
    found = [names_now(versions[-1:])]
    for (_, before), (number, after) in reversed(list(pairwise(versions))):
        moved, later = _moves(before, after, number), found[-1]
        steps = {name: moved.get(name, name) for name in _columns(before)}
        found.append({then: later.get(now, now) for then, now in steps.items()})
    return found[::-1]


def _columns(structure):
    """Yield the names of all columns in a stored structure, on the shelf too."""
    yield from (field["key"] for field in structure["fields"])
    yield from (item["column"] for item in structure["shelf"] if item["column"])


def _moves(before, after, number):
    """Return {column before: column after, or None} for what one change renamed or purged."""
    now = {field["id"]: field["key"] for field in after["fields"]}
    was = {field["id"]: field["key"] for field in before["fields"]}
    kept = {item["column"] for item in after["shelf"]}
    shelved = {
        item["field"]["id"]: item["column"]
        for item in after["shelf"]
        if item["version"] == number and item["column"]
    }
    moved = {was[id]: column for id, column in shelved.items() if id in was}
    for item in before["shelf"]:
        if item["column"] and item["column"] not in kept:
            id = item["field"]["id"]
            # It came back if its place was free: the field was deleted, or shelved in this step.
            back = id in now and (id not in was or id in shelved)
            moved[item["column"]] = now[id] if back else None
    return moved
