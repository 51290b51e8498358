"""A new column filled beside the one in use, while people go on reading and writing.

Its rules are proven before it takes its place, so that the exchange itself reads no row. All of
it can be taken away again at any time; people's own columns are not touched before `take`.
"""

from django.db import connection

from records import tables
from records.fields.base import literal
from records.history import quoted

TRIGGER = "zz_fill"  # after “stamp”: a write that changes nothing must stay one


def column_of(version, field):
    """Return the name of the column that is filled for `field` in the structure `version`."""
    return f"_n{version}_{field.id}"


def begin(record, steps):
    """Make the new columns of `steps` (ConvertField with `filled`), and a trigger that fills them.

    From now on every entry that is written has its new cells; `fill` sees to the others.
    """
    table, function = quoted(record.table_name), _function(record)
    for step in steps:
        kind = step.after.kind.column(step.after)
        tables.execute(f"ALTER TABLE {table} ADD COLUMN {quoted(step.filled)} {kind}")
    body = "".join(
        f"NEW.{quoted(step.filled)} := {step.converted('NEW.' + quoted(step.before.key))}; "
        for step in steps
    )
    tables.execute(
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
        f"{literal(f'BEGIN {body} RETURN NEW; END')}"
    )
    tables.execute(
        f"CREATE TRIGGER {TRIGGER} BEFORE INSERT OR UPDATE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {function}()"
    )


def fill(record, steps, after, until, rows):
    """Fill the next `rows` entries behind the id `after`; return (last id or None, count)."""
    table = quoted(record.table_name)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT max(entry_id), count(*) FROM (SELECT entry_id FROM {table} "
            "WHERE entry_id > %s AND entry_id <= %s ORDER BY entry_id LIMIT %s) AS next",
            [after, until, rows],
        )
        last, count = cursor.fetchone()
    if last is None:
        return None, 0
    set_to = ", ".join(
        f"{quoted(step.filled)} = {step.converted(quoted(step.before.key))}" for step in steps
    )
    some = " OR ".join(f"{quoted(step.before.key)} IS NOT NULL" for step in steps)
    with tables.silent(record):
        tables.execute(
            f"UPDATE {table} SET {set_to} "
            f"WHERE entry_id > {int(after)} AND entry_id <= {int(last)} AND ({some})"
        )
    return last, count


def promise(record, steps):
    """Let the new columns keep their rules from now on, without looking at old entries."""
    for name, condition in _promises(record, steps):
        tables.execute(
            f"ALTER TABLE {quoted(record.table_name)} DROP CONSTRAINT IF EXISTS {quoted(name)}, "
            f"ADD CONSTRAINT {quoted(name)} {condition} NOT VALID"
        )


def prove(record, steps):
    """Look at all entries whether they keep the new rules; readers and writers go on."""
    for name, _ in _promises(record, steps):
        tables.execute(
            f"ALTER TABLE {quoted(record.table_name)} VALIDATE CONSTRAINT {quoted(name)}"
        )


def index(record, steps):
    """Make the indexes behind “no two alike”, outside a transaction; nobody waits for them."""
    for step in steps:
        if step.after.unique:
            name = quoted(_name(record, step, "unique"))
            tables.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            tables.execute(
                f"CREATE UNIQUE INDEX CONCURRENTLY {name} "
                f"ON {quoted(record.table_name)} ({quoted(step.filled)})"
            )


def take(record, step):
    """Give the filled column the place of the old one, which is on the shelf already."""
    _stop(record)
    field, table = step.after, quoted(record.table_name)
    tables.execute(f"ALTER TABLE {table} RENAME {quoted(step.filled)} TO {quoted(field.key)}")
    tables.add_to_twin(record, field)
    tables.set_default(record, field)
    if field.required:
        tables.execute(f"ALTER TABLE {table} ALTER COLUMN {quoted(field.key)} SET NOT NULL")
        unneeded = quoted(_name(record, step, "required"))
        tables.execute(f"ALTER TABLE {table} DROP CONSTRAINT {unneeded}")
    for suffix in _suffixes(step):
        old = quoted(_name(record, step, suffix))
        new = quoted(tables.rule_name(record, field, suffix))
        tables.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
    if field.unique:
        old = quoted(_name(record, step, "unique"))
        new = quoted(tables.rule_name(record, field, "unique"))
        tables.execute(f"ALTER TABLE {table} ADD CONSTRAINT {new} UNIQUE USING INDEX {old}")


def abandon(record, columns):
    """Take everything away that was made for the new columns called `columns`."""
    _stop(record)
    for column in columns:
        tables.execute(
            f"ALTER TABLE {quoted(record.table_name)} DROP COLUMN IF EXISTS {quoted(column)}"
        )


def left_behind(record):
    """Return the names of the columns in a record's table that were made to be filled."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) "
            "AND attname ~ '^_n[0-9]+_' AND NOT attisdropped",
            [quoted(record.table_name)],
        )
        return [name for (name,) in cursor.fetchall()]


def _function(record):
    return quoted(f"fill_{record.number}")


def _stop(record):
    tables.execute(
        f"DROP TRIGGER IF EXISTS {TRIGGER} ON {quoted(record.table_name)}; "
        f"DROP FUNCTION IF EXISTS {_function(record)}()"
    )


def _name(record, step, suffix):
    # The old field may have a rule of the same name until the very end.
    return f"n{record.number}_{step.after.id}_{suffix}"


def _suffixes(step):
    found = [suffix for suffix, _ in step.after.kind.checks(step.after, "")]
    return [*found, "known"] if step.after.kind.refers_to else found


def _promises(record, steps):
    """Yield (name, condition) for the rules that can be proven beforehand."""
    for step in steps:
        field, column = step.after, quoted(step.filled)
        for suffix, condition in field.kind.checks(field, column):
            yield _name(record, step, suffix), f"CHECK ({condition})"
        if field.kind.refers_to:
            known = f"FOREIGN KEY ({column}) REFERENCES {field.kind.refers_to}"
            yield _name(record, step, "known"), known
        if field.required:
            # SET NOT NULL reads no row when a proven check says the same.
            yield _name(record, step, "required"), f"CHECK ({column} IS NOT NULL)"
