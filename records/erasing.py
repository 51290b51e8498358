"""Erasing what entries say of a person: in table, history, kept files and copies, for good.

Everywhere else a change adds to history; here history itself is written over, and only here. The
log keeps a tombstone: who, when, which fields, how many entries, never a value.

An event's digest is an exclusive or over its rows. The tombstone names, for each event that is
touched, the difference between the old images' digests and those of what is left of them.
Verifying adds it to what the log says; so the erased cells are no difference any more, and anything
else that was ever changed behind the log's back still is one, in the same events too.
"""

from dataclasses import dataclass, field

import orjson
from django.db import connection, transaction

from records import copies, tables, twins
from records.entries import explained
from records.fields.base import Refused, literal
from records.history import quoted, stamped
from records.imports import forgetting
from records.jobs import ImportJob
from records.names import history_name
from records.replay import eras
from records.services import be_quick, check_alone, patiently
from workspaces import access
from workspaces.errors import Conflict, Invalid
from workspaces.operations import never_undone

# Digests in one event; more make further events of the same operation.
MOST_DIGESTS = 5000
# What a required field gets instead of a value, the first that its rules take; # is the entry's id.
STAND_INS = (
    *("Erased #", "erased-#@example.invalid", "https://example.invalid/#", "#", "1", "E#", "–"),
    *("1900-01-01", "00:00:00", "false", '{"erased": #}', "+000#"),
)
SAMPLE_ID = "1234567"

never_undone("entries.erased", "What was erased is gone for good, also from history.")


@dataclass(frozen=True)
class Choice:
    """Which entries: those with `ids`, or all that have the text `value` in the field `key`.

    With `earlier` also those that had it once and have something else there now.
    """

    ids: tuple = ()
    key: str = ""
    value: str = ""
    earlier: bool = True


@dataclass
class Tally:
    """What an erasure takes, or took: entries there are, deleted ones, images of both, files."""

    entries: int = 0
    deleted: int = 0
    images: int = 0
    fields: list = field(default_factory=list)
    kept: list = field(default_factory=list)  # labels of required fields, which get a stand-in
    files: list = field(default_factory=list)  # records.imports.forgetting.Forgotten
    copies: dict = field(default_factory=dict)  # {what: how many}, by records.copies

    @property
    def total(self):
        return self.entries + self.deleted

    @property
    def sentences(self):
        """What happens to kept files and to copies elsewhere, for people."""
        said = [item.sentence for item in self.files]
        gone = {what: count for what, count in self.copies.items() if what != copies.BUSY}
        if gone:
            counted = ", ".join(f"{what} ({count:,})" for what, count in gone.items())
            said.append(f"What automations copied from them loses it as well: {counted}.")
        if busy := self.copies.get(copies.BUSY):
            many = "One copy is" if busy == 1 else f"{busy:,} copies are"
            said.append(f"{many} being worked with and not touched; erase again when that is over.")
        return said

    def as_json(self):
        """Return it as a JSON-able dict."""
        return {
            "entries": self.entries,
            "deleted": self.deleted,
            "images": self.images,
            "fields": self.fields,
            "stand_ins": self.kept,
            "files": [item.as_json() for item in self.files],
            "copies": self.copies,
        }


def look(*, record, choice, actor):
    """Return the Tally of what `erase` would take; nothing is changed.

    Raises Missing, Forbidden, or Invalid when nothing is chosen or no field is personal.
    """
    _allowed(record, actor)
    with transaction.atomic():
        tally, _ = _prepare(record, choice)
        tally.files = forgetting.look(record, tally.wanted)
        tally.copies = copies.look(_erased(record, tally))
    return tally


def erase(*, record, choice, actor):
    """Erase the personal fields' cells of the chosen entries everywhere; return the Tally.

    It can't be undone. Raises as `look` does, and Conflict while the table is otherwise busy.
    """
    _allowed(record, actor)

    def work():
        with transaction.atomic():
            return _erase(record, choice)

    return patiently(work)


def _allowed(record, actor):
    # A token may have one right without the other; the database's wall asks for “write”.
    for action in ("structure", "write"):
        access.require(actor, action, record.workspace_id)


