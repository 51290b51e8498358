"""Two versions of a structure side by side."""

from dataclasses import dataclass, field

WORDS = {True: "yes", False: "no", None: "–", "": "–"}


@dataclass(frozen=True)
class Row:
    """One field in both versions; `state` is same, added, removed, changed or moved."""

    old: object
    new: object
    state: str
    changes: list = field(default_factory=list)  # (what, text before, text after)

    @property
    def field(self):
        """The newest form of it."""
        return self.new or self.old


def compare(before, after):
    """Return Rows of structures `before` and `after` in the order of `after`, removed ones at their old place."""
    was = {item.id: item for item in before.fields}
    now = {item.id: item for item in after.fields}
    moved = _moved(before, after)
    rows = []
    for item in after.fields:
        old = was.get(item.id)
        if old is None:
            rows.append(Row(None, item, "added"))
            continue
        changes = list(_changes(old, item))
        state = "changed" if changes else "moved" if item.id in moved else "same"
        rows.append(Row(old, item, state, changes))
    for place, item in enumerate(before.fields):
        if item.id not in now:
            rows.insert(min(place, len(rows)), Row(item, None, "removed"))
    return rows


def _moved(before, after):
    """Return the ids of fields that stand elsewhere among those that both have."""
    both = {item.id for item in before.fields} & {item.id for item in after.fields}
    old = [item.id for item in before.fields if item.id in both]
    new = [item.id for item in after.fields if item.id in both]
    return {one for one, other in zip(old, new, strict=True) if one != other}


def _changes(old, new):
    pairs = [
        ("Name", old.label, new.label),
        ("Type", old.kind.label, new.kind.label),
        ("Required", WORDS[old.required], WORDS[new.required]),
        ("Unique", WORDS[old.unique], WORDS[new.unique]),
        ("Personal", WORDS[old.personal], WORDS[new.personal]),
        ("Default", _text(old.default), _text(new.default)),
        ("Description", old.description or "–", new.description or "–"),
    ]
    for name in dict.fromkeys([*old.options, *new.options]):
        what = name.replace("_", " ").capitalize()
        pairs.append((what, _text(old.options.get(name)), _text(new.options.get(name))))
    return [pair for pair in pairs if pair[1] != pair[2]]


def _text(value):
    if isinstance(value, list):
        shown = [str(item["label"] if isinstance(item, dict) else item) for item in value]
        return ", ".join(shown) or "–"
    if value is None or isinstance(value, bool) or value == "":
        return WORDS[value]
    return str(value)
