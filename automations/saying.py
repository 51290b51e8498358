"""How values, conditions and whole definitions read in English.

What is said here is what `automations.english` understands: reading it back gives the same.
"""

import json
import re
from decimal import Decimal

from automations import namesakes
from automations.scope import Scope
from automations.template_parser import Path, Placeholder, parse
from automations.template_values import TemplateError, text_of

SIMPLE = re.compile(r"[^\W\d_][^\W_]*(?:[ -][^\W_]+)*")
PLAIN_EMAIL = re.compile(r"[\w.+]{1,64}@[\w-]{1,60}(\.[\w-]{1,60}){1,4}(?<![_-])", re.ASCII)
PLAIN_URL = re.compile(r"https?://[\w./~%?&=+#:@-]*[\w/]", re.ASCII)
# Words with which something else could begin where a label may stand.
RESERVED = {"a", "all", "an", "any", "both", "each", "either", "every", "it", "its", "new", "no"}
RESERVED |= {"not", "old", "that", "the", "then", "this", "when", "and", "or"}
NUMBERS = ("decimal", "integer", "currency", "percent", "rating")


# What a value of an agent's answer is, in brackets behind its name; a text needs no word.
OF_AGENTS = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "yes or no",
    "date": "a date",
}


def wanted(items):
    """Return what an agent's answer has to have: “urgent (yes or no) and answer”."""
    return joined([f"{item.name}{_about(item)}" for item in items])


def _about(item):
    parts = [OF_AGENTS[item.type]] if item.type in OF_AGENTS else []
    if item.type == "choice":
        parts.append(f"one of {joined([quoted(text) for text in item.choices], 'or')}")
    parts += [] if item.required else ["optional"]
    parts += [f"meaning {quoted(item.description)}"] if item.description else []
    return f" ({'; '.join(parts)})" if parts else ""


def quoted(text):
    """Return a text in quotation marks, with what would end it or begin a name escaped."""
    return "“" + re.sub(r"(?=[”\\{])", r"\\", text) + "”"


def read_as(name):
    """Return what a name is for who reads sentences: its words and marks, in small letters."""
    from automations.english.words import key_of

    return key_of(name)


def apart(name, thing, others):
    """Return a name in quotation marks, with what tells its thing from `others` of that name."""
    if isinstance(thing, str):  # a choice is its label
        return quoted(thing)
    if not others:
        return quoted(name)
    mark = namesakes.mark(thing, others)
    if hasattr(thing, "email"):
        return f"{quoted(name)} ({mark if PLAIN_EMAIL.fullmatch(mark) else quoted(mark)})"
    return f"{quoted(name)} (id {quoted(mark)})"


def label(book, record_id, key):
    """Return a field's label, in quotation marks where it could be mistaken."""
    record = book.record(record_id) if record_id else None
    found = None
    for field in record.structure.fields if record else ():
        if found is None and key in (field.key, field.id):
            found = field
    if found is None:
        return quoted(str(key))
    small = found.label.casefold()
    others = [field for field in record.structure.fields if field is not found]
    if twins := [field for field in others if read_as(field.label) == read_as(found.label)]:
        return apart(found.label, found, twins)
    others = [field.label.casefold() for field in others]
    plain = SIMPLE.fullmatch(found.label) and small.split()[0] not in RESERVED
    if plain and not any(other.startswith(f"{small} ") for other in others):
        return found.label
    return quoted(found.label)


def name(key):
    """Return the name of a variable as a sentence has it."""
    return key if re.fullmatch(r"[^\W\d]\w*", key) else quoted(key)


def named(book, given):
    """Return {name: value} as a sentence has it: “total = 5 and note = “…””."""
    return joined([f"{name(key)} = {value(book, item)}" for key, item in given.items()])


def field_of(book, record_id, key):
    """Return the Field of that key, or None."""
    record = book.record(record_id) if record_id else None
    return next((f for f in record.structure.fields if f.key == key), None) if record else None


def value(book, given, field=None):
    """Return a literal or template as a sentence has it; `field` is the one it is for."""
    scope = book.scope or Scope(book)
    if isinstance(given, str):
        if field is not None and field.kind.editor == "user" and "{{" not in given:
            return _person(book, given)
        return _template(scope, given)
    if given is None:
        return "empty"
    if given is True or given is False:
        return "yes" if given else "no"
    if isinstance(given, (int, float, Decimal)):
        if field is not None and field.type == "percent":
            return f"{text_of((Decimal(str(given)) * 100).normalize())}%"
        return text_of(given)
    if field is not None and field.type == "choices" and _labels(given):
        return joined([quoted(item) for item in given])
    return "JSON " + json.dumps(_inside(scope, given), ensure_ascii=False, default=str)


