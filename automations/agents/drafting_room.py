"""What a model is told of a workspace when it drafts a workflow: names, never what entries hold.

It is data by people whom the model doesn't know. Secrets are no part of it. Of a large workspace the
records that the person's text or the present draft names come first and whole; when `ROOM` is full
the others are told by name alone, and how many were left out is said.
"""

import datetime as dt

import orjson

from accounts.middleware import zone_of
from automations.agents.tools import Hands
from automations.english.words import key_of, variants
from automations.integrations.mcp_tools import options_of
from automations.integrations.services import usable_in_steps
from automations.models import Agent, Workflow
from records.models import PublicForm
from workspaces.models import Member

ROOM = 16_000  # characters of JSON for the records, and a third of it for all the rest
MOST_RECORDS = 200
MOST_LOOKED_AT = 2000
MOST_CHOICES = 40
MOST_OTHERS = 40
LONGEST = 160


def told(*, text, person, workspace_id, only=(), draft=None, owner=None):
    """Return as JSON what may be known for a draft of `text` that `person` (a User) asks for.

    `only` are ids of the records that the agent is limited to, `draft` is the definition to be
    changed. The caller acts in the person's name, confined to the workspace.
    """
    named = _Named(text, orjson.dumps(draft or {}).decode())
    rows = Hands(None, workspace_id, only).records().order_by("position", "id")
    made = {
        "today": dt.datetime.now(zone_of(owner or person)).date().isoformat(),
        "time_zone": (owner or person).time_zone,
        "records": _records(named.first(list(rows[:MOST_LOOKED_AT]))),
    }
    left = rows.count() - len(made["records"])
    if left > 0:
        made["more_records"] = f"{left} more records are not told of."
    return made | _fitting(_others(named, workspace_id, only), ROOM // 3)


def _fitting(others, room):
    """Return as much of `others` as there is room for: of all kinds first what is named."""
    kept = {key: [] for key, _ in others}
    for wanted in (True, False):
        for key, items in others:
            for is_named, item in items[:MOST_OTHERS]:
                short = _shortened(item, room) if is_named is wanted else None
                if short is not None:
                    room -= _size(short)
                    kept[key].append(short)
    made = {}
    for key, items in others:
        if kept[key]:
            made[key] = kept[key]
        if len(kept[key]) < len(items):
            made[f"more_{key}"] = f"{len(items) - len(kept[key])} more are not told of."
    return made


def _shortened(item, room):
    """Return a thing whole, without descriptions, or without tools, as it fits; else None."""
    if _size(item) <= room:
        return item
    short = {key: value for key, value in item.items() if key != "about"}
    if "tools" in short:
        bare = [
            {key: value for key, value in tool.items() if key != "about"} for tool in item["tools"]
        ]
        short |= {"tools": bare}
        if _size(short) > room:
            short |= {"tools": "left out"}
    return short if _size(short) <= room else None


class _Named:
    """Which things a text, or the JSON of a draft, speaks of."""

    def __init__(self, text, draft):
        self.words = f" {' '.join(key_of(text))} "
        self.draft = draft

    def first(self, rows, name="name"):
        """Return `rows` with those that are named first, the others as they were."""
        return sorted(rows, key=lambda row: not self.has(getattr(row, name), row.pk))

    def marked(self, rows, tell, name="name"):
        """Return [(whether it is named, what `tell` says of it)] of `rows`, the named ones first."""
        return [
            (self.has(getattr(row, name), row.pk), tell(row))
            for row in self.first(list(rows), name)
        ]

    def has(self, name, id=""):
        """Return whether something of that name, singular or plural, or of that id is meant."""
        if id and str(id) in self.draft:
            return True
        keys = [key_of(name), *variants(name)] if name else []
        return any(f" {' '.join(key)} " in self.words for key in keys if key)


def _records(rows):
    room, told = ROOM, []
    for record in rows[:MOST_RECORDS]:
        short = {"id": str(record.pk), "name": record.name}
        if room > 0:
            whole = short | {"fields": [_field(field) for field in record.structure.fields]}
            if _size(whole) <= room or not told:
                room -= _size(whole)
                told.append(whole)
                continue
        told.append(short | {"fields": "left out"})
    return told


def _field(field):
    made = {"key": field.key, "label": field.label, "type": field.type}
    if field.kind.computed or field.kind.virtual:
        made["filled_by_kdap"] = True
    if field.required:
        made["required"] = True
    choices = [item["label"] for item in field.options.get("choices", ())]
    if choices:
        made["choices"] = choices[:MOST_CHOICES]
    if len(choices) > MOST_CHOICES:
        made["more_choices"] = len(choices) - MOST_CHOICES
    if field.description:
        made["about"] = _short(field.description)
    return made


def _others(named, workspace_id, only):
    """Return [(key, [(whether it is named, what is told of it)])] of all that is no record."""
    here = {"workspace": workspace_id, "deleted_at": None}
    members = Member.objects.filter(workspace=workspace_id).select_related("user").order_by("pk")
    people = [member.user for member in members]
    people = [(named.has(u.name) or named.has(u.name.split(" ")[0]), u) for u in people]
    people.sort(key=lambda pair: not pair[0])
    forms = PublicForm.objects.filter(**here, record__deleted_at=None).select_related("record")
    forms = forms.filter(record__in=only) if only else forms
    flows = Workflow.objects.filter(**here).order_by("name", "id")
    agents = Agent.objects.filter(**here, status="active")
    connections = usable_in_steps(workspace_id)
    return [
        ("people", [(is_named, _person(user)) for is_named, user in people]),
        ("forms", named.marked(forms, lambda form: _row(form, record=form.record.name))),
        (
            "agents",
            named.marked(agents, lambda agent: _row(agent, about=_short(agent.description))),
        ),
        ("workflows", named.marked(flows, _workflow)),
        ("connections", named.marked(connections, _connection, "server_name")),
    ]


def _person(user):
    return {"id": str(user.pk), "name": user.name, "email": user.email}


def _row(row, **more):
    return {"id": str(row.pk), "name": row.name} | {k: v for k, v in more.items() if v}


def _workflow(flow):
    starts = (flow.structured_definition.get("trigger") or {}).get("type", "")
    return _row(flow, starts=starts)


def _connection(connection):
    made = {"id": str(connection.pk), "name": connection.server_name, "kind": connection.kind}
    tools = [
        {
            "tool": tool["name"],
            "about": _short(tool.get("description", "")),
            "arguments": sorted(options_of(tool["schema"])[0])[:30],
        }
        for tool in connection.tools[:MOST_OTHERS]
    ]
    return made | ({"tools": tools} if tools else {})


def _short(text):
    return " ".join(text.split())[:LONGEST]


def _size(value):
    return len(orjson.dumps(value, default=str))
