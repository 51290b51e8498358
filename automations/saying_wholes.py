"""How whole definitions read in English: what starts them, then a line for each step."""

from automations import saying
from automations.scope import Scope


def whole(definition, book):
    """Return a definition in English: what starts it, then a line for each step."""
    book.scope = scope = Scope(book, definition.trigger)
    first = definition.trigger.sentence(book)
    lines = [first[:1].upper() + first[1:] + (":" if definition.steps else ".")]
    lines += _lines(definition.steps, book, scope, 1)
    lines += _closing(definition, book)
    book.scope = None
    return "\n".join(lines)


def _lines(steps, book, scope, depth):
    if not steps and depth > 1:
        yield f"{'  ' * depth}– do nothing"
    for step in steps:
        said = step.sentence(book) + _options(step, scope)
        record_id = getattr(step, "record", None)
        names = step.values if step.type == "set" else ()
        scope.note(step.id, step.type, record_id, names)
        branches = step.branches(book)
        colon = ":" if branches and branches[0][0] is None else ""
        yield f"{'  ' * depth}– {said}{colon}"
        for header, children in branches:
            if header:
                yield f"{'  ' * depth}– {header}:"
            if step.type == "for_each":
                with scope.loop(scope.items_of(step.items)):
                    yield from _lines(children, book, scope, depth + 1)
            else:
                yield from _lines(children, book, scope, depth + 1)


def _options(step, scope):
    said = []
    if step.id != scope.usual_id(step.type, getattr(step, "record", None)):
        said.append(f"called {step.id}")
    if step.name:
        said.append(f"named {saying.quoted(step.name)}")
    if step.retries:
        said.append(f"tried again {step.retries} time{'s' if step.retries > 1 else ''}")
    if step.on_error == "continue":
        said.append("going on if it fails")
    return f" ({'; '.join(said)})" if said else ""


def _closing(definition, book):
    rule = definition.concurrency
    if rule is not None:
        said = "One run at a time"
        if rule.key:
            said += f" for each {saying.value(book, rule.key)}"
        more = {
            "queue": "",
            "skip": "; others are skipped",
            "cancel_previous": "; a newer one wins",
        }
        yield f"{said}{more[rule.policy]}."
    if definition.pause_after == 0:
        yield "Never pause it after failures."
    elif definition.pause_after != 10:
        yield f"Pause it after {definition.pause_after} failures in a row."
