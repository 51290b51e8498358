"""Filling in a field by an agent: a task for each entry proposes a value, a person applies some.

What is applied goes through the same door as what people type into the table (records.cells): one
operation in the person's name, whose cause names the agent. A cell that changed since the agent was
asked is left as it is, and said.
"""

import orjson
from django.db import transaction
from django.utils import timezone

from automations.agents import answers, tasks
from automations.agents.models import Agent, AgentFilling, AgentTask
from automations.agents.proposals import names_in, proposals_of
from records.cells import Changes
from records.lookup import find_record
from records.plain import text_of
from records.query import Query
from workspaces import access
from workspaces.access import because
from workspaces.errors import Conflict, Invalid, Missing

MOST_ENTRIES = 200
MOST_INPUT = 5_000_000
LONGEST_INSTRUCTION = 4000
LONGEST_NAME = 120
ASKED = (
    "Give the value of the field “{label}” for the entry in the input. "
    "Leave it out when nobody can know it."
)


def find_filling(actor, id, action="read"):
    """Return the AgentFilling of that id if `actor` may do `action` there; raise Missing, Forbidden."""
    related = AgentFilling.objects.select_related("agent__owner", "agent__workspace", "user")
    filling = related.filter(pk=id).first()
    if filling is None or filling.agent.workspace.deleted_at:
        raise Missing("There is no such filling, or it is not shared with you.")
    access.require(actor, action, filling.workspace_id)
    return filling


def agents_for(record):
    """Return the Agents that can be asked about entries of a record, by name."""
    found = Agent.objects.filter(workspace=record.workspace_id, deleted_at=None, status="active")
    return [agent for agent in found if _may_see(agent, record)]


def _may_see(agent, record):
    only = tasks.records_of(tasks.config_of(agent))
    return not only or record.pk in only


def fields_to_fill(record):
    """Return the fields that an agent can fill in."""
    return [field for field in record.structure.columns if not field.kind.computed]


def start_filling(*, record, actor, agent, field, entries, inputs=None, instruction=""):
    """Ask `agent` for a value of `field` (an id or key) for each of `entries` (ids); return the
    AgentFilling.

    `inputs` are ids or keys of the fields that it gets; without any all others that hold nothing
    personal. Raises Invalid, Missing, Forbidden, Conflict.
    """
    access.require(actor, "write", record.workspace_id)
    tasks.require_ready(agent, actor)
    if agent.workspace_id != record.workspace_id or not _may_see(agent, record):
        _wrong("agent", f"“{agent.name}” has no access to “{record.name}”.")
    asked = _field(record, field, "field")
    if asked not in fields_to_fill(record):
        _wrong("field", f"“{asked.label}” is filled by KDAP itself.")
    given = _inputs(record, asked, inputs)
    rows = _rows(record, entries, [*given, *([] if asked in given else [asked])])
    filling = AgentFilling.objects.create(
        workspace_id=record.workspace_id,
        agent=agent,
        user=actor.user,
        record=record,
        field_id=asked.id,
        inputs=[item.id for item in given],
        instruction=str(instruction).replace("\x00", "").strip()[:LONGEST_INSTRUCTION],
    )
    AgentTask.objects.bulk_create(_tasks(filling, record, actor, asked, given, rows))
    return filling


def _field(record, named, pointer):
    for field in record.structure.fields:
        if named in (field.id, field.key):
            return field
    return _wrong(pointer, f"“{record.name}” has no field “{str(named)[:60]}”.")


def _inputs(record, asked, named):
    if named is None:
        fields = record.structure.fields
        return [f for f in fields if f != asked and not f.personal and not f.kind.virtual]
    found = {}
    for number, item in enumerate(named):
        field = _field(record, item, f"inputs/{number}")
        found[field.id] = field
    if not found:
        _wrong("inputs", "Choose at least one field that the agent gets.")
    return list(found.values())


def _rows(record, ids, fields):
    """Return [(id, version, name, {field id: API value})] of the entries, in the order given."""
    ids = list(dict.fromkeys(ids))
    if not 0 < len(ids) <= MOST_ENTRIES:
        _wrong("entries", f"Choose from 1 to {MOST_ENTRIES} entries at a time.")
    first = record.structure.fields[0]
    query = Query(record, fields=list(dict.fromkeys(f.key for f in [*fields, first])))
    places = {field.key: number for number, field in enumerate(query.fields, start=2)}
    rows = query.rows(limit=len(ids), extra="entry_id = ANY(%s)", extra_params=[ids])
    found = {row[0]: row for row in rows}
    gone = [id for id in ids if id not in found]
    if gone:
        raise Missing(f"Entry {gone[0]} is not there (any more).", missing=gone)
    people = names_in(record)

    def name(row):
        text = text_of(row[places[first.key]], first, people)
        return text[:LONGEST_NAME] or f"Entry {row[0]}"

    return [
        (id, row[1], name(row), {field.id: row[places[field.key]] for field in fields})
        for id, row in ((id, found[id]) for id in ids)
    ]


