"""Taking back what was done to records and their structures."""

from records import services
from records.models import Record
from workspaces.errors import Missing
from workspaces.operations import undoes

# What an edit of a field may change without touching its cells.
ATTRIBUTES = ("label", "description", "required", "unique", "default", "personal", "options")


def _record(event):
    record = Record.objects.filter(pk=event.stream_id).first()
    if record is None:
        raise Missing("This record is not there any more.")
    return record


@undoes("record.created", "record.restored")
def to_trash(event, actor, outcome, force):
    """Put the record in the trash (again)."""
    record = _record(event)
    if record.deleted_at is None:
        services.delete_record(record=record, actor=actor)
        outcome.add(1)


@undoes("record.deleted")
def from_trash(event, actor, outcome, force):
    """Take the record out of the trash."""
    record = _record(event)
    if record.deleted_at is not None:
        services.restore_record(record=record, actor=actor)
        outcome.add(1)


@undoes("record.changed")
def changed(event, actor, outcome, force):
    """Give the record its name, description, look and place back, where they were not changed since."""
    record = _record(event)
    now, was = event.payload["now"], event.payload["was"]
    back = {key: value for key, value in was.items() if force or getattr(record, key) == now[key]}
    services.change_record(record=record, actor=actor, **back)
    kept = [{"detail": f"Its {key} was changed since."} for key in was if key not in back]
    outcome.add(len(back), len(kept), kept)


@undoes("structure.changed")
def structure_changed(event, actor, outcome, force):
    """Change the structure back, as an ordinary change of the structure there is now."""
    record = _record(event)
    changes, kept = inverse(
        event.payload["before"], event.payload["after"], record.structure, force
    )
    if changes:
        services.change_structure(record=record, changes=changes, actor=actor, confirmed=True)
    outcome.add(len(changes), len(kept), [{"detail": sentence} for sentence in kept])


def inverse(before, after, present, force=False):
    """Return (changes, kept): what leads from `present` back over the step before → after.

    `before` and `after` are structures as stored, `present` a Structure; changes are as
    records.edits.edit takes them, kept are sentences on what was changed since.
    """
    was = {field["id"]: field for field in before["fields"]}
    then = {field["id"]: field for field in after["fields"]}
    now = {field.id: field for field in present.fields}
    changes, kept = [], []
    for id in then.keys() - was.keys() & now.keys():
        changes.append({"op": "delete_field", "field": id})
    changes += [item for id in was.keys() - then.keys() for item in _brought_back(id, present)]
    converted = _converted(before, after)
    shelf = {(item.field.id, item.version) for item in present.shelf}
    ready = {(item.field.id, item.version) for item in present.revertible}
    for id in was.keys() & then.keys():
        if was[id] == then[id]:
            continue
        if id not in now:
            kept.append(f"“{then[id]['label']}” was deleted since.")
        elif id in converted and (id, converted[id]) in ready:
            changes.append({"op": "revert_field", "field": id, "version": converted[id]})
        elif id in converted:
            taken = (id, converted[id]) not in shelf
            how = "was taken back already" if taken else "was converted again since"
            kept.append(f"“{now[id].label}” {how}.")
        else:
            _attributes(was[id], then[id], now[id], force, changes, kept)
    return [*changes, *_moves(was, then, now)], kept


def _brought_back(id, present):
    deleted = any(i.field.id == id and i.reason == "deleted" for i in present.shelf)
    return [{"op": "restore_field", "field": id}] if deleted else []


def _converted(before, after):
    """Return {field id: version} of the conversions in this step."""
    old = {(item["field"]["id"], item["version"]) for item in before["shelf"]}
    return {
        item["field"]["id"]: item["version"]
        for item in after["shelf"]
        if item["reason"] == "converted" and (item["field"]["id"], item["version"]) not in old
    }


def _attributes(was, then, now, force, changes, kept):
    back = {}
    for name in ATTRIBUTES:
        old, new = was.get(name, False), then.get(name, False)  # some are younger than the event
        if old == new:
            continue
        if force or getattr(now, name) == new:
            back[name] = old
        else:
            kept.append(f"“{now.label}”: its {name} was changed since.")
    if was["type"] != then["type"] and now.type == then["type"]:
        back["type"] = was["type"]
    if back:
        changes.append({"op": "change_field", "field": now.id, **back})


def _moves(was, then, now):
    """Return moves that give the fields their old order, if it is still as the step left it."""
    stayed = [id for id in was if id in then and id in now]
    left = [id for id in then if id in was and id in now]
    if stayed == left or [id for id in now if id in left] != left:
        return []
    others = [id for id in now if id not in stayed]
    return [
        {"op": "move_field", "field": id, "position": place}
        for place, id in enumerate([*stayed, *others])
    ]
