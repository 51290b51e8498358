"""Writing for the grid: many cells at once, each taken, refused or in conflict by itself."""

import orjson

from records.entries import MOST_ROWS, create_entries, lock, update_entries
from records.fields import Refused
from records.query import Query
from workspaces import access
from workspaces.errors import Invalid

# After so many rows that the database itself refused, the rest is refused with them: each
# costs statements of its own to find.
MOST_SEARCHED = 200


class Changes:
    """One action of a person on cells of a record, and what became of it.

    `refused` has {entry_id, key, detail} (or row instead of entry_id for new ones), `conflicts`
    {entry_id, key, yours, theirs}, `gone` ids of entries that were deleted meanwhile, `added` those
    of new ones.
    """

    def __init__(self, record, actor):
        access.require(actor, "write", record.workspace_id)
        self.record = record
        self.actor = actor
        self.takes = {f.key: f for f in record.structure.columns if not f.kind.computed}
        self.refused, self.conflicts, self.gone = [], [], []
        self.ids, self.added, self.cells, self.searched = [], [], 0, 0

    def update(self, changes, force=False):
        """Write `changes`: a list of {entry_id, values, was, version}.

        Where an entry is at another version than the given one, a cell is written only if it
        still holds what `was` says, or with `force`.
        """
        asked = {}
        for change in _checked(changes):
            asked[change["entry_id"]] = change
        there = Query(self.record).keys(list(asked))
        self.gone = [id for id in asked if id not in there]
        tags = lock(self.record, sorted(there))
        if not force:
            self._set_conflicts_aside(asked, tags)
        good = {}
        for id in sorted(there):
            values = self._taken(asked[id]["values"], {"entry_id": id})
            if values:
                good[id] = values
        self._write(good)
        self.ids += sorted(there)

    def add(self, rows):
        """Insert `rows` (dicts by field key); a cell that can't be taken is left empty."""
        if not isinstance(rows, list) or not 0 < len(rows) <= MOST_ROWS:
            raise Invalid(f"Give from 1 to {MOST_ROWS:,} entries.")
        good = {}
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise Invalid("An entry is an object.")
            good[number] = self._taken(row, {"row": number})
        self._insert(good)

    def as_json(self):
        """Return what became of it, without rows."""
        return {
            "refused": self.refused,
            "conflicts": self.conflicts,
            "gone": self.gone,
            "added": self.added,
            "changed": self.cells,
            "operation": self.actor.operation,
        }

    def _set_conflicts_aside(self, asked, tags):
        stale = [id for id, tag in tags.items() if asked[id].get("version") not in (None, tag)]
        if not stale:
            return
        keys = sorted({key for id in stale for key in asked[id]["values"] if key in self.takes})
        query = Query(self.record, fields=keys)
        found = query.rows(limit=len(stale), extra="entry_id = ANY(%s)", extra_params=[stale])
        for id, _, *now in found:
            was, values = asked[id].get("was") or {}, asked[id]["values"]
            for key, theirs in zip(keys, now, strict=True):
                if key in values and not _same(theirs, was.get(key)):
                    yours = values.pop(key)
                    if not self._equal(key, theirs, yours):
                        conflict = {"entry_id": id, "key": key, "theirs": theirs, "yours": yours}
                        self.conflicts.append(conflict)

    def _equal(self, key, theirs, yours):
        """Return whether both people mean the same value, so that nobody has to choose."""
        field = self.takes[key]
        try:
            load = field.kind.load(field) or (lambda value: value)
            return field.kind.clean(load(_plain(theirs)), field) == field.kind.clean(yours, field)
        except Refused:
            return False

    def _taken(self, values, where):
        """Return the values that their fields take; put the others on `refused`."""
        taken = {}
        for key, value in values.items():
            field = self.takes.get(key)
            try:
                if field is None:
                    raise Refused("This field can't be written.")
                if field.kind.clean(value, field) is None and field.required:
                    raise Refused(f"“{field.label}” is required.")
            except Refused as error:
                self.refused.append({**where, "key": key, "detail": str(error)})
            else:
                taken[key] = value
        return taken

    def _write(self, good):
        """Update entries; halve what the database refuses until the culprits are alone."""
        if not good:
            return
        try:
            update_entries(record=self.record, changes=good, actor=self.actor)
            self.cells += sum(map(len, good.values()))
        except Invalid as error:
            for part in self._halves(good, error, "entry_id"):
                self._write(part)

    def _insert(self, good):
        if not good:
            return
        try:
            rows = list(good.values())
            made = create_entries(record=self.record, rows=rows, actor=self.actor)
        except Invalid as error:
            for part in self._halves(good, error, "row"):
                self._insert(part)
        else:
            self.ids += made.ids
            self.added += made.ids
            for number, id in zip(good, made.ids, strict=True):
                for refusal in self.refused:
                    if refusal.get("row") == number:
                        refusal["entry_id"] = id
            self.cells += sum(map(len, good.values()))

    def _halves(self, good, error, name):
        """Return the two halves to try, or none when there is one left, which is refused."""
        self.searched += 1
        items = list(good.items())
        if len(items) > 1 and self.searched <= MOST_SEARCHED:
            middle = len(items) // 2
            return [dict(items[:middle]), dict(items[middle:])]
        named = {p["pointer"].rsplit("/", 1)[-1]: p["detail"] for p in error.problems}
        for at, values in items:
            for key in [key for key in values if key in named] or list(values) or list(named):
                detail = named.get(key, error.detail)
                self.refused.append({name: at, "key": key, "detail": detail, "whole": True})
        return []


def _checked(changes):
    if not isinstance(changes, list) or not 0 < len(changes) <= MOST_ROWS:
        raise Invalid(f"Give changes of 1 to {MOST_ROWS:,} entries.")
    for change in changes:
        if not isinstance(change, dict) or not isinstance(change.get("values"), dict):
            raise Invalid("A change is an object with entry_id and values.")
        if not isinstance(change.get("entry_id"), int) or isinstance(change["entry_id"], bool):
            raise Invalid("An entry_id is a whole number.")
    return changes


def _plain(value):
    """Return a value as it is after a journey through JSON."""
    return orjson.loads(orjson.dumps(value, default=str))


def _same(one, other):
    """Return whether two values are the same JSON."""
    return _plain(one) == _plain(other)
