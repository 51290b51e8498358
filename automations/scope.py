"""What names mean at one place of a definition: “its Price”, {Price}, {find_orders: count}.

The same rules say a definition in English (automations/saying.py) and understand what people
write (automations/english), so that what is said is understood as it was meant.
"""

import re
from contextlib import contextmanager, nullcontext

from automations.template_parser import Path

ROOTS = ("trigger", "vars", "run", "workflow", "item")
CALL_ADDRESS = "call address"
ALONE = ("today", "now", "item", "index")
DOTTED = re.compile(r"[\w-]{1,100}(?:\.[\w-]{1,100}){0,15}")
WORKS = {
    "create_entry": "add",
    "update_entry": "change",
    "upsert_entry": "add_or_change",
    "delete_entry": "delete",
    "find_entries": "find",
}


def template(path, filters=""):
    """Return the template of a path, given as text or tuple, with its filters."""
    path = path if isinstance(path, str) else str(Path(path))
    return "{{ " + path + (f" | {filters}" if filters else "") + " }}"


class Scope:
    """The trigger's record, the loops around, and the steps before.

    `record` is the id of the trigger's record or None; `items` holds one for each loop around.
    """

    def __init__(self, book, trigger=None):
        self.book = book
        self.trigger = trigger.type if trigger else ""
        self.record = trigger.record_id if trigger else None
        self.whole = getattr(trigger, "each", "entry") == "operation"
        self.items, self.steps, self.variables, self.taken = [], {}, set(), set()

    @property
    def inner(self):
        """The id of the record whose entry “it” is, or None."""
        return self.items[-1] if self.items else self.record

    @property
    def root(self):
        """The path of “it”."""
        return ("item",) if self.items else ("trigger", "entry")

    @contextmanager
    def loop(self, record_id):
        """Inside a loop over entries of a record (None: over something else)."""
        self.items.append(record_id)
        try:
            yield
        finally:
            self.items.pop()

    # Ids of steps

    def usual_id(self, type, record_id=None):
        """Return the id that a step gets when nobody names it."""
        name = type
        record = self.book.record(record_id) if record_id and type in WORKS else None
        if record is not None:
            word = re.sub(r"[^a-z0-9]+", "_", record.name.lower()).strip("_")[:22].strip("_")
            name = f"{WORKS[type]}_{word}" if word else type
        made, number = name, 2
        while made in self.taken:
            made, number = f"{name}_{number}", number + 1
        return made

    def note(self, id, type, record_id=None, variables=()):
        """Remember a step that comes before what follows."""
        self.taken.add(id)
        self.steps[id] = (type, record_id)
        self.variables.update(variables)

    def last(self, *types):
        """Return (id, record id) of the last step before that has one of the types, or None."""
        found = ((id, at[1]) for id, at in reversed(self.steps.items()) if at[0] in types)
        return next(found, None)

    def items_of(self, value):
        """Return the id of the record whose entries a list holds, None where nobody knows."""
        if value == "{{ trigger.entries }}":
            return self.record
        found = re.fullmatch(r"\{\{ steps\.(\w+)\.entries \}\}", str(value))
        return self.steps.get(found[1], (None, None))[1] if found else None

    # Names

    def field(self, record_id, name):
        """Return the field that a label or key means, None for none or several."""
        record = self.book.record(record_id) if record_id else None
        if record is None:
            return None
        wanted = " ".join(name.split()).casefold()
        fields = record.structure.fields
        found = [field for field in fields if " ".join(field.label.split()).casefold() == wanted]
        found = found or [field for field in fields if field.key == wanted]
        return found[0] if len(found) == 1 else None

    def path(self, name):
        """Return the path (a tuple) that a name in braces means, or None."""
        name = name.strip()
        if found := self.field(self.inner, name):
            return (*self.root, found.key)
        prefix, colon, rest = (part.strip() for part in name.partition(":"))
        if colon:
            return self._below(prefix, rest)
        small = name.casefold()
        if small == CALL_ADDRESS:
            return ("run", "call_url")
        if small == "entry number" and self.inner:
            return (*self.root, "entry_id")
        if small.startswith("old ") and self.trigger in ("entry_updated", "field_changed"):
            found = self.field(self.record, name[4:])
            return ("trigger", "before", found.key) if found else None
        if name in self.variables:
            return ("vars", name)
        if small in ALONE and (self.items or small in ("today", "now")):
            return (small,)
        return None

    def _below(self, prefix, rest):
        known = prefix in self.steps
        if not known and prefix not in ROOTS:
            return None
        record_id = self.steps[prefix][1] if known else None
        root = ("steps", prefix) if known else (prefix,)
        if prefix == "trigger" and not known:
            record_id = self.record
        if found := self.field(record_id, rest):
            return (*root, "entry", found.key)
        if DOTTED.fullmatch(rest):
            steps = (int(s) if s.isascii() and s.isdigit() else s for s in rest.split("."))
            return (*root, *steps)
        return None

    def name(self, path):
        """Return the name in braces for a path (a tuple), or None where there is none."""
        for name in self._names(path):
            if name and not re.search(r"[{}|\"“”\n\\]", name) and self.path(name) == path:
                return name
        return None

    def _names(self, path):
        for root, record_id in ((self.root, self.inner), (("trigger", "before"), self.record)):
            if path[:-1] == root and record_id:
                old = "" if root == self.root else "old "
                yield from (old + word for word in self._labels(record_id, path[-1]))
        if path == (*self.root, "entry_id"):
            yield "entry number"
        if path == ("run", "call_url"):
            yield CALL_ADDRESS
        if len(path) == 1 or path[0] == "vars":
            yield str(path[-1])
        if path[0] == "steps" and len(path) > 2:
            prefix, record_id, rest = path[1], self.steps.get(path[1], (0, None))[1], path[2:]
        else:
            prefix, record_id, rest = path[0], self.record, path[1:]
        if len(rest) == 2 and rest[0] == "entry":
            yield from (f"{prefix}: {word}" for word in self._labels(record_id, rest[1]))
        if rest:
            yield f"{prefix}: {Path(rest)!s}"

    def _labels(self, record_id, key):
        record = self.book.record(record_id) if record_id else None
        for field in record.structure.fields if record else ():
            if field.key == key:
                yield from (field.label, field.key)


def walked(definition, book):
    """Yield each step of a parsed definition while `book.scope` is what names mean at its place."""
    book.scope = Scope(book, definition.trigger)
    try:
        yield from _walked(definition.steps, book.scope)
    finally:
        book.scope = None


def _walked(steps, scope):
    for step in steps:
        yield step
        names = step.values if step.type == "set" else ()
        scope.note(step.id, step.type, getattr(step, "record", None), names)
        loop = step.type == "for_each"
        with scope.loop(scope.items_of(step.items)) if loop else nullcontext():
            for _, inner in step.children():
                yield from _walked(inner, scope)
