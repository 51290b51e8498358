"""Steps on entries: the same services as grid and API, in the name of the workflow's owner."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from automations import checking, saying
from automations.parts import Condition, said_condition, said_value
from automations.scope import template
from automations.steps.base import (
    MOST_ENTRIES,
    Failed,
    Step,
    entries_as_json,
    registered,
    said_values,
)
from records import entries
from records.query import Query


def _check_values(step, book, pointer, values, *, whole=False):
    record = book.check_record(step.record, f"{pointer}/record")
    for key in values if record else ():
        field = book.check_field(record, key, f"{pointer}/values/{key}", writable=True)
        if field:
            book.check_people(field, values[key], f"{pointer}/values/{key}")
    if record:
        checking.check_values(book, record, values, f"{pointer}/values", whole=whole)
    return record


def entry_id(value):
    """Return the id in a rendered value: a number, its text, or an entry; raise Failed."""
    if isinstance(value, dict):
        value = value.get("entry_id")
    text = str(value).strip() if value is not None else ""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Failed(f"“{text[:60]}” is no entry. Give an entry or its number.")
    return int(text)


def entry_ids(value):
    """Return the ids in a rendered value: one entry or a list of them."""
    items = value if isinstance(value, list) else [value]
    if len(items) > entries.MOST_ROWS:
        raise Failed(f"At most {entries.MOST_ROWS:,} entries can be named in one step.")
    return list(dict.fromkeys(entry_id(item) for item in items))


def share(output):
    """Return how large an output is, as a share of what the row of a step can hold."""
    from automations.finishing import LONGEST_OUTPUT, json_text

    return len(json_text(output)) / LONGEST_OUTPUT


@registered
class CreateEntry(Step):
    """Add an entry to a record; `values` maps field keys to literals or templates."""

    label, icon = "Add an entry", "plus"
    help = "Add an entry to a record and fill in its fields."
    type: Literal["create_entry"] = "create_entry"
    record: UUID
    values: dict[str, Any] = Field(default={}, max_length=500)

    def run(self, go):
        record = go.record(self.record)
        row = go.render(self.values)
        made = entries.create_entries(record=record, rows=[row], actor=go.actor)
        return {"entry": entries_as_json(record, made.ids)[0]}

    def sentence(self, book):
        said = f"add an entry to {book.name(self.record)}"
        return f"{said} with {said_values(book, self.record, self.values)}" if self.values else said

    def check(self, book, pointer):
        _check_values(self, book, pointer, self.values, whole=True)


@registered
class UpdateEntry(Step):
    """Change entries: those that `entry` names (one, or a list), by default the trigger's."""

    label, icon = "Change entries", "pencil"
    help = (
        "Change fields of an entry, or of several. Without a choice it is the one that "
        "started the run."
    )
    type: Literal["update_entry"] = "update_entry"
    record: UUID
    entry: Any = "{{ trigger.entry }}"
    values: dict[str, Any] = Field(min_length=1, max_length=500)

    def run(self, go):
        record = go.record(self.record)
        ids = entry_ids(go.render(self.entry))
        row = go.render(self.values)
        if ids:
            changes = dict.fromkeys(ids, row)
            entries.update_entries(record=record, changes=changes, actor=go.actor)
        found = entries_as_json(record, ids[:MOST_ENTRIES])
        made = {"count": len(ids), "entry": found[0] if found else None, "entries": found}
        # What is too much for later steps is no reason to change nothing.
        return {"count": len(ids), "cut": True} if share(made) > 1 else made

    def sentence(self, book):
        if _is_it(self, book):
            return f"set {said_values(book, self.record, self.values, 'to')}"
        values = said_values(book, self.record, self.values)
        return f"change {said_value(self.entry, book)} in {book.name(self.record)}: {values}"

    def check(self, book, pointer):
        _check_values(self, book, pointer, self.values)


