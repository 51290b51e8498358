"""What a record should hold, in plain Python: the opposite number of tables, triggers and undo.

A field's cells lie in columns: a conversion begins a new one and keeps the old. Columns are plain
numbers here, and a row is {column: value}. Every verb adds what it should write to the log.
"""

import itertools
from copy import deepcopy
from dataclasses import dataclass, replace


def _number(text):
    return int(text) if text and text.isdigit() else None


def _text(number):
    return None if number is None else str(number)


CASTS = {
    **{(text, "integer"): _number for text in ("text", "long_text")},
    **{("integer", text): _text for text in ("text", "long_text")},
}
# Undone where records are listed, not from within one.
OF_ROOM = ("record.deleted", "record.restored")


def cast(value, old, new):
    """Return a cell of the type `old` as one of the type `new`."""
    return value if old == new else CASTS[old, new](value)


@dataclass(frozen=True)
class Field:
    label: str
    type: str
    column: int
    default: object = None


@dataclass(frozen=True)
class Shelved:
    """A column kept out of sight; `follower` is the column that took its place."""

    id: str
    field: Field
    version: int
    reason: str
    follower: int | None = None


@dataclass
class Step:
    """An event as it should be in the log, and all that was true when it had been written."""

    type: str
    before: dict  # {entry: row, or None}, or {"fields", "shelf"} or {"name"}
    after: dict
    settles: bool = False
    state: object = None
    id: int | None = None


@dataclass
class Operation:
    """What one person did as one unit."""

    user: str
    undo_of: object
    steps: list


