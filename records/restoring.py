"""Bringing back what a record held at an earlier moment, as an ordinary operation."""

from dataclasses import dataclass

from records import factory, services, tables
from records.attempts import Attempts, ask, run
from records.history import quoted
from records.models import Record
from records.past import carry, misfits, past_of
from workspaces import access
from workspaces.errors import Invalid, Missing
from workspaces.operations import carry_out

MOST_ENTRIES = 10_000


def restore(*, then, actor, ids=None, keys=None, preview=False):
    """Make entries what they were; return the Outcome, whose numbers are cells and entries.

    `then` is a record as records.past.as_of gives it. With `ids` only those entries are touched,
    with `keys` (of fields then) only those fields; entries deleted since come back unless `keys`
    narrows it, and entries made since go only when neither does. A field deleted since comes
    back when it is named. Raises Invalid, Missing or Forbidden.
    """
    access.require(actor, "write", then.workspace_id)
    if ids is not None and not 0 < len(ids) <= MOST_ENTRIES:
        raise Invalid(f"Name from 1 to {MOST_ENTRIES:,} entries, or none for all.")
    inner = actor.again(as_of=then.past.event)

    def work(outcome):
        _Restoring(then, inner, outcome, ids, keys).run()

    return carry_out(work, actor=inner, preview=preview)


MISFIT = "Fields do not take their old values any more."


@dataclass(frozen=True)
class Wanted:
    """A cell to bring back: its field now, SQL of the value then, and whether that breaks a rule."""

    field: object
    value: str
    misfit: str

    @property
    def _differs(self):
        return f"t.{quoted(self.field.key)} IS DISTINCT FROM {self.value}"

    @property
    def goes_back(self):
        """SQL condition: the cell gets its old value."""
        return f"({self._differs} AND NOT ({self.misfit}))" if self.misfit else self._differs

    @property
    def stays(self):
        """SQL condition: it would, but its field does not take it."""
        return f"({self._differs} AND ({self.misfit}))" if self.misfit else "false"

    @property
    def assignment(self):
        """SQL for the SET list of an UPDATE."""
        column = quoted(self.field.key)
        if not self.misfit:
            return f"{column} = {self.value}"
        return f"{column} = CASE WHEN {self.misfit} THEN t.{column} ELSE {self.value} END"


