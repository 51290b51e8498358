"""What entries were and became, cell by cell, out of their images and the log.

The twin table keeps every superseded image with the span of tags in which it was true; the live
row is the newest one. Each change is read with the structure of its own time.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from accounts.models import User
from records import twins
from records.entries import update_entries
from records.history import quoted
from records.models import StructureVersion
from records.names import history_name
from records.past import past_of
from records.plain import text_of
from workspaces.errors import Missing
from workspaces.models import Event

MOST_STEPS = 200
LONGEST = 500


@dataclass(frozen=True)
class Cell:
    """One changed cell: its field then, both values as people read them, and as the API does."""

    field: object
    label: str
    old: str
    new: str
    before: object = None
    after: object = None


@dataclass
class Step:
    """One change of one entry: what it was, by which event, and the cells it changed."""

    entry_id: int
    tag: int
    what: str  # Added, Changed, Deleted, Brought back, Kept (of what was before, by a retention)
    cells: list = field(default_factory=list)
    event: Event | None = None


@dataclass(frozen=True)
class Image:
    """An entry during [tag, until); `until` is None and `end` empty for the live row."""

    entry_id: int
    tag: int
    until: int | None
    end: str
    cells: dict


def steps_of(record, entry_id, *, before=None, limit=MOST_STEPS):
    """Return the newest steps of an entry, the newest first; none for an id that never was.

    `before` is the tag of a step: only older ones. Asks the same number of questions however
    many steps there are, and one or two more for each structure that the record had meanwhile.
    """
    images = _images(
        record,
        "entry_id = %(entry)s AND _ev < %(before)s",
        {"entry": entry_id, "before": before or 2**63 - 1, "most": limit + 1},
        order="ORDER BY _ev_to DESC LIMIT %(most)s",
    )
    steps, last = [], None
    for image in images:
        again = "Brought back" if last and last.end == "D" else "Changed"
        told = (last and last.cells, image.cells)
        begins = "Kept" if image.tag <= record.history_begins else "Added"
        steps.append((Step(entry_id, image.tag, again if last else begins), *told))
        if image.end == "D" and (before is None or image.until < before):
            steps.append((Step(entry_id, image.until, "Deleted"), image.cells, None))
        last = image
    if len(images) > limit:  # the oldest one is only there to compare with
        steps = steps[1:]
    _fill(record, steps)
    found = [step for step, *_ in steps]
    events = Event.objects.defer("payload").select_related("user")
    known = events.in_bulk([step.tag for step in found])
    for step in found:
        step.event = known.get(step.tag)
        if step.what == "Kept" and step.event and step.event.type == "entries.created":
            step.what = "Added"
    return found[: -limit - 1 : -1]


def never_was(record, entry_id):
    """Return a sentence for an id of which there are no steps."""
    if record.history_begins:
        return f"Nothing is known of an entry {entry_id}. {record.history_note}"
    return f"There never was an entry {entry_id} here."


def changes_of(record, operation_id, *, after=0, limit=50):
    """Return (steps, cursor): what an operation made of each entry of a record, by entry id.

    An entry that it changed several times is one step, from what it found to what it left.
    `after` is a cursor; None means that there are no more.
    """
    tags, known, spans = _touched(record, operation_id)
    if not tags:
        return [], None
    ids = sorted(id for id in known if id > after)[: limit + 1]
    for low, high in spans:
        ids += _touched_in(record, tags, max(low, after + 1), high, limit + 1)
    ids = sorted(set(ids))[: limit + 1]
    shown = ids[:limit]
    params = {"ids": shown, "tags": list(tags)}
    mine = "(_ev = ANY(%(tags)s) OR _ev_to = ANY(%(tags)s))"
    images = {}
    for image in _images(record, "entry_id = ANY(%(ids)s)", params, twin=mine):
        if image.tag in tags or image.until in tags:
            images.setdefault(image.entry_id, []).append(image)
    steps = [_net(id, images.get(id, ()), tags) for id in shown]
    _fill(record, [step for step in steps if step])
    return [step[0] for step in steps if step], shown[-1] if len(ids) > limit else None


def is_forgotten(record, operation_id):
    """Return whether cells that an operation changed in a record are not kept any more."""
    return (
        record.history_begins > 0
        and Event.objects.filter(
            operation_id=operation_id,
            stream_id=record.pk,
            type__startswith="entries.",
            id__lte=record.history_begins,
        ).exists()
    )


def entries_of(record, event, after, limit):
    """Return up to `limit` ids of the entries that an event wrote, in order, behind the id `after`."""
    payload = event.payload or {}
    if "ids" in payload:
        return sorted(int(id) for id in payload["ids"] or () if int(id) > after)[:limit]
    low = max(payload.get("first") or 1, after + 1)
    return _touched_in(record, [event.pk], low, payload.get("last") or 2**62, limit)


def restorable(record):
    """Return the ids of the fields whose old values people may put back."""
    return {field.id for field in record.structure.columns if not field.kind.computed}


def restore_cell(*, record, entry_id, tag, field_id, actor):
    """Give a cell the value again that the event `tag` replaced; return the field's label.

    Raises Missing when that is not known any more, Invalid when the field can't take it now.
    """
    found = _images(
        record,
        "entry_id = %(entry)s",
        {"entry": entry_id, "tag": tag},
        twin="_ev_to = %(tag)s AND _op = 'U'",
    )
    then = now = None
    if found and found[0].until == tag:
        past = past_of(record, tag)
        then = next((f for f in past.structure.columns if f.id == field_id), None)
        now = next((f for f in record.structure.columns if f.id == field_id), None)
    if not then or not now or past.column(then) is None:
        raise Missing("This old value is not kept any more, or its field is deleted.")
    value = found[0].cells[past.column(then)]
    if value is not None and then.type != now.type:
        value = _text(then, _value(then, value), {str(value): str(value)})
    update_entries(record=record, changes={entry_id: {now.key: value}}, actor=actor)
    return now.label


def _net(entry_id, images, tags):
    """Return (step, cells before, cells after) of one entry over a whole operation."""
    if not images:
        return None
    first, last = images[0], images[-1]
    before = None if first.tag in tags else first.cells
    gone = last.end == "D" and last.until in tags
    after = None if gone or last.tag not in tags else last.cells
    if before is None and after is None:
        return None  # made and deleted by the same operation
    what = "Added" if before is None else "Deleted" if after is None else "Changed"
    return Step(entry_id, last.until if gone else last.tag, what), before, after


def _touched(record, operation_id):
    """Return (tags, ids, spans) of an operation's events on a record's entries."""
    events = Event.objects.filter(
        operation_id=operation_id, stream_id=record.pk, type__startswith="entries."
    ).values_list("id", "payload")
    tags, ids, spans = set(), set(), []
    for tag, payload in events:
        if tag <= record.history_begins:
            continue  # what it found is not kept
        tags.add(tag)
        ids.update(payload.get("ids", ()))
        if "first" in payload:
            spans.append((payload["first"], payload["last"]))
    return tags, ids, spans


def _touched_in(record, tags, low, high, most):
    """Return up to `most` ids between `low` and `high` that statements of `tags` wrote."""
    live, twin = quoted(record.table_name), quoted(history_name(record.table_name))
    between = "entry_id BETWEEN %(low)s AND %(high)s"
    parts = (
        f"(SELECT entry_id FROM {table} WHERE {between} AND {column} = ANY(%(tags)s) "
        "ORDER BY entry_id LIMIT %(most)s)"
        for table, column in ((live, "_ev"), (twin, "_ev_to"), (twin, "_ev"))
    )
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ".join(parts), {"low": low, "high": high, "tags": list(tags), "most": most}
        )
        return [id for (id,) in cursor.fetchall()]


def _images(record, where, params, *, twin="true", order=""):
    """Return the Images that the SQL `where` finds, oldest first; `twin` is only for past ones."""
    structure = record.structure
    names = [f.key for f in structure.columns]
    names += [item.column for item in structure.shelf if item.column]
    cells = "".join(f", {quoted(name)}" for name in names)
    live, past = quoted(record.table_name), twins.images(record)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT * FROM (SELECT entry_id, _ev, _ev_to, _op::text{cells} FROM {past} AS kept "
            f"WHERE {where} AND {twin} {order}) AS past "
            f"UNION ALL SELECT entry_id, _ev, NULL, ''{cells} FROM {live} WHERE {where} "
            "ORDER BY 1, 2",
            params,
        )
        return [
            Image(*row[:4], dict(zip(names, row[4:], strict=True))) for row in cursor.fetchall()
        ]


def _fill(record, told):
    """Give each step its changed cells; `told` holds (step, cells before, cells after)."""
    pasts = _pasts(record, {step.tag for step, *_ in told})
    labels = {f.id: f.label for f in record.structure.fields}
    raw = []
    for step, before, after in told:
        past = pasts[step.tag]
        for then in past.structure.columns:
            column = past.column(then)
            old, new = ((cells or {}).get(column) for cells in (before, after))
            if old != new:
                raw.append((step, then, old, new))
    people = _people(raw)
    for step, then, old, new in raw:
        values = [_value(then, value) for value in (old, new)]
        texts = [_text(then, value, people) for value in values]
        step.cells.append(Cell(then, labels.get(then.id, then.label), *texts, *values))


def _pasts(record, tags):
    """Return {tag: Past} for the tags; each structure is asked for once."""
    versions = list(
        StructureVersion.objects.filter(record=record)
        .order_by("event_id")
        .values_list("event_id", flat=True)
    )
    found, by_version = {}, {}
    for tag in tags:
        number = bisect_right(versions, tag)
        if number not in by_version:
            by_version[number] = past_of(record, tag if number else versions[0])
        found[tag] = by_version[number]
    return found


def _value(then, raw):
    """Return what the database holds as the API shows it."""
    dump = then.kind.dump(then)
    return dump(raw) if dump and raw is not None else raw


def _text(then, value, people):
    """Return the API's value as people read it."""
    shown = text_of(value, then, people)
    return shown if len(shown) <= LONGEST else shown[:LONGEST] + "…"


def _people(raw):
    """Return {id as text: name} of everybody whom cells name."""
    ids = {
        value
        for _, then, old, new in raw
        if then.kind.editor == "user"
        for value in (old, new)
        if isinstance(value, UUID)
    }
    if not ids:
        return {}
    return {str(user.pk): str(user) for user in User.objects.filter(pk__in=ids)}
