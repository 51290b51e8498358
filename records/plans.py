"""Changing a structure: what would happen, in sentences and numbers, before it happens.

`plan` gives the operations that lie between two structures, without a database. Each operation
describes itself, weighs what it would cost in entries, and carries itself out.
"""

from dataclasses import dataclass, field
from functools import cached_property

from django.db import connection

from records import tables
from records.history import quoted
from records.structure import Field, Structure
from workspaces.errors import DestructiveChange, InvalidStructure

EXAMPLES = 10


@dataclass(frozen=True)
class Impact:
    """What an operation costs: `lost` cells become empty; `blocked` ones must be mended first."""

    sentence: str
    lost: int = 0
    blocked: int = 0
    examples: list = field(default_factory=list)  # [{"entry_id": int, "value": text}]

    def as_json(self):
        """Return the impact as a JSON-able dict."""
        return {
            "sentence": self.sentence,
            "lost": self.lost,
            "blocked": self.blocked,
            "examples": self.examples,
        }


def _look(record, condition, shown):
    """Return (count, examples) of the entries where the SQL `condition` holds."""
    table = quoted(record.table_name)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table} WHERE {condition}")
        count = cursor.fetchone()[0]
        if not count:
            return 0, []
        cursor.execute(
            f"SELECT entry_id, left(({shown})::text, 80) FROM {table} WHERE {condition} "
            f"ORDER BY entry_id LIMIT {EXAMPLES}"
        )
        return count, [{"entry_id": id, "value": value} for id, value in cursor.fetchall()]


def _cells(count):
    return "1 cell" if count == 1 else f"{count:,} cells"


class Operation:
    """One step of a plan."""

    def describe(self):
        """Return what happens as a sentence."""
        raise NotImplementedError

    def weigh(self, record):
        """Return the Impact on the entries there are, or None when there is none."""
        return None

    def apply(self, record):
        """Carry the step out on the record's table."""


@dataclass(frozen=True)
class AddField(Operation):
    """A new field with its column."""

    after: Field

    def describe(self):
        return f"Add the field “{self.after.label}” ({self.after.kind.label})."

    def weigh(self, record):
        if not self.after.required or self.after.default is not None or self.after.kind.computed:
            return None
        count, _ = _look(record, "true", "entry_id")
        if not count:
            return None
        return Impact(
            f"“{self.after.label}” is required, but the {count:,} entries there are would be empty. "
            "Give a default, or make it required later.",
            blocked=count,
        )

    def apply(self, record):
        if not self.after.kind.virtual:
            tables.add_column(record, self.after)


@dataclass(frozen=True)
class DeleteField(Operation):
    """A field put on the shelf; its column stays, out of sight."""

    before: Field
    column: str

    def describe(self):
        return f"Delete the field “{self.before.label}”. It can be brought back with its cells."

    def weigh(self, record):
        if self.before.kind.virtual:
            return None
        count, examples = _look(
            record, f"{quoted(self.before.key)} IS NOT NULL", quoted(self.before.key)
        )
        if not count:
            return None
        return Impact(f"{_cells(count)} leave the table with it.", lost=count, examples=examples)

    def apply(self, record):
        if not self.before.kind.virtual:
            tables.shelve_column(record, self.before, self.column)


@dataclass(frozen=True)
class RestoreField(Operation):
    """A deleted field brought back from the shelf."""

    after: Field
    column: str

    def describe(self):
        return f"Bring back the field “{self.after.label}” with its cells."

    def apply(self, record):
        if not self.after.kind.virtual:
            tables.unshelve_column(record, self.after, self.column)


@dataclass(frozen=True)
class RelabelField(Operation):
    """Another label or description; the column keeps its name."""

    before: Field
    after: Field

    def describe(self):
        if self.before.label != self.after.label:
            return f"Rename “{self.before.label}” to “{self.after.label}”."
        return f"Change the description of “{self.after.label}”."


