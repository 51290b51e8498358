"""What keeps copies of entries outside their tables, and forgets what is erased of a person.

Layers above register what they keep: a keeper is called with what is erased, and says how many of
its copies say it, by name. It writes only when it is told to.
"""

from dataclasses import dataclass

from records.fields.texts import Email, Phone
from records.imports.forgetting import said_texts
from records.models import StructureVersion
from workspaces.access import Actor, acting_as

# Shorter ones are found everywhere and tell nothing.
LEAST, LEAST_TELLING = 2, 5

# What a keeper counts under this is in somebody's hands now, and stays as it is.
BUSY = "copies in use"

KEEPERS = []


def keeps_copies(keeper):
    """Register a function keeper(erased, write) that returns {what: how many copies}."""
    KEEPERS.append(keeper)
    return keeper


@dataclass(frozen=True)
class Erased:
    """Which entries of a record lose which cells, and what stood there.

    An image of an entry is a JSON object with its `entry_id` and no key that is not among `known`;
    `keys` are those of the personal fields. `texts` is what their cells said, now or once, and
    `telling` those among them that belong to nobody else.
    """

    record: object
    ids: frozenset
    keys: frozenset
    known: frozenset
    texts: frozenset
    telling: frozenset


def erased_of(record, wanted, ids):
    """Return the Erased of entries (ids) of a record whose fields with the ids `wanted` are emptied.

    Called before the cells are emptied; the temporary table `erasing` names the entries.
    """
    keys, known = set(), set()
    versions = StructureVersion.objects.filter(record=record).values_list("structure", flat=True)
    for structure in versions.iterator():
        for field in [*structure["fields"], *(i["field"] for i in structure.get("shelf", ()))]:
            known.add(field["key"])
            if field["id"] in wanted:
                keys.add(field["key"])
    texts, telling = set(), set()
    for field, _, text in said_texts(record, wanted):
        if field.kind.key == "boolean" or len(text) < LEAST:
            continue
        texts.add(text)
        if len(text) >= LEAST_TELLING and (field.unique or isinstance(field.kind, (Email, Phone))):
            telling.add(text)
    return Erased(record, *map(frozenset, (ids, keys, known, texts, telling)))


def look(erased):
    """Return {what: how many copies} say what is erased; nothing is changed."""
    return _ask(erased, write=False)


def forget(erased):
    """Take what is erased out of all copies; return {what: how many} said it."""
    return _ask(erased, write=True)


def _ask(erased, write):
    found = {}
    # They lie in the same workspace, but the person's own rights may not reach all of them.
    with acting_as(Actor.system(task="erasure")):
        for keeper in KEEPERS:
            found |= {what: count for what, count in keeper(erased, write).items() if count}
    return found
