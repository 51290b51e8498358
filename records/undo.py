"""Taking back what was done to entries.

The event names what was written, the twin has what was there before (`_ev_to` is the event), and
what the operation wrote is the live row, or the twin's image of it (`_ev` is the event) when
others wrote over it. Fields may have been renamed, converted or deleted since: records.past says
where their cells are now.
"""

from dataclasses import dataclass

from records import factory, tables
from records.attempts import Attempts, ask, run
from records.entries import explained
from records.history import quoted, stamped
from records.models import Record
from records.names import history_name
from records.past import Incarnation, carry, past_of
from workspaces import access
from workspaces.errors import Conflict, Missing
from workspaces.operations import MOST_EXAMPLES, undoes


@dataclass(frozen=True)
class Cell:
    """A column that an undo sets: its name now and the SQL of a value for it.

    `image` gives the value out of an image's column `column`, whose SQL it is called with;
    `label` is None for a column that people don't see. `made` is there when the image has the
    column `name` as well, as it was before a conversion that was taken back since: it gives what
    that conversion made of it.
    """

    label: str | None
    name: str
    column: str
    image: object
    made: object = None

    def of(self, alias):
        """Return the SQL of this cell's value in the image called `alias`."""
        there = f"{alias}.{quoted(self.column)}"
        if self.made is None:
            return self.image(there)
        before = f"{alias}.{quoted(self.name)}"
        unedited = f"{there} IS NOT DISTINCT FROM {self.made(before)}"
        return f"(CASE WHEN {unedited} THEN {before} ELSE {self.image(there)} END)"


class Taking:
    """One event of entries on its way back."""

    def __init__(self, event, actor, outcome, force):
        self.event, self.outcome, self.force = event, outcome, force
        self.record = _record(event, actor)
        self.past = past_of(self.record, event.id)
        self.live = quoted(self.record.table_name)
        self.twin = quoted(history_name(self.record.table_name))

    @property
    def entries(self):
        """SQL that narrows entry_id to the event's, which the indexes need."""
        payload = self.event.payload
        if "ids" in payload:
            return f"= ANY (ARRAY[{', '.join(str(int(id)) for id in payload['ids'])}]::bigint[])"
        return f"BETWEEN {int(payload['first'])} AND {int(payload['last'])}"

    @property
    def before(self):
        """SQL condition on `o`: the images that the event superseded."""
        return f"o._ev_to = {self.event.id} AND o.entry_id {self.entries}"

    @property
    def since(self):
        """SQL of a join: `w` is what the event wrote, where others wrote over it."""
        return (
            f"{self.twin} w ON w.entry_id = o.entry_id AND w._ev = {self.event.id} "
            f"AND w._ev_to > {self.event.id}"
        )

    def cells(self, keys=None):
        """Return the Cells of the fields then, or of those with `keys`."""
        made = []
        structure, columns = self.past.structure, self.past.columns
        hidden = {
            name: item.field for item in structure.shelf if (name := columns.get(item.column))
        }
        for field in structure.columns:
            if keys is None or field.key in keys:
                made += _cells_of(self.past.incarnations(field), hidden)
        seen = {cell.name for cell in made}
        for name, field in hidden.items():
            if name not in seen and (keys is None or field.key in keys):
                made.append(Cell(None, name, name, str))
        return made

    def attempt(self, write):
        """Call write(SQL condition on entry_id); leave out what the database refuses."""
        ids = f"SELECT entry_id FROM {self.twin} o WHERE {self.before} ORDER BY 1"
        return Attempts(self.record, self.outcome, ids).run(write)

    def lock(self):
        """Lock the event's live entries in the order of their ids."""
        ask(
            f"SELECT count(*) FROM (SELECT FROM {self.live} WHERE entry_id {self.entries} "
            "ORDER BY entry_id FOR UPDATE) AS locked"
        )


def _record(event, actor):
    record = Record.objects.filter(pk=event.stream_id).first()
    if record is None:
        raise Missing("The record of this operation is not there any more.")
    access.require(actor, "write", record.workspace_id)
    if record.deleted_at is not None:
        raise Conflict(f"“{record.name}” is in the trash. Bring it back first.")
    tables.hold(record)
    return record


def _cells_of(line, hidden):
    """Return the Cells of a field by its incarnations: the column it had, and the one it has.

    `hidden` are the columns that people did not see then, as {name now: field}.
    """
    if not line:
        return []
    first, last = line[0], line[-1]
    if len(line) == 1 or first.column == last.column:
        return [Cell(last.field.label, first.column, first.column, str)]

    def carried(sql):
        return carry(line, sql)

    def converted(sql):
        return carry([Incarnation(hidden[last.column], last.column), first], sql)

    # The hidden column is set too: taking the conversion back then finds the right cell there.
    return [
        Cell(
            last.field.label,
            last.column,
            first.column,
            carried,
            converted if last.column in hidden else None,
        ),
        Cell(None, first.column, first.column, str),
    ]


@undoes("entries.updated")
def updated(event, actor, outcome, force):
    """Give cells back what they held, where they still hold what the event wrote."""
    taking = Taking(event, actor, outcome, force)
    cells = taking.cells(set(event.changed or ()))
    if not cells:
        return
    taking.lock()
    tests = [_tests(cell, force) for cell in cells]
    seen = [n for n, cell in enumerate(cells) if cell.label]
    _count_cells(taking, cells, tests, seen)
    sets = ", ".join(
        f"{quoted(cell.name)} = CASE WHEN {back} THEN {cell.of('o')} ELSE t.{quoted(cell.name)} END"
        for cell, (back, _) in zip(cells, tests, strict=True)
    )
    sets += f", {stamped(taking.record.number)}"
    any_back = " OR ".join(back for back, _ in tests)

    def write(only):
        return run(
            f"UPDATE {taking.live} AS t SET {sets} FROM {taking.twin} o LEFT JOIN {taking.since} "
            f"WHERE t.entry_id = o.entry_id AND {taking.before} AND o._op = 'U' AND ({any_back})"
            + (f" AND o.entry_id{only}" if only else "")
        )

    taking.attempt(write)


