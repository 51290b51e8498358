"""Proving a record: its digests computed again, and its table built again from its history.

The digest of an event is over the rows as it wrote them (or, for a deletion, last found them). They
are still there: in the table, or in its twin. Replay makes the table anew from the first structure,
applies every change of structure and every image in the order of their events, and compares.
"""

import copy
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from itertools import pairwise

import orjson
from django.db import IntegrityError, connection, transaction

from records import plans, tables, twins
from records import structure as structures
from records.history import digest_of, digest_order, quoted
from records.models import RecordStructure, StructureVersion
from records.names import history_name
from records.past import names_of_each

SHOWN = 10


@dataclass
class Verdict:
    """What a check found: images and events looked at, and sentences on what is wrong.

    `unproven` are events whose columns were purged since, or from before what is kept of history;
    nothing can be said of them.
    """

    images: int = 0
    events: int = 0
    unproven: int = 0
    problems: list = field(default_factory=list)

    def __iadd__(self, other):
        self.images += other.images
        self.events += other.events
        self.unproven += other.unproven
        self.problems += other.problems
        return self


@dataclass(frozen=True)
class Era:
    """The events from one version of a structure to the next, and where its columns are now."""

    structure: structures.Structure
    version: int
    first: int
    last: int | None  # the event of the next version, not included
    columns: dict

    @property
    def everything(self):
        """The names of then in the order of a digest."""
        return digest_order([name for name in self.columns if name not in self.virtual])

    @property
    def virtual(self):
        return {item.key for item in self.structure.fields if item.kind.virtual}

    def now(self, name):
        """Return the name now of a column then, None when it was purged."""
        return self.columns.get(name, name)


def eras(record):
    """Return the Eras of a record, oldest first."""
    kept = list(
        StructureVersion.objects.filter(record=record)
        .order_by("version")
        .values_list("version", "structure", "event_id")
    )
    bare = [(version, structure) for version, structure, _ in kept]
    ends = [event for _, _, event in kept[1:]] + [None]
    return [
        Era(structures.parse(structure), version, first, last, names)
        for (version, structure, first), last, names in zip(
            kept, ends, names_of_each(bare), strict=True
        )
    ]


# What each event wrote, and what each deletion found, against what the log says of it.
DIGESTS = """
SELECT COALESCE(log.event_id, made.event_id), log.type, log.digest, made.digest, made.images
FROM (SELECT event_id, type, digest::bigint # coalesce(other, 0) AS digest FROM events
      LEFT JOIN (  -- what erasures made different
          SELECT pair.key::bigint AS event_id, bit_xor(pair.value::bigint) AS other
          FROM events, jsonb_each_text(payload->'digests') AS pair
          WHERE stream_id = %(record)s AND type = 'entries.erased' GROUP BY 1
      ) AS erased USING (event_id)
      WHERE stream_id = %(record)s
      AND type LIKE 'entries.%%' AND digest IS NOT NULL AND {span_of_log}) AS log
FULL JOIN (
    SELECT event_id, {digest} AS digest, count(*) AS images FROM (
        SELECT _ev AS event_id, {columns} FROM {now} AS now WHERE {span_of_images}
        UNION ALL SELECT _ev, {columns} FROM {past} AS past WHERE {span_of_images}
        UNION ALL SELECT _ev_to, {columns} FROM {whole} AS whole
                  WHERE _op = 'D' AND {span_of_ends}
    ) AS images GROUP BY event_id
) AS made USING (event_id)
"""
SUMMED = """
SELECT count(*), coalesce(sum(images), 0)::bigint,
       array_agg(ARRAY[event_id::text, type] ORDER BY event_id)
           FILTER (WHERE NOT coalesce(log_digest = made_digest, false))
FROM ({digests}) AS compared(event_id, type, log_digest, made_digest, images)
"""


