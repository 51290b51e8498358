"""What a client can do: each tool is a model of its arguments with one verb.

Every call goes through the services that pages and API use, so it meets the same walls, and is one
operation.
"""

import orjson
from django.db import DatabaseError, transaction

from accounts.models import ApiToken
from automations.mcp.protocol import INVALID_PARAMS, Refused
from automations.toolkit import Kit, Tool, WrongArguments, made
from workspaces.errors import Invalid, KdapError, in_words, pointer_step
from workspaces.jsons import json_bytes

TOOLS, Verb = Kit(), ApiToken.Verb
LARGEST = 2**20


class McpTool(Tool):
    """A tool of the MCP server; one that writes needs a token that may."""

    def run(self, actor):
        """Do it; return the answer as JSON. Raises KdapError."""
        raise NotImplementedError

    @classmethod
    def described(cls):
        """Return what clients are told of it."""
        schema = cls.model_json_schema()
        schema.pop("title", None), schema.pop("description", None)
        return {
            "name": cls.name,
            "title": cls.label,
            "description": cls.description(),
            "inputSchema": schema,
            "annotations": {
                "readOnlyHint": not cls.writes,
                "destructiveHint": cls.writes and cls.destroys,
                "openWorldHint": False,
            },
        }


class Tools:
    """The tools as one actor has them."""

    def __init__(self, actor):
        self.actor = actor

    def list(self):
        """Return the descriptions of what the actor's token allows."""
        verbs, needs = self.actor.token.verbs, {True: Verb.WRITE, False: Verb.READ}
        return [kind.described() for kind in TOOLS.values() if needs[kind.writes] in verbs]

    def call(self, name, arguments):
        """Return the result of a call. What a model can mend is an answer in words, not an error."""
        if name not in TOOLS:
            raise Refused(INVALID_PARAMS, f"There is no tool “{name[:60]}” here.")
        try:
            with transaction.atomic():
                found = parsed(TOOLS[name], arguments).run(self.actor)
                text = json_bytes(found, option=orjson.OPT_NON_STR_KEYS)
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
    """Return the McpTool with its arguments; raise Invalid with a pointer to each mistake."""
    try:
        return made(kind, arguments)
    except WrongArguments as error:
        problems = [
            {"pointer": "".join(f"/{pointer_step(step)}" for step in path), "detail": f"{why}."}
            for path, why in error.found[:20]
        ]
        raise Invalid(str(error), problems=problems) from None


def sentence(error):
    """Return an error with its problems as text that a model can act upon."""
    lines = [f"{item.get('pointer', '')}: {item['detail']}" for item in error.problems[:20]]
    return "\n".join([f"{error.title}: {error.detail}", *lines])
