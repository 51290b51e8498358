"""Values in a workflow's definition: literals, and text with `{{ path | filter: argument }}`.

`render` fills a value in, `check` looks at it without any data, `references` names the paths it
reads and `describe` says it in words. Paths walk dictionaries by key and lists by number and
nothing else; filters are the fixed list of template_filters.py; nothing is evaluated as code.
"""

import datetime as dt
import difflib

from django.utils import timezone

from automations.template_filters import FILTERS
from automations.template_parser import MAX_PLACEHOLDERS, Path, Placeholder, parse
from automations.template_values import MAX_DEPTH, MAX_SIZE, TemplateError, text_of, weigh
from workspaces.errors import pointer_step

MAX_PROBLEMS = 20

MISSING = object()


class Renderer:
    """One rendering with its budgets of placeholders and characters."""

    def __init__(self, context):
        self.context = context
        self.placeholders = MAX_PLACEHOLDERS
        self.room = MAX_SIZE

    def value(self, value, pointer=""):
        if isinstance(value, str):
            return self.located(pointer, self.text, value)
        if isinstance(value, (dict, list, tuple)) and pointer.count("/") >= MAX_DEPTH:
            raise TemplateError(f"A value is nested more than {MAX_DEPTH} deep.")
        if isinstance(value, dict):
            return {
                key: self.value(inner, f"{pointer}/{pointer_step(key)}")
                for key, inner in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.value(inner, f"{pointer}/{place}") for place, inner in enumerate(value)]
        self.located(pointer, self.spend, value)
        return value

    def located(self, pointer, function, value):
        try:
            return function(value)
        except TemplateError as error:
            if not error.problems:
                error.problems = [{"pointer": pointer, "detail": error.detail}]
            raise

    def text(self, text):
        parts = parse(text)
        if len(parts) == 1 and isinstance(parts[0], Placeholder):
            return self.spend(self.placeholder(parts[0]))
        return "".join(
            self.spend(part if isinstance(part, str) else text_of(self.placeholder(part)))
            for part in parts
        )

    def spend(self, value):
        self.room -= weigh(value, self.room)
        return value

    def placeholder(self, placeholder):
        self.placeholders -= 1
        if self.placeholders < 0:
            raise TemplateError(f"There are more than {MAX_PLACEHOLDERS} placeholders.")
        filters = placeholder.filters
        forgiving = bool(filters) and filters[0][0] == "default"
        value = self.operand(placeholder.head, forgiving)
        for name, arguments in filters:
            given = [self.operand(argument) for argument in arguments]
            now = self.clock() if FILTERS[name].clock else None
            try:
                value = FILTERS[name].apply(value, given, now)
            except TemplateError as error:
                source = f" ({placeholder.head})" if isinstance(placeholder.head, Path) else ""
                raise TemplateError(f"Filter “{name}”{source}: {error.detail}") from error
        return value

    def operand(self, operand, forgiving=False):
        return self.look_up(operand, forgiving) if isinstance(operand, Path) else operand

    def look_up(self, path, forgiving):
        """Return what is at a path; an item beyond a list's end is nothing if `forgiving`."""
        here = self.context
        for depth, part in enumerate(path.parts):
            if here is None:
                return None  # an empty link has no name either
            found = MISSING
            if isinstance(here, dict):
                found = here.get(part, here.get(str(part), MISSING))
            elif isinstance(here, (list, tuple)) and isinstance(part, int):
                found = here[part] if part < len(here) else MISSING
                if found is MISSING and forgiving:
                    return None
            if found is MISSING and depth == 0 and part in ("now", "today"):
                found = self.clock() if part == "now" else self.clock().date()
            if found is MISSING:
                raise unknown(path, depth, here)
            here = found
        return here

    def clock(self):
        now = self.context.get("now")
        return now if isinstance(now, dt.datetime) else timezone.localtime()


