"""Afterwards: is every acknowledged change there exactly once, and nothing by halves?"""

from collections import Counter, defaultdict

from psycopg import sql

TABLES = "SELECT record_id::text, table_name, record_name FROM records"
# Every write puts its name into the cells it writes, so that each image tells whose it is.
IMAGES = """
SELECT note, count(*), count(DISTINCT entry_id) FROM (
    SELECT entry_id, note FROM {table} UNION ALL SELECT entry_id, note FROM {twin}
) AS images WHERE note IS NOT NULL GROUP BY note
"""
DELETED = "SELECT entry_id, count(*) FROM {twin} WHERE _op = 'D' GROUP BY entry_id"
CHANGES = "SELECT count(*) FROM events WHERE stream_id = %s AND type = 'structure.changed'"
STUCK = """
SELECT 'import ' || name, state FROM import_jobs WHERE state IN ('running', 'uploaded')
UNION ALL SELECT 'change ' || sentences::text, state FROM structure_jobs WHERE state = 'running'
"""


def judge(product, ledger, clients):
    """Return what is wrong, as sentences; the product must be up and at rest."""
    found = [line for client in clients for line in client.surprises]
    by_record = defaultdict(list)
    for operation in ledger.operations.values():
        by_record[operation.record].append(operation)
    with product.database() as database:
        tables = {id: name for id, name, _ in database.execute(TABLES).fetchall()}
        for record, operations in by_record.items():
            found += _record(database, tables.get(record), record, operations)
        found += _new_records(database, ledger)
        for client in clients:
            found += _live(database, tables, client) + _cells(database, tables, client)
        for name, state in database.execute(STUCK).fetchall():
            found.append(f"The {name} is still {state}.")
    status, output = product.run("checkdata")
    if status:
        found += output.splitlines()
    return found


def at_rest(product):
    """Is no import waiting or running any more, and no index half made?"""
    with product.database() as database:
        waiting = database.execute(STUCK).fetchone()
        broken = database.execute("SELECT 1 FROM pg_index WHERE NOT indisvalid").fetchone()
    return not waiting and not broken


def _record(database, table, record, operations):
    if table is None:
        lost = [item for item in operations if item.state == "done"]
        return [f"The record {record} of {lost[0].name} is missing."] if lost else []
    names = {"table": sql.Identifier(table), "twin": sql.Identifier(f"h_{table}")}
    images = {}
    for note, count, entries in database.execute(sql.SQL(IMAGES).format(**names)):
        images[note] = (count, entries)
    found = []
    for operation in operations:
        if operation.kind in ("write", "import"):
            found += _written(operation, *images.pop(operation.name, (0, 0)))
    found += [
        f"{table}: {count} images of {note}, which nobody wrote."
        for note, (count, _) in images.items()
    ]
    gone = Counter(dict(database.execute(sql.SQL(DELETED).format(**names)).fetchall()))
    changes = database.execute(CHANGES, [record]).fetchone()[0]
    return found + _deleted(table, operations, gone) + _changed(table, operations, changes)


def _written(operation, count, entries):
    """Whole once, or not at all."""
    allowed = {
        "done": {operation.entries},
        "refused": {0},
        "dropped": {0, operation.entries},
        "begun": {0, operation.entries},
    }[operation.state]
    if count != entries:
        return [f"{operation.name} was done twice: {count} images of {entries} entries."]
    if count not in allowed:
        return [
            f"{operation.name} ({operation.state}) should have written {operation.entries} "
            f"entries, and wrote {count}."
        ]
    return []


def _deleted(table, operations, gone):
    found = []
    for operation in operations:
        if operation.kind == "delete":
            wrong = [id for id in operation.entries if gone[id] != (operation.state == "done")]
            if wrong:
                found.append(
                    f"{operation.name} ({operation.state}): {len(wrong)} of "
                    f"{len(operation.entries)} entries were not deleted as they should."
                )
            for id in operation.entries:
                gone[id] -= operation.state == "done"
    return found + [
        f"{table}: entry {id} was deleted by nobody." for id, n in gone.items() if n > 0
    ]


def _changed(table, operations, changes):
    asked = [item for item in operations if item.kind == "structure" and item.state == "done"]
    if len(asked) == changes:
        return []
    return [f"{table}: {len(asked)} changes of its structure were acknowledged, {changes} made."]


def _new_records(database, ledger):
    """An import that came to nothing left no record."""
    found = []
    for operation in ledger.operations.values():
        if operation.kind == "import" and operation.tokens:
            made = database.execute(
                "SELECT count(*) FROM import_jobs JOIN records USING (record_id) "
                "WHERE import_id = %s",
                [operation.answer and operation.answer["job"]],
            ).fetchone()[0]
            if made != (operation.state == "done"):
                found.append(f"{operation.name} ({operation.state}) made {made} records.")
    return found


def _cells(database, tables, client):
    """Numbers that were converted to and fro are what they were."""
    size = getattr(client, "size", 0)
    if not size:
        return []
    statement = sql.SQL("SELECT count(n), sum(n::bigint) FROM {}")
    there = database.execute(statement.format(sql.Identifier(tables[client.record_id]))).fetchone()
    if there == (size, size * (size - 1) // 2):
        return []
    return [
        f"{client.name_of_record}: of {size} numbers {there[0]} are left, their sum {there[1]}."
    ]


def _live(database, tables, client):
    """What a writer knows of its entries is what is there."""
    if not hasattr(client, "live"):
        return []
    table = sql.Identifier(tables[client.record_id])
    dropped = {
        item.name
        for item in client.ledger.operations.values()
        if item.state in ("dropped", "begun")
    }
    rows = database.execute(sql.SQL("SELECT entry_id, note FROM {}").format(table)).fetchall()
    there = {entry: note for entry, note in rows if note not in dropped}
    if there == client.live:
        return []
    differ = {id for id, _ in there.items() ^ client.live.items()}
    return [f"{client.name_of_record}: {len(differ)} entries are not as they were acknowledged."]
