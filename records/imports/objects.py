"""JSON and NDJSON as a table of text, digit for digit."""

import codecs
import csv
import json
from functools import partial

import orjson

from records.imports.delimited import MOST_COLUMNS
from workspaces.errors import Invalid

# A list has to be held whole; lines need not be.
LARGEST_JSON = 200 * 1024**2
WRAPPERS = ("data", "rows", "items", "records", "results", "entries", "value", "values")


def looks_like_lines(head):
    """Whether the first line alone is an object and another line follows."""
    first, _, rest = head.lstrip(b"\xef\xbb\xbf \r\n\t").partition(b"\n")
    try:
        return isinstance(orjson.loads(first), dict) and rest.lstrip()[:1] == b"{"
    except orjson.JSONDecodeError:
        return False


def json_to_csv(path, plain):
    """Write the JSON file at `path` as CSV to `plain`; raise Invalid when it is no list of rows."""
    if path.stat().st_size > LARGEST_JSON:
        raise Invalid(
            "JSON of more than 200 MB can't be held whole. Write one object a line (NDJSON)."
        )
    try:
        data = loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Invalid(f"This is no JSON: {_where(error)}") from None
    _write(plain, partial(_objects, _listed(data)))


def _listed(data):
    if isinstance(data, dict):
        lists = {key: value for key, value in data.items() if isinstance(value, list)}
        wrapped = next((lists[key] for key in WRAPPERS if key in lists), None)
        if wrapped is None and len(lists) == 1 and isinstance(next(iter(lists.values()))[:1], list):
            only = next(iter(lists.values()))
            wrapped = only if all(isinstance(item, dict) for item in only) and only else None
        data = [data] if wrapped is None else wrapped
    if not isinstance(data, list):
        raise Invalid("This JSON is no list of objects.")
    if data and all(isinstance(item, list) for item in data):
        width = max(map(len, data))
        return (
            [{f"Column {n + 1}": cell for n, cell in enumerate(row)} for row in data]
            if width
            else []
        )
    return data


def ndjson_to_csv(path, plain):
    """Write the NDJSON file at `path` as CSV to `plain`; raise Invalid naming the bad line."""
    _write(plain, partial(_lines, path))


def _lines(path):
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if not line.strip():
                continue
            try:
                row = loads(line)
            except (ValueError, RecursionError) as error:
                raise Invalid(f"Line {number:,} is no JSON: {_where(error)}") from None
            if not isinstance(row, dict):
                raise Invalid(f"Line {number:,} is no object.")
            yield row


def _objects(items):
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise Invalid(f"Item {number:,} of the list is no object.")
        yield item


def _write(plain, rows):
    """Write what `rows()` yields, dicts, as CSV to `plain`; their keys are looked at first."""
    keys = {}
    for row in rows():
        keys.update(dict.fromkeys(row))
        if len(keys) > MOST_COLUMNS:  # a key of its own in each row would make rows × rows cells
            raise Invalid(f"The objects have more than {MOST_COLUMNS} different keys.")
    if not keys:
        raise Invalid("This file has no rows.")
    with open(plain, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(map(text_of, keys))
        try:
            writer.writerows([text_of(row.get(key)) for key in keys] for row in rows())
        except RecursionError:
            raise Invalid("A value of this file nests too deep.") from None


class Digits(str):
    """A number as it is written, so that 1.10 and 20 digits survive."""


def loads(data):
    """Return JSON with every number kept as Digits."""
    text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    return json.loads(text, parse_int=Digits, parse_float=Digits, parse_constant=lambda name: name)


def text_of(value):
    """Return a JSON value as the text of a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # half characters can't be written
    return _dumped(value)


def _dumped(value):
    try:
        return orjson.dumps(
            value,
            default=lambda digits: orjson.Fragment(str(digits)),
            option=orjson.OPT_PASSTHROUGH_SUBCLASS,
        ).decode()
    except TypeError:  # half a character, or nesting that orjson does not follow
        return _spelled(value)


def _spelled(value):
    """Return JSON as orjson would write it, slowly."""
    if isinstance(value, Digits):
        return value
    if isinstance(value, dict):
        pairs = (f"{_spelled(key)}:{_spelled(item)}" for key, item in value.items())
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_spelled, value))}]"
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()


def _where(error):
    if isinstance(error, UnicodeDecodeError):
        return "it is not written in UTF-8."
    if isinstance(error, RecursionError):
        return "it nests too deep."
    return (
        f"{error.msg} (line {error.lineno:,}, column {error.colno:,})."
        if isinstance(error, json.JSONDecodeError)
        else f"{error}."
    )
