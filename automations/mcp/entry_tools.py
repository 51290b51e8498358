"""Tools that read and write entries, and take back what was written."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from automations.mcp.tools import TOOLS, McpTool
from automations.toolkit import Id, Row
from records import api_entries, entries
from records.api_query import MOST_SORTS, EntryQuery
from records.lookup import find_record
from records.past import as_of
from workspaces import operations

MOST_READ = 200
MOST_WRITTEN = 1000

Rows = Annotated[
    list[Row],
    Field(min_length=1, max_length=MOST_WRITTEN, description="Objects with field keys."),
]


@TOOLS.add
class QueryEntries(McpTool):
    """Find entries of a record. `where` is {"field": key, "op": operator, "value": …}, or a tree of
    {"and": […]}, {"or": […]}, {"not": {…}}; read_structure names the operators of each field. Give
    `cursor` of one answer to the next call to read on."""

    name, label = "query_entries", "Query entries"
    record_id: UUID
    where: dict[str, Any] | None = None
    sort: list[str] = Field(
        default=[], max_length=MOST_SORTS, description="Field keys, with - in front: descending."
    )
    search: str = Field(default="", max_length=500, description="A text that any field may hold.")
    fields: list[str] | None = Field(default=None, max_length=1000)
    limit: int = Field(default=50, ge=1, le=MOST_READ)
    cursor: str | None = Field(default=None, max_length=10_000)
    count: bool = Field(default=False, description="Count all that match as well.")
    as_of: str | None = Field(
        default=None, max_length=60, description="A moment (ISO 8601): the record as it was then."
    )

    def run(self, actor):
        record = find_record(actor, self.record_id)
        if self.as_of:
            record = as_of(record, self.as_of)
        query = EntryQuery(
            record, where=self.where, sort=self.sort, search=self.search, fields=self.fields
        )
        found, cursor = query.page(self.cursor, self.limit)
        counted = {"count": query.count()} if self.count else {}
        return {"entries": found, "cursor": cursor} | counted


class Writing(McpTool):
    """A tool that writes to one record."""

    writes = True
    record_id: UUID

    def run(self, actor):
        record = find_record(actor, self.record_id, "write")
        return self.write(record, actor) | {"operation_id": actor.operation}


@TOOLS.add
class CreateEntries(Writing):
    """Create entries. Fields that are not given get their default or stay empty."""

    name, label = "create_entries", "Create entries"
    entries: Rows

    def write(self, record, actor):
        rows = list(map(api_entries.reader(record), self.entries))
        with api_entries.pointers(None, "/entries"):
            made = entries.create_entries(record=record, rows=rows, actor=actor)
        return api_entries.written(made)


@TOOLS.add
class UpdateEntries(Writing):
    """Change the given fields of entries, each named by its entry_id. With the _version that was
    read, an entry is only changed if nobody else changed it since."""

    name, label, destroys = "update_entries", "Update entries", True
    entries: Rows

    def write(self, record, actor):
        with api_entries.pointers(None, "/entries"):
            made = api_entries.change_listed(record, list(self.entries), actor, replace=False)
        return api_entries.written(made)


@TOOLS.add
class UpsertEntries(Writing):
    """Change the entries whose `keys` (field keys) have the values of an entry given, and create
    those that are not there."""

    name, label, destroys = "upsert_entries", "Create or update entries", True
    keys: list[str] = Field(min_length=1, max_length=50)
    entries: Rows

    def write(self, record, actor):
        rows = list(map(api_entries.reader(record), self.entries))
        with api_entries.pointers(None, "/entries"):
            made, created, updated, unchanged = entries.upsert_entries(
                record=record, rows=rows, keys=self.keys, actor=actor
            )
        counts = {"created": created, "updated": updated, "unchanged": unchanged}
        return api_entries.written(made) | counts


@TOOLS.add
class DeleteEntries(Writing):
    """Delete entries by their ids. History keeps them; undo brings them back."""

    name, label, destroys = "delete_entries", "Delete entries", True
    ids: list[Id] = Field(min_length=1, max_length=MOST_WRITTEN)

    def write(self, record, actor):
        count = entries.delete_entries(record=record, ids=self.ids, actor=actor)
        return {"deleted": count}


@TOOLS.add
class Undo(McpTool):
    """Take an operation back as a whole, by the operation_id that a call or a run answered. What
    was changed since is kept, unless `force`. With `preview` it is only told what would happen.
    Undoing an undo is redo."""

    name, label, writes, destroys = "undo", "Undo an operation", True, True
    operation_id: UUID
    force: bool = False
    preview: bool = False

    def run(self, actor):
        outcome = operations.undo(
            operation_id=self.operation_id, actor=actor, force=self.force, preview=self.preview
        )
        told = outcome.as_json()
        return told | {"operation_id": told.pop("operation")}
