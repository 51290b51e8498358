"""Where rows stand in what a grid asks for: the edges of filled cells, and entries just made."""

from django.db import connection

from workspaces.errors import Invalid

# What is looked for is most often nowhere (a column without gaps), and that is soon known.
SOMEWHERE = "SELECT EXISTS (SELECT FROM {table} WHERE {where} AND {sought})"
NEAREST = """
SELECT {nearest}(place) FROM (
    SELECT {sought} AS sought, row_number() OVER (ORDER BY {order}) - 1 AS place
    FROM {table} WHERE {where}
) AS numbered WHERE sought AND place {beyond} %s
"""
SHOWN = "SELECT entry_id FROM {table} WHERE {where} AND entry_id = ANY(%s) ORDER BY {order}"
BEFORE = "SELECT count(*) - 1 FROM {table} WHERE {where} AND {after} IS NOT TRUE"

WAYS = {"down": {"nearest": "min", "beyond": ">="}, "up": {"nearest": "max", "beyond": "<="}}
SOUGHT = {"filled": "IS NOT NULL", "empty": "IS NULL"}


def nearest(asked, *, key, sought, way, start):
    """Return the position of the nearest row whose cell of field `key` is `sought`, or None.

    `sought` is filled or empty, `way` down or up from position `start` on. Raises Invalid.
    """
    if way not in WAYS or sought not in SOUGHT:
        raise Invalid("Look for filled or empty cells, up or down.")
    query = asked.query
    _, column = query._column(key, "/field")
    parts = {
        "table": query.table,
        "where": query.where,
        "order": query.order,
        "sought": f"({column} {SOUGHT[sought]})",
        **WAYS[way],
    }
    if not _ask(SOMEWHERE.format(**parts), query.params):
        return None
    return _ask(NEAREST.format(**parts), [*query.params, start])


def place_of(asked, ids):
    """Return (position, hidden): where the first of the entries `ids` stands among the rows asked
    for, None when none of them is among them, and how many of them are not.
    """
    query = asked.query
    parts = {"table": query.table, "where": query.where, "order": query.order}
    with connection.cursor() as cursor:
        cursor.execute(SHOWN.format(**parts), [*query.params, ids])
        shown = [id for (id,) in cursor.fetchall()]
    if not shown:
        return None, len(set(ids))
    after, params = query._after(query.keys(shown[:1])[shown[0]])
    position = _ask(BEFORE.format(after=after, **parts), [*query.params, *params])
    return position, len(set(ids)) - len(shown)


def _ask(statement, params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone()[0]
