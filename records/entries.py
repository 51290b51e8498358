"""Writing entries. Grid, API, admin and automations all come through here.

Values are cleaned once, by their field types; then one statement writes all rows of a call. The
triggers on the table do the rest: history, tags, events.
"""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

from django.db import DatabaseError, IntegrityError, connection, transaction

from records.fields import Refused
from records.history import inserted, quoted
from workspaces import access
from workspaces.errors import (
    Invalid,
    Missing,
    PreconditionFailed,
    pointer_step,
    refused_by_database,
)
from workspaces.jsons import json_bytes

MOST_ROWS = 10_000
MOST_PROBLEMS = 100


@dataclass(frozen=True)
class Written:
    """What a write made: ids and tags (`_ev`) of the entries, in the order they were given."""

    ids: list
    tags: list


def clean_rows(record, rows, *, partial):
    """Return `rows` (dicts by field key) cleaned; raise Invalid naming every bad cell.

    With `partial` only the given keys are cleaned; without, missing ones get their default.
    Problems carry JSON pointers as /3/quantity.
    """
    if not isinstance(rows, list) or not rows:
        raise Invalid("Give at least one entry.")
    if len(rows) > MOST_ROWS:
        raise Invalid(f"At most {MOST_ROWS:,} entries fit in one call; these are {len(rows):,}.")
    structure = record.structure
    takes = {field.key: field for field in structure.columns if not field.kind.computed}
    problems, cleaned = [], []
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            problems.append({"pointer": f"/{number}", "detail": "An entry is an object."})
            continue
        cleaned.append(_clean_row(row, takes, partial, number, problems))
        if len(problems) >= MOST_PROBLEMS:
            break
    if problems:
        raise Invalid(_summary(problems, len(rows)), problems=problems)
    return cleaned


def _clean_row(row, takes, partial, number, problems):
    clean = {}
    for key, value in row.items():
        field = takes.get(key)
        if field is None:
            detail = f"There is no field “{str(key)[:60]}” that can be written."
            problems.append({"pointer": f"/{number}/{pointer_step(key)}", "detail": detail})
            continue
        try:
            clean[key] = field.kind.clean(value, field)
            if clean[key] is None and field.required:
                raise Refused(f"“{field.label}” is required.")
        except Refused as error:
            problems.append({"pointer": f"/{number}/{key}", "detail": str(error)})
    if not partial:
        for key, field in takes.items():
            if key in row:
                continue
            if field.default is not None:
                clean[key] = field.kind.clean(field.default, field)
            elif field.required:
                detail = f"“{field.label}” is required."
                problems.append({"pointer": f"/{number}/{key}", "detail": detail})
    return clean


def _summary(problems, rows):
    first = problems[0]["detail"]
    return first if len(problems) == 1 else f"{len(problems)} values can't be taken. {first}"


def create_entries(*, record, rows, actor):
    """Insert `rows` (dicts by field key, as JSON or Python values); return Written."""
    access.require(actor, "write", record.workspace_id)
    cleaned = clean_rows(record, rows, partial=False)
    keys = list(dict.fromkeys(key for row in cleaned for key in row))
    with explained(record):
        if not keys:
            made = _insert_empty(record, len(cleaned))
        else:
            made = run(_insert_sql(record, tuple(keys)), [as_json(record, cleaned)])
    made.sort()
    return Written([id for id, _ in made], [tag for _, tag in made])


def add_entry(*, record, row, actor):
    """Insert one entry for an actor that may only add to this record (Actor.adds); return its id.

    The database lets such an actor read nothing: its number is taken beforehand, and the caller
    has cleaned `row` by `clean_rows`. Raises Invalid or Missing.
    """
    access.require_adding(actor, record.pk)
    table = quoted(record.table_name)
    with explained(record), connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'entry_id'))", [table])
        (id,) = cursor.fetchone()
        columns = ", ".join(["entry_id bigint", *filter(None, [_columns(record, row)])])
        names = ", ".join(["entry_id", *map(quoted, row)])
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM json_to_recordset(%s) AS x({columns})",
            [as_json(record, [{"entry_id": id} | row])],
        )
    return id


