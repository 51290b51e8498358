"""Definitions to begin with, made from the records of a workspace.

A starter is a function of the workspace's records and of the address of who asks; it returns (label,
definition), or None where the records have nothing that it could work on. Each can be published as
it is.
"""

from dataclasses import dataclass
from typing import Any

from automations import meanings
from records.models import RecordStructure, with_structures

STARTERS = {}


@dataclass(frozen=True)
class Starter:
    """A definition to begin with, and what it is called in the list."""

    key: str
    label: str
    icon: str
    hint: str
    definition: dict[str, Any]


def starters_in(workspace_id, email):
    """Return the Starters that the living records of a workspace allow, asked for all at once."""
    here = RecordStructure.objects.filter(record__workspace=workspace_id, record__deleted_at=None)
    records = with_structures(here.order_by("record__position", "record__id"))
    return starters_for(list(records), email)


def starters_for(records, email):
    """Return the Starters that the living Records of a workspace allow; letters go to `email`."""
    made = []
    for key, (build, icon, hint) in STARTERS.items():
        found = build(records, email)
        if found:
            label, definition = found
            made.append(Starter(key, label, icon, hint, definition))
    return made


def starter(icon):
    """Register the decorated function; its docstring is the hint."""

    def register(function):
        STARTERS[function.__name__] = (function, icon, function.__doc__)
        return function

    return register


def _value(field):
    return f"{{{{ trigger.entry.{field.key} }}}}"


def _entry(record):
    """Return what names the trigger's entry: its title, or its number."""
    field = meanings.title(record)
    return _value(field) if field else f"{record.name} {{{{ trigger.entry.entry_id }}}}"


def _mail(email, subject, body="", id="tell", **more):
    return {"id": id, "type": "send_email", "to": [email], "subject": subject, "body": body} | more


def _task(records, record, text):
    """Return [the step that notes `text` among the tasks], [] where no record holds tasks."""
    tasks = meanings.tasks([other for other in records if other.pk != record.pk])
    if tasks is None:
        return []
    values = {meanings.title(tasks).key: text}
    return [{"id": "task", "type": "create_entry", "record": str(tasks.pk), "values": values}]


@starter("package")
def low_stock(records, email):
    """An e-mail when there is little left of something, and a task where tasks are kept."""
    found = meanings.stock(records)
    if found is None:
        return None
    record, field = found
    where = {"field": field.key, "op": "lt", "value": 10}
    trigger = {"type": "enters_filter", "record": str(record.pk), "where": where}
    said = f"{_entry(record)}: {field.label} is only {_value(field)}"
    steps = [*_task(records, record, said), _mail(email, said)]
    return f"Tell when {field.label} of {record.name} runs low", {
        "trigger": trigger,
        "steps": steps,
    }


@starter("user-check")
def ask_before_large(records, email):
    """Somebody approves what is above a limit, on a page or from an e-mail; a no is told."""
    found = meanings.amount(records)
    if found is None:
        return None
    record, field = found
    where = {"field": field.key, "op": "gt", "value": 500}
    question = f"{_entry(record)}: {field.label} is {_value(field)}. Is that right?"
    no = _mail(email, f"{_entry(record)} was not approved", f"{field.label} is {_value(field)}.")
    ask = {"id": "ask", "type": "approval", "question": question, "days": 3, "rejected": [no]}
    trigger = {"type": "entry_created", "record": str(record.pk), "where": where}
    label = f"Ask before {field.label} above 500 in {record.name}"
    return label, {"trigger": trigger, "steps": [ask]}


@starter("calendar")
def remind(records, email):
    """An e-mail some days before a date of an entry."""
    found = meanings.due(records)
    if found is None:
        return None
    record, field = found
    trigger = {
        "type": "date_reached",
        "record": str(record.pk),
        "field": field.key,
        "offset": -3,
        "unit": "days",
    }
    tell = _mail(email, f"{_entry(record)}: {field.label} is on {_value(field)}")
    label = f"Remind three days before {field.label} of {record.name}"
    return label, {"trigger": trigger, "steps": [tell]}


@starter("git-branch")
def when_done(records, email):
    """When something gets to its last state, it is told, and noted where tasks are kept."""
    found = meanings.status(records)
    if found is None:
        return None
    record, field = found
    last = meanings.last_choice(field)
    trigger = {
        "type": "field_changed",
        "record": str(record.pk),
        "field": field.key,
        "now": last,
    }
    said = f"{_entry(record)} is {last}"
    steps = [*_task(records, record, said), _mail(email, said)]
    label = f"Tell when {field.label} of {record.name} becomes {last}"
    return label, {"trigger": trigger, "steps": steps}


@starter("mail")
def welcome(records, email):
    """Whoever is added with an e-mail address gets a letter."""
    found = meanings.address(records)
    if found is None:
        return None
    record, field = found
    where = {"not": {"field": field.key, "op": "empty"}}
    trigger = {"type": "entry_created", "record": str(record.pk), "where": where}
    letter = _mail(_value(field), "Thank you", "We have your details and will be in touch.")
    label = f"Write to {field.label} of new {record.name}"
    return label, {"trigger": trigger, "steps": [letter]}


@starter("clock")
def every_monday(records, email):
    """Every Monday morning an e-mail with all entries as an Excel file."""
    found = meanings.amount(records) or meanings.stock(records)
    record = found[0] if found else next(iter(records), None)
    if record is None:
        return None
    trigger = {"type": "schedule", "every": 1, "unit": "weeks", "weekdays": [0], "at": "08:00"}
    attached = {"record": str(record.pk), "format": "xlsx"}
    tell = _mail(email, f"{record.name} this week", attachments=[attached])
    return f"Send {record.name} as a file every Monday", {"trigger": trigger, "steps": [tell]}


@starter("hand-click")
def by_hand(records, email):
    """A button on chosen entries: it sets their state, or sends each by e-mail."""
    found = meanings.status(records)
    if found:
        record, field = found
        last = meanings.last_choice(field)
        step = {
            "id": "change",
            "type": "update_entry",
            "record": str(record.pk),
            "values": {field.key: last},
        }
        label = f"A button that sets {field.label} of {record.name} to {last}"
    else:
        record = next((record for record in records if meanings.title(record)), None)
        if record is None:
            return None
        fields = [f for f in record.structure.fields if not f.kind.virtual][:12]
        step = _mail(email, _entry(record), "\n".join(f"{f.label}: {_value(f)}" for f in fields))
        label = f"A button that sends chosen {record.name} by e-mail"
    return label, {"trigger": {"type": "button", "record": str(record.pk)}, "steps": [step]}
