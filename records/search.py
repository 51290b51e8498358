"""Finding a text in a big record by an index instead of reading every entry.

One index has all that is searched of an entry: its texts as one (trigrams), its numbers and
choices as tokens. PostgreSQL lets no condition of a person's use such an index behind row
security, because comparing texts could tell of hidden rows. So the condition is part of the
wall: a table without rows of its own, the “door”, inherits the entries, has the same wall and a
second, restrictive policy with what is sought. Only ids come through it, and the query they are
for looks at the entries themselves once more.
"""

import hashlib
import re

from celery import shared_task
from django.core.cache import cache
from django.db import connection, transaction

from records import indexes, services, tables
from records.fields.base import literal
from records.history import quoted
from records.models import Record
from workspaces.access import Actor, acting_as

# Beyond so many ids, reading the entries one by one is as fast.
MOST = 20_000
# A pattern needs three letters or digits in a row to have a trigram.
TRIGRAM = re.compile(r"[^\W_]{3}")


class Words:
    """What a structure's entries are searched by, as SQL for an index."""

    def __init__(self, structure):
        fields = structure.columns
        self.texts = [f for f in fields if is_text(f)]
        self.choices = [f for f in fields if "choices" in f.options]
        self.numbers = [f for f in fields if is_number(f)]
        self.fields = [*self.texts, *self.choices, *self.numbers]

    @property
    def text(self):
        """SQL of all texts of an entry as one."""
        return " || E'\\n' || ".join(f"COALESCE({quoted(f.key)}::text, '')" for f in self.texts)

    @property
    def tokens(self):
        """SQL of an entry's numbers and choices as an array of texts."""
        parts = [f"'n' || trim_scale({quoted(f.key)}::numeric)::text" for f in self.numbers]
        several = [f for f in self.choices if f.kind.column(f).endswith("[]")]
        parts += [
            f"{literal(f.id + ':')} || {quoted(f.key)}::text"
            for f in self.choices
            if f not in several
        ]
        made = f"array_remove(ARRAY[{', '.join(parts)}]::text[], NULL)"
        for field in several:
            made += f" || kdap_tokens({literal(field.id + ':')}, {quoted(field.key)})"
        return made

    @property
    def digest(self):
        """A name for these expressions."""
        return hashlib.sha256(f"{self.text}|{self.tokens}".encode()).hexdigest()[:12]


def is_text(field):
    """Return whether a search looks into the text of this field."""
    return field.kind.column(field).startswith(("varchar", "text"))


def is_number(field):
    """Return whether a search for a number compares with this field."""
    return field.kind.align == "end" and field.type != "duration"


def number_in(text):
    """Return the number that a searched text is, without separators, or None."""
    number = text.replace(",", "")
    return number if number.lstrip("-").replace(".", "", 1).isdigit() and len(number) < 30 else None


def door_name(record, words):
    """Return the name of the door to a record's entries."""
    return f"find_{record.number}_{words.digest}"


def candidates(record, structure, text, pattern):
    """Return the ids of all entries in which `text` may be found, or None when that is unknown.

    `pattern` is `text` for LIKE. A big record without a door is given one in the background.
    """
    words = Words(structure)
    if record.past or not words.texts or not TRIGRAM.search(text):
        return None
    door = door_name(record, words)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_regclass(%s) IS NOT NULL, set_config('kdap.sought', %s, true), "
            "set_config('kdap.tokens', %s, true)",
            [quoted(door), pattern, ",".join(_tokens(words, text))],
        )
        if not cursor.fetchone()[0]:
            _wish(record, door)
            return None
        cursor.execute(f"SELECT entry_id FROM {quoted(door)} LIMIT {MOST + 1}")
        ids = [id for (id,) in cursor.fetchall()]
    return None if len(ids) > MOST else ids


def _tokens(words, text):
    """Return the tokens of which an entry with `text` in its numbers or choices has one."""
    found = []
    number = number_in(text)
    if number is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 'n' || trim_scale(%s::numeric)::text", [number])
            found += cursor.fetchone()
    # Several choices of a cell are searched as “red, blue”: each part is in one of them.
    part = max((piece.strip() for piece in text.split(",")), key=len).lower()
    for field in words.choices:
        for item in field.options["choices"]:
            if part in item["label"].lower():
                found.append(f"{field.id}:{item['id']}")
    return found


def _wish(record, door):
    """Let a big record get its door; asked for once in a while."""
    key = f"search:{door}:{record.version}"
    if cache.add(key, 1, indexes.ASK_AGAIN) and indexes.is_big(record):
        id = str(record.pk)
        transaction.on_commit(lambda: make_search.delay(id), robust=True)


def has_trigrams():
    """Return whether the database has pg_trgm; without it every entry is read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        return cursor.fetchone() is not None


@shared_task(ignore_result=True)
def make_search(record_id):
    """Make a record's index for searching without keeping anybody waiting, then its door."""
    with acting_as(Actor.system(task="search")):
        record = Record.objects.filter(pk=record_id, deleted_at=None).first()
        if record is None or not has_trigrams():
            return
        words = Words(record.structure)
    if not words.texts:
        return
    name = indexes.search_name(record, words.digest)
    for other in indexes.search_names(record):
        if other != name:
            indexes.drop(other)
    tables.execute(
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {quoted(name)} ON {quoted(record.table_name)} "
        f"USING gin (({words.text}) gin_trgm_ops, ({words.tokens}))"
    )
    services.patiently(lambda: _open(record))


def _open(record):
    with acting_as(Actor.system(task="search")):
        services.be_quick(record)
        words = Words(record.reload())
        if indexes.search_names(record) == [indexes.search_name(record, words.digest)]:
            tables.close_doors(record)
            _make_door(record, words)


def _make_door(record, words):
    door, table = quoted(door_name(record, words)), quoted(record.table_name)
    columns = ", ".join(f"{quoted(f.key)} {f.kind.column(f)}" for f in words.fields)
    tables.execute(f"CREATE TABLE {door} (entry_id bigint, {columns})")
    with connection.cursor() as cursor:
        room = f"'{record.workspace_id}'::uuid"
        cursor.execute("SELECT kdap_wall(%s::regclass, %s, 'kdap.write')", [door, room])
    tables.execute(
        f"CREATE POLICY sought ON {door} AS RESTRICTIVE FOR SELECT USING ("
        f"({words.text}) ILIKE current_setting('kdap.sought', true) "
        f"OR ({words.tokens}) && string_to_array(current_setting('kdap.tokens', true), ',')); "
        f"ALTER TABLE {table} INHERIT {door}"
    )
