"""The DDL of entries: a table, its twin for history, their walls, and changes of columns.

Everything runs inside the caller's transaction, so that a structure and its table never differ.
"""

import json
from types import SimpleNamespace

from django.db import connection

from records import factory, history, statement_log, twins
from records.history import quoted
from records.names import history_name
from records.structure import parse

# PostgreSQL never gives a dropped column's number back; its wall is 1,600 (limits, appendix K).
MOST_COLUMNS_EVER = 1500


def execute(statement, params=None):
    """Run one or more SQL statements."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def create(record, structure):
    """Make the table and its twin for `structure`; the record's row need not exist yet."""
    model = factory.build(record, structure, managed=True)
    with connection.schema_editor() as editor:
        for field in structure.columns:
            if field.type == "autonumber":
                _make_sequence(record, field)
        editor.create_model(model)
    _make_twin(record)
    for field in structure.columns:
        _add_rules(record, field)
    hang_triggers(record, structure)
    _wall(record)


def hang_triggers(record, structure):
    """(Re)write the logging function for the columns of `structure`, and hang the triggers."""
    columns = {field.key: field.key for field in structure.columns}
    columns |= {item.column: item.field.key for item in structure.shelf if item.column}
    large = {}
    if connection.pg_version >= 170000:  # since then it tells where a value is stored
        kinds = twins.kinds_of(structure)
        large = {column: kind for column, kind in kinds.items() if kind in twins.OUT_OF_LINE}
    table, twin = record.table_name, history_name(record.table_name)
    execute(
        statement_log.function_sql(
            table=table,
            twin=twin,
            record_id=record.pk,
            workspace_id=record.workspace_id,
            number=record.number,
            columns=columns,
            large=large,
        )
        + history.stamp_sql(table=table, number=record.number, columns=columns, large=large)
        + history.triggers_sql(table=table, twin=twin, number=record.number, large=large)
    )


def hang_all_triggers():
    """Hang the triggers of every record anew, after their SQL was changed.

    Migrations call it as the system; it reads with SQL, for models may be ahead of the database.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT record_id, workspace_id, number, table_name, structure "
            "FROM records JOIN record_structures ON structure_id = record_id"
        )
        for pk, workspace_id, number, table, stored in cursor.fetchall():
            record = SimpleNamespace(
                pk=pk, workspace_id=workspace_id, number=number, table_name=table
            )
            hang_triggers(record, parse(json.loads(stored)))


def add_column(record, field):
    """Add the column of `field` to the table and its twin; existing entries get its default."""
    table, column, kind = quoted(record.table_name), quoted(field.key), field.kind.column(field)
    if field.type == "autonumber":
        _make_sequence(record, field)
    add_to_twin(record, field)
    default = factory.default_sql(record, field)
    if field.type == "autonumber":
        execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
        _number_entries(record, field)
    elif default:
        # A constant default fills the entries there are without a rewrite of the table.
        execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind} DEFAULT {default}")
    else:
        execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
    if default:
        execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {default}")
    _add_rules(record, field)


def add_to_twin(record, field):
    """Add the column of `field` to the twin; images from before have nothing in it."""
    twin = quoted(history_name(record.table_name))
    kind = field.kind.column(field)
    execute(f"ALTER TABLE {twin} ADD COLUMN {quoted(field.key)} {kind}")


def set_default(record, field):
    """Give new entries the default of `field`, or none."""
    default = factory.default_sql(record, field)
    execute(
        f"ALTER TABLE {quoted(record.table_name)} ALTER COLUMN {quoted(field.key)} "
        + (f"SET DEFAULT {default}" if default else "DROP DEFAULT")
    )


def _number_entries(record, field):
    table, column = quoted(record.table_name), quoted(field.key)
    with silent(record):
        execute(
            f"UPDATE {table} SET {column} = numbered.n FROM (SELECT entry_id, nextval(%s) AS n "
            f"FROM (SELECT entry_id FROM {table} ORDER BY entry_id) AS ordered) AS numbered "
            f"WHERE numbered.entry_id = {table}.entry_id",
            [quoted(factory.sequence_name(record, field))],
        )


def rename_column(record, old, new):
    """Rename a column in the table and its twin."""
    for table in (record.table_name, history_name(record.table_name)):
        execute(f"ALTER TABLE {quoted(table)} RENAME COLUMN {quoted(old)} TO {quoted(new)}")


def shelve_column(record, field, column):
    """Take the column of `field` out of sight under the name `column`, without its rules."""
    drop_rules(record, field)
    table = quoted(record.table_name)
    execute(f"ALTER TABLE {table} ALTER COLUMN {quoted(field.key)} DROP DEFAULT")
    rename_column(record, field.key, column)


def unshelve_column(record, field, column):
    """Bring a shelved column back under the key of `field`, with its rules."""
    rename_column(record, column, field.key)
    default = factory.default_sql(record, field)
    if default:
        table = quoted(record.table_name)
        execute(f"ALTER TABLE {table} ALTER COLUMN {quoted(field.key)} SET DEFAULT {default}")
    _add_rules(record, field)


def widen_column(record, field):
    """Change the type of a column where PostgreSQL does it without touching a row."""
    column = quoted(field.key)
    for table in (record.table_name, history_name(record.table_name)):
        execute(
            f"ALTER TABLE {quoted(table)} ALTER COLUMN {column} TYPE {field.kind.column(field)}"
        )


def renew_rules(record, before, after):
    """Replace the rules and the default of one field by those of its newer form."""
    drop_rules(record, before)
    set_default(record, after)
    _add_rules(record, after)


def rule_name(record, field, suffix):
    """Return the name of a constraint: short, unique in the schema, free of people's words."""
    return f"r{record.number}_{field.id}_{suffix}"


