"""Taking back what was done to entries.

The event names what was written, the twin has what was there before (`_ev_to` is the event), and
what the operation wrote is the live row, or the twin's image of it (`_ev` is the event) when
others wrote over it. Fields may have been renamed, converted or deleted since: records.past says
where their cells are now.
"""

from contextlib import contextmanager
from dataclasses import dataclass

from records import factory, tables, twins
from records.attempts import Attempts, ask, run
from records.entries import explained
from records.history import quoted, stamped
from records.models import Record
from records.past import Incarnation, carry, misfits, past_of
from workspaces import access
from workspaces.errors import Conflict, Missing
from workspaces.operations import MOST_EXAMPLES, undoes, weighs


@dataclass(frozen=True)
class Cell:
    """A column that an undo sets: its name now, and the column of an image that has the value.

    `line` are the field's incarnations from then until now, along which the value is carried;
    `label` is None for a column that people don't see. `hidden` is there when the image has the
    column `name` as well, as it was before a conversion that was taken back since: its field then.
    """

    label: str | None
    name: str
    column: str
    line: tuple = ()
    hidden: object = None

    def of(self, alias):
        """Return the SQL of this cell's value in the image called `alias`."""
        there = f"{alias}.{quoted(self.column)}"
        if self.hidden is None:
            return carry(self.line, there)
        before = f"{alias}.{quoted(self.name)}"
        return (
            f"(CASE WHEN {self.unedited(alias)} THEN {before} ELSE {carry(self.line, there)} END)"
        )

    def unedited(self, alias):
        """Return SQL that holds where the cell, which is `hidden`, was not edited when converted."""
        before = f"{alias}.{quoted(self.name)}"
        made = carry((Incarnation(self.hidden, self.name), self.line[0]), before)
        return f"{alias}.{quoted(self.column)} IS NOT DISTINCT FROM {made}"


class Taking:
    """One event of entries on its way back."""

    def __init__(self, event, actor, outcome, force):
        self.event, self.outcome, self.force = event, outcome, force
        self.untouched = False
        self.record = _record(event, actor)
        self.past = past_of(self.record, event.id)
        self.live = quoted(self.record.table_name)
        self.twin = twins.images(self.record)

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
        if self.untouched:  # not to look for each entry
            return f"{self.twin} w ON false"
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
                made.append(Cell(None, name, name))
        return made

    def attempt(self, write):
        """Call write(SQL condition on entry_id), without what the database refuses; return Attempts."""
        ids = f"SELECT entry_id FROM {self.twin} o WHERE {self.before} ORDER BY 1"
        attempts = Attempts(self.record, self.outcome, ids)
        attempts.run(write)
        return attempts

    @property
    def still(self):
        """SQL to add to a condition on the live row `t`: it is one of those that were looked at."""
        return f" AND t._ev = {self.event.id}" if self.untouched else ""

    def lock(self):
        """Lock the event's live entries in the order of their ids; see whether all are its own yet."""
        [(others,)] = ask(
            f"SELECT count(*) FILTER (WHERE _ev <> {self.event.id}) FROM (SELECT _ev FROM "
            f"{self.live} WHERE entry_id {self.entries} ORDER BY entry_id FOR UPDATE) AS locked"
        )
        self.untouched = not others

    @contextmanager
    def planned(self):
        """Run the block with plans for many entries, if it is about many that nobody touched.

        PostgreSQL knows nothing yet of what was written a moment ago, and expects one row.
        """
        many = self.untouched and "first" in self.event.payload
        if many:
            ask("SELECT set_config('enable_nestloop', 'off', true)")
        yield
        if many:
            ask("SELECT set_config('enable_nestloop', 'on', true)")


def _record(event, actor):
    record = Record.objects.filter(pk=event.stream_id).first()
    if record is None:
        raise Missing("The record of this operation is not there any more.")
    access.require(actor, "write", record.workspace_id)
    if record.deleted_at is not None:
        raise Conflict(f"“{record.name}” is in the trash. Bring it back first.")
    if event.id <= record.history_begins:
        raise Conflict(f"This is too old to be undone. {record.history_note}")
    tables.hold(record)
    return record