def _erase(record, choice):
    be_quick(record)
    record.reload()
    check_alone(record)
    if ImportJob.objects.filter(record=record, state=ImportJob.State.RUNNING).exists():
        raise Conflict("An import into this record is running. Wait until it is done.")
    with tables.rewriting_history(record):
        tally, columns = _prepare(record, choice)
        known, erased = forgetting.known_texts(record, tally.wanted), _erased(record, tally)
        _empty_entries(record, columns)
        digests = _differences(record, columns)
        _empty_images(record, columns)
        tally.files = forgetting.forget(record, tally.wanted, known)
    tally.copies = copies.forget(erased)
    _tell(record, choice, tally, digests)
    return tally


def _erased(record, tally):
    with connection.cursor() as cursor:
        cursor.execute("SELECT entry_id FROM erasing")
        ids = [id for (id,) in cursor.fetchall()]
    return copies.erased_of(record, tally.wanted, ids)


def columns_of(record):
    """Return ({column: Field}, ids) of all columns with personal data, those on the shelf too."""
    structure = record.structure
    fields = {item.field.id: item.field for item in structure.shelf}
    fields |= {item.id: item for item in structure.fields}
    ids = {item.id for item in fields.values() if item.personal}
    found = {item.key: item for item in structure.columns if item.id in ids}
    for item in structure.shelf:
        if item.column and item.field.id in ids:
            found[item.column] = item.field
    return found, ids


def _prepare(record, choice):
    """Put the chosen ids into the temporary table `erasing`; return (Tally, {column: new SQL})."""
    columns, ids = columns_of(record)
    if not columns:
        raise Invalid(
            f"No field of “{record.name}” is marked as personal data. Mark the fields first, "
            "on the structure page."
        )
    tables.execute("DROP TABLE IF EXISTS pg_temp.erasing")
    tables.execute(f"CREATE TEMPORARY TABLE erasing ON COMMIT DROP AS {_chosen(record, choice)}")
    tally = Tally(*_counted(record))
    if not tally.total:
        raise Invalid("No entry is like that, and none ever was.")
    labels = {item.id: item.label for item in columns.values()}
    labels |= {item.id: item.label for item in record.structure.fields if item.id in ids}
    tally.fields, tally.wanted = list(labels.values()), ids
    new = {}
    for column, item in columns.items():
        in_use = column == item.key
        new[column] = _instead(item, column) if in_use else f"NULL::{item.kind.column(item)}"
        if in_use and item.required:
            tally.kept.append(item.label)
    return tally, new


def _chosen(record, choice):
    live, twin = quoted(record.table_name), quoted(history_name(record.table_name))
    if not choice.key:
        ids = sorted({int(id) for id in choice.ids if 0 < int(id) < 2**63})
        there = f"= ANY (ARRAY{ids}::bigint[])"
        return (
            f"SELECT entry_id FROM {live} WHERE entry_id {there} "
            f"UNION SELECT entry_id FROM {twin} WHERE entry_id {there}"
        )
    if not choice.value.strip():
        raise Invalid("Say which value the entries have.")
    same = _has(record, choice)
    # A deleted entry has no other value now, so what it had is what it has.
    now = f" AND NOT EXISTS (SELECT FROM {live} l WHERE l.entry_id = kept.entry_id)"
    return (
        f"SELECT entry_id FROM {live} WHERE {same} UNION SELECT entry_id "
        f"FROM {twins.images(record)} AS kept WHERE {same}{'' if choice.earlier else now}"
    )


def _has(record, choice):
    """Return SQL telling whether an image has the value in the field, as it was or is."""
    structure = record.structure
    found = [item for item in structure.columns if choice.key in (item.key, item.id)]
    if not found:
        raise Invalid(f"There is no field “{choice.key[:60]}” to find entries by.")
    places = [(found[0].key, found[0])]
    places += [
        (i.column, i.field) for i in structure.shelf if i.column and i.field.id == found[0].id
    ]
    wanted = literal(choice.value.strip().replace("\x00", ""))
    tests = []
    for column, item in places:
        shown = item.kind.text(item, quoted(column))
        tests.append(f"lower({shown}) = lower({wanted})")
        try:  # 5 finds 5.00
            item.kind.clean(choice.value, item)
            tests.append(f"{quoted(column)} = {item.kind.cast(item, f'{wanted}::text')}")
        except (Refused, NotImplementedError):
            pass
    return f"({' OR '.join(tests)})"


