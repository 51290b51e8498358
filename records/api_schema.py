"""The OpenAPI description of entries: of any record, or typed for one record's structure."""

import re

from records.names import slug

# What no record's operations may be called: these belong to the rest of the API.
TAKEN = {
    "workspaces",
    "members",
    "invitations",
    "records",
    "structures",
    "field_types",
    "entries",
    "events",
    "imports",
    "schema",
}
SYSTEM = {
    "created_at": {"type": "string", "format": "date-time", "readOnly": True},
    "updated_at": {"type": "string", "format": "date-time", "readOnly": True},
    "created_by": {"type": ["string", "null"], "format": "uuid", "readOnly": True},
    "updated_by": {"type": ["string", "null"], "format": "uuid", "readOnly": True},
}
ID = {"type": "integer", "format": "int64", "readOnly": True}
VERSION = {
    "type": "integer",
    "format": "int64",
    "readOnly": True,
    "description": "The entry's version; also its ETag. Sent along in a change, it must be the newest.",
}
WRITTEN = {
    "type": "object",
    "required": ["results"],
    "properties": {
        "results": {
            "type": "array",
            "items": {
                "type": "object",
                "title": "WrittenEntry",
                "required": ["entry_id", "_version"],
                "properties": {
                    "entry_id": {"type": "integer", "format": "int64"},
                    "_version": {"type": "integer", "format": "int64"},
                },
            },
        }
    },
}
SHARED = {
    "Written": WRITTEN,
    "Upserted": WRITTEN
    | {
        "required": ["results", "created", "updated", "unchanged"],
        "properties": WRITTEN["properties"]
        | {name: {"type": "integer"} for name in ("created", "updated", "unchanged")},
    },
    "Ids": {
        "type": "object",
        "required": ["ids"],
        "additionalProperties": False,
        "properties": {
            "ids": {
                "type": "array",
                "minItems": 1,
                "maxItems": 10_000,
                "items": {"type": "integer", "format": "int64", "minimum": 1},
            }
        },
    },
    "Deleted": {
        "type": "object",
        "required": ["deleted"],
        "properties": {"deleted": {"type": "integer"}},
    },
    "Groups": {
        "type": "object",
        "required": ["results"],
        "properties": {
            "results": {"type": "array", "items": {"type": "object", "additionalProperties": True}}
        },
    },
}


class Name:
    """What a record is called in a schema: `books` in operations, `Books` in components."""

    def __init__(self, record=None, taken=()):
        if record is None:
            self.operations, self.prefix, self.tag = "entries", "", "Entries"
            return
        base = slug(record.name, 40, "record")
        self.operations, number = base, 2
        while self.operations in taken or self.operations in TAKEN:
            self.operations, number = f"{base}_{number}", number + 1
        self.prefix = "".join(word.capitalize() for word in self.operations.split("_"))
        self.tag = record.name

    def component(self, kind):
        """Return the name of a component, as BooksEntryInput."""
        return f"{self.prefix}{kind}"

    def ref(self, kind):
        """Return a reference to a component."""
        return ref(self.component(kind))


def ref(name):
    """Return a reference to a component by its full name."""
    return {"$ref": f"#/components/schemas/{name}"}


def named(records):
    """Return [(record, Name)] with names that are unique among `records`."""
    taken, found = set(), []
    for record in records:
        name = Name(record, taken)
        taken.add(name.operations)
        found.append((record, name))
    return found


def value_schema(field):
    """Return the JSON Schema of a field's value, with null when it may be empty."""
    schema = dict(field.kind.schema)
    labels = [item["label"] for item in field.options.get("choices", ())]
    if field.type == "choices":
        schema["items"] = _choice(labels)
    elif field.type == "choice":
        schema |= _choice(labels)
    elif "max_length" in field.options:
        schema["maxLength"] = field.options["max_length"]
    if not field.required and "type" in schema and not schema.get("readOnly"):
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    schema["title"] = field.label
    if field.description:
        schema["description"] = field.description
    return schema


def _choice(labels):
    """Return the schema of one label; as an enum only where programs can name each of them."""
    names = {re.sub(r"[^a-z0-9]+", "", label.lower()) for label in labels}
    if not labels or len(names) < len(labels) or "" in names:
        return {"type": "string", "examples": labels[:5]}
    return {"type": "string", "enum": labels}


def components(name, structure=None):
    """Return the components of one record's entries; without a structure, of any record's."""
    fields = structure.fields if structure else ()
    values = {field.key: value_schema(field) for field in fields}
    writable = {f.key: values[f.key] for f in fields if not f.kind.computed}
    needed = [f.key for f in fields if f.required and f.default is None and not f.kind.computed]
    free = structure is None

    def entry(properties, required=()):
        made = {"type": "object", "properties": properties, "additionalProperties": free}
        return made | ({"required": list(required)} if required else {})

    head = {"entry_id": ID, "_version": VERSION}
    item = {"entry_id": ID | {"readOnly": False}, "_version": VERSION | {"readOnly": False}}
    made = {
        "Entry": entry(head | values | SYSTEM, head) | {"additionalProperties": free},
        "EntryInput": entry(writable, needed),
        "EntryPatch": entry(writable),
        "EntryPatchItem": entry(item | writable, ["entry_id"]),
        "EntryPutItem": entry(item | writable, ["entry_id", *needed]),
        "EntryPage": {
            "type": "object",
            "required": ["results", "next", "cursor"],
            "properties": {
                "results": {"type": "array", "items": name.ref("Entry")},
                "next": {"type": ["string", "null"]},
                "cursor": {"type": ["string", "null"]},
                "count": {"type": "integer"},
            },
        },
        "EntryUpsert": {
            "type": "object",
            "required": ["keys", "rows"],
            "additionalProperties": False,
            "properties": {
                "keys": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                "rows": _many(name.ref("EntryPatch")),
            },
        },
    }
    return {name.component(kind): schema for kind, schema in made.items()}


def _many(schema):
    return {"type": "array", "minItems": 1, "maxItems": 10_000, "items": schema}
