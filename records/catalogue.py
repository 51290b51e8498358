"""What PostgreSQL's catalogue holds for a record, and what it should hold.

What should be there is not written down a second time: `wanted` lets the product make the table
anew in a schema of its own, looks at it and takes it back.
"""

import re

from django.db import connection, transaction

from records import tables
from records.filling import TRIGGER
from records.history import quoted
from records.names import history_name

SCRATCH = "kdap_scratch"
# Columns, rules, indexes and the trigger of records/filling.py.
MAKESHIFT = re.compile(rf"_?n\d+_|{TRIGGER}$")

# Each part as (name, definition), of the table whose oid is the parameter.
PARTS = {
    "column": """
        SELECT attname, concat_ws(' ', format_type(atttypid, atttypmod),
               CASE WHEN attnotnull THEN 'not null' END, 'default ' || pg_get_expr(adbin, adrelid),
               CASE WHEN attidentity <> '' THEN 'identity' END)
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped""",
    "constraint": """
        SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = %s AND contype IN ('c', 'f', 'p', 'u', 'x')""",
    "index": """
        SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index
        JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = %s AND indisvalid""",
    "trigger": """
        SELECT tgname, concat_ws(' ', pg_get_triggerdef(oid), 'enabled', tgenabled)
        FROM pg_trigger WHERE tgrelid = %s AND NOT tgisinternal""",
    "policy": """
        SELECT polname, concat_ws(' ', polcmd, polpermissive, pg_get_expr(polqual, polrelid),
               'check', pg_get_expr(polwithcheck, polrelid))
        FROM pg_policy WHERE polrelid = %s""",
    "wall": """
        SELECT 'row security', concat_ws(' ', relrowsecurity, relforcerowsecurity)
        FROM pg_class WHERE oid = %s""",
}


def found(record):
    """Return what there is for the record, as {(table, part): {name: definition}}."""
    return _look(record, _schema())


def wanted(record, structure):
    """Return what there should be for `structure`, in the form of `found`."""
    home = _schema()
    with transaction.atomic():
        tables.execute(f"CREATE SCHEMA {SCRATCH}; SET LOCAL search_path = {SCRATCH}, {home}")
        tables.create(record, structure)
        for table in (record.table_name, history_name(record.table_name)):
            for item in filter(lambda item: item.column, structure.shelf):
                kind = item.field.kind.column(item.field)
                tables.execute(f"ALTER TABLE {quoted(table)} ADD {quoted(item.column)} {kind}")
        made = _look(record, SCRATCH)
        transaction.set_rollback(True)
    return made


def differences(record, structure, filling=False):
    """Return a sentence for each part of the record's tables that is not as `structure` says.

    filling: a long change is under way; what it makes for itself is no difference.
    """
    there, right = found(record), wanted(record, structure)
    lines = []
    for (table, part), names in right.items():
        have = there[table, part]
        if not there[table, "column"]:
            if part != "column":
                continue
            lines.append(f"The table {table} is missing.")
            continue
        for name in sorted(names.keys() | have.keys()):
            if name not in have:
                lines.append(f"{table}: the {part} {name} is missing.")
            elif name not in names:
                if not (part == "index" and name.startswith(f"a{record.number}_")) and not (
                    filling and MAKESHIFT.match(name)
                ):
                    lines.append(f"{table}: there is a {part} {name} too many.")
            elif _comparable(part, have[name]) != _comparable(part, names[name]):
                lines.append(f"{table}: the {part} {name} is {have[name]}, not {names[name]}.")
    return lines


def _comparable(part, definition):
    # A field that was moved stands elsewhere in the logging function; that is no difference.
    return sorted(re.findall(r"\w+", definition)) if part == "function" else definition


def _look(record, schema):
    described = {}
    with connection.cursor() as cursor:
        for table in (record.table_name, history_name(record.table_name)):
            for part, statement in PARTS.items():
                cursor.execute(statement.replace("%s", "to_regclass(%s)"), [f'{schema}."{table}"'])
                described[table, part] = {
                    name: text.replace(f"{schema}.", "") for name, text in cursor.fetchall()
                }
        names = [f"log_{record.table_name}", f"stamp_{record.table_name}"]
        cursor.execute(
            "SELECT proname, prosrc FROM pg_proc "
            "WHERE proname = ANY(%s) AND pronamespace = to_regnamespace(%s)",
            [names, schema],
        )
        described[record.table_name, "function"] = dict(cursor.fetchall())
    return described


def _schema():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return cursor.fetchone()[0]