def check_digests(record):
    """Compute the digest of every event of a record again; return a Verdict."""
    verdict = Verdict()
    merged = []
    for era in eras(record):
        begins = record.history_begins
        if era.first <= begins:
            verdict.unproven += _before(record, era)
            if era.last is not None and era.last <= begins + 1:
                continue
            era = replace(era, first=begins + 1)
        # A new label or another order changes no column; one pass does for both.
        if merged and [*map(merged[-1].now, merged[-1].everything)] == [
            *map(era.now, era.everything)
        ]:
            merged[-1] = replace(merged[-1], last=era.last)
        else:
            merged.append(era)
    marks = twins.has_marks(record)
    for era in merged:
        found = _check_era(record, era, marks)
        if found.problems and not marks:  # perhaps somebody made the first one just now
            found = _check_era(record, era, True)
        verdict += found
    return verdict


def _before(record, era):
    """Return how many of an era's events lie before what is kept of history."""
    last = min(record.history_begins, era.last or record.history_begins)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM events WHERE stream_id = %s AND digest IS NOT NULL "
            "AND type LIKE 'entries.%%' AND event_id BETWEEN %s AND %s",
            [record.pk, era.first, last],
        )
        return cursor.fetchone()[0]


def _check_era(record, era, marks):
    """Check the events of one era; without `marks` the tables are read as they are, in half the time."""

    def span(column):
        until = "" if era.last is None else f" AND {column} < {era.last}"
        return f"{column} >= {era.first}{until}"

    names = era.everything
    twin = quoted(history_name(record.table_name))
    purged = any(era.now(name) is None for name in names)
    listed = [quoted(era.now(name) or "entry_id") for name in names]
    digests = DIGESTS.format(
        span_of_log=span("event_id"),
        span_of_images=span("_ev"),
        span_of_ends=span("_ev_to"),
        digest=digest_of(", ".join(f"c{n}" for n in range(len(names)))),
        columns=", ".join(f"{column} AS c{n}" for n, column in enumerate(listed)),
        now=twins.written(record, live=True) if marks else quoted(record.table_name),
        past=twins.written(record) if marks else twin,
        whole=twins.images(record) if marks else twin,
    )
    with connection.cursor() as cursor:
        cursor.execute(SUMMED.format(digests=digests), {"record": record.pk})
        events, images, wrong = cursor.fetchone()
    if purged:
        return Verdict(images=images, events=events, unproven=events)
    problems = [
        f"{record.name}: event {event} ({type or 'not in the log'}) does not agree with its images."
        for event, type in (wrong or [])[:SHOWN]
    ]
    return Verdict(images=images, events=events, problems=problems)


EVENTS = """
SELECT event_id, type, payload->'ids', payload->>'first', payload->>'last' FROM events
WHERE stream_id = %s AND type LIKE 'entries.%%' AND type <> 'entries.erased' ORDER BY event_id
"""


def check_by_rebuilding(record, real):
    """Build a record's table again in the scratch schema and compare it; return a Verdict.

    Call it inside workspaces.replay.scratch_schema, with what that yields.
    """
    verdict = Verdict()
    try:
        with transaction.atomic():
            _Rebuilding(record, real, verdict).run()
    except IntegrityError as error:
        verdict.problems.append(f"{record.name}: its history can't be replayed: {error}")
    return verdict


