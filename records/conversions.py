"""Cells that become another type's, and back: the steps of a plan that rewrite a column."""

from dataclasses import dataclass

from records import filling, tables
from records.history import quoted
from records.steps import Impact, Operation, cells, look, look_twice
from records.structure import Field, Shelved


@dataclass(frozen=True)
class ConvertField(Operation):
    """A field of another type; the old column goes to the shelf, so that no cell is lost."""

    before: Field
    after: Field
    column: str
    form: str = "iso"
    filled: str = ""  # the column in which the new cells stand already, if they do

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
            count, examples = look(record, f"({self.converted(key)}) IS NULL", shown)
            if count:
                text = f"{cells(count)} of “{self.after.label}” would be empty, but it is required."
                return Impact(text, blocked=count, examples=examples)
        if self.after.unique:
            count, examples = look_twice(record, self.converted(key), shown)
            if count:
                text = f"{cells(count)} of “{self.after.label}” would share a value with another."
                return Impact(text, blocked=count, examples=examples)
        lost = self.after.kind.loses(self.before, self.after, key, self.form)
        count, examples = look(record, lost, shown)
        if not count:
            return None
        if self.before.type == self.after.type:
            text = "would lose what the new settings leave out; history keeps it."
        else:
            text = f"can’t become {self.after.kind.label.lower()} and would be empty; history keeps them."
        return Impact(
            f"{cells(count)} of “{self.after.label}” {text}", lost=count, examples=examples
        )

    def apply(self, record):
        table, new, old = map(quoted, (record.table_name, self.after.key, self.column))
        tables.shelve_column(record, self.before, self.column)
        if self.filled:
            filling.take(record, self)
            return
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
class RevertField(Operation):
    """A conversion taken back: its old column returns, with what was edited since cast back.

    `kept` is the old column on the shelf; the present one goes there under the name `column`.
    """

    before: Field
    after: Field
    column: str
    kept: Shelved

    def describe(self):
        old = self.kept.field.kind.label
        new = (self.kept.became or self.before).kind.label
        if old == new:
            return f"Take back the other settings of “{self.after.label}” ({new})."
        return f"Take back the conversion of “{self.after.label}” from {old} to {new}."

    def edited(self, now, old):
        """Return SQL: whether a cell is not what the conversion made of it."""
        became = self.kept.became or self.before
        made = became.kind.convert(self.kept.field, became, old)
        return f"{now} IS DISTINCT FROM ({made})"

    def converted(self, now):
        """Return SQL of the old type's cell, made of the present one."""
        return self.after.kind.convert(self.before, self.after, now)

    def weigh(self, record):
        if self.after.kind.computed:
            return None
        now, old = quoted(self.before.key), quoted(self.kept.column)
        edited, label = self.edited(now, old), self.after.label
        cell = f"CASE WHEN {edited} THEN {self.converted(now)} ELSE {old} END"
        shown = self.before.kind.text(self.before, now)
        refused = self._refused(record, cell, shown)
        if refused:
            return refused
        lost = self.after.kind.loses(self.before, self.after, now)
        count, examples = look(record, f"{edited} AND {lost}", shown)
        if count:
            kind = self.after.kind.label.lower()
            text = f"{cells(count)} of “{label}” edited since can’t become {kind} and would be empty; history keeps them."
            return Impact(text, lost=count, examples=examples)
        count, examples = look(record, f"{edited} AND {now} IS NOT NULL", shown)
        if not count:
            return None
        text = f"{cells(count)} of “{label}” edited since keep their present value."
        return Impact(text, examples=examples)

    def _refused(self, record, cell, shown):
        rules = [f"({cell}) IS NULL"] if self.after.required else []
        rules += [f"NOT ({rule})" for _, rule in self.after.kind.checks(self.after, f"({cell})")]
        count, examples = look(record, " OR ".join(rules), shown) if rules else (0, [])
        if not count and self.after.unique:
            count, examples = look_twice(record, cell, shown)
        if not count:
            return None
        text = f"{cells(count)} of “{self.after.label}” would break the rules that it had."
        return Impact(text, blocked=count, examples=examples)

    def apply(self, record):
        tables.shelve_column(record, self.before, self.column)
        tables.rename_column(record, self.kept.column, self.after.key)

    def settle(self, record):
        table, now, old = map(quoted, (record.table_name, self.column, self.after.key))
        if not self.after.kind.computed:
            made = self.converted(now)
            tables.execute(
                f"UPDATE {table} SET {old} = {made} "
                f"WHERE {self.edited(now, old)} AND {old} IS DISTINCT FROM ({made})"
            )
        tables.renew_rules(record, self.after, self.after)
        if self.after.kind.computed:
            tables.execute(f"UPDATE {table} SET {old} = DEFAULT WHERE {old} IS NULL")


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
