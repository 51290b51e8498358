"""What tools for language models have in common, whether an agent here or a program outside uses them.

A tool is a pydantic model of its arguments with one verb: its docstring is its description, its fields
are what a model is told to give. Each door keeps the tools that it offers in a Kit: agents' are in
automations/agents/tools.py, those of the MCP server in automations/mcp. Where both have a tool of one
name, it does the same to entries; the agents' know records by name and lie within narrower limits.
"""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from automations import mistakes

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Row = dict[str, Any]


class Tool(BaseModel):
    """A tool; `writes` says whether it changes anything, `destroys` whether something is lost by it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: ClassVar[str]
    label: ClassVar[str]
    writes: ClassVar[bool] = False
    destroys: ClassVar[bool] = False

    @classmethod
    def description(cls):
        """Return what models are told of it, as one line."""
        return " ".join(cls.__doc__.split())


class WrongArguments(Exception):
    """Arguments that a tool does not take; `found` is [(path, sentence)], the path a tuple."""

    def __init__(self, found):
        super().__init__("These arguments can't be taken.")
        self.found = found


class Kit(dict):
    """The tools that one door offers, {name: kind of Tool}, in the order in which they were added."""

    def add(self, kind):
        """Make a tool known under its name; a decorator."""
        self[kind.name] = kind
        return kind


def made(kind, arguments):
    """Return a Tool with its arguments; raise WrongArguments."""
    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise WrongArguments([(item["loc"], mistakes.said(item)) for item in found]) from None
