"""Changing a structure: what would happen, in sentences and numbers, before it happens.

`plan` gives the operations that lie between two structures, without a database. Each operation
describes itself, weighs what it would cost in entries, and carries itself out.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from django.db import connection

from records import filling, tables
from records.conversions import ConvertField, RevertField, converts
from records.history import quoted
from records.steps import Impact, Operation, cells, look, look_twice
from records.structure import Field, Structure
from workspaces.access import because
from workspaces.errors import DestructiveChange, InvalidStructure

# Fewer entries are rewritten within the request: about a second.
MANY = 50_000


@dataclass(frozen=True)
class AddField(Operation):
    """A new field with its column."""

    after: Field

    def describe(self):
        return f"Add the field “{self.after.label}” ({self.after.kind.label})."

    def weigh(self, record):
        if not self.after.required or self.after.default is not None or self.after.kind.computed:
            return None
        count, _ = look(record, "true", "entry_id")
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
        count, examples = look(
            record, f"{quoted(self.before.key)} IS NOT NULL", quoted(self.before.key)
        )
        if not count:
            return None
        return Impact(f"{cells(count)} leave the table with it.", lost=count, examples=examples)

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
class MarkField(Operation):
    """Personal data or not: whether an erasure empties the field's cells."""

    after: Field

    def describe(self):
        return f"Mark “{self.after.label}” as {'' if self.after.personal else 'not '}personal."


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
            count, _ = look(record, f"{column} IS NULL", "entry_id")
            if count:
                return Impact(f"{cells(count)} of “{self.after.label}” are empty.", blocked=count)
        if self.after.unique and not self.before.unique:
            count, examples = look_twice(record, column, column)
            if count:
                text = f"{cells(count)} of “{self.after.label}” share a value with another."
                return Impact(text, blocked=count, examples=examples)
        rules = [condition for _, condition in self.after.kind.checks(self.after, column)]
        if rules and rules != [c for _, c in self.before.kind.checks(self.before, column)]:
            count, examples = look(record, f"NOT ({' AND '.join(rules)})", column)
            if count:
                text = f"{cells(count)} of “{self.after.label}” break the new rule."
                return Impact(text, blocked=count, examples=examples)
        return None

    def apply(self, record):
        tables.drop_rules(record, self.before)
        if self.widen:
            tables.widen_column(record, self.after)
        tables.renew_rules(record, self.before, self.after)


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
        """Whether anything but labels, marks and order changes."""
        light = (RelabelField, MarkField, MoveFields)
        return any(not isinstance(op, light) for op in self.operations)

    @property
    def rewrites(self):
        """The conversions that write every entry anew."""
        found = [op for op in self.operations if isinstance(op, ConvertField)]
        return [op for op in found if not op.after.kind.computed]

    def is_long(self, record):
        """Return whether it rewrites more entries than a request should."""
        if not self.rewrites:
            return False
        table = quoted(record.table_name)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM (SELECT FROM {table} LIMIT {MANY + 1}) AS sample")
            return cursor.fetchone()[0] > MANY

    def filled(self, version):
        """Return the same plan, whose conversions find their cells in columns filled before."""
        operations = [
            replace(op, filled=filling.column_of(version, op.after)) if op in self.rewrites else op
            for op in self.operations
        ]
        return replace(self, operations=tuple(operations))

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
        if self.touches_columns:
            tables.close_doors(record)
        for operation in self.operations:
            operation.apply(record)
        if self.touches_columns:
            tables.hang_triggers(record, self.after)
        with because(settles="structure"):
            for operation in self.operations:
                operation.settle(record)


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
    left = [item for item in before.shelf if item not in after.shelf]
    back = {item.field.id: item for item in left if item.reason == "deleted"}
    reverted = {item.field.id: item for item in left if item.reason == "converted"}
    for item in after.fields:
        old = was.get(item.id)
        if old is None:
            shelf = back.get(item.id)
            operations.append(RestoreField(item, shelf.column) if shelf else AddField(item))
            continue
        operations.extend(_changes(old, item, fresh.get(item.id), reverted.get(item.id)))
    stayed = [item.id for item in before.fields if item.id in now]
    if stayed != [item.id for item in after.fields if item.id in was]:
        operations.append(MoveFields(tuple(item.label for item in after.fields)))
    return Plan(before, after, tuple(operations))


def _changes(old, new, shelf, reverted):
    if (old.label, old.description) != (new.label, new.description):
        yield RelabelField(old, new)
    if old.personal != new.personal:
        yield MarkField(new)
    if shelf is not None and reverted is not None:
        yield RevertField(old, new, shelf.column, reverted)
        return
    # Between two versions far apart a conversion may have been made and taken back.
    if shelf is not None and converts(old, new):
        yield ConvertField(old, new, shelf.column)
        return
    rules = ("type", "required", "unique", "default", "options")
    if any(getattr(old, name) != getattr(new, name) for name in rules):
        widen = old.kind.column(old) != new.kind.column(new)
        yield ChangeRules(old, new, widen)
