"""Examples of API calls that work as they stand for one record: its keys, values it takes."""

import json
from uuid import UUID

import orjson

from records.fields import Refused

CANDIDATES = [
    "Example",
    {"key": "value"},
    "name@example.com",
    "https://example.com",
    "1:30:00",
    "2026-05-31",
    "9.90",
    True,
    1,
    "+49 30 123456",
    str(UUID(int=1)),
]

TEXTS = {
    "list": ("List entries", "A page of 100, at most 1,000; “next” leads to the one after."),
    "find": ("Find entries", "By any field and its operators, or by a whole tree in “where”."),
    "create": ("Create an entry", "One object; or a list of up to 10,000, all of them or none."),
    "read": ("Read an entry", "Its ETag is the version to send back as If-Match."),
    "change": ("Change an entry", "Only what is given changes."),
    "upsert": ("Create or change", "Entries are found by the keys; the others are made."),
    "delete": ("Delete an entry", "History keeps it."),
    "export": ("Download everything", "As csv, xlsx, json or ndjson; filters work here too."),
}


def example_value(field, actor):
    """Return a value that `field` takes, or None when none is known."""
    labels = [item["label"] for item in field.options.get("choices", ())]
    limits = [field.options[name] for name in ("minimum", "maximum") if name in field.options]
    email = [actor.user.email] if field.type == "user" else []
    for value in [*email, *labels[:1], field.kind.hint, *CANDIDATES, *limits]:
        if field.type in ("text", "long_text") and value == field.kind.hint:
            continue
        try:
            cleaned = field.kind.clean(value, field)
            if cleaned is not None:
                return cleaned if field.kind.load(field) else value
        except Refused:
            continue
    return None


def example_row(record, actor, most=4):
    """Return an entry that can be created: what is required, and the first few other fields."""
    takes = [field for field in record.structure.columns if not field.kind.computed]
    needed = [field for field in takes if field.required]
    chosen = (needed + [field for field in takes if not field.required])[: max(most, len(needed))]
    row = {field.key: example_value(field, actor) for field in takes if field in chosen}
    return {key: value for key, value in row.items() if value is not None}


def examples(record, actor, base, entry_id):
    """Return [{id, title, text, curl, python}] for one record below the address `base`."""
    row = example_row(record, actor)
    url = f"{base}/api/v1/records/{record.pk}/entries/"
    one = f"{url}{entry_id}/"
    fields = [field for field in record.structure.columns if not field.kind.computed]
    key = next((f.key for f in fields if f.key in row), "entry_id")
    sortable = next((f.key for f in fields if f.kind.sortable), "entry_id")
    change = dict([next(iter(row.items()))]) if row else {}
    return [
        _example("list", "GET", f"{url}?limit=100&sort=-{sortable}"),
        _example("find", "GET", f"{url}?{key}__filled=&count=exact"),
        _example("create", "POST", url, row),
        _example("read", "GET", one),
        _example("change", "PATCH", one, change),
        _example("upsert", "POST", f"{url}upsert/", {"keys": [key], "rows": [row]}),
        _example("delete", "DELETE", one),
        _example("export", "GET", f"{base}/api/v1/records/{record.pk}/export/?format=csv"),
    ]


def _example(id, method, url, body=None):
    title, text = TEXTS[id]
    made = {"id": id, "title": title, "text": text, "method": method, "url": url, "body": body}
    return made | {"curl": curl(method, url, body), "python": python(method, url, body)}


def curl(method, url, body):
    """Return a curl command for a POSIX shell."""
    lines = [f"curl {quoted(url)}", "-H 'Authorization: Bearer '\"$KDAP_TOKEN\""]
    if method != "GET":
        lines.insert(1, f"-X {method}")
    if body is not None:
        text = orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
        lines += ["-H 'Content-Type: application/json'", f"-d {quoted(text)}"]
    return " \\\n  ".join(lines)


def quoted(text):
    """Return `text` as one word of a POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def python(method, url, body):
    """Return the same call in Python, with the package requests."""
    lines = ["import os", "import requests", ""]
    lines += ["answer = requests.request(", f"    {json.dumps(method)},", f"    {json.dumps(url)},"]
    lines.append("""    headers={"Authorization": "Bearer " + os.environ["KDAP_TOKEN"]},""")
    if body is not None:
        lines.append(f"    json={body!r},")
    last = (
        "print(answer.text)" if "/export/" in url or method == "DELETE" else "print(answer.json())"
    )
    return "\n".join([*lines, ")", "answer.raise_for_status()", last])
