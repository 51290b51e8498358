"""What agents can do in KDAP: each tool is a model of its arguments with one verb.

Tools run in the name of the acting person, confined to the agent's workspace by `confined`, whose
token the database's wall reads too. What they find is text by others and is handed on as data.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field

from automations.steps.base import entries_as_json
from automations.toolkit import Id, Kit, Row, Tool, WrongArguments, made
from records import entries
from records.lookup import find_record
from records.models import Record
from records.query import Query
from workspaces import access
from workspaces.access import Actor
from workspaces.errors import Forbidden, Invalid, Missing
from workspaces.jsons import json_bytes

TOOLS = Kit()
MOST_FOUND = 100
MOST_WRITTEN = 100
LARGEST = 60_000
NOT_HERE = "There is no such record here."


@dataclass(frozen=True)
class Confined:
    """Stands where a token would: the person's rights, but in one workspace and for some verbs."""

    workspaces: list
    verbs: list


@dataclass
class Hands:
    """Who acts for an agent at this moment, and on which records."""

    actor: Actor
    workspace_id: UUID
    only: tuple = ()
    written: int = 0

    def record(self, named, action="read"):
        """Return the Record of that id or name; Missing for whatever lies elsewhere."""
        found = None
        try:
            found = UUID(str(named))
        except ValueError:
            rows = self.records().filter(name__iexact=str(named).strip()[:200])
            found = rows.values_list("pk", flat=True).first()
        if found is None or not self.records().filter(pk=found).exists():
            raise Missing(NOT_HERE)
        return find_record(self.actor, found, action)

    def records(self):
        """Return the living records that it may know of."""
        rows = Record.objects.filter(workspace=self.workspace_id, deleted_at=None)
        return rows.filter(pk__in=self.only) if self.only else rows


def confined(actor, workspace_id, *, writes):
    """Return `actor` with hands for one workspace only, and for reading alone unless `writes`."""
    verbs = ["read", "write"] if writes else ["read"]
    if actor.token is not None:
        verbs = [verb for verb in verbs if verb in actor.token.verbs]
    return replace(actor, token=Confined([workspace_id], verbs), roles={})


def owner_allows(agent, action):
    """Raise Forbidden when the agent's owner may not do `action` there (any more)."""
    if not access.allows(Actor(user=agent.owner), action, agent.workspace_id):
        who = agent.owner.name or agent.owner.email
        raise Forbidden(f"{who}, who owns this agent, may not do that here (any more).")


class AgentTool(Tool):
    """A tool of agents."""

    model_config = ConfigDict(str_max_length=100_000)

    def run(self, hands):
        """Do it; return the answer as JSON. Raises KdapError."""
        raise NotImplementedError

    def proposal(self, hands):
        """Return, for people, what a tool that writes would do."""
        raise NotImplementedError


def parsed(name, arguments):
    """Return the AgentTool with its arguments (a dict, or JSON as text); raise Invalid."""
    if name not in TOOLS:
        raise Invalid(f"There is no tool “{str(name)[:60]}”.")
    try:
        if isinstance(arguments, str):
            arguments = orjson.loads(arguments or "{}")
        return made(TOOLS[name], arguments or {})
    except orjson.JSONDecodeError:
        raise Invalid("These arguments are no JSON.") from None
    except WrongArguments as error:
        said = "; ".join(f"{'/'.join(map(str, path))}: {why}" for path, why in error.found[:10])
        raise Invalid(f"{error} {said}") from None


def as_data(value):
    """Return what a tool found, as models get it: data by others, cut when it is too long."""
    text = json_bytes(value, option=orjson.OPT_NON_STR_KEYS).decode()
    if len(text) > LARGEST:
        return {"data_cut": text[:LARGEST], "note": "This was cut; ask for less."}
    return {"data": orjson.loads(text)}


def _shown(value):
    text = value if isinstance(value, str) else json_bytes(value).decode()
    return f"“{text[:120]}{'…' if len(text) > 120 else ''}”"


def _said(record, values):
    labels = {item.key: item.label for item in record.structure.fields}
    return ", ".join(f"{labels.get(key, key)} = {_shown(v)}" for key, v in values.items())


@TOOLS.add
class ListRecords(AgentTool):
    """List the records of the workspace: id, name and description of each."""

    name, label = "list_records", "List records"

    def run(self, hands):
        found = hands.records().order_by("position", "id")[:500]
        return [{"id": str(r.pk), "name": r.name, "description": r.description} for r in found]


@TOOLS.add
class ReadStructure(AgentTool):
    """Read the fields of a record: key, label, type, whether it is required, its choices."""

    name, label = "read_structure", "Read the fields of a record"
    record: str = Field(description="The record's id or name.")

    def run(self, hands):
        return [_field(item) for item in hands.record(self.record).structure.fields]


def _field(item):
    choices = [choice["label"] for choice in item.options.get("choices", ())]
    shown = {"key": item.key, "label": item.label, "type": item.type, "required": item.required}
    shown |= {"description": item.description} if item.description else {}
    return shown | ({"choices": choices} if choices else {})


