"""What a client can do: each tool is a model of its arguments with one verb.

Every call goes through the services that pages and API use, so it meets the same walls, and is one
operation.
"""

from typing import Annotated, ClassVar

import orjson
from django.db import DatabaseError, transaction
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from accounts.models import ApiToken
from automations.mcp.protocol import INVALID_PARAMS, Refused
from workspaces.errors import Invalid, KdapError, in_words, pointer_step

TOOLS = {}
LARGEST = 2**20

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Tool(BaseModel):
    """A tool; the class is its description, its fields are the arguments.

    `verb` is what a token must have been given for it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: ClassVar[str]
    title: ClassVar[str]
    verb: ClassVar[str] = ApiToken.Verb.READ
    destroys: ClassVar[bool] = False

    def run(self, actor):
        """Do it; return the answer as JSON. Raises KdapError."""
        raise NotImplementedError

    @classmethod
    def described(cls):
        """Return what clients are told of it."""
        schema = cls.model_json_schema()
        schema.pop("title", None), schema.pop("description", None)
        writes = cls.verb != ApiToken.Verb.READ
        return {
            "name": cls.name,
            "title": cls.title,
            "description": " ".join(cls.__doc__.split()),
            "inputSchema": schema,
            "annotations": {
                "readOnlyHint": not writes,
                "destructiveHint": writes and cls.destroys,
                "openWorldHint": False,
            },
        }


def registered(kind):
    """Make a tool known under its name."""
    TOOLS[kind.name] = kind
    return kind


class Tools:
    """The tools as one actor has them."""

    def __init__(self, actor):
        self.actor = actor

    def list(self):
        """Return the descriptions of what the actor's token allows."""
        verbs = self.actor.token.verbs
        return [kind.described() for kind in TOOLS.values() if kind.verb in verbs]

    def call(self, name, arguments):
        """Return the result of a call. What a model can mend is an answer in words, not an error."""
        if name not in TOOLS:
            raise Refused(INVALID_PARAMS, f"There is no tool “{name[:60]}” here.")
        try:
            with transaction.atomic():
                made = parsed(TOOLS[name], arguments).run(self.actor)
                text = orjson.dumps(made, default=str, option=orjson.OPT_NON_STR_KEYS)
                if len(text) > LARGEST:
                    raise Invalid("This is more than 1 MB. Ask for fewer entries, or some fields.")
        except (KdapError, DatabaseError) as error:
            told = in_words(error)
            if told is None:
                raise
            return {"content": [{"type": "text", "text": sentence(told)}], "isError": True}
        return {
            "content": [{"type": "text", "text": text.decode()}],
            "structuredContent": orjson.loads(text),
            "isError": False,
        }


def parsed(kind, arguments):
    """Return the Tool with its arguments; raise Invalid with a pointer to each mistake."""
    try:
        return kind.model_validate(arguments)
    except ValidationError as error:
        problems = [
            {
                "pointer": "".join(f"/{pointer_step(step)}" for step in item["loc"]),
                "detail": f"{item['msg'].removeprefix('Value error, ')}.",
            }
            for item in error.errors(include_url=False, include_context=False)[:20]
        ]
        raise Invalid("These arguments can't be taken.", problems=problems) from None


def sentence(error):
    """Return an error with its problems as text that a model can act upon."""
    lines = [f"{item.get('pointer', '')}: {item['detail']}" for item in error.problems[:20]]
    return "\n".join([f"{error.title}: {error.detail}", *lines])