def _tasks(filling, record, actor, asked, given, rows):
    form = [answers.answer_for(asked).model_dump(mode="json")]
    instruction = "\n".join([ASKED.format(label=asked.label), filling.instruction]).strip()
    people, size = names_in(record), 0
    for id, version, name, values in rows:
        input = {"entry": {f.label: _input_of(values[f.id], f, people) for f in given}}
        entry = {"id": id, "name": name, "version": version, "was": values[asked.id]}
        size += len(orjson.dumps([input, entry], default=str))
        if size > MOST_INPUT:
            raise Invalid(
                f"The entries hold more than {MOST_INPUT // 1_000_000} MB in these fields. "
                "Choose fewer entries, or fewer fields."
            )
        yield tasks.made_task(
            agent=filling.agent,
            actor=actor,
            input=input,
            name=f"{asked.label}: {name}",
            form=form,
            priority=AgentTask.Priority.LOW,
            filling=filling,
            instruction=instruction,
            operation_id=filling.pk,
            entry=orjson.loads(orjson.dumps(entry, default=str)),
        )


def _input_of(value, field, people):
    """Return a value as the agent gets it: as people read it, numbers and yes or no as they are."""
    return value if isinstance(value, bool | int | float | None) else text_of(value, field, people)


def _wrong(key, detail):
    raise Invalid(detail, problems=[{"pointer": f"/{key}", "detail": detail}])


# Ending


def stop(*, filling, actor):
    """Ask for no more values; those that are there can still be applied. Return the AgentFilling."""
    access.require(actor, "write", filling.workspace_id)
    with transaction.atomic():
        filling = _open(filling)
        if not _stop_tasks(filling, actor):
            raise Conflict("The agent was asked about every entry already.")
    return filling


def cancel(*, filling, actor):
    """Drop a filling; nothing of it is written, whatever was proposed. Return the AgentFilling."""
    access.require(actor, "write", filling.workspace_id)
    with transaction.atomic():
        filling = _open(filling)
        _stop_tasks(filling, actor)
        return _close(filling, AgentFilling.Closed.CANCELLED)


def apply(*, filling, actor, entries=None):
    """Write proposed values into their entries: all that can be, or those of `entries` (ids).

    Return the AgentFilling; its `outcome` tells what became of them: how many were changed, and which
    entries were refused (with why), changed by others since (conflicts), or gone.
    """
    access.require(actor, "write", filling.workspace_id)
    record = find_record(actor, filling.record_id, "write")
    with transaction.atomic():
        filling = _open(filling)
        if _unfinished(filling).exists():
            raise Conflict("The agent is still being asked. Wait for it, or stop it first.")
        can = {p.entry_id: p for p in proposals_of(filling, record) if p.can_be_applied}
        wanted = list(can) if entries is None else list(dict.fromkeys(entries))
        unknown = [id for id in wanted if id not in can]
        if unknown:
            _wrong("entries", f"There is nothing to apply to entry {unknown[0]}.")
        if not wanted:
            _wrong("entries", "Choose at least one value to apply.")
        changes, agent = Changes(record, actor), filling.agent
        with because(agent=str(agent.pk), agent_name=agent.name, filling=str(filling.pk)):
            changes.update([can[id].change() for id in wanted])
        outcome = {
            "asked": wanted,
            "changed": changes.cells,
            "refused": [{k: item[k] for k in ("entry_id", "detail")} for item in changes.refused],
            "conflicts": [item["entry_id"] for item in changes.conflicts],
            "gone": changes.gone,
        }
        how = AgentFilling.Closed.APPLIED
        return _close(filling, how, outcome=outcome, operation_id=actor.operation)


def _open(filling):
    """Return the filling, locked; raise Conflict when it is over."""
    filling = AgentFilling.objects.select_for_update().get(pk=filling.pk)
    if filling.closed:
        raise Conflict(f"This was {filling.get_closed_display().lower()} already.")
    return filling


def _unfinished(filling):
    return AgentTask.objects.filter(filling=filling, status__in=tasks.UNFINISHED)


def _stop_tasks(filling, actor):
    """End the tasks that are not over; return how many those were."""
    who = actor.user.name or actor.user.email
    found = _unfinished(filling).select_for_update(of=("self",)).select_related("user", "agent")
    found = list(found.order_by("pk"))
    for task in found:
        tasks.end(task, "cancelled", error=f"Stopped by {who}.")
    return len(found)


def _close(filling, how, **more):
    filling.closed, filling.closed_at = how, timezone.now()
    for name, value in more.items():
        setattr(filling, name, value)
    filling.save(update_fields=["closed", "closed_at", *more])
    return filling