def unknown(path, depth, here):
    """Return the error for a path that ends at `depth`, with names that are near."""
    part = str(path.parts[depth])[:60]
    before = f"“{Path(path.parts[:depth])}”" if depth else "the data"
    if isinstance(here, (list, tuple)):
        size = f"{len(here)} item{'' if len(here) == 1 else 's'}"
        return TemplateError(f"“{path}” is not there: {before} has {size}, and “{part}” is none.")
    if not isinstance(here, dict):
        return TemplateError(f"“{path}” is not there: {before} has nothing inside.")
    if here.get("cut") is True:
        return TemplateError(
            f"“{path}” is not there: {before} was larger than a megabyte and could not be kept."
        )
    names = [str(key)[:100] for key in list(here)[:300]]
    near = difflib.get_close_matches(part, names, 3)
    known = f"Did you mean {in_quotes(near)}?" if near else f"It has {in_quotes(names[:8])}."
    if not names:
        known = "It is empty."
    return TemplateError(f"“{path}” is not there: {before} has no “{part}”. {known}")


def in_quotes(names):
    return ", ".join(f"“{name}”" for name in names)


def render(value, context):
    """Return `value` with all placeholders filled in from `context`, a dictionary.

    A text that is one placeholder and nothing else gives the value with its type (a fraction is
    a Decimal); otherwise texts are joined. Raises TemplateError, whose problems point to the place.
    """
    return Renderer(context).value(value)


def texts_of(value, pointer=""):
    """Yield (pointer, text) for every text in a value."""
    if isinstance(value, str):
        yield pointer, value
    elif pointer.count("/") >= MAX_DEPTH:
        raise TemplateError(f"A value is nested more than {MAX_DEPTH} deep.")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_of(inner, f"{pointer}/{pointer_step(key)}")
    elif isinstance(value, (list, tuple)):
        for place, inner in enumerate(value):
            yield from texts_of(inner, f"{pointer}/{place}")


def check(value):
    """Raise TemplateError with every problem that a value has before any data is known."""
    problems, placeholders = [], 0
    for pointer, text in texts_of(value):
        try:
            placeholders += sum(isinstance(part, Placeholder) for part in parse(text))
        except TemplateError as error:
            problems.append({"pointer": pointer, "detail": error.detail})
        if len(problems) == MAX_PROBLEMS:
            break
    if problems:
        raise TemplateError(problems[0]["detail"], problems=problems)
    if placeholders > MAX_PLACEHOLDERS:
        raise TemplateError(f"There are more than {MAX_PLACEHOLDERS} placeholders.")


def references(value):
    """Return the paths that a value reads, as text, each once, in order; raises TemplateError."""
    found = {}
    for _, text in texts_of(value):
        for part in parse(text):
            if isinstance(part, Placeholder):
                operands = [part.head, *(one for _, given in part.filters for one in given)]
                found.update((str(one), None) for one in operands if isinstance(one, Path))
    return list(found)


def describe(value, names):
    """Return a value in words; `names` is a function from a path to its label."""
    if not isinstance(value, str):
        return literal_in_words(value, names)
    parts = parse(value)
    if len(parts) == 1 and isinstance(parts[0], Placeholder):
        return placeholder_in_words(parts[0], names)
    inner = "".join(
        part if isinstance(part, str) else f"[{placeholder_in_words(part, names)}]"
        for part in parts
    )
    return f"“{inner}”"


def placeholder_in_words(placeholder, names):
    words = [operand_in_words(placeholder.head, names)]
    for name, arguments in placeholder.filters:
        given = [operand_in_words(one, names) for one in arguments]
        pattern = FILTERS[name].words
        # A word too few means that the filter's own default holds: say only its name.
        words.append(
            pattern.format(*given) if pattern.count("{") <= len(given) else name.replace("_", " ")
        )
    return ", ".join(words)


def operand_in_words(operand, names):
    if isinstance(operand, Path):
        return str(names(str(operand)))
    return f"“{operand}”" if isinstance(operand, str) else literal_in_words(operand, names)


def literal_in_words(value, names):
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(describe(one, names) for one in value) or "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {describe(one, names)}" for key, one in value.items())
    return text_of(value)
