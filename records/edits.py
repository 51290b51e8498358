"""What people say should change in a structure, made to a structure; no database is needed."""

from records import fields
from records import structure as structures
from records.conversions import converts
from records.names import field_key
from records.structure import Shelved
from workspaces.errors import InvalidStructure

CHANGES = (
    "add_field",
    "change_field",
    "delete_field",
    "restore_field",
    "revert_field",
    "move_field",
)
# What a field keeps when its conversion is taken back, if it was changed since.
KEPT = ("label", "description", "required", "unique", "personal")
# What people say of a field.
SAID = {"label", "type", "required", "unique", "default", "description", "personal", "options"}


def edit(structure, changes, version):
    """Return `structure` with `changes` made to it, as the structure numbered `version`.

    A change is a dict with `op`, one of CHANGES: add_field {field: {label, type, …}, position?},
    change_field {field, and what to change}, delete_field {field}, restore_field {field},
    revert_field {field, version}: the conversion that made this version is taken back,
    move_field {field, position}. A field is named by key or id. Raises InvalidStructure.
    """
    if not isinstance(changes, list) or not changes:
        raise InvalidStructure("Say what to change: a list of changes.")
    for index, change in enumerate(changes):
        if not isinstance(change, dict) or change.get("op") not in CHANGES:
            raise InvalidStructure(
                f"A change is an object whose op is one of {', '.join(CHANGES)}.",
                problems=[{"pointer": f"/changes/{index}", "detail": "Unknown change."}],
            )
        rest = {key: value for key, value in change.items() if key != "op"}
        structure = globals()[f"_{change['op']}"](structure, version, rest)
    return structure


def _named(structure, name):
    try:
        return structure.field(name)
    except KeyError:
        raise InvalidStructure(f"There is no field “{str(name)[:60]}”.") from None


def _add_field(structure, version, change):
    spec = change.get("field")
    if not isinstance(spec, dict) or not spec.keys() >= {"label", "type"}:
        raise InvalidStructure("A new field needs a label and a type.")
    unknown = spec.keys() - SAID
    if unknown:
        raise InvalidStructure(f"A field has no “{sorted(unknown)[0][:60]}”.")
    made = structures.make_field(taken=structure.key_set(), **spec)
    place = _place(change.get("position"), structure)
    fields = list(structure.fields)
    fields.insert(place, made)
    return structure.but(fields=fields)


def _change_field(structure, version, change):
    old = _named(structure, change.pop("field", None))
    if change.keys() - SAID:
        raise InvalidStructure(f"A field has no “{sorted(change.keys() - SAID)[0][:60]}”.")
    data = old.model_dump() | change
    if data["type"] != old.type:
        if "options" not in change:
            data["options"] = _carried(old, data["type"])
        if "default" not in change:
            data["default"] = None
    data["options"] = _recognised(data, old)
    new = structures.parse({"fields": [data]}).fields[0]
    shelf = structure.shelf
    if converts(old, new):
        if old.kind.virtual or new.kind.virtual or new.kind.computed:
            raise InvalidStructure(f"“{old.label}” can't become {new.kind.label.lower()}.")
        shelf = _with_old(structure, version, old, became=new)
    fields = [new if item.id == old.id else item for item in structure.fields]
    return structure.but(fields=fields, shelf=shelf)


def _with_old(structure, version, old, became, follower=None):
    """Return the shelf with the column that `old` has until now."""
    if any((item.field.id, item.version) == (old.id, version) for item in structure.shelf):
        raise InvalidStructure(f"Convert “{old.label}” in one step at a time.")
    item = Shelved(
        field=old,
        column=f"_c{version}_{old.id}",
        reason="converted",
        version=version,
        became=became,
        made=structure.made(old.id),
        follower=follower,
    )
    return (*structure.shelf, item)


def _revert_field(structure, version, change):
    now = _named(structure, change.get("field"))
    found = [
        item for item in structure.conversions(now.id) if item.version == change.get("version")
    ]
    if not found:
        raise InvalidStructure(f"“{now.label}” was not converted by that version.")
    item = found[0]
    if not structure.is_next(item):
        raise InvalidStructure(
            f"“{now.label}” was converted again since. Take that conversion back first."
        )
    back = _as_before(item, now)
    shelf = _with_old(structure, version, now, became=back, follower=item.made)
    fields = [back if other.id == now.id else other for other in structure.fields]
    return structure.but(fields=fields, shelf=[other for other in shelf if other is not item])


def _as_before(item, now):
    """Return the field as it was before the conversion of `item`, with what was changed since."""
    old, became = item.field, item.became or now
    data = old.model_dump() | {"key": now.key}
    data |= {
        name: getattr(now, name) for name in KEPT if getattr(now, name) != getattr(became, name)
    }
    if not old.kind.may_be_unique:
        data["unique"] = False
    if old.kind.computed:
        data["required"] = data["personal"] = False
    data["options"] = old.kind.rejoined(old.options, became.options, now.options)
    return structures.parse({"fields": [data]}).fields[0]


def _recognised(data, old):
    """Return the options in `data`, with what the old field knows by ids found again by names."""
    known = isinstance(data["type"], str) and data["type"] in fields.TYPES
    if not known or not isinstance(data["options"], dict):
        return data["options"]
    return fields.get(data["type"]).recognised(data["options"], old.options)


def _carried(old, type):
    """Return the options that a field keeps when it gets another type."""
    if not isinstance(type, str) or type not in fields.TYPES:
        return {}
    known = fields.TYPES[type].Options.model_fields
    return {name: value for name, value in old.options.items() if name in known}


def _delete_field(structure, version, change):
    old = _named(structure, change.get("field"))
    place = structure.fields.index(old)
    column = "" if old.kind.virtual else f"_d{version}_{old.id}"
    item = Shelved(field=old, column=column, reason="deleted", version=version, position=place)
    fields = [other for other in structure.fields if other.id != old.id]
    return structure.but(fields=fields, shelf=(*structure.shelf, item))


def _restore_field(structure, version, change):
    name = change.get("field")
    found = [
        item
        for item in structure.shelf
        if item.reason == "deleted" and name in (item.field.id, item.field.key)
    ]
    if not found:
        raise InvalidStructure(f"There is no deleted field “{str(name)[:60]}”.")
    item = found[-1]
    back = item.field
    if back.key in structure.key_set():
        back = back.model_copy(update={"key": field_key(back.label, structure.key_set())})
    fields = list(structure.fields)
    fields.insert(min(item.position, len(fields)), back)
    return structure.but(fields=fields, shelf=[i for i in structure.shelf if i is not item])


def _move_field(structure, version, change):
    moved = _named(structure, change.get("field"))
    fields = [item for item in structure.fields if item.id != moved.id]
    fields.insert(_place(change.get("position"), structure), moved)
    return structure.but(fields=fields)


def _place(position, structure):
    if position is None:
        return len(structure.fields)
    if not isinstance(position, int) or isinstance(position, bool) or position < 0:
        raise InvalidStructure("A position is a whole number from 0.")
    return min(position, len(structure.fields))
