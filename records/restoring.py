"""Bringing back what a record held at an earlier moment, as an ordinary operation."""

from records import factory, services, tables
from records.attempts import Attempts, ask, run
from records.history import quoted
from records.models import Record
from records.past import carry, past_of
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
        fields = [known[key] for key in self.keys]
        now = {field.id for field in self.record.structure.fields}
        gone = [field for field in fields if field.id not in now]
        if gone:
            changes = [{"op": "restore_field", "field": field.id} for field in gone]
            services.change_structure(record=self.record, changes=changes, actor=self.actor)
            self.outcome.add(len(gone))
            self.record.reload()
        return fields

    def run(self):
        values, lost = self._values()
        if lost:
            detail = f"Deleted since and not brought back: {', '.join(lost)}."
            self.outcome.add(kept=len(lost), examples=[{"detail": detail}])
        if values:
            self._change(values)
        if self.keys is None:
            self._bring_back(values)
        if self.everything:
            self.outcome.add(
                run(
                    f"DELETE FROM {self.live} t WHERE NOT EXISTS "
                    f"(SELECT FROM {self.past.source} WHERE entries.entry_id = t.entry_id)"
                )
            )

    def _values(self):
        """Return ({key now: SQL of the value then}, labels of fields that are gone)."""
        now = {field.id: field for field in self.record.structure.columns}
        values, lost = {}, []
        for field in self.fields:
            line = self.past.incarnations(field)
            if line and field.id in now and not now[field.id].kind.computed:
                values[now[field.id].key] = carry(line, f"p.{quoted(field.key)}")
            else:
                lost.append(field.label)
        return values, lost

    def _change(self, values):
        differs = {key: f"t.{quoted(key)} IS DISTINCT FROM {sql}" for key, sql in values.items()}
        join = f"{self.live} t JOIN {self._then} ON p.entry_id = t.entry_id"
        any_differs = " OR ".join(differs.values())
        where = f"({any_differs}){self.named}"
        each = " + ".join(f"(CASE WHEN {test} THEN 1 ELSE 0 END)" for test in differs.values())
        [(cells,)] = ask(f"SELECT coalesce(sum({each}), 0) FROM {join} WHERE {where}")
        if not cells:
            return
        kept = self.outcome.kept
        sets = ", ".join(f"{quoted(key)} = {sql}" for key, sql in values.items())

        def write(only):
            return run(
                f"UPDATE {self.live} t SET {sets} FROM {self._then} "
                f"WHERE p.entry_id = t.entry_id AND {where}"
                + (f" AND t.entry_id{only}" * bool(only))
            )

        ids = f"SELECT t.entry_id FROM {join} WHERE {where} ORDER BY 1"
        Attempts(self.record, self.outcome, ids).run(write)
        refused = self.outcome.kept - kept
        self.outcome.add(max(0, int(cells) - refused))

    def _bring_back(self, values):
        listed = {"entry_id": "p.entry_id", "created_at": "p.created_at"}
        listed |= {"created_by": "p.created_by"} | values
        for field in self.record.structure.columns:
            default = factory.default_sql(self.record, field)
            if default and field.key not in listed:
                listed[field.key] = default
        names = ", ".join(map(quoted, listed))
        where = f"NOT EXISTS (SELECT FROM {self.live} t WHERE t.entry_id = p.entry_id){self.named}"

        def write(only):
            return run(
                f"INSERT INTO {self.live} ({names}) SELECT {', '.join(listed.values())} "
                f"FROM {self._then} WHERE {where}" + (f" AND p.entry_id{only}" * bool(only))
            )

        ids = f"SELECT p.entry_id FROM {self._then} WHERE {where} ORDER BY 1"
        self.outcome.add(Attempts(self.record, self.outcome, ids).run(write))

    @property
    def _then(self):
        """SQL of the entries then, called p."""
        return self.past.source.removesuffix(" AS entries") + " AS p"