@dataclass(frozen=True)
class ChangeRules(Operation):
    """Other rules, default or choices, where every cell stays as it is."""

    before: Field
    after: Field
    widen: bool = False

    def describe(self):
        parts = []
        if self.before.type != self.after.type:
            parts.append(f"make it {self.after.kind.label.lower()}")
        if self.before.required != self.after.required:
            parts.append("make it required" if self.after.required else "allow empty cells")
        if self.before.unique != self.after.unique:
            parts.append("make it unique" if self.after.unique else "allow equal values")
        if self.before.default != self.after.default:
            parts.append(
                "remove the default"
                if self.after.default is None
                else f"set the default to {self.after.default}"
            )
        if self.before.options != self.after.options and not parts:
            parts.append("change its settings")
        return f"“{self.after.label}”: {', '.join(parts) or 'renew its rules'}."

    def weigh(self, record):
        column = quoted(self.after.key)
        if self.after.required and not self.before.required:
            count, _ = _look(record, f"{column} IS NULL", "entry_id")
            if count:
                return Impact(f"{_cells(count)} of “{self.after.label}” are empty.", blocked=count)
        if self.after.unique and not self.before.unique:
            twice = (
                f"{column} IN (SELECT {column} FROM {quoted(record.table_name)} "
                f"WHERE {column} IS NOT NULL GROUP BY 1 HAVING count(*) > 1)"
            )
            count, examples = _look(record, twice, column)
            if count:
                text = f"{_cells(count)} of “{self.after.label}” share a value with another."
                return Impact(text, blocked=count, examples=examples)
        rules = [condition for _, condition in self.after.kind.checks(self.after, column)]
        if rules and rules != [c for _, c in self.before.kind.checks(self.before, column)]:
            count, examples = _look(record, f"NOT ({' AND '.join(rules)})", column)
            if count:
                text = f"{_cells(count)} of “{self.after.label}” break the new rule."
                return Impact(text, blocked=count, examples=examples)
        return None

    def apply(self, record):
        tables.drop_rules(record, self.before)
        if self.widen:
            tables.widen_column(record, self.after)
        tables.renew_rules(record, self.before, self.after)


@dataclass(frozen=True)
class ConvertField(Operation):
    """A field of another type; the old column goes to the shelf, so that no cell is lost."""

    before: Field
    after: Field
    column: str
    form: str = "iso"

    @property
    def old(self):
        """SQL of the old cell as text."""
        return self.before.kind.text(self.before, quoted(self.before.key))

    def describe(self):
        old, new = self.before.kind.label, self.after.kind.label
        if old == new:
            return f"Change the settings of “{self.after.label}” ({new}) and convert its cells."
        return f"Convert “{self.after.label}” from {old} to {new}."

    def converted(self, column):
        """Return SQL of the new cell, made of the old one in the quoted `column`."""
        return self.after.kind.convert(self.before, self.after, column, self.form)

    def weigh(self, record):
        key, shown = quoted(self.before.key), self.old
        if self.after.required:
            count, examples = _look(record, f"({self.converted(key)}) IS NULL", shown)
            if count:
                text = (
                    f"{_cells(count)} of “{self.after.label}” would be empty, but it is required."
                )
                return Impact(text, blocked=count, examples=examples)
        lost = self.after.kind.loses(self.before, self.after, key, self.form)
        count, examples = _look(record, lost, shown)
        if not count:
            return None
        if self.before.type == self.after.type:
            text = "would lose what the new settings leave out; history keeps it."
        else:
            text = f"can’t become {self.after.kind.label.lower()} and would be empty; history keeps them."
        return Impact(
            f"{_cells(count)} of “{self.after.label}” {text}", lost=count, examples=examples
        )

    def apply(self, record):
        table, new, old = map(quoted, (record.table_name, self.after.key, self.column))
        tables.shelve_column(record, self.before, self.column)
        bare = self.after.model_copy(update={"required": False, "unique": False, "default": None})
        tables.add_column(record, bare)
        tables.drop_rules(record, bare)
        if self.after.type != "autonumber":
            with tables.silent(record):
                tables.execute(
                    f"UPDATE {table} SET {new} = {self.converted(old)} WHERE {old} IS NOT NULL"
                )
        tables.renew_rules(record, bare, self.after)


@dataclass(frozen=True)
class MoveFields(Operation):
    """Another order; no column moves."""

    labels: tuple

    def describe(self):
        return f"Order the fields: {', '.join(self.labels[:12])}{' …' if self.labels[12:] else ''}."


