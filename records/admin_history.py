"""What happened to one entry, step by step, out of its images and the log."""

from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from accounts.models import User
from records.history import quoted
from records.names import history_name
from workspaces.models import Event

MOST_STEPS = 200


@dataclass
class Step:
    """One change: the event that tells who and when, what it was, and the cells it changed."""

    tag: int
    what: str
    changes: list = field(default_factory=list)
    event: Event | None = None


def steps_of(record, entry_id):
    """Return the newest steps of an entry, the newest first; none for an id that never was.

    Superseded images come from the twin table, the present one from the table itself.
    """
    fields = record.structure.columns
    images = _images(record, fields, entry_id)
    steps, before = [], None
    for tag, until, end, *cells in images:
        again = "Restored" if before and before[0] == "D" else "Changed"
        what = "Created" if before is None else again
        steps.append(Step(tag, what, _changes(fields, before and before[1], cells)))
        if end == "D":
            steps.append(Step(until, "Deleted"))
        before = (end, cells)
    _name_people(fields, steps)
    events = Event.objects.select_related("user").in_bulk([step.tag for step in steps])
    for step in steps:
        step.event = events.get(step.tag)
    return steps[::-1]


def _images(record, fields, entry_id):
    """Return [tag, tag of the next or None, operation or None, *cells] for each image, oldest first."""
    cells = "".join(f", {quoted(f.key)}" for f in fields)
    table, twin = quoted(record.table_name), quoted(history_name(record.table_name))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT * FROM (SELECT _ev, _ev_to, _op::text{cells} FROM {twin} "
            f"WHERE entry_id = %s ORDER BY _ev_to DESC LIMIT {MOST_STEPS}) AS past "
            f"UNION ALL SELECT _ev, NULL, NULL{cells} FROM {table} WHERE entry_id = %s "
            "ORDER BY _ev",
            [entry_id, entry_id],
        )
        return cursor.fetchall()


def _changes(fields, before, after):
    """Return [(field, old value, new value)] as people read them, for cells that differ."""
    before = before or [None] * len(after)
    return [
        (field, _text(field, old), _text(field, new))
        for field, old, new in zip(fields, before, after, strict=True)
        if old != new
    ]


def _text(field, value):
    dump = field.kind.dump(field)
    shown = field.kind.display(dump(value) if dump and value is not None else value, field)
    return shown if len(shown) <= 500 else shown[:500] + "…"


def _name_people(fields, steps):
    """Put names where cells hold people's ids."""
    ids = {
        text
        for step in steps
        for changed, old, new in step.changes
        if changed.kind.editor == "user"
        for text in (old, new)
        if text
    }
    if not ids:
        return
    names = {str(user.pk): str(user) for user in User.objects.filter(pk__in=map(UUID, ids))}
    for step in steps:
        step.changes = [
            (changed, names.get(old, old), names.get(new, new))
            if changed.kind.editor == "user"
            else (changed, old, new)
            for changed, old, new in step.changes
        ]