class Mirror:
    """One record: `fields` {id: Field}, `shelf` [Shelved], `rows` {entry: {column: value}}.

    What is empty is not in a row.
    """

    def __init__(self, name):
        self.name, self.fields, self.shelf, self.rows = name, {}, [], {}
        self.version = 1
        self.numbers = itertools.count()
        self.steps, self.operations = [], {}
        self.writers = {}  # {entry: the Step that wrote it last}

    def visible(self):
        """Return {entry: {field id: value}}, as people see it."""
        return {
            entry: {id: row.get(field.column) for id, field in self.fields.items()}
            for entry, row in self.rows.items()
        }

    def _step(self, type, before, after, settles=False):
        state = state_of(self)
        self.steps.append(Step(type, before, after, settles, state))

    # Entries

    def _write(self, rows, settles=False):
        """Let entries have other rows: {entry: row}, or None for one that goes."""
        filled = {
            id: row if row is None else {k: v for k, v in row.items() if v is not None}
            for id, row in rows.items()
        }
        moved = {id: row for id, row in filled.items() if row != self.rows.get(id)}
        if not moved:
            return
        before = {id: self.rows.get(id) for id in moved}
        for id, row in moved.items():
            if row is None:
                del self.rows[id]
            else:
                self.rows[id] = row
        [kind] = {kind_of(before[id], moved[id]) for id in moved}
        self._step(f"entries.{kind}", deepcopy(before), deepcopy(moved), settles)
        self.writers |= dict.fromkeys(moved, self.steps[-1])

    def row(self, values):
        """Return a new row of {field id: value}, defaults filled in."""
        return {f.column: values.get(id, f.default) for id, f in self.fields.items()}

    def create(self, rows):
        """Add entries: {entry: {field id: value}}."""
        self._write({entry: self.row(values) for entry, values in rows.items()})

    def update(self, changes):
        """Change cells: {entry: {field id: value}}."""
        self._write(
            {
                entry: self.rows[entry]
                | {self.fields[id].column: value for id, value in values.items()}
                for entry, values in changes.items()
            }
        )

    def delete(self, entries):
        self._write(dict.fromkeys(entries))

    def rename_record(self, name):
        if name != self.name:
            before, self.name = self.name, name
            self._step("record.changed", {"name": before}, {"name": name})

    def trash(self):
        self._step("record.deleted", {}, {})

    def take_out(self):
        self._step("record.restored", {}, {})

    # Structures; each change is (verb, field id, …)

    def restructure(self, *changes):
        """Carry out changes of the structure as one version."""
        before = {"fields": dict(self.fields), "shelf": list(self.shelf)}
        self.version += 1
        settling = [work for verb, *rest in changes if (work := getattr(self, f"_{verb}")(*rest))]
        after = {"fields": dict(self.fields), "shelf": list(self.shelf)}
        self._step("structure.changed", before, after)
        for work in settling:
            work()

    def _add(self, id, label, type, default=None):
        column = next(self.numbers)
        self.fields[id] = Field(label, type, column, default)
        for row in self.rows.values():
            if default is not None:
                row[column] = default

    def _remove(self, id):
        self.shelf.append(Shelved(id, self.fields.pop(id), self.version, "deleted"))

    def _restore(self, id):
        item = self.deleted()[id]
        self.shelf.remove(item)
        self.fields[id] = item.field

    def _rename(self, id, label):
        self.fields[id] = replace(self.fields[id], label=label)

    def _convert(self, id, type):
        old, column = self.fields[id], next(self.numbers)
        self.shelf.append(Shelved(id, old, self.version, "converted", column))
        self.fields[id] = Field(old.label, type, column)
        for row in self.rows.values():
            made = cast(row.get(old.column), old.type, type)
            if made is not None:
                row[column] = made

    def _revert(self, id, version):
        item = next(item for item in self.conversions(id) if item.version == version)
        old, now = item.field, self.fields[id]
        self.shelf.remove(item)
        self.shelf.append(Shelved(id, now, self.version, "converted", old.column))
        self.fields[id] = replace(old, label=now.label)

        def settle():
            rows = {}
            for entry, row in self.rows.items():
                was, value = row.get(old.column), row.get(now.column)
                back = cast(value, now.type, old.type)
                if value != cast(was, old.type, now.type) and was != back:
                    rows[entry] = row | {old.column: back}
            self._write(rows, settles=True)

        return settle

    def deleted(self):
        """Return {field id: Shelved} of the fields in the trash."""
        return {item.id: item for item in self.shelf if item.reason == "deleted"}

    def conversions(self, id):
        """Return what conversions of a field put on the shelf, oldest first."""
        found = [item for item in self.shelf if item.id == id and item.reason == "converted"]
        return sorted(found, key=lambda item: item.version)

    def revertible(self):
        """Return the conversions that can be taken back now."""
        return [
            item
            for id, field in self.fields.items()
            for item in self.conversions(id)
            if item.follower == field.column
        ]

    def line(self, id, column):
        """Return [(column, type)] from a column of a field to the one it has now."""
        steps = sorted((i for i in self.shelf if i.id == id), key=lambda item: item.version)
        line = [(item.field.column, item.field.type) for item in steps]
        if id in self.fields:
            line.append((self.fields[id].column, self.fields[id].type))
        columns = [each for each, _ in line]
        return line[columns.index(column) :]

    # Operations

    def finish(self, operation, user, undo_of=None):
        """Say that what was written since the last time is one operation; return its steps."""
        steps, self.steps = self.steps, []
        if steps:
            self.operations[operation] = Operation(user, undo_of, steps)
        return steps

    def undone(self, operation):
        undoers = [id for id, item in self.operations.items() if item.undo_of == operation]
        return any(not self.undone(id) for id in undoers)

    def stacks(self, user):
        """Return (undo, redo) as an editor has them."""
        back, forth = [], []
        for id, item in self.operations.items():
            if item.user != user or any(step.type in OF_ROOM for step in item.steps):
                continue
            if item.undo_of is None:
                back, forth = [*back, id], []
            elif item.undo_of in back:
                back.remove(item.undo_of)
                forth.append(id)
            else:
                if item.undo_of in forth:
                    forth.remove(item.undo_of)
                back.append(id)
        return tuple([id for id in stack if not self.undone(id)] for stack in (back, forth))

    def undo(self, operation, force=False):
        """Take an operation back; return how much was (restored, kept)."""
        counts = [0, 0]
        for step in reversed(self.operations[operation].steps):
            if not step.settles:
                inverse = getattr(self, "_un_" + step.type.replace(".", "_"))
                counts = [a + b for a, b in zip(counts, inverse(step, force), strict=True)]
        return tuple(counts)

    def _cells(self, state, as_seen=False):
        """Yield (column then, column now, value of an image, whether people see it).

        With `as_seen` values are what people saw then, and nothing else.
        """
        hidden = {item.field.column: item.field.type for item in state.shelf}
        made = set()
        for id, field in state.fields.items():
            line = self.line(id, field.column)
            now = line[-1][0]
            before = None if as_seen else hidden.get(now)
            yield field.column, now, Carried(line, before), True
            made |= {field.column, now}
            if now != field.column:
                yield field.column, field.column, Carried(line[:1]), False
        for column in hidden.keys() - made:
            yield column, column, Carried([(column, hidden[column])]), False

    def _un_entries_updated(self, step, force):
        restored = kept = 0
        rows = {}
        cells = list(self._cells(step.state))
        for entry, was in step.before.items():
            wrote, row = step.after[entry], self.rows.get(entry)
            if row is None:
                kept += 1
                continue
            for then, now, value, seen in cells:
                back = value(was)
                if was.get(then) == wrote.get(then) or row.get(now) == back:
                    continue
                if (force or row.get(now) == value(wrote)) and not value.is_lost(was):
                    rows[entry] = rows.get(entry, row) | {now: back}
                    restored += seen
                else:
                    kept += seen
        self._write(rows)
        return restored, kept

    def _un_entries_created(self, step, force):
        cells = list(self._cells(step.state))
        there = {now for _, now, _, _ in cells}
        younger = [
            f.column for f in self.fields.values() if f.column not in there and f.default is None
        ]
        gone, kept = {}, 0
        for entry, wrote in step.after.items():
            row = self.rows.get(entry)
            if row is None:
                continue
            same = all(row.get(now) == value(wrote) for _, now, value, _ in cells)
            same = same and all(row.get(column) is None for column in younger)
            # A field that was added or converted since writes no entry.
            if force or same or self.writers[entry] is step:
                gone[entry] = None
            else:
                kept += 1
        self._write(gone)
        return len(gone), kept

    def _un_entries_deleted(self, step, force):
        cells = list(self._cells(step.state))
        there = {now for _, now, _, _ in cells}
        rows = {}
        for entry, was in step.before.items():
            if entry not in self.rows:
                rows[entry] = {
                    f.column: f.default for f in self.fields.values() if f.column not in there
                } | {now: value(was) for _, now, value, _ in cells}
        self._write(rows)
        return len(rows), 0

    def _un_record_changed(self, step, force):
        if not force and self.name != step.after["name"]:
            return 0, 1
        self.rename_record(step.before["name"])
        return 1, 0

    def _un_record_deleted(self, step, force):
        self.take_out()
        return 1, 0

    def _un_structure_changed(self, step, force):
        was, then = step.before["fields"], step.after["fields"]
        changes = [("remove", id) for id in then if id not in was and id in self.fields]
        changes += [("restore", id) for id in was if id not in then and id in self.deleted()]
        kept = 0
        fresh = [item for item in step.after["shelf"] if item not in step.before["shelf"]]
        for id in was:
            if id not in then or was[id] == then[id]:
                continue
            if id not in self.fields:
                kept += 1
            elif was[id].column != then[id].column:
                [version] = [item.version for item in fresh if item.id == id]
                if (id, version) in {(item.id, item.version) for item in self.revertible()}:
                    changes.append(("revert", id, version))
                else:
                    kept += 1
            elif force or self.fields[id].label == then[id].label:
                changes.append(("rename", id, was[id].label))
            else:
                kept += 1
        counted = len(changes)
        changes = [c for c in changes if c[0] != "rename" or self.fields[c[1]].label != c[2]]
        if changes:
            self.restructure(*changes)
        return counted, kept

    def bring_back(self, state):
        """Make the entries what they were at a state; fields are left as they are."""
        now = {field.column for field in self.fields.values()}
        cells = [c for c in self._cells(state, as_seen=True) if c[3] and c[1] in now]
        there = {column for _, column, _, _ in cells}
        rows, back = {}, {}
        for entry, was in state.rows.items():
            values = {column: value(was) for _, column, value, _ in cells}
            if entry in self.rows:
                fit = [column for _, column, value, _ in cells if not value.is_lost(was)]
                rows[entry] = self.rows[entry] | {column: values[column] for column in fit}
            else:
                others = [f for f in self.fields.values() if f.column not in there]
                back[entry] = {f.column: f.default for f in others} | values
        self._write(rows)
        self._write(back)
        self._write(dict.fromkeys(entry for entry in self.rows if entry not in state.rows))