@TOOLS.add
class QueryEntries(AgentTool):
    """Find entries of a record.

    `where` is {"field": key, "op": operator, "value": …}, or {"and": […]}, {"or": […]}; `sort` are
    field keys, with - in front for descending; `search` is text that any field may contain.
    """

    name, label = "query_entries", "Find entries"
    record: str = Field(description="The record's id or name.")
    where: dict[str, Any] | None = None
    sort: list[str] = Field(default=[], max_length=10)
    search: str = Field(default="", max_length=500)
    limit: int = Field(default=20, ge=1, le=MOST_FOUND)

    def run(self, hands):
        record = hands.record(self.record)
        query = Query(record, where=self.where, sort=self.sort, search=self.search)
        keys = [item.key for item in query.fields]
        rows = query.rows(limit=self.limit)
        found = [{"entry_id": row[0], **dict(zip(keys, row[2:], strict=True))} for row in rows]
        return {"entries": found, "count": query.count() if len(rows) == self.limit else len(rows)}


@TOOLS.add
class CreateEntries(AgentTool):
    """Add entries to a record; each is an object of field keys and values."""

    name, label, writes = "create_entries", "Add entries", True
    record: str = Field(description="The record's id or name.")
    entries: list[Row] = Field(min_length=1, max_length=MOST_WRITTEN)

    def run(self, hands):
        record = hands.record(self.record, "write")
        written = entries.create_entries(record=record, rows=self.entries, actor=hands.actor)
        hands.written += len(written.ids)
        return {"added": entries_as_json(record, written.ids)}

    def proposal(self, hands):
        record = hands.record(self.record)
        said = "; ".join(_said(record, row) for row in self.entries[:5])
        count = len(self.entries)
        what = "an entry" if count == 1 else f"{count} entries"
        return f"add {what} to “{record.name}”: {said}{'; …' if count > 5 else ''}"


class EntryChange(BaseModel):
    """New values for one entry."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    entry_id: int = Field(ge=1, lt=2**63)
    values: Row = Field(min_length=1, max_length=500)


@TOOLS.add
class UpdateEntries(AgentTool):
    """Change entries of a record; only the field keys that are given change."""

    name, label, writes = "update_entries", "Change entries", True
    record: str = Field(description="The record's id or name.")
    changes: list[EntryChange] = Field(min_length=1, max_length=MOST_WRITTEN)

    def run(self, hands):
        record = hands.record(self.record, "write")
        changes = {item.entry_id: item.values for item in self.changes}
        if len(changes) < len(self.changes):
            raise Invalid("Name each entry once.")
        entries.update_entries(record=record, changes=changes, actor=hands.actor)
        hands.written += len(changes)
        return {"changed": entries_as_json(record, list(changes))}

    def proposal(self, hands):
        record = hands.record(self.record)
        said = "; ".join(
            f"entry {item.entry_id}: {_said(record, item.values)}" for item in self.changes[:5]
        )
        more = "; …" if len(self.changes) > 5 else ""
        return f"change {len(self.changes)} in “{record.name}”: {said}{more}"


@TOOLS.add
class UpsertEntries(AgentTool):
    """Change the entries whose `keys` (field keys) have the values of an entry given, and add those
    that are not there."""

    name, label, writes, destroys = "upsert_entries", "Change or add entries", True, True
    record: str = Field(description="The record's id or name.")
    keys: list[str] = Field(min_length=1, max_length=50)
    entries: list[Row] = Field(min_length=1, max_length=MOST_WRITTEN)

    def run(self, hands):
        record = hands.record(self.record, "write")
        _, created, updated, unchanged = entries.upsert_entries(
            record=record, rows=self.entries, keys=self.keys, actor=hands.actor
        )
        hands.written += created + updated
        return {"created": created, "updated": updated, "unchanged": unchanged}

    def proposal(self, hands):
        record = hands.record(self.record)
        labels = {item.key: item.label for item in record.structure.fields}
        by = " and ".join(f"“{labels.get(key, key)}”" for key in self.keys)
        said = "; ".join(_said(record, row) for row in self.entries[:5])
        more = "; …" if len(self.entries) > 5 else ""
        return (
            f"change or add {_count(self.entries)} in “{record.name}”, known by {by}: {said}{more}"
        )


@TOOLS.add
class DeleteEntries(AgentTool):
    """Delete entries by their ids. History keeps them."""

    name, label, writes, destroys = "delete_entries", "Delete entries", True, True
    record: str = Field(description="The record's id or name.")
    ids: list[Id] = Field(min_length=1, max_length=MOST_WRITTEN)

    def run(self, hands):
        record = hands.record(self.record, "write")
        count = entries.delete_entries(record=record, ids=self.ids, actor=hands.actor)
        hands.written += count
        return {"deleted": count}

    def proposal(self, hands):
        record = hands.record(self.record)
        ids = sorted(set(self.ids))
        names = ", ".join(map(_named, entries_as_json(record, ids[:5]))) or "none that is there"
        more = ", …" if len(ids) > 5 else ""
        return f"delete {_count(ids)} of “{record.name}”: {names}{more}"


def _count(items):
    return "an entry" if len(items) == 1 else f"{len(items)} entries"


def _named(entry):
    """Return an entry's number, and the first text that it holds."""
    texts = (v for k, v in entry.items() if k != "entry_id" and isinstance(v, str) and v)
    first = next(texts, None)
    return f"{entry['entry_id']}" + (f" ({_shown(first)})" if first else "")