@dataclass(frozen=True)
class Plan:
    """The way from one structure to another."""

    before: Structure
    after: Structure
    operations: tuple

    def describe(self):
        """Return the plan as a list of sentences."""
        return [operation.describe() for operation in self.operations]

    def weigh(self, record):
        """Return the Impacts that are worth a word, in the plan's order."""
        return [impact for op in self.operations if (impact := op.weigh(record))]

    @cached_property
    def touches_columns(self):
        """Whether anything but labels and order changes."""
        return any(not isinstance(op, (RelabelField, MoveFields)) for op in self.operations)

    def check(self, record, confirmed):
        """Raise InvalidStructure or DestructiveChange when it can't, or may not yet, be applied."""
        impacts = self.weigh(record)
        found = {"impact": [impact.as_json() for impact in impacts]}
        blocked = [impact for impact in impacts if impact.blocked]
        if blocked:
            raise InvalidStructure(blocked[0].sentence, **found)
        lost = [impact for impact in impacts if impact.lost]
        if lost and not confirmed:
            raise DestructiveChange(" ".join(impact.sentence for impact in lost), **found)

    def apply(self, record):
        """Carry every operation out and hang the triggers anew; the caller has a transaction."""
        added = [op for op in self.operations if isinstance(op, (AddField, ConvertField))]
        if added and tables.columns_ever(record) + len(added) > tables.MOST_COLUMNS_EVER:
            raise InvalidStructure(
                "This table has had as many columns as PostgreSQL can count. "
                "Export it and import it as a new record to go on."
            )
        # DDL fails on a table with checks still to come ("pending trigger events").
        tables.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for operation in self.operations:
            operation.apply(record)
        if self.touches_columns:
            tables.hang_triggers(record, self.after)


def converts(before, after):
    """Return whether the cells of a field must be rewritten to become those of `after`."""
    old, new = before.kind.column(before), after.kind.column(after)
    if {before.type, after.type} & {"choice", "choices"}:
        kept = {item["id"] for item in after.options.get("choices", ())}
        had = {item["id"] for item in before.options.get("choices", ())}
        return before.type != after.type or not had <= kept
    if before.kind.virtual or after.kind.virtual or "autonumber" in (before.type, after.type):
        return before.type != after.type
    if before.kind.refers_to != after.kind.refers_to:
        return True  # equal columns, but not every uuid is a person's
    return old != new and not _widens(old, new)


def _widens(old, new):
    def size(kind):
        return [int(n) for n in kind.partition("(")[2].rstrip(")").split(",") if n]

    if old.startswith("varchar") and new == "text":
        return True
    if old.startswith("varchar") and new.startswith("varchar"):
        return size(new) >= size(old)
    if old.startswith("numeric") and new.startswith("numeric"):
        (p1, s1), (p2, s2) = size(old), size(new)
        return s2 >= s1 and p2 - s2 >= p1 - s1
    return False


def plan(before, after):
    """Return the Plan from structure `before` to `after`, whose shelf says what was put there."""
    operations = []
    was = {item.id: item for item in before.fields}
    shelved = {(item.field.id, item.version): item for item in before.shelf}
    now = {item.id: item for item in after.fields}
    fresh = {
        item.field.id: item for item in after.shelf if (item.field.id, item.version) not in shelved
    }
    for item in before.fields:
        if item.id not in now:
            operations.append(DeleteField(item, fresh[item.id].column))
    back = {i.field.id: i for i in before.shelf if i.reason == "deleted" and i not in after.shelf}
    for item in after.fields:
        old = was.get(item.id)
        if old is None:
            shelf = back.get(item.id)
            operations.append(RestoreField(item, shelf.column) if shelf else AddField(item))
            continue
        operations.extend(_changes(old, item, fresh.get(item.id)))
    stayed = [item.id for item in before.fields if item.id in now]
    if stayed != [item.id for item in after.fields if item.id in was]:
        operations.append(MoveFields(tuple(item.label for item in after.fields)))
    return Plan(before, after, tuple(operations))


def _changes(old, new, shelf):
    if (old.label, old.description) != (new.label, new.description):
        yield RelabelField(old, new)
    if shelf is not None:
        yield ConvertField(old, new, shelf.column)
        return
    rules = ("type", "required", "unique", "default", "options")
    if any(getattr(old, name) != getattr(new, name) for name in rules):
        widen = old.kind.column(old) != new.kind.column(new)
        yield ChangeRules(old, new, widen)
