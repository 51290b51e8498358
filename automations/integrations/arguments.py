"""The form of what a tool of an MCP server takes: a control for each property of its JSON Schema.

A property gets the control that its type asks for, and beside a choice or a check a box for a value of
the run. What no control can show (a tool that nobody looked at, names beyond the schema) is edited in
rows of name and value. What was posted says itself how it is to be read, for the tool may be another
one by then.
"""

import json
from dataclasses import dataclass, field

from automations.condition_forms import number_or_text, shown
from automations.integrations.mcp_tools import fits, is_loose, options_of
from workspaces.errors import pointer_step

MOST = 200
LONG_TEXTS = ("body", "code", "content", "html", "markdown", "message", "prompt", "query", "text")
SHORT_FORMATS = ("date", "date-time", "time", "email", "uri", "uuid", "hostname", "ipv4", "ipv6")
FORMATS = {
    "date": "A date, such as 2026-01-31.",
    "date-time": "A moment, such as 2026-01-31T09:30:00Z.",
    "time": "A time, such as 09:30:00.",
    "email": "An e-mail address.",
    "uri": "An address, such as https://example.com.",
}
JSONS = {"array": "A list, as JSON.", "object": "An object, as JSON."}


@dataclass
class Argument:
    """One property on the form; `kind` is text, lines, number, check, choice, json or any.

    `at` begins the names of its inputs; `text` is what its box shows, `was` its value before as JSON; a check is `on`, a choice `chosen`.
    """

    name: str
    at: str = ""
    kind: str = "any"
    label: str = ""
    hint: str = ""
    required: bool = False
    text: str = ""
    was: str = ""
    on: bool = False
    chosen: str = ""
    choices: list = field(default_factory=list)
    errors: list = field(default_factory=list)


def shape(control, tool, errors):
    """Make a control for the arguments of `tool` (None: nobody knows it) out of its value.

    `errors` are (name of an argument or "", sentence).
    """
    given = control.value if isinstance(control.value, dict) else {}
    schema = tool["schema"] if tool else {}
    options, needed = options_of(schema)
    options = dict(list(options.items())[:MOST])
    # JSON in the database keeps the order of lists, and of nothing else.
    listed = schema["required"] if needed else []
    named = [name for name in options if name in needed]
    named.sort(key=listed.index)
    named += [name for name in options if name not in needed]
    made = [_argument(name, options[name], name in needed, given) for name in named]
    for number, argument in enumerate(made):
        argument.at = f"{control.name}.{number}"
    rest = [(name, shown(value)) for name, value in given.items() if name not in options]
    rest += [("", "")] if is_loose(schema) else []
    for argument in made:
        place = pointer_step(argument.name)
        argument.errors = [said for option, said in errors if option == place]
    places = {pointer_step(name) for name in options}
    control.kind, control.errors = "arguments", [s for o, s in errors if o not in places]
    control.more = {"arguments": made, "rows": rest, "tool": tool["name"] if tool else ""}
    control.more["nothing"] = bool(tool) and not made and not rest


def _argument(name, schema, required, given):
    made = Argument(name, required=required)
    made.label = _one_line(schema.get("title"), 80) or name.replace("_", " ").strip() or name
    made.label = made.label[:1].upper() + made.label[1:]
    value = given.get(name)
    made.was = json.dumps(value, ensure_ascii=False, default=str) if name in given else ""
    made.text, choices = shown(value), schema.get("enum")
    kind = schema.get("type")
    if isinstance(choices, list) and choices:
        made.kind = "choice"
        made.choices = [(_key(choice), shown(choice)) for choice in choices[:MOST]]
        if _key(value) in dict(made.choices) and name in given:
            made.chosen, made.text = _key(value), ""
    elif kind == "boolean":
        made.kind, made.on = "check", value is True or (value is None and _is_on(schema))
        if isinstance(value, bool):
            made.text = ""
    elif kind in ("integer", "number"):
        made.kind = "number"
    elif kind in JSONS:
        made.kind = "json"
        if isinstance(value, dict | list):
            made.text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    elif kind == "string":
        made.kind = "lines" if _is_long(name, schema, value) else "text"
    made.hint = _hint(schema, made.kind)
    return made