def _tests(cell, force):
    """Return SQL conditions (give this cell back, keep it though the event had changed it)."""
    now, was = f"t.{quoted(cell.name)}", cell.of("o")
    wrote = f"CASE WHEN w.entry_id IS NULL THEN {now} ELSE {cell.of('w')} END"
    touched = (
        f"w.entry_id IS NULL OR w.{quoted(cell.column)} IS DISTINCT FROM o.{quoted(cell.column)}"
    )
    differs = f"({touched}) AND {now} IS DISTINCT FROM {was}"
    if force:
        return f"({differs})", "false"
    same = f"{now} IS NOT DISTINCT FROM ({wrote})"
    return f"({differs} AND {same})", f"({differs} AND NOT ({same}))"


def _count_cells(taking, cells, tests, seen):
    """Add to the outcome how many cells go back and how many stay, with examples of these."""
    backs = " + ".join(f"(CASE WHEN {tests[n][0]} THEN 1 ELSE 0 END)" for n in seen) or "0"
    keeps = " + ".join(f"(CASE WHEN {tests[n][1]} THEN 1 ELSE 0 END)" for n in seen) or "0"
    source = (
        f"{taking.twin} o LEFT JOIN {taking.live} t ON t.entry_id = o.entry_id "
        f"LEFT JOIN {taking.since} WHERE {taking.before} AND o._op = 'U'"
    )
    [(back, kept, gone)] = ask(
        f"SELECT coalesce(sum({backs}) FILTER (WHERE t.entry_id IS NOT NULL), 0), "
        f"coalesce(sum({keeps}) FILTER (WHERE t.entry_id IS NOT NULL), 0), "
        f"count(*) FILTER (WHERE t.entry_id IS NULL) FROM {source}"
    )
    examples = []
    if kept:
        which = ", ".join(f"CASE WHEN {tests[n][1]} THEN {n} END" for n in seen)
        rows = ask(
            f"SELECT o.entry_id, array_remove(ARRAY[{which}], NULL) FROM {source} "
            f"AND t.entry_id IS NOT NULL AND {keeps} > 0 ORDER BY 1 LIMIT {MOST_EXAMPLES}"
        )
        examples = [
            {"entry_id": id, "field": cells[n].label, "detail": "It was changed since."}
            for id, numbers in rows
            for n in numbers
        ]
    if gone:
        examples.append({"detail": f"{gone:,} entries were deleted since."})
    taking.outcome.add(int(back), int(kept) + gone, examples)


@undoes("entries.created")
def created(event, actor, outcome, force):
    """Delete the entries that the event made; those changed since only with `force`."""
    taking = Taking(event, actor, outcome, force)
    taking.lock()
    same = [f"t.{quoted(c.name)} IS NOT DISTINCT FROM {c.of('o')}" for c in taking.cells()]
    same += [f"t.{quoted(f.key)} IS NULL" for f in _younger(taking) if f.default is None]
    changed = (
        f"SELECT t.entry_id FROM {taking.twin} o JOIN {taking.live} t USING (entry_id) "
        f"WHERE o._ev = {event.id} AND o._ev_to > {event.id} AND o.entry_id {taking.entries} "
        f"AND NOT ({' AND '.join(same) or 'true'})"
    )
    if not force:
        ids = [id for (id,) in ask(f"{changed} ORDER BY 1")]
        examples = [{"entry_id": i, "detail": "It was changed since."} for i in ids[:MOST_EXAMPLES]]
        outcome.add(kept=len(ids), examples=examples)
    # A deleted entry may have come back under another event; then it is not of this one.
    mine = (
        f"t._ev = {event.id} OR EXISTS (SELECT FROM {taking.twin} o WHERE o.entry_id = t.entry_id "
        f"AND o._ev = {event.id} AND o._ev_to > {event.id})"
    )
    keep = "" if force else f" AND t.entry_id NOT IN ({changed})"
    with explained(taking.record):
        outcome.add(
            run(f"DELETE FROM {taking.live} t WHERE t.entry_id {taking.entries} AND ({mine}){keep}")
        )


@undoes("entries.deleted")
def deleted(event, actor, outcome, force):
    """Bring deleted entries back under their own ids."""
    taking = Taking(event, actor, outcome, force)
    values = {"entry_id": "o.entry_id", "created_at": "o.created_at", "created_by": "o.created_by"}
    values |= {cell.name: cell.of("o") for cell in taking.cells()}
    for field in _younger(taking):
        if default := factory.default_sql(taking.record, field):
            values[field.key] = default
    names, listed = ", ".join(map(quoted, values)), ", ".join(values.values())

    def write(only):
        return run(
            f"INSERT INTO {taking.live} ({names}) SELECT {listed} FROM {taking.twin} o "
            f"WHERE {taking.before} AND o._op = 'D' AND NOT EXISTS "
            f"(SELECT FROM {taking.live} t WHERE t.entry_id = o.entry_id)"
            + (f" AND o.entry_id{only}" if only else "")
        )

    outcome.add(taking.attempt(write))


def _younger(taking):
    """Return the fields now whose column was not there when the event was written."""
    there = {cell.name for cell in taking.cells()}
    return [f for f in taking.record.structure.columns if f.key not in there]