class _Rebuilding:
    def __init__(self, record, real, verdict):
        self.record, self.verdict = copy.copy(record), verdict
        self.table = quoted(record.table_name)
        self.live = f"{quoted(real)}.{self.table}"
        self.twin = f"{quoted(real)}.{quoted(history_name(record.table_name))}"
        self.images = twins.images(record, real)
        self.eras = eras(record)

    def run(self):
        if any(now is None for era in self.eras for now in era.columns.values()):
            self.verdict.unproven += 1
            return
        with connection.cursor() as cursor:
            cursor.execute(EVENTS, [self.record.pk])
            events = cursor.fetchall()
        first = self.eras[0]
        self._stand_at(first)
        tables.create(self.record, _lenient(first.structure))
        self._disarm()
        begins = self.record.history_begins
        for era, after in [*pairwise(self.eras), (self.eras[-1], None)]:
            if era.first <= begins and (era.last is None or begins < era.last):
                self._lay(era, begins)
            then, now = self._names(era)
            for event in events[
                _place(events, max(era.first, begins + 1)) : _place(events, era.last)
            ]:
                self._replay(then, now, *event)
            if after:
                self._step(era, after)
        self._compare()

    def _stand_at(self, era):
        """Let the copy of the record show the structure of an era."""
        self.record.__dict__.pop("head", None)
        self.record.head = RecordStructure(
            record_id=self.record.pk,
            structure=_lenient(era.structure).model_dump(mode="json"),
            version=era.version,
            # No cached class or structure may be taken for one of these.
            last_event_id=-era.first,
        )

    def _step(self, era, after):
        plan = plans.plan(_lenient(era.structure), _lenient(after.structure))
        self._stand_at(after)
        plan.apply(self.record)
        self._disarm()

    def _disarm(self):
        """Nothing that is replayed may be logged or stamped again."""
        tables.execute(f"ALTER TABLE {self.table} DISABLE TRIGGER USER")

    def _lay(self, era, begins):
        """Fill the table with what entries were when their kept history begins."""
        names, now = self._names(era)
        then = ", ".join(names)
        lasted = f"_ev <= {begins}"
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {self.table} ({then}) "
                f"SELECT {now} FROM {self.live} WHERE {lasted} UNION ALL "
                f"SELECT {now} FROM {self.images} AS past WHERE {lasted} AND _ev_to > {begins}"
            )
            self.verdict.images += cursor.rowcount

    def _names(self, era):
        """Return the SQL lists of an era's columns as they were, and as they are called now.

        The first is the entry_id.
        """
        names = ["entry_id", *(name for name in era.everything if name != "entry_id")]
        return list(map(quoted, names)), ", ".join(quoted(era.now(name)) for name in names)

    def _replay(self, names, now, event, type, ids, first, last):
        self.verdict.events += 1
        span = f"BETWEEN {first} AND {last}"
        if ids is not None:
            numbers = ids if isinstance(ids, list) else orjson.loads(ids)
            span = f"= ANY (ARRAY{numbers}::bigint[])"
        then = ", ".join(names)
        images = (
            f"(SELECT {now} FROM {self.live} WHERE _ev = {event} AND entry_id {span} UNION ALL "
            f"SELECT {now} FROM {self.images} AS past "
            f"WHERE _ev = {event} AND entry_id {span})"
        )
        if type == "entries.created":
            statement = f"INSERT INTO {self.table} ({then}) {images}"
        elif type == "entries.updated":
            sets = ", ".join(f"{name} = i.{name}" for name in names[1:])
            statement = (
                f"UPDATE {self.table} t SET {sets} FROM {images} AS i({then}) "
                "WHERE t.entry_id = i.entry_id"
            )
        else:
            statement = (
                f"DELETE FROM {self.table} WHERE entry_id IN (SELECT entry_id FROM {self.twin} "
                f"WHERE _ev_to = {event} AND _op = 'D' AND entry_id {span})"
            )
        with connection.cursor() as cursor:
            cursor.execute(statement)
            self.verdict.images += cursor.rowcount

    def _compare(self):
        last = self.eras[-1]
        columns = ", ".join(map(quoted, last.everything))
        for first, second, where in (
            (self.live, self.table, "is there but does not follow from the history"),
            (self.table, self.live, "follows from the history but is not there"),
        ):
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT entry_id FROM (SELECT {columns} FROM {first} "
                    f"EXCEPT SELECT {columns} FROM {second}) AS odd ORDER BY 1 LIMIT {SHOWN}"
                )
                self.verdict.problems += [
                    f"{self.record.name}: entry {id} {where}." for (id,) in cursor.fetchall()
                ]


def _place(events, id):
    """Return the place of the first of `events` (in order) whose id is not less; None is the end."""
    return len(events) if id is None else bisect_left(events, id, key=lambda event: event[0])


def _lenient(structure):
    """Return a structure without rules between rows.

    Two transactions may have freed and taken a unique value in another order than their events'.
    """
    free = {"required": False, "unique": False}
    fields = [item.model_copy(update=free) for item in structure.fields]
    shelf = [
        item.model_copy(update={"field": item.field.model_copy(update=free)})
        for item in structure.shelf
    ]
    return structure.model_copy(update={"fields": tuple(fields), "shelf": tuple(shelf)})