class _Restoring:
    def __init__(self, then, actor, outcome, ids, keys):
        self.actor, self.outcome, self.keys = actor, outcome, keys
        self.record = Record.objects.get(pk=then.pk)
        tables.hold(self.record)
        self.fields = self._fields(then)
        # A field that came back changed where columns are.
        self.past = past_of(self.record, then.past.event)
        self.live = quoted(self.record.table_name)
        self.named = "" if ids is None else f" AND p.entry_id = ANY (ARRAY{[*map(int, ids)]})"
        self.everything = ids is None and keys is None

    def _fields(self, then):
        """Return the fields then that are wanted and can be written, back from the shelf if named."""
        known = {field.key: field for field in then.structure.columns if not field.kind.computed}
        if self.keys is None:
            return list(known.values())
        missing = [key for key in self.keys if key not in known]
        if missing:
            raise Missing(f"There was no field “{str(missing[0])[:60]}” that can be written.")
        fields = [known[key] for key in dict.fromkeys(self.keys)]
        now = {field.id for field in self.record.structure.fields}
        gone = [field for field in fields if field.id not in now]
        if gone:
            changes = [{"op": "restore_field", "field": field.id} for field in gone]
            services.change_structure(record=self.record, changes=changes, actor=self.actor)
            self.outcome.add(len(gone))
            self.record.reload()
        return fields

    def run(self):
        cells = [self._wanted(field) for field in self.fields]
        cells = [cell for cell in cells if cell and not cell.field.kind.computed]
        there = {cell.field.id for cell in cells}
        lost = [field.label for field in self.fields if field.id not in there]
        if lost:
            detail = f"Deleted since and not brought back: {', '.join(lost)}."
            self.outcome.add(kept=len(lost), examples=[{"detail": detail}])
        self._change(cells)
        if self.keys is None:
            self._bring_back()
        if self.everything:
            self.outcome.add(
                run(
                    f"DELETE FROM {self.live} t WHERE NOT EXISTS "
                    f"(SELECT FROM {self.past.source} WHERE entries.entry_id = t.entry_id)"
                )
            )

    def _wanted(self, field):
        """Return the Wanted cell for a field then, None when there is no such field now."""
        line = self.past.incarnations(field)
        now = next((f for f in self.record.structure.columns if f.id == field.id), None)
        if not line or now is None:
            return None
        then = f"p.{quoted(field.key)}"
        return Wanted(now, carry(line, then), misfits(line, then))

    def _change(self, cells):
        """Give entries that are still there their values then, where the rules of today allow it."""
        if not cells:
            return
        back, stay = [cell.goes_back for cell in cells], [cell.stays for cell in cells]
        join = f"{self.live} t JOIN {self._then} ON p.entry_id = t.entry_id"
        source = f"{join} WHERE ({' OR '.join(back + stay)}){self.named}"
        [(cells_back, kept)] = ask(f"SELECT {_summed(back)}, {_summed(stay)} FROM {source}")
        self.outcome.add(kept=int(kept), examples=[{"detail": MISFIT}] if kept else ())
        if not cells_back:
            return
        sets = ", ".join(cell.assignment for cell in cells)

        def write(only):
            return run(
                f"UPDATE {self.live} t SET {sets} FROM {self._then} "
                f"WHERE p.entry_id = t.entry_id AND ({' OR '.join(back)}){self.named}"
                + (f" AND t.entry_id{only}" * bool(only))
            )

        attempts = Attempts(
            self.record, self.outcome, f"SELECT t.entry_id FROM {source} ORDER BY 1"
        )
        attempts.run(write)
        if attempts.refused:
            refused = f"t.entry_id IN ({', '.join(map(str, attempts.refused))})"
            [(stayed,)] = ask(f"SELECT {_summed(back)} FROM {source} AND {refused}")
            cells_back -= stayed
        self.outcome.add(int(cells_back))

    def _bring_back(self):
        """Insert the entries deleted since as they were, with the numbers that KDAP gave them."""
        listed = {"entry_id": "p.entry_id", "created_at": "p.created_at"}
        listed["created_by"] = "p.created_by"
        empty = []  # where what a cell named is gone
        for field in self.past.structure.columns:
            if cell := self._wanted(field):
                listed[cell.field.key] = cell.value
                if dangles := cell.field.kind.dangles(cell.value):
                    empty.append(dangles)
                    listed[cell.field.key] = f"CASE WHEN {dangles} THEN NULL ELSE {cell.value} END"
        for field in self.record.structure.columns:
            default = factory.default_sql(self.record, field)
            if default and field.key not in listed:
                listed[field.key] = default
        names = ", ".join(map(quoted, listed))
        where = f"NOT EXISTS (SELECT FROM {self.live} t WHERE t.entry_id = p.entry_id){self.named}"

        if empty:
            [(kept,)] = ask(f"SELECT {_summed(empty)} FROM {self._then} WHERE {where}")
            self.outcome.add(kept=int(kept), examples=[{"detail": MISFIT}] if kept else ())

        def write(only):
            return run(
                f"INSERT INTO {self.live} ({names}) SELECT {', '.join(listed.values())} "
                f"FROM {self._then} WHERE {where}" + (f" AND p.entry_id{only}" * bool(only))
            )

        ids = f"SELECT p.entry_id FROM {self._then} WHERE {where} ORDER BY 1"
        attempts = Attempts(self.record, self.outcome, ids)
        attempts.run(write)
        self.outcome.add(attempts.written)

    @property
    def _then(self):
        """SQL of the entries then, called p."""
        return self.past.source.removesuffix(" AS entries") + " AS p"


def _summed(tests):
    """Return SQL of how often the conditions hold, over all rows."""
    cases = " + ".join(f"(CASE WHEN {test} THEN 1 ELSE 0 END)" for test in tests)
    return f"coalesce(sum({cases}), 0)"