@registered
class UpsertEntry(Step):
    """Change the entry whose `keys` (field keys) have the same values, or add one."""

    label, icon = "Add or change an entry", "arrows-diff"
    help = (
        "Change the entry that has the same values in the fields you choose, or add it when "
        "there is none."
    )
    type: Literal["upsert_entry"] = "upsert_entry"
    record: UUID
    keys: list[str] = Field(min_length=1, max_length=20)
    values: dict[str, Any] = Field(min_length=1, max_length=500)

    def run(self, go):
        record = go.record(self.record)
        row = go.render(self.values)
        made, created, updated, _ = entries.upsert_entries(
            record=record, rows=[row], keys=self.keys, actor=go.actor
        )
        found = entries_as_json(record, made.ids)
        return {"entry": found[0], "created": created > 0, "changed": updated > 0}

    def sentence(self, book):
        keys = saying.joined([saying.label(book, self.record, key) for key in self.keys])
        values = said_values(book, self.record, self.values)
        return f"add or change the entry of {book.name(self.record)} with the same {keys}: {values}"

    def check(self, book, pointer):
        record = _check_values(self, book, pointer, self.values)
        for number, key in enumerate(self.keys if record else ()):
            if book.check_field(record, key, f"{pointer}/keys/{number}") and key not in self.values:
                book.wrong(f"{pointer}/keys/{number}", f"Give a value for “{key}” as well.")


@registered
class DeleteEntry(Step):
    """Delete entries; they stay in history and the run can be undone."""

    label, icon = "Delete entries", "trash"
    help = "Delete entries. They stay in history, and the run can be undone."
    type: Literal["delete_entry"] = "delete_entry"
    record: UUID
    entry: Any = "{{ trigger.entry }}"

    def run(self, go):
        record = go.record(self.record)
        ids = entry_ids(go.render(self.entry))
        return {
            "count": entries.delete_entries(record=record, ids=ids, actor=go.actor) if ids else 0
        }

    def sentence(self, book):
        if _is_it(self, book):
            return "delete that entry"
        return f"delete {said_value(self.entry, book)} in {book.name(self.record)}"

    def check(self, book, pointer):
        book.check_record(self.record, f"{pointer}/record")


@registered
class FindEntries(Step):
    """Find entries by a condition, whose values may be templates."""

    label, icon = "Find entries", "search"
    help = "Find the entries that match a filter, for the steps that follow."
    type: Literal["find_entries"] = "find_entries"
    record: UUID
    where: Condition | None = None
    sort: list[str] = Field(default=[], max_length=10)
    limit: int = Field(default=100, ge=1, le=MOST_ENTRIES)

    def run(self, go):
        record = go.record(self.record, "read")
        query = Query(record, where=go.render(self.where), sort=self.sort)
        keys = [field.key for field in query.fields]
        rows = query.rows(limit=self.limit)
        found = [{"entry_id": row[0], **dict(zip(keys, row[2:], strict=True))} for row in rows]
        total = query.count() if len(found) == self.limit else len(found)
        made = {"entries": found, "count": total, "entry": found[0] if found else None}
        if (size := share(made)) > 1:
            fits = int((len(found) + 1) / size * 0.9)
            raise Failed(
                f"The {len(found):,} entries that were found are {size:.1f} MB together, and a "
                f"step hands on 1 MB. Let it find at most about {max(fits, 1):,}, or those that "
                "match a narrower condition."
            )
        return made

    def sentence(self, book):
        said = f"find entries of {book.name(self.record)}"
        if self.where:
            said += f" where {said_condition(book, self.record, self.where)}"
        said += saying.sorted_by(book, self.record, self.sort)
        return said if self.limit == 100 else f"{said}, at most {self.limit}"

    def check(self, book, pointer):
        record = book.check_record(self.record, f"{pointer}/record")
        if record is None:
            return
        for number, item in enumerate(self.sort):
            checking.check_order(book, record, item, f"{pointer}/sort/{number}")
        if self.where:
            check_fields(record, self.where, book, f"{pointer}/where")


def check_fields(record, where, book, pointer):
    """Check what can be checked of a condition before its templates have values."""
    for word in ("and", "or"):
        if isinstance(where.get(word), list):
            for number, item in enumerate(where[word]):
                check_fields(record, item, book, f"{pointer}/{word}/{number}")
            return
    if isinstance(where.get("not"), dict):
        return check_fields(record, where["not"], book, f"{pointer}/not")
    if "{{" in str(where.get("value", "")):
        book.check_field(record, where.get("field"), f"{pointer}/field")
    else:
        book.check_condition(record, where, pointer)


def _is_it(step, book):
    """Return whether a step is about the entry that “it” means where it stands."""
    scope = book.scope
    root, inner = (scope.root, scope.inner) if scope else (("trigger", "entry"), step.record)
    return step.record == inner and step.entry == template(root)
