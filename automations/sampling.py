"""What steps can refer to in a value that came as a sample: its parts by path, with what they held."""

from automations.template_parser import Path

DEEPEST, MOST, LONGEST = 6, 60, 60


def parts_of(value, *start):
    """Return [(reference, label, sample)] of the parts of a JSON value that lies at `start`.

    Of a list the first item stands for all; empty parts are left out.
    """
    found = []
    _look(value, list(start), found, len(start) + DEEPEST)
    return found


def _look(value, path, found, deepest):
    if len(found) >= MOST:
        return
    if isinstance(value, dict) and len(path) < deepest:
        for key, inner in value.items():
            _look(inner, [*path, key], found, deepest)
    elif isinstance(value, list) and value and len(path) < deepest:
        reference = f"{{{{ {Path(tuple(path))} }}}}"
        found.append((reference, _label(path), f"{len(value)} item{'s' * (len(value) > 1)}"))
        _look(value[0], [*path, 0], found, deepest)
    elif value not in (None, "", [], {}):
        reference = f"{{{{ {Path(tuple(path))} }}}}"
        found.append((reference, _label(path), str(value)[:LONGEST]))


def _label(path):
    """Return “customer email” of trigger.body.customer.email."""
    names = [str(part) for part in path[2:] or path[-1:]]
    return " ".join(names).replace("_", " ")