def update_entries(*, record, changes, actor, versions=None):
    """Change entries; return Written.

    `changes` maps entry ids to dicts of field keys and values. `versions` maps ids to the `_ev`
    that the caller saw; PreconditionFailed when an entry is at another. Raises Missing when an
    entry is not there.
    """
    access.require(actor, "write", record.workspace_id)
    ids = sorted(changes)
    cleaned = clean_rows(record, [changes[id] for id in ids], partial=True)
    with explained(record):
        # One statement on one row can't wait in a circle, so it needs no lock beforehand.
        alone = len(ids) == 1 and cleaned[0] and not any((versions or {}).values())
        tags = {} if alone else lock(record, ids)
        if not alone:
            _check_versions(tags, versions or {})
        groups = {}
        for id, row in zip(ids, cleaned, strict=True):
            if row:
                groups.setdefault(tuple(sorted(row)), []).append({"entry_id": id} | row)
        for keys, rows in groups.items():
            for id, tag in run(_update_sql(record, keys), [as_json(record, rows)]):
                tags[id] = tag
        if not tags:
            raise Missing(f"Entry {ids[0]} is not there (any more).", missing=ids)
    return Written(list(changes), [tags[id] for id in changes])


def delete_entries(*, record, ids, actor, versions=None):
    """Delete entries; history keeps them. Return how many there were; Missing if one was not."""
    access.require(actor, "write", record.workspace_id)
    ids = sorted(set(ids))
    with explained(record):
        _check_versions(lock(record, ids), versions or {})
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {quoted(record.table_name)} WHERE entry_id = ANY(%s)", [ids]
            )
            return cursor.rowcount


def upsert_entries(*, record, rows, keys, actor):
    """Insert `rows`, or change the entries whose `keys` (field keys) have the same values.

    Return (Written, created, updated, unchanged), the last three as counts. Invalid when a key
    is missing in a row, two rows have the same key, or several entries match one.
    """
    access.require(actor, "write", record.workspace_id)
    known = {field.key for field in record.structure.columns}
    if not keys or not set(keys) <= known:
        raise Invalid("Name the fields that tell entries apart: a list of field keys.")
    cleaned = clean_rows(record, rows, partial=True)
    identities = []
    for number, row in enumerate(cleaned):
        if any(row.get(key) is None for key in keys):
            raise Invalid(
                f"Row {number + 1} has no value for every one of {', '.join(keys)}.",
                problems=[{"pointer": f"/{number}", "detail": "A key is missing."}],
            )
        identities.append(json_bytes([row[key] for key in keys]))
    if len(set(identities)) < len(identities):
        raise Invalid("Two of the rows have the same key.")
    with explained(record):
        found = _match(record, cleaned, keys)
        new = [number for number in range(len(rows)) if number not in found]
        before = lock(record, sorted(found.values()))
        written, updated = {}, 0
        if new:
            try:
                made = create_entries(record=record, rows=[rows[n] for n in new], actor=actor)
            except Invalid as error:
                _renumber(error.problems, new)
                raise
            written |= dict(zip(new, zip(made.ids, made.tags, strict=True), strict=True))
        if found:
            changes = {found[n]: rows[n] for n in sorted(found)}
            changed = update_entries(record=record, changes=changes, actor=actor)
            tags = dict(zip(changed.ids, changed.tags, strict=True))
            written |= {n: (found[n], tags[found[n]]) for n in found}
            updated = sum(tags[id] != before[id] for id in tags)
    order = [written[number] for number in range(len(rows))]
    result = Written([id for id, _ in order], [tag for _, tag in order])
    return result, len(new), updated, len(found) - updated


def _renumber(problems, numbers):
    """Let pointers name rows as the caller counts them: row n of a part is numbers[n]."""
    for item in problems:
        _, number, *rest = item["pointer"].split("/", 2)
        if number.isdigit():
            item["pointer"] = "/".join(["", str(numbers[int(number)]), *rest])


def _match(record, rows, keys):
    """Return {row number: entry_id} for rows whose keys an entry has; lock nothing."""
    columns = _columns(record, keys)
    same = " AND ".join(f"t.{quoted(key)} = x.{quoted(key)}" for key in keys)
    data = [{"row_number": n} | {k: row[k] for k in keys} for n, row in enumerate(rows)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT x.row_number, t.entry_id FROM json_to_recordset(%s) "
            f"AS x(row_number integer, {columns}) JOIN {quoted(record.table_name)} t ON {same}",
            [as_json(record, data)],
        )
        found = {}
        for number, id in cursor.fetchall():
            if number in found:
                raise Invalid(
                    f"Several entries have the key of row {number + 1}; it can't tell which is meant.",
                    problems=[{"pointer": f"/{number}", "detail": "Several entries match."}],
                )
            found[number] = id
    return found


