"""The two things that a model can do when it drafts a workflow: hand one over, or ask the person.

Neither does anything. What is handed over is checked (drafting_checks) and shown to a person.
"""

from functools import cache
from typing import Any, ClassVar

from automations import definition as definitions
from automations.toolkit import Kit, Tool

DRAFTING = Kit()
LONGEST_TITLE = 120
LONGEST_QUESTION = 2000
# Words for people, and limits that no draft comes near.
OF_NO_USE = ("title", "discriminator", "propertyNames", "maxItems", "maxProperties")


@DRAFTING.add
class DraftWorkflow(Tool):
    """Hand over the whole workflow. It is checked; what is wrong with it comes back to you, then
    put that right and hand over the whole of it again."""

    name: ClassVar[str] = "draft_workflow"
    label: ClassVar[str] = "A draft"
    title: str = ""
    definition: Any

    @classmethod
    def json_schema(cls):
        """Return the JSON Schema of its arguments: a title, and a definition by its own schema."""
        schema = dict(compact_schema())
        named = {"type": "string", "description": "What people shall call it, in a few words."}
        parts = schema.pop("$defs")
        return {
            "type": "object",
            "properties": {"title": named, "definition": schema},
            "required": ["title", "definition"],
            "additionalProperties": False,
            "$defs": parts,
        }


@DRAFTING.add
class AskPerson(Tool):
    """Ask the person one short question instead of drafting, when the request leaves open what you
    can't know, or asks for what no workflow can do. Never guess an address, a name or a number."""

    name: ClassVar[str] = "ask_person"
    label: ClassVar[str] = "A question"
    question: str

    @classmethod
    def json_schema(cls):
        """Return the JSON Schema of its arguments."""
        return {
            "type": "object",
            "properties": {"question": {"type": "string", "maxLength": LONGEST_QUESTION}},
            "required": ["question"],
            "additionalProperties": False,
        }


@cache
def compact_schema():
    """Return the JSON Schema of definitions, which means the same, in half of the letters.

    The kinds of steps, which stand at every block, are named once; limits that pydantic checks
    anyway and titles are left out.
    """
    schema = definitions.schema()
    steps = schema["properties"]["steps"]["items"]["oneOf"]
    made = _compact(schema, steps)
    made["$defs"]["AnyStep"] = {"oneOf": steps}
    return made


def _compact(node, steps):
    if isinstance(node, list):
        return [_compact(item, steps) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("oneOf") == steps:
        return {"$ref": "#/$defs/AnyStep"}
    made = {}
    for key, value in node.items():
        if key in ("properties", "$defs"):  # names of options, which may be called “title”
            made[key] = {name: _compact(inner, steps) for name, inner in value.items()}
        elif key == "description":
            made[key] = " ".join(value.split())
        elif not _of_no_use(key, value):
            made[key] = _compact(value, steps)
    if "const" in made.get("properties", {}).get("type", {}):  # which tells the kinds apart
        made["properties"]["type"] = {"const": made["properties"]["type"]["const"]}
        made["required"] = ["type", *made.get("required", [])]
    return made


def _of_no_use(key, value):
    empty = key == "default" and value in (None, "", [], {})
    return key in OF_NO_USE or empty or (key == "maxLength" and value >= 1000)