def _cells_of(line, hidden):
    """Return the Cells of a field by its incarnations: the column it had, and the one it has.

    `hidden` are the columns that people did not see then, as {name now: field}.
    """
    if not line:
        return []
    first, last = line[0], line[-1]
    if first.column == last.column:
        return [Cell(last.field.label, first.column, first.column, (first, last))]
    # The hidden column is set too: taking the conversion back then finds the right cell there.
    return [
        Cell(last.field.label, last.column, first.column, tuple(line), hidden.get(last.column)),
        Cell(None, first.column, first.column),
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
    with taking.planned():
        back = _count_cells(taking, cells, tests)
    sets = ", ".join(
        f"{quoted(cell.name)} = CASE WHEN {test.back} THEN {cell.of('o')} ELSE t.{quoted(cell.name)} END"
        for cell, test in zip(cells, tests, strict=True)
    )
    sets += f", {stamped(taking.record.number, [cell.name for cell in cells])}"
    any_back = " OR ".join(test.back for test in tests)

    def write(only):
        return run(
            f"UPDATE {taking.live} AS t SET {sets} FROM {taking.twin} o LEFT JOIN {taking.since} "
            f"WHERE t.entry_id = o.entry_id{taking.still} AND {taking.before} AND o._op = 'U' "
            f"AND ({any_back})" + (f" AND o.entry_id{only}" if only else "")
        )

    with taking.planned():
        attempts = taking.attempt(write)
    outcome.add(back - _count(taking, _sum(cells, tests, "back"), attempts.refused))


@dataclass(frozen=True)
class Tests:
    """SQL conditions on a cell: whether it goes back, or stays, and why it does."""

    back: str
    changed: str = "false"
    misfit: str = "false"


WHY = {
    "changed": "It was changed since.",
    "misfit": "Its field does not take the old value any more.",
}


def _tests(cell, force):
    now, was = f"t.{quoted(cell.name)}", cell.of("o")
    wrote = f"CASE WHEN w.entry_id IS NULL THEN {now} ELSE {cell.of('w')} END"
    touched = (
        f"w.entry_id IS NULL OR w.{quoted(cell.column)} IS DISTINCT FROM o.{quoted(cell.column)}"
    )
    differs = f"({touched}) AND {now} IS DISTINCT FROM {was}"
    same = f"{now} IS NOT DISTINCT FROM ({wrote})"
    changed = "false" if force else f"({differs} AND NOT ({same}))"
    back = differs if force else f"{differs} AND {same}"
    misfit = misfits(cell.line, f"o.{quoted(cell.column)}")
    if not misfit:
        return Tests(f"({back})", changed)
    if cell.hidden is not None:
        misfit = f"NOT ({cell.unedited('o')}) AND ({misfit})"
    return Tests(f"({back} AND NOT ({misfit}))", changed, f"({back} AND ({misfit}))")


def _sum(cells, tests, of):
    """Return SQL of how many cells that people see meet the condition `of` in one entry."""
    seen = (getattr(test, of) for cell, test in zip(cells, tests, strict=True) if cell.label)
    counted = (f"(CASE WHEN {test} THEN 1 ELSE 0 END)" for test in seen if test != "false")
    return " + ".join(counted) or "0"


def _source(taking):
    return (
        f"{taking.twin} o LEFT JOIN {taking.live} t ON t.entry_id = o.entry_id{taking.still} "
        f"LEFT JOIN {taking.since} WHERE {taking.before} AND o._op = 'U'"
    )


def _count(taking, counted, ids):
    """Return the sum of the SQL `counted` over the entries `ids`."""
    if not ids:
        return 0
    named = f"t.entry_id IN ({', '.join(map(str, ids))})"
    [(found,)] = ask(f"SELECT coalesce(sum({counted}), 0) FROM {_source(taking)} AND {named}")
    return int(found)


def _count_cells(taking, cells, tests):
    """Return how many cells go back; add to the outcome how many stay, with examples."""
    sums = [_sum(cells, tests, of) for of in ("back", *WHY)]
    there = "FILTER (WHERE t.entry_id IS NOT NULL)"
    summed = ", ".join(f"coalesce(sum({each}) {there}, 0)" for each in sums)
    [(back, *stay, gone)] = ask(
        f"SELECT {summed}, count(*) FILTER (WHERE t.entry_id IS NULL) FROM {_source(taking)}"
    )
    examples = []
    if any(stay):
        examples = _examples(taking, cells, tests, " + ".join(sums[1:]))
    if gone:
        examples.append({"detail": f"{gone:,} entries were deleted since."})
    taking.outcome.add(kept=int(sum(stay)) + gone, examples=examples)
    return int(back)


def _examples(taking, cells, tests, stays):
    """Return examples of cells that stay; `stays` is SQL of how many of an entry do."""
    which = ", ".join(
        f"CASE WHEN {getattr(test, why)} THEN '{number} {why}' END"
        for number, (cell, test) in enumerate(zip(cells, tests, strict=True))
        for why in WHY
        if cell.label and getattr(test, why) != "false"
    )
    rows = ask(
        f"SELECT o.entry_id, array_remove(ARRAY[{which}], NULL) FROM {_source(taking)} "
        f"AND t.entry_id IS NOT NULL AND {stays} > 0 ORDER BY 1 LIMIT {MOST_EXAMPLES}"
    )
    told = ((id, *text.split()) for id, texts in rows for text in texts)
    return [
        {"entry_id": id, "field": cells[int(number)].label, "detail": WHY[why]}
        for id, number, why in told
    ]


@undoes("entries.created")
def created(event, actor, outcome, force):
    """Delete the entries that the event made; those changed since only with `force`."""
    taking = Taking(event, actor, outcome, force)
    taking.lock()
    made = _made(taking)
    with explained(taking.record):
        outcome.add(run(f"DELETE FROM {taking.live} t WHERE {made}"))


def _made(taking):
    """Return SQL of which entries `t` the event made and nobody changed; count those that stay."""
    event = taking.event
    same = [f"t.{quoted(c.name)} IS NOT DISTINCT FROM {c.of('o')}" for c in taking.cells()]
    same += [f"t.{quoted(f.key)} IS NULL" for f in _younger(taking) if f.default is None]
    same = " AND ".join(same) or "true"
    made = f"o._ev = {event.id} AND o._ev_to > {event.id} AND o.entry_id"
    if not taking.force:
        rows = ask(
            f"SELECT t.entry_id, count(*) OVER () FROM {taking.twin} o JOIN {taking.live} t "
            f"USING (entry_id) WHERE {made} {taking.entries} AND NOT ({same}) "
            f"ORDER BY 1 LIMIT {MOST_EXAMPLES}"
        )
        examples = [{"entry_id": id, "detail": WHY["changed"]} for id, _ in rows]
        taking.outcome.add(kept=rows[0][1] if rows else 0, examples=examples)
    # A deleted entry may have come back under another event; then it is not of this one.
    image = f"SELECT FROM {taking.twin} o WHERE {made} = t.entry_id"
    if not taking.force:
        image += f" AND {same}"
    return f"t.entry_id {taking.entries} AND (t._ev = {event.id} OR EXISTS ({image}))"


@undoes("entries.deleted")
def deleted(event, actor, outcome, force):
    """Bring deleted entries back under their own ids."""
    taking = Taking(event, actor, outcome, force)
    values = {"entry_id": "o.entry_id", "created_at": "o.created_at", "created_by": "o.created_by"}
    values |= {cell.name: cell.of("o") for cell in taking.cells()}
    for cell in taking.cells():
        if dangles := cell.line and cell.line[-1].field.kind.dangles(values[cell.name]):
            _leave_empty(taking, cell, dangles)
            values[cell.name] = f"CASE WHEN {dangles} THEN NULL ELSE {values[cell.name]} END"
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

    outcome.add(taking.attempt(write).written)


# Transactions in which the events were written; entries that one of them wrote after another.
WRITTEN = "SELECT count(DISTINCT xid) FROM events WHERE event_id IN ({ids})"
TWICE = "SELECT 1 FROM {twin} o WHERE o._ev_to IN ({ids}) AND o._ev IN ({ids}) LIMIT 1"


@weighs("entries.created", "entries.updated")
def weigh(events, actor, outcome, force):
    """Count what undoing events would do, as it would count, but lock and write nothing.

    Only trying can tell whether a unique value is free, and what becomes of an entry that the
    operation wrote more than once.
    """
    ids = ", ".join(str(event.id) for event in events)
    if len(events) > 1 and ask(WRITTEN.format(ids=ids)) != [(1,)]:
        return False
    for event in events:
        taking = Taking(event, actor, outcome, force)
        if len(events) > 1 and ask(TWICE.format(twin=taking.twin, ids=ids)):
            return False
        if event.type == "entries.created":
            [(count,)] = ask(f"SELECT count(*) FROM {taking.live} t WHERE {_made(taking)}")
        else:
            cells = taking.cells(set(event.changed or ()))
            if any(cell.line and cell.line[-1].field.unique for cell in cells):
                return False
            tests = [_tests(cell, force) for cell in cells]
            count = _count_cells(taking, cells, tests) if cells else 0
        outcome.add(count)
    return True


def _leave_empty(taking, cell, dangles):
    """Count the cells of deleted entries that stay empty, since what they named is gone."""
    rows = ask(
        f"SELECT o.entry_id, count(*) OVER () FROM {taking.twin} o WHERE {taking.before} "
        f"AND o._op = 'D' AND {dangles} AND NOT EXISTS (SELECT FROM {taking.live} t "
        f"WHERE t.entry_id = o.entry_id) ORDER BY 1 LIMIT {MOST_EXAMPLES}"
    )
    examples = [{"entry_id": id, "field": cell.label, "detail": WHY["misfit"]} for id, _ in rows]
    taking.outcome.add(kept=rows[0][1] if rows else 0, examples=examples)


def _younger(taking):
    """Return the fields now whose column was not there when the event was written."""
    there = {cell.name for cell in taking.cells()}
    return [f for f in taking.record.structure.columns if f.key not in there]
