"""Tools that tell what records there are and what they consist of."""

from uuid import UUID

from pydantic import Field

from automations.mcp.tools import TOOLS, McpTool
from records.lookup import find_record
from records.models import Record
from workspaces.api import find_workspace, visible

MOST_RECORDS = 500


@TOOLS.add
class ListRecords(McpTool):
    """List the records (tables) that you can read, with their workspaces."""

    name, label = "list_records", "List records"
    workspace_id: UUID | None = Field(default=None, description="Only those of one workspace.")

    def run(self, actor):
        rooms = [find_workspace(actor, self.workspace_id)] if self.workspace_id else visible(actor)
        names = {room.pk: room.name for room in rooms}
        found = Record.objects.filter(workspace__in=names, deleted_at=None)
        found = found.order_by("workspace__name", "position", "name")[: MOST_RECORDS + 1]
        records = [
            {
                "record_id": record.pk,
                "name": record.name,
                "description": record.description,
                "workspace_id": record.workspace_id,
                "workspace": names[record.workspace_id],
            }
            for record in found[:MOST_RECORDS]
        ]
        return {"records": records, "more": len(found) > MOST_RECORDS}


@TOOLS.add
class ReadStructure(McpTool):
    """Read the fields of a record: key, label, type, options, and the operators that conditions
    of query_entries can use with each."""

    name, label = "read_structure", "Read a record's structure"
    record_id: UUID

    def run(self, actor):
        record = find_record(actor, self.record_id)
        return {
            "record_id": record.pk,
            "name": record.name,
            "version": record.version,
            "fields": [_shown(field) for field in record.structure.fields],
        }


def _shown(field):
    told = field.model_dump(
        mode="json", include={"key", "label", "type", "required", "unique", "description"}
    )
    options = field.model_dump(mode="json").get("options")
    return (
        told
        | ({"options": options} if options else {})
        | {
            "read_only": field.kind.computed,
            "operators": [operator.key for operator in field.kind.operators],
        }
    )
