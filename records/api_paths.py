"""The OpenAPI paths of entries: the same operations for any record and for one."""

from records.api_schema import Name, ref

JSON = "application/json"
BASE = "/api/v1/records/{record_id}/"
LIMIT = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}


def parameter(name, schema, description, place="query", **rest):
    """Return one parameter."""
    return {"name": name, "in": place, "schema": schema, "description": description, **rest}


TEXT = {"type": "string"}
RECORD_ID = parameter(
    "record_id", {"type": "string", "format": "uuid"}, "The record.", "path", required=True
)
ENTRY_ID = parameter(
    "entry_id",
    {"type": "integer", "format": "int64", "minimum": 1},
    "The entry.",
    "path",
    required=True,
)
IF_MATCH = parameter("If-Match", TEXT, "Only if the entry still has this ETag.", "header")
IF_NONE_MATCH = parameter("If-None-Match", TEXT, "Answer 304 if it still has this ETag.", "header")
IDEMPOTENCY = parameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255},
    "Repeating the call with the same key within 24 hours gives the first answer again.",
    "header",
)
FIELDS = parameter("fields", TEXT, "Only these fields, separated by commas.")
AS_OF = parameter(
    "as_of",
    TEXT,
    "Read the record as it was: an ISO 8601 date and time, or the number of an event.",
)
FILTERS = [
    parameter("view", TEXT, "The id of a view: its filter, order, search and fields."),
    parameter("where", TEXT, "A tree of conditions as JSON."),
    parameter("search", TEXT, "A text that any field may contain."),
    AS_OF,
]
PAGING = [
    parameter("limit", LIMIT, "How many on a page."),
    parameter("cursor", TEXT, "Where the page begins, as the page before said."),
]
LISTING = [
    FIELDS,
    *FILTERS,
    parameter("sort", TEXT, "Field keys separated by commas, - in front for descending."),
    *PAGING,
    parameter("count", {"type": "string", "enum": ["none", "exact", "estimated"]}, "Count too."),
    parameter("format", {"type": "string", "enum": ["json", "ndjson"]}, "ndjson streams all."),
]
SUMMING = [
    parameter("aggregate", TEXT, "As count,sum:price,max:year."),
    parameter("group_by", TEXT, "Field keys separated by commas."),
    *FILTERS,
    parameter("limit", LIMIT | {"maximum": 10_000, "default": 1000}, "How many groups."),
]


def operation(name, verb, summary, *, ok, code="200", body=None, parameters=()):
    """Return one operation; `ok` and `body` are schemas, `ok` None for no content."""
    made = {
        "operationId": f"{name.operations}_{verb}",
        "summary": summary,
        "tags": [name.tag],
        "parameters": list(parameters),
        "responses": {code: answer(summary, ok)},
    }
    if body is not None:
        made["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
    return made


def answer(description, schema):
    """Return one response."""
    made = {"description": description}
    return made if schema is None else made | {"content": {JSON: {"schema": schema}}}


def paths(name=None, record=None):
    """Return the paths of one record's entries; without one, of any record's."""
    name = name or Name()
    base = BASE if record is None else BASE.replace("{record_id}", str(record.pk))
    filters = [] if record is None else _field_filters(record.structure)
    found = {
        f"{base}entries/": _collection(name, filters),
        f"{base}entries/upsert/": {
            "post": operation(
                name,
                "upsert",
                "Create or change entries by the values of key fields",
                ok=ref("Upserted"),
                body=name.ref("EntryUpsert"),
            )
        },
        f"{base}entries/aggregate/": {
            "get": operation(
                name,
                "aggregate",
                "Sums, averages and counts, by groups if wanted",
                ok=ref("Groups"),
                parameters=[*SUMMING, *filters],
            )
        },
        f"{base}entries/{{entry_id}}/": _single(name),
    }
    if record is None:
        for item in found.values():
            item["parameters"] = [RECORD_ID, *item.get("parameters", [])]
    return found


def _collection(name, filters):
    page, one, many = name.ref("EntryPage"), name.ref("Entry"), ref("Written")
    return {
        "get": operation(name, "list", "List entries", ok=page, parameters=[*LISTING, *filters]),
        "post": operation(
            name,
            "create",
            "Create one entry, or a list of up to 10,000",
            ok={"anyOf": [one, many]},
            code="201",
            body={"anyOf": [name.ref("EntryInput"), _list(name.ref("EntryInput"))]},
        ),
        "patch": operation(
            name,
            "change_many",
            "Change fields of many entries",
            ok=many,
            body=_list(name.ref("EntryPatchItem")),
        ),
        "put": operation(
            name,
            "replace_many",
            "Replace many entries",
            ok=many,
            body=_list(name.ref("EntryPutItem")),
        ),
        "delete": operation(
            name,
            "delete_many",
            "Delete many entries",
            ok=ref("Deleted"),
            body=ref("Ids"),
        ),
    }


def _single(name):
    one = name.ref("Entry")
    return {
        "parameters": [ENTRY_ID],
        "get": operation(
            name, "read", "Read an entry", ok=one, parameters=[FIELDS, AS_OF, IF_NONE_MATCH]
        ),
        "patch": operation(
            name,
            "change",
            "Change fields of an entry",
            ok=one,
            body=name.ref("EntryPatch"),
            parameters=[IF_MATCH],
        ),
        "put": operation(
            name,
            "replace",
            "Replace an entry",
            ok=one,
            body=name.ref("EntryInput"),
            parameters=[IF_MATCH],
        ),
        "delete": operation(
            name,
            "delete",
            "Delete an entry",
            ok=None,
            code="204",
            parameters=[IF_MATCH],
        ),
    }


def _list(schema):
    return {"type": "array", "minItems": 1, "maxItems": 10_000, "items": schema}


def _field_filters(structure):
    """Return a parameter for each field and operator, as `price__lt`."""
    return [
        parameter(f"{field.key}__{op.key}", TEXT, op.sentence.format(f=field.label, v="…"))
        for field in structure.fields
        for op in field.kind.operators
    ]
