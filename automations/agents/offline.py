"""A model for trying things out without any server: fixed rules, the same answer every time.

It understands nothing and says so. With a form it puts values of the input where the names agree,
or the first text that looks right; without one it gives the input back. A line in the agent's
prompt as `use create_entries {"record": "Tasks", "entries": [{"what": "$subject"}]}` lets it use a
tool once, with values of the input for the words that begin with a dollar sign.
"""

import json
import re

from automations.agents.providers import OFFLINE_NOTE

USE = re.compile(r"^use ([a-z_]+) (\{.*\})\s*$", re.M)
DATA = re.compile(r"<data-([0-9a-f]{12})>\n(.*)\n</data-\1>", re.S)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
LONGEST = 2000


def offline_model():
    """Return the model, as pydantic-ai takes it."""
    from pydantic_ai.models.function import FunctionModel

    return FunctionModel(_answer, model_name="offline")


def _answer(messages, info):
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart

    given = _given(messages)
    used = sum(isinstance(p, ToolCallPart) for m in messages for p in m.parts)
    rules = USE.findall(info.instructions or "")
    known = {tool.name for tool in info.function_tools}
    todo = [(name, text) for name, text in rules if name in known][used : used + 1]
    for name, text in todo:
        return ModelResponse(parts=[ToolCallPart(name, _filled(json.loads(text), given))])
    if info.output_tools:
        tool = info.output_tools[0]
        values = fill(tool.parameters_json_schema, given)
        return ModelResponse(parts=[ToolCallPart(tool.name, values)])
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return ModelResponse(parts=[TextPart(f"{OFFLINE_NOTE} It was given: {text[:LONGEST]}")])


def _given(messages):
    """Return the task's input out of the first message."""
    for part in messages[0].parts:
        found = (
            DATA.search(part.content) if isinstance(getattr(part, "content", None), str) else None
        )
        if found:
            return json.loads(found[2])
    return {}


def _filled(value, given):
    if isinstance(value, dict):
        return {key: _filled(item, given) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, given) for item in value]
    if isinstance(value, str) and value.startswith("$"):
        return _named(value[1:], given)
    return value


def _plain(name):
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def _named(name, given):
    """Return the value of that name in the input, however deep, or None."""
    if isinstance(given, dict):
        for key, value in given.items():
            if _plain(key) == _plain(name):
                return value
        given = list(given.values())
    for item in given if isinstance(given, list) else ():
        found = _named(name, item)
        if found is not None:
            return found
    return None


def _texts(given):
    """Yield every text and number of the input."""
    if isinstance(given, dict | list):
        for item in given.values() if isinstance(given, dict) else given:
            yield from _texts(item)
    elif given is not None:
        yield str(given)


def fill(schema, given):
    """Return values for the properties of a JSON Schema, as far as the input has any."""
    made = {}
    for name, about in schema.get("properties", {}).items():
        named = _named(name, given)
        made[name] = named if named is not None else _guessed(about, "\n".join(_texts(given)))
    return {name: value for name, value in made.items() if value is not None}


def _guessed(about, text):
    """Return what a text has for a value of that JSON Schema; None where it has none to be left out."""
    kinds = about.get("anyOf", ())
    optional = any(kind.get("type") == "null" for kind in kinds)
    about = next((kind for kind in kinds if kind.get("type") != "null"), about)
    choices = _choices(about)
    if choices:
        found = [choice for choice in choices if str(choice).lower() in text.lower()]
        return found[0] if found else None if optional else choices[-1]
    kind, form = about.get("type"), about.get("format")
    if kind == "array":
        items = _choices(about.get("items", {}))
        return [item for item in items if str(item).lower() in text.lower()] or None
    if kind in ("number", "integer"):
        found = NUMBER.search(text)
        number = float(found[0]) if found else None
        return int(number) if number is not None and kind == "integer" else number
    if kind == "boolean":
        return bool(re.search(r"\byes\b|\btrue\b", text, re.I))
    if form in ("date", "date-time"):
        found = DAY.search(text)
        return found[0] + ("T00:00:00Z" if form == "date-time" else "") if found else None
    return f"{OFFLINE_NOTE} It was given: {text[:LONGEST]}"[: about.get("maxLength")]


def _choices(about):
    return about.get("enum") or ([about["const"]] if "const" in about else [])