def lock(record, ids):
    """Lock entries in the order of their ids, so that writers never wait in a circle.

    Return {id: tag}; raise Missing when one is not there.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT entry_id, _ev FROM {quoted(record.table_name)} "
            "WHERE entry_id = ANY(%s) ORDER BY entry_id FOR UPDATE",
            [ids],
        )
        tags = dict(cursor.fetchall())
    gone = [id for id in ids if id not in tags]
    if gone:
        raise Missing(
            f"Entry {gone[0]} is not there (any more)."
            if len(gone) == 1
            else f"{len(gone)} entries are not there (any more), the first is {gone[0]}.",
            missing=gone[:MOST_PROBLEMS],
        )
    return tags


def _check_versions(tags, versions):
    stale = [id for id, seen in versions.items() if seen is not None and tags.get(id) != seen]
    if stale:
        raise PreconditionFailed(
            f"Entry {stale[0]} was changed since you read it."
            if len(stale) == 1
            else f"{len(stale)} entries were changed since you read them.",
            stale=stale[:MOST_PROBLEMS],
        )


def as_json(record, rows):
    """Return cleaned rows as the JSON that json_to_recordset reads."""
    special = [f for f in record.structure.columns if f.type == "duration"]
    if special:
        for row in rows:
            for field in special:
                if (span := row.get(field.key)) is not None:
                    # PostgreSQL does not take ISO 8601's sign in front of the P.
                    row[field.key] = f"{span // dt.timedelta(microseconds=1)} microseconds"
    return json_bytes(rows).decode()


def run(statement, params):
    """Execute a statement that returns (entry_id, _ev) rows; return them as a list."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def _columns(record, keys):
    structure = record.structure
    fields = [structure.field(key) for key in keys]
    return ", ".join(f"{quoted(f.key)} {f.kind.column(f)}" for f in fields)


@lru_cache(maxsize=2000)
def _insert_text(table, number, keys, columns):
    own = inserted(number)
    names = ", ".join(quoted(key) for key in keys)
    return (
        f"INSERT INTO {table} ({names}, {', '.join(own)}) "
        f"SELECT {names}, {', '.join(own.values())} "
        f"FROM json_to_recordset(%s) AS x({columns}) RETURNING entry_id, _ev"
    )


def _insert_sql(record, keys):
    return _insert_text(quoted(record.table_name), record.number, keys, _columns(record, keys))


@lru_cache(maxsize=2000)
def _update_text(table, keys, columns):
    sets = ", ".join(f"{quoted(key)} = x.{quoted(key)}" for key in keys)
    return (
        f"UPDATE {table} AS t SET {sets} FROM json_to_recordset(%s) "
        f"AS x(entry_id bigint, {columns}) WHERE t.entry_id = x.entry_id "
        "RETURNING t.entry_id, t._ev"
    )


def _update_sql(record, keys):
    return _update_text(quoted(record.table_name), keys, _columns(record, keys))


def _insert_empty(record, count):
    """Insert rows that have nothing but what the database gives them."""
    table = quoted(record.table_name)
    return run(
        f"INSERT INTO {table} (entry_id) SELECT nextval(pg_get_serial_sequence(%s, 'entry_id')) "
        "FROM generate_series(1, %s) RETURNING entry_id, _ev",
        [table, count],
    )


class explained:
    """Turn what the database refuses inside the block into our own errors.

    The block runs in a savepoint, so the transaction around it stays usable.
    """

    def __init__(self, record):
        self.record = record

    def __enter__(self):
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()

    def __exit__(self, kind, error, trace):
        self.savepoint.__exit__(kind, error, trace)
        if isinstance(error, DatabaseError):
            known = explain(self.record, error)
            if known is not None:
                raise known from error


def explain(record, error):
    """Return a KdapError for a DatabaseError on a record's table, or None if it is not known."""
    diag = getattr(error.__cause__, "diag", None)
    if isinstance(error, IntegrityError) and diag is not None:
        return _broken_rule(record, diag)
    return refused_by_database(error)


def _broken_rule(record, diag):
    by_id = {field.id: field for field in record.structure.columns}
    name = diag.constraint_name or ""
    parts = name.split("_")
    field = by_id.get(parts[1]) if len(parts) >= 3 else None
    if field is None and diag.column_name:
        field = next((f for f in by_id.values() if f.key == diag.column_name), None)
    if field is None:
        return Invalid("A value breaks a rule of this record.")
    if diag.column_name:
        text = f"“{field.label}” is required."
    elif parts[-1] == "unique":
        text = f"“{field.label}” must be unique; another entry has this value."
    else:
        text = f"A value of “{field.label}” breaks its rule."
    return Invalid(text, problems=[{"pointer": f"/{field.key}", "detail": text}])