def _instead(item, column):
    """Return SQL of what stands in a cell of `item` after the erasure."""
    nothing = f"NULL::{item.kind.column(item)}"
    if not item.required:
        return nothing
    options = [*STAND_INS, *(c["label"] for c in item.options.get("choices", ()))]
    for text in options:
        if item.unique and "#" not in text:
            continue
        try:
            item.kind.clean(text.replace("#", SAMPLE_ID), item)
        except Refused:
            continue
        shown = f"replace({literal(text)}, '#', entry_id::text)"
        made = f"({item.kind.cast(item, shown)})::{item.kind.column(item)}"
        return f"CASE WHEN {quoted(column)} IS NULL THEN {nothing} ELSE {made} END"
    raise Invalid(
        f"“{item.label}” is required, and nothing neutral fits its rules. Let it be empty first, "
        "on the structure page."
    )


def _counted(record):
    """Return (entries there are, deleted ones, images) of those chosen."""
    live, twin = quoted(record.table_name), quoted(history_name(record.table_name))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(l.entry_id), count(*) - count(l.entry_id), count(l.entry_id) + "
            f"(SELECT count(*) FROM {twin} WHERE entry_id IN (SELECT entry_id FROM erasing)) "
            f"FROM erasing LEFT JOIN {live} l USING (entry_id)"
        )
        return cursor.fetchone()


CHOSEN = "entry_id IN (SELECT entry_id FROM erasing)"


def _touches(columns):
    """Return SQL: whether an image has anything to erase."""
    return (
        "(" + " OR ".join(f"{quoted(c)} IS DISTINCT FROM {new}" for c, new in columns.items()) + ")"
    )


def _sets(columns):
    return ", ".join(f"{quoted(column)} = {new}" for column, new in columns.items())


def _empty_entries(record, columns):
    """Empty the cells of the entries there are, as any update: logged, with a new version."""
    live = quoted(record.table_name)
    with explained(record):
        tables.execute(
            f"SELECT count(*) FROM (SELECT FROM {live} WHERE {CHOSEN} ORDER BY entry_id FOR UPDATE) x"
        )
        tables.execute(
            f"UPDATE {live} SET {_sets(columns)}, {stamped(record.number, columns)} "
            f"WHERE {CHOSEN} AND {_touches(columns)}"
        )


def _differences(record, columns):
    """Return {event: what its digest becomes other by}, before the images are written over."""
    found, whole = {}, twins.images(record)
    for era in eras(record):
        now = [era.now(name) for name in era.everything]
        if None in now:
            continue  # a column was purged; nothing can be proven of these events anyway
        was = ", ".join(map(quoted, now))
        will = ", ".join(columns.get(name, quoted(name)) for name in now)
        until = "" if era.last is None else f" AND {{0}} < {era.last}"
        span = f"{{0}} >= {era.first}{until}"
        other = f"hash_record_extended(ROW({was}), 0) # hash_record_extended(ROW({will}), 0)"
        chosen = f"AS image WHERE {CHOSEN} AND {_touches(columns)}"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT event, bit_xor(other) FROM ("
                f"SELECT _ev AS event, {other} AS other FROM {twins.written(record)} {chosen} "
                f"AND {span.format('_ev')} UNION ALL SELECT _ev_to, {other} FROM {whole} {chosen} "
                f"AND _op = 'D' AND {span.format('_ev_to')}"
                ") AS images GROUP BY event"
            )
            found |= dict(cursor.fetchall())
    return found


def _empty_images(record, columns):
    twin = quoted(history_name(record.table_name))
    tables.execute(f"UPDATE {twin} SET {_sets(columns)} WHERE {CHOSEN} AND {_touches(columns)}")


TOMBSTONE = """
INSERT INTO events (type, payload, stream_id, workspace_id, changed, count)
VALUES ('entries.erased', %s, %s, %s, %s, %s)
"""


def _tell(record, choice, tally, digests):
    """Write the tombstone, in as many events as the digests need."""
    keys = [item.key for item in record.structure.fields if item.personal]
    told = {key: value for key, value in tally.as_json().items() if key != "stand_ins"}
    told["found_by"] = choice.key or None
    pairs = [(str(event), str(other)) for event, other in sorted(digests.items())]
    pieces = [pairs[n : n + MOST_DIGESTS] for n in range(0, len(pairs), MOST_DIGESTS)] or [[]]
    with connection.cursor() as cursor:
        for number, piece in enumerate(pieces):
            first = number == 0
            payload = (told if first else {"part": number + 1}) | {"digests": dict(piece)}
            cursor.execute(
                TOMBSTONE,
                [
                    orjson.dumps(payload).decode(),
                    record.pk,
                    record.workspace_id,
                    orjson.dumps(keys).decode() if first else None,
                    tally.total if first else None,
                ],
            )