class Carried:
    """The value that a cell of an image has at the end of `line`.

    `before` is the type of the column at its end, if the image has that column too: as it was before
    a conversion that was taken back since. What was not edited in between is as it was.
    """

    def __init__(self, line, before=None):
        self.line, self.before = line, before

    def __call__(self, image):
        column, type = self.line[0]
        if self._unedited(image):
            return image.get(self.line[-1][0])
        found = image.get(column)
        for _, new in self.line[1:]:
            found, type = cast(found, type, new), new
        return found

    def _unedited(self, image):
        column, type = self.line[0]
        was = image.get(self.line[-1][0])
        return bool(self.before) and image.get(column) == cast(was, self.before, type)

    def is_lost(self, image):
        """Whether the cell can't be what it was: it stays as it is then."""
        there = image.get(self.line[0][0]) is not None
        return there and not self._unedited(image) and self(image) is None


@dataclass(frozen=True)
class State:
    """A Mirror at one moment."""

    fields: dict
    shelf: list
    rows: dict

    visible = Mirror.visible


def state_of(mirror):
    """Return a State that nothing changes any more."""
    return State(dict(mirror.fields), list(mirror.shelf), deepcopy(mirror.rows))


def kind_of(before, after):
    """Return what happened to an entry between two rows."""
    return "created" if before is None else "deleted" if after is None else "updated"
