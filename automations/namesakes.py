"""Telling apart what has one name: “Tasks” (id “4f1c”), “Ann” (ann@example.com).

What stands in brackets is the end of an id, long enough to be nobody else's; of a field its key,
of a person the e-mail address. It is said only where a name alone would mean several things.
"""

SHORTEST = 4


def whole_id(thing):
    """Return what tells a thing apart: a person's address, a field's key, else its id in digits."""
    if hasattr(thing, "email"):
        return thing.email
    return thing.pk.hex if hasattr(thing, "pk") else thing.key


def by_end(thing):
    """Return whether the end of its id is enough for a thing."""
    return hasattr(thing, "pk") and not hasattr(thing, "email")


def fits(thing, given):
    """Return whether `given`, which stood in brackets behind its name, means this thing."""
    if isinstance(thing, str):  # a choice has nothing but its label
        return False
    if isinstance(thing, tuple):  # (record, field)
        thing = thing[1]
    id, given = whole_id(thing).casefold(), str(given).casefold()
    return len(given) >= SHORTEST and id.endswith(given) if by_end(thing) else id == given


def mark(thing, others):
    """Return what stands in brackets behind the name of `thing`, beside `others` of that name."""
    id = whole_id(thing)
    if not by_end(thing):
        return id
    length = SHORTEST
    while any(whole_id(other).endswith(id[-length:]) for other in others):
        length += 1
    return id[-length:]