def _is_long(name, schema, value):
    """Return whether a text may have several lines."""
    if "\n" in shown(value):
        return True
    longest = schema.get("maxLength")
    short = _format(schema) in SHORT_FORMATS or schema.get("pattern")
    short = short or (isinstance(longest, int) and longest <= 200)
    return name.lower() in LONG_TEXTS and not short


def _hint(schema, kind):
    """Return what the tool's server says of a property, its bounds and its default."""
    parts = [_one_line(schema.get("description"), 400)]
    low, high = schema.get("minimum"), schema.get("maximum")
    if _is_number(low) and _is_number(high):
        parts.append(f"From {shown(low)} to {shown(high)}.")
    elif _is_number(low) or _is_number(high):
        parts.append(
            f"At {'least' if _is_number(low) else 'most'} {shown(low if _is_number(low) else high)}."
        )
    parts += [FORMATS.get(_format(schema), "") if kind == "text" else ""]
    parts += [JSONS[schema["type"]] if kind == "json" else ""]
    first = schema.get("default")
    if first not in (None, "", [], {}) and kind != "check":
        parts.append(f"Else {_one_line(shown(first), 100)}.")
    return " ".join(filter(None, parts))


def _format(schema):
    # Whatever a server calls its format, it is looked up among texts.
    found = schema.get("format")
    return found if isinstance(found, str) else ""


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_on(schema):
    return schema.get("default") is True


def _one_line(text, most):
    text = " ".join(text.split()) if isinstance(text, str) else ""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _key(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


# Reading what was posted


def read(post, name):
    """Return the arguments that were posted; those without a value are left out."""
    made = {}
    for number in range(MOST):
        at = f"{name}.{number}"
        if f"{at}.name" not in post:
            break
        there, value = _read_one(post, at)
        if there:
            made[post[f"{at}.name"]] = value
    return made


def _read_one(post, at):
    """Return (whether there is one, the value) of an argument."""
    kind, text = post.get(f"{at}.kind", ""), post.get(f"{at}.value", "")
    text = text.replace("\r\n", "\n").replace("\x00", "")
    was, before = post.get(f"{at}.was", ""), None
    if was:
        before = _json(was, None)
    if kind == "check" and not text.strip():
        return _read_check(post, at, was, before)
    if kind == "choice" and not text.strip():
        chosen = post.get(f"{at}.chosen", "")
        return bool(chosen), _json(chosen, chosen)
    if was and text in (shown(before), _pretty(before)):
        return True, before  # nobody touched it
    if not text.strip():
        return False, None
    return True, _typed(kind, text)


def _read_check(post, at, was, before):
    """Return an explicit answer where there was one or the tick is another than the one shown.

    A check that the tool needs is always answered.
    """
    on = f"{at}.on" in post
    if isinstance(before, bool) or f"{at}.needed" in post:
        return True, on
    return (True, on) if on != (f"{at}.first" in post) else (False, None)


def _typed(kind, text):
    if kind == "number":
        return number_or_text(text.strip())
    if (
        kind in ("json", "any")
        and text.strip()[:1] in ("[", "{")
        and not text.strip().startswith("{{")
    ):
        return _json(text, text)
    return text.strip() if kind == "json" else text


def _pretty(value):
    pretty = isinstance(value, dict | list)
    return json.dumps(value, indent=2, ensure_ascii=False, default=str) if pretty else None


def _json(text, otherwise):
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return otherwise


def kept(arguments, tool):
    """Return those of a form's arguments that another tool takes as well."""
    options, _ = options_of(tool["schema"])
    if is_loose(tool["schema"]):
        return arguments
    return {
        name: value
        for name, value in arguments.items()
        if name in options and fits(name, value, options[name])
    }
