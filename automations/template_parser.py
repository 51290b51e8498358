"""Reads `{{ path | filter: argument, argument }}` out of texts, in one pass from left to right."""

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from automations.template_filters import FILTERS
from automations.template_values import TemplateError, number_of, too_large

MAX_PLACEHOLDERS = 1000
MAX_TEXT = 1024 * 1024  # characters of one template
MAX_PARTS = 20  # steps of one path, filters of one placeholder

# No two alternatives begin alike and none holds a nested repetition: one pass over the text.
TOKEN = re.compile(
    r"""\s*(?:
      (?P<end>\}\})
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
    | (?P<name>[^\W\d][\w-]*)
    | (?P<mark>[|:,.\[\]])
    )""",
    re.VERBOSE | re.DOTALL,
)
STEP = re.compile(r"\.([\w-]{1,200})")
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
CONSTANTS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class Path:
    """Where a value is: ("trigger", "entry", "quantity")."""

    parts: tuple

    def __str__(self):
        out = []
        for part in self.parts:
            plain = isinstance(part, int) or re.fullmatch(r"[\w-]+", part)
            out.append(f".{part}" if plain else '["{}"]'.format(part.replace('"', '\\"')))
        return "".join(out).removeprefix(".")


@dataclass(frozen=True)
class Placeholder:
    """One `{{ … }}`: a path or literal, and (name, arguments) of each filter."""

    head: object
    filters: tuple


class Parser:
    """Reads one text into literals and placeholders, from left to right."""

    def __init__(self, text):
        self.text = text
        self.position = 0

    def parse(self):
        """Return a tuple of strings and Placeholders."""
        parts = []
        while (start := self.text.find("{{", self.position)) >= 0:
            if start > self.position:
                parts.append(self.text[self.position : start])
            self.position = start + 2
            parts.append(self.placeholder(start))
            if len(parts) > 2 * MAX_PLACEHOLDERS:
                raise TemplateError(f"A text has more than {MAX_PLACEHOLDERS} placeholders.")
        if self.position < len(self.text):
            parts.append(self.text[self.position :])
        return tuple(parts)

    def placeholder(self, start):
        head = self.operand(*self.token(start))
        filters = []
        kind, value = self.token(start)
        while (kind, value) == ("mark", "|"):
            made, (kind, value) = self.filter(start)
            filters.append(made)
            if len(filters) > MAX_PARTS:
                raise self.error(f"A placeholder has more than {MAX_PARTS} filters", start)
        if kind != "end":
            raise self.error(f"“{value}” is not expected here", start)
        return Placeholder(head, tuple(filters))

    def filter(self, start):
        """Return ((name, arguments), the token after it)."""
        kind, name = self.token(start)
        if kind != "name" or name not in FILTERS:
            near = difflib.get_close_matches(str(name)[:60], FILTERS, 1)
            hint = f" (did you mean “{near[0]}”?)" if near else ""
            raise self.error(f"There is no filter “{str(name)[:60]}”{hint}", start)
        arguments = []
        following = self.token(start)
        if following == ("mark", ":"):
            following = ("mark", ",")
            while following == ("mark", ","):
                arguments.append(self.operand(*self.token(start)))
                following = self.token(start)
                if len(arguments) > MAX_PARTS:
                    break
        least, most = FILTERS[name].arguments
        if not least <= len(arguments) <= most:
            raise self.error(f"The filter “{name}” takes {counted(least, most)}", start)
        return (name, tuple(arguments)), following

    def operand(self, kind, value):
        """Return a literal or a Path that begins with this token."""
        if kind == "string":
            return ESCAPE.sub(r"\1", value[1:-1])
        if kind == "number":
            return number_of(value)
        if kind == "name":
            parts = self.path(value)
            return CONSTANTS[value] if parts == (value,) and value in CONSTANTS else Path(parts)
        shown = "The placeholder ends" if kind == "end" else f"“{value}” stands"
        raise self.error(f"{shown} where a value should be", self.position)

    def path(self, first):
        parts = [first]
        while self.text[self.position : self.position + 1] in (".", "["):
            start = self.position
            parts.append(self.bracket() if self.text[start] == "[" else self.step())
            if len(parts) > MAX_PARTS:
                raise self.error(f"A path has more than {MAX_PARTS} steps", start)
        return tuple(parts)

    def step(self):
        found = STEP.match(self.text, self.position)
        if not found:
            raise self.error("A name is missing after the dot", self.position)
        self.position = found.end()
        step = found[1]
        return int(step) if step.isascii() and step.isdigit() and len(step) < 10 else step

    def bracket(self):
        start = self.position
        self.position += 1
        kind, value = self.token(start)
        if kind == "string":
            step = ESCAPE.sub(r"\1", value[1:-1])[:200]
        elif kind == "number" and value.isdigit() and len(value) < 10:
            step = int(value)
        else:
            raise self.error("Between [ and ] stands a number or a text in quotes", start)
        if self.token(start) != ("mark", "]"):
            raise self.error("A ] is missing", start)
        return step

    def token(self, start):
        found = TOKEN.match(self.text, self.position)
        if not found:
            rest = self.text[self.position : self.position + 10].strip()
            if not rest:
                raise self.error("A placeholder is not closed by }}", start)
            raise self.error(f"“{rest}” can't be read", self.position)
        self.position = found.end()
        return found.lastgroup, found[found.lastgroup]

    def error(self, sentence, where):
        around = self.text[max(where - 10, 0) : where + 40].strip()
        return TemplateError(f"{sentence}, at character {where + 1}: “{around}”.")


def counted(least, most):
    """Return how many arguments a filter takes, in words."""
    if least == most:
        return ("no argument", "one argument", "two arguments")[least]
    return f"{least} to {most} arguments"


@lru_cache(maxsize=2048)
def parse_short(text):
    return Parser(text).parse()


def parse(text):
    """Return the parts of a text, remembering those of short ones; raises TemplateError."""
    if "{{" not in text:
        return (text,) if text else ()
    if len(text) > MAX_TEXT:
        raise too_large()
    return parse_short(text) if len(text) <= 2000 else Parser(text).parse()