def cell(book, given, field=None):
    """Return what is written into a cell: as `value`, but one choice of several is a list there."""
    several = field is not None and field.type == "choices"
    if several and isinstance(given, str) and given and "{{" not in given:
        return f"JSON {json.dumps(given, ensure_ascii=False)}"
    return value(book, given, field)


def _labels(given):
    """Return whether a value is a list of choices, without templates."""
    if not isinstance(given, list) or not given:
        return False
    return all(isinstance(item, str) and item and "{{" not in item for item in given)


def _inside(scope, given):
    """Return JSON with its templates as they stand inside a text."""
    if isinstance(given, str):
        try:
            parts = parse(given)
        except TemplateError:
            return given
        return _joined(scope, parts)
    if isinstance(given, dict):
        return {key: _inside(scope, item) for key, item in given.items()}
    if isinstance(given, (list, tuple)):
        return [_inside(scope, item) for item in given]
    return given


def values(book, given, word="or", field=None):
    """Return a list as a sentence has it: “A”, “B” or “C”."""
    return joined([value(book, item, field) for item in given], word)


def joined(said, word="and"):
    """Return parts of a sentence with commas, and a word before the last of them."""
    return f" {word} ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said)


def _person(book, given):
    """Return the name of a member in a field of people; of anybody else what was given."""
    person = book.person(given) if re.fullmatch(r"[0-9a-f-]{36}", given) else None
    if person is None:
        return f"JSON {json.dumps(given, ensure_ascii=False)}"
    return book.person_name(person)


def _template(scope, text):
    try:
        parts = parse(text)
    except TemplateError:
        return f"JSON {json.dumps(text, ensure_ascii=False)}"
    if len(parts) == 1 and isinstance(parts[0], Placeholder):
        return _single(scope, parts[0])
    return f"“{_joined(scope, parts)}”"


def _joined(scope, parts):
    """Return the parts of a template as they stand between quotation marks."""
    return "".join(
        quoted(part)[1:-1] if isinstance(part, str) else braces(scope, part) for part in parts
    )


def text(book, given):
    """Return a template in quotation marks, where a sentence has nothing but a text."""
    try:
        return f"“{_joined(book.scope or Scope(book), parse(given))}”"
    except TemplateError:
        return quoted(given)


def braces(scope, placeholder):
    """Return a placeholder as it stands inside a text: {Label}, or {{ path }}."""
    name = scope.name(placeholder.head.parts) if isinstance(placeholder.head, Path) else None
    filters = "".join(f" | {_filter(*item)}" for item in placeholder.filters)
    if name and not re.search(r"[{}\"“”\n]", filters):
        return "{" + name + filters + "}"
    return "{{ " + _operand(placeholder.head) + filters + " }}"


def _filter(name, arguments):
    given = ", ".join(_operand(argument) for argument in arguments)
    return f"{name}: {given}" if given else name


def _operand(operand):
    if isinstance(operand, Path):
        return str(operand)
    if isinstance(operand, str):
        return '"{}"'.format(re.sub(r'(["\\])', r"\\\1", operand))
    if operand is None:
        return "null"
    return text_of(operand)


def _single(scope, placeholder):
    """Return a template that is one placeholder and nothing else."""
    head, filters = placeholder.head, placeholder.filters
    if isinstance(head, Path) and not filters:
        return _path(scope, head.parts) or braces(scope, placeholder)
    if isinstance(head, Path) and len(filters) == 1:
        name, given = filters[0]
        if name in ("add_days", "add_hours") and isinstance(given[0], int) and given[0]:
            said = _moved(scope, head.parts, name.removeprefix("add_"), given[0])
            return said or braces(scope, placeholder)
        sums = {"plus": "plus", "minus": "minus", "times": "times", "divided_by": "divided by"}
        said = _path(scope, head.parts)
        field = said and head.parts[:-1] == scope.root
        if name in sums and field and type(given[0]) is int and given[0] >= 0:
            return f"{said} {sums[name]} {text_of(given[0])}"
    return braces(scope, placeholder)


def _path(scope, parts):
    if parts in (("today",), ("now",)):
        return parts[0]
    if parts == scope.root:
        return "that entry"
    if parts == ("trigger", "entries") and scope.whole:
        return "all those entries"
    if parts[0] == "steps" and len(parts) == 3:
        found = {"entries": ("find_entries",), "entry": ("create_entry",)}.get(parts[2], ())
        if (last := scope.last(*found)) and last[0] == parts[1]:
            return "the entries found" if parts[2] == "entries" else "the new entry"
    if parts[:-1] == scope.root and field_of(scope.book, scope.inner, parts[-1]):
        return f"its {label(scope.book, scope.inner, parts[-1])}"
    return None


