"""From a sentence to a definition, without any model: controlled English.

`understand` reads a text with the names of one workspace. What it does not understand it refuses:
it marks the words and suggests forms that it does. What a definition says of itself
(`Definition.sentence`) it reads back as the same definition.
"""

from dataclasses import dataclass, field

from automations import definition as definitions
from automations.english.cursor import Problem, Stuck, TooMuch
from automations.english.grammar import Grammar
from automations.english.tokens import MOST_CHARACTERS, tokens
from automations.parts import Book
from workspaces.errors import Invalid

__all__ = ["MOST_CHARACTERS", "Problem", "Understood", "understand"]


@dataclass(frozen=True)
class Understood:
    """What a text means: a definition (JSON) and how it is said back, or problems."""

    definition: dict | None
    problems: list[Problem] = field(default_factory=list)
    said: str = ""


def understand(text, book, *, owner=None):
    """Return what `text` means in the workspace of `book`, as Understood.

    A time zone that the text leaves out is that of `owner` (a User), or else UTC. There is a
    definition only where there are no problems. Nothing is written.
    """
    book = Book(book.workspace_id)
    text = str(text).replace("\x00", " ")
    if len(text) > MOST_CHARACTERS:
        message = f"At most {MOST_CHARACTERS:,} characters can be understood."
        rest = text[MOST_CHARACTERS : MOST_CHARACTERS + 100]
        return Understood(None, [Problem(MOST_CHARACTERS, len(text), rest, message)])
    grammar = Grammar(text, tokens(text), book, getattr(owner, "time_zone", "UTC"))
    try:
        made = grammar.definition()
    except Stuck as stuck:
        grammar.note(stuck)
        made = None
    except TooMuch:
        message = "This is too tangled. Say it in shorter sentences."
        return Understood(None, [*grammar.problems, Problem(0, len(text), text[:100], message)])
    if grammar.problems or made is None:
        return Understood(None, sorted(grammar.problems, key=lambda problem: problem.start))
    return _checked(made, text, book)


def _checked(made, text, book):
    """Return the definition as the schema has it, if it is one that can work."""
    try:
        parsed = definitions.parse(made)
        problems = definitions.problems_of(parsed, book.workspace_id)
    except Invalid as error:
        problems = error.problems or [{"detail": error.detail}]
    if problems:
        return Understood(None, [_whole(text, item["detail"]) for item in problems[:20]])
    definition = parsed.model_dump(mode="json")
    return Understood(definition, [], parsed.sentence(book))


def _whole(text, message):
    return Problem(0, len(text), text[:100], message)