def _add_rules(record, field):
    table, column = quoted(record.table_name), quoted(field.key)
    for suffix, condition in field.kind.checks(field, column):
        name = quoted(rule_name(record, field, suffix))
        execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition})")
    if field.unique:
        name = quoted(rule_name(record, field, "unique"))
        execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({column})")
    if field.kind.refers_to:
        name = quoted(rule_name(record, field, "known"))
        refers_to = field.kind.refers_to
        execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {refers_to}"
        )
    if field.required:
        execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL")


def drop_rules(record, field):
    """Drop what the database enforces on the column of `field`."""
    table, column = quoted(record.table_name), quoted(field.key)
    suffixes = [suffix for suffix, _ in field.kind.checks(field, column)]
    for suffix in [*suffixes, "unique", "known"]:
        name = quoted(rule_name(record, field, suffix))
        execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
    execute(f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")


def hold(record):
    """Let nobody change the table's columns until the transaction ends, as every writer does."""
    execute(f"LOCK TABLE {quoted(record.table_name)} IN ROW EXCLUSIVE MODE")
    record.reload()


def lock(record):
    """Wait until nobody uses the table, and keep everybody out until the transaction ends."""
    execute(f"LOCK TABLE {quoted(record.table_name)} IN ACCESS EXCLUSIVE MODE")


def columns_ever(record):
    """Return how many columns the table has ever had; PostgreSQL ends at 1,600."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(attnum) FROM pg_attribute WHERE attrelid = %s::regclass",
            [quoted(record.table_name)],
        )
        return cursor.fetchone()[0]


def close_doors(record):
    """Take away the tables by which a record's entries are searched (records.search).

    They would hold its columns fast. They come back by themselves.
    """
    table = quoted(record.table_name)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhparent "
            "WHERE inhrelid = to_regclass(%s)",
            [table],
        )
        doors = [quoted(name) for (name,) in cursor.fetchall()]
    for door in doors:
        execute(f"ALTER TABLE {table} NO INHERIT {door}; DROP TABLE {door}")


class silent:
    """Run the block with the table's triggers off: a rewrite that is no change of entries.

    What the rewrite replaces must itself be kept, as a conversion keeps the old column.
    """

    def __init__(self, record):
        self.table = quoted(record.table_name)

    def __enter__(self):
        # Pending foreign-key checks would make the ALTER fail ("pending trigger events").
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        execute(f"ALTER TABLE {self.table} DISABLE TRIGGER USER")

    def __exit__(self, *error):
        if error[0] is None:
            execute("SET CONSTRAINTS ALL IMMEDIATE")
            execute(f"ALTER TABLE {self.table} ENABLE TRIGGER USER")


class rewriting_history:
    """Run the block with the twin open to UPDATE and DELETE, for what may write history over.

    Nobody else writes to the record meanwhile. An erasure and the end of a retention do this, in
    one transaction with the event that tells it, and nothing else does.
    """

    def __init__(self, record):
        self.table = quoted(history_name(record.table_name))

    def __enter__(self):
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        execute(f"ALTER TABLE {self.table} DISABLE TRIGGER stay")

    def __exit__(self, *error):
        if error[0] is None:
            execute(f"ALTER TABLE {self.table} ENABLE TRIGGER stay")


def _make_sequence(record, field):
    name = quoted(factory.sequence_name(record, field))
    execute(f"CREATE SEQUENCE IF NOT EXISTS {name} START {field.options['start']} MINVALUE 0")


# A page of the past walks along the entries there are, and along those deleted since.
DELETED = "CREATE INDEX ON {twin} (entry_id) WHERE _op = 'D'"


def _make_twin(record):
    table, twin = quoted(record.table_name), quoted(history_name(record.table_name))
    execute(
        f"CREATE TABLE {twin} (LIKE {table}); "
        f'ALTER TABLE {twin} ADD COLUMN _ev_to bigint NOT NULL, ADD COLUMN _op "char" NOT NULL, '
        f"ADD COLUMN _same text; "
        f"CREATE INDEX ON {twin} (entry_id, _ev_to); "
        f"CREATE INDEX ON {twin} USING brin (_ev_to); " + DELETED.format(twin=twin)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnotnull "
            "AND attnum > 0 AND attname NOT IN ('entry_id', '_ev', '_ev_to', '_op')",
            [twin],
        )
        required = [name for (name,) in cursor.fetchall()]
    for name in required:
        execute(f"ALTER TABLE {twin} ALTER COLUMN {quoted(name)} DROP NOT NULL")


def _wall(record):
    room = f"'{record.workspace_id}'::uuid"
    for table in (record.table_name, history_name(record.table_name)):
        execute("SELECT kdap_wall(%s::regclass, %s, 'kdap.write')", [quoted(table), room])
    open_slot(record)


def open_slot(record):
    """Let those add entries who may do nothing else here, as a public form (Actor.adds)."""
    execute(
        f"CREATE POLICY adding_alone ON {quoted(record.table_name)} FOR INSERT WITH CHECK "
        f"((SELECT kdap_adds()) = '{record.pk}'::uuid)"
    )