def _moved(scope, parts, unit, number):
    count, side = abs(number), number > 0
    words = f"{count} {unit if count != 1 else unit[:-1]}"
    if (parts, unit) in ((("today",), "days"), (("now",), "hours")):
        if unit == "days" and count == 1:
            return "tomorrow" if side else "yesterday"
        return f"in {words}" if side else f"{words} ago"
    whose = _path(scope, parts)
    return f"{words} {'after' if side else 'before'} {whose}" if whose else None


def sorted_by(book, record_id, sort):
    """Return an order as it follows in a sentence: “, sorted by Price descending, then by Name”."""
    said = ""
    for number, item in enumerate(sort):
        said += ", then by " if number else ", sorted by "
        said += label(book, record_id, item.removeprefix("-"))
        said += " descending" if item.startswith("-") else ""
    return said


def addresses(book, given, word="and"):
    """Return addresses of e-mails as a sentence has them."""
    said = [item if PLAIN_EMAIL.fullmatch(item) else value(book, item) for item in given]
    return joined(said, word)


def address(book, given):
    """Return a web address as a sentence has it: bare, or in quotation marks where it is odd."""
    return given if PLAIN_URL.fullmatch(given) else value(book, given)


# Conditions


def condition(book, record_id, where):
    """Return a condition tree as part of a sentence: “Price is less than 10 and …”."""
    for word in ("and", "or"):
        if word in where:
            parts = [condition(book, record_id, part) for part in where[word]]
            inner = [
                f"({said})" if "and" in part or "or" in part else said
                for said, part in zip(parts, where[word], strict=True)
            ]
            return f" {word} ".join(inner) or ("always" if word == "and" else "any or none")
    if "not" in where:
        return f"not ({condition(book, record_id, where['not'])})"
    key, op, given = where.get("field"), where.get("op"), where.get("value")
    field = field_of(book, record_id, key)
    name = label(book, record_id, key)
    operator = field and next((item for item in field.kind.operators if item.key == op), None)
    if operator is None:
        return f"{name} {op} {value(book, given)}"
    return operator.sentence.format(f=name, v=operand(book, operator, given, field))


def operand(book, operator, given, field):
    """Return the value of a comparison as its operator's sentence has it."""
    if operator.takes == "nothing":
        return ""
    if operator.takes == "number":
        return str(given)
    if isinstance(given, list):
        word = "and" if operator.takes == "two" or operator.key == "has_all" else "or"
        return values(book, given, word, field)
    return value(book, given, field)


def comparison(book, asked, operators, alone):
    """Return a Comparison (automations/comparing.py) as part of a sentence."""
    for word, parts in (("all", asked.all), ("any", asked.any)):
        if parts:
            said = (f"({comparison(book, part, operators, alone)})" for part in parts)
            return f"{word} of {', '.join(said)}"
    if asked.where is not None:
        scope = book.scope or Scope(book)
        said = condition(book, asked.record, asked.where)
        root = "{{ " + str(Path(scope.root)) + " }}"
        gone = scope.trigger == "entry_deleted" and not scope.items
        if asked.entry == root and str(asked.record) == str(scope.inner) and not gone:
            return said
        return f"{value(book, asked.entry)} in {book.name(asked.record)} matches ({said})"
    scope = book.scope or Scope(book)
    words = f"{subject(scope, asked.value)} {operators[asked.op]}"
    if asked.op in alone:
        return words
    if isinstance(asked.other, list) and asked.op in ("in", "not_in") and asked.other:
        return f"{words} {joined([_other(book, item) for item in asked.other], 'or')}"
    return f"{words} {_other(book, asked.other)}"


def _other(book, given):
    """Return the right side of a comparison; “is empty” and “is true” would be operators."""
    if given is None or given is True or given is False:
        return f"JSON {json.dumps(given)}"
    return value(book, given)


def subject(scope, given):
    """Return the left side of a comparison of values; a name stands in braces there."""
    parts = parse(given) if isinstance(given, str) and "{{" in given else ()
    if len(parts) == 1 and isinstance(parts[0], Placeholder):
        return braces(scope, parts[0])
    if isinstance(given, str):
        return text(scope.book, given)
    return "JSON " + json.dumps(_inside(scope, given), ensure_ascii=False, default=str)
