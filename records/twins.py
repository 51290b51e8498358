"""Reading old images. A long value that a change left alone is kept once, with the younger image.

A value stored out of line costs as much as all the rest of a wide row. So an old image does not
repeat one that its successor shares: it has a mark in its place, the same text as in its column
`_same`, which nobody who writes cells can guess. The value is in the next younger image without a
mark, or in the live row. Only younger images hold a value for older ones, so that the end of a
retention, which takes the oldest, takes none that is needed; an erasure writes over all images of
an entry at once.

Whoever reads cells of old images reads them from here.
"""

from django.db import connection

from records.history import as_mark, quoted
from records.names import SYSTEM_COLUMNS, history_name

# Types whose values are often so long that PostgreSQL keeps them apart from their row.
OUT_OF_LINE = {"text", "jsonb"}


def kinds_of(structure):
    """Return {column: its SQL type} of what people fill, on the shelf too."""
    kinds = {field.key: field.kind.column(field) for field in structure.columns}
    for item in structure.shelf:
        if item.column:
            kinds[item.column] = item.field.kind.column(item.field)
    return kinds


def images(record, schema=""):
    """Return SQL to select old images from: the twin, with its values for marks."""
    kinds = kinds_of(record.structure)
    if OUT_OF_LINE.isdisjoint(kinds.values()):
        return _twin(record, schema)
    cells = {column: _cell(record, schema, column, kind) for column, kind in kinds.items()}
    return f"(SELECT {_listed(cells)}, m._ev_to, m._op FROM {_twin(record, schema)} m)"


def written(record, live=False):
    """Return SQL to select images from as their events' digests took them.

    Those of the table with `live`, otherwise those of the twin. An update's digest has the mark for
    a long value that it left alone, as the image that it superseded has.
    """
    kinds = kinds_of(record.structure)
    twin = _twin(record)
    table = quoted(record.table_name) if live else twin
    if OUT_OF_LINE.isdisjoint(kinds.values()):
        return table
    cells = {}
    for column, kind in kinds.items():
        cell = f"m.{quoted(column)}" if live else _cell(record, "", column, kind)
        cells[column] = cell
        if kind in OUT_OF_LINE:
            mark = f"p.{quoted(column)}"
            cells[column] = f"CASE WHEN {marked('p', column, kind)} THEN {mark} ELSE {cell} END"
    ends = "" if live else ", m._ev_to, m._op"
    return (
        f"(SELECT {_listed(cells)}{ends} FROM {table} m LEFT JOIN {twin} p "
        "ON p.entry_id = m.entry_id AND p._ev_to = m._ev AND p._same IS NOT NULL)"
    )


def has_marks(record):
    """Return whether any old image has a mark: otherwise all have their own values."""
    if OUT_OF_LINE.isdisjoint(kinds_of(record.structure).values()):
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {_twin(record)} WHERE _same IS NOT NULL)")
        return cursor.fetchone()[0]


def marked(alias, column, kind):
    """Return SQL that holds where the twin's row `alias` has a mark in a column of type `kind`."""
    return f"{alias}.{quoted(column)} = {as_mark(f'{alias}._same', kind)}"


def _cell(record, schema, column, kind):
    name = quoted(column)
    if kind not in OUT_OF_LINE:
        return f"m.{name}"
    younger = (
        f"SELECT y.{name} FROM {_twin(record, schema)} y WHERE y.entry_id = m.entry_id "
        f"AND y._ev_to > m._ev_to AND ({marked('y', column, kind)}) IS NOT TRUE "
        "ORDER BY y._ev_to LIMIT 1"
    )
    now = f"SELECT y.{name} FROM {_table(record, schema)} y WHERE y.entry_id = m.entry_id"
    return (
        f"CASE WHEN {marked('m', column, kind)} THEN coalesce(({younger}), ({now})) "
        f"ELSE m.{name} END"
    )


def _listed(cells):
    system = [f"m.{name}" for name in (*SYSTEM_COLUMNS, "_ev")]
    return ", ".join([*system, *(f"{cell} AS {quoted(name)}" for name, cell in cells.items())])


def _table(record, schema):
    return (f"{quoted(schema)}." if schema else "") + quoted(record.table_name)


def _twin(record, schema=""):
    return (f"{quoted(schema)}." if schema else "") + quoted(history_name(record.table_name))
