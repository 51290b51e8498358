"""Entries in the API: lists, single ones, many at once, sums.

Reading goes from the cursor to orjson; writing goes through records.entries like everything else.
"""

from rest_framework import status
from rest_framework.response import Response

from records import entries
from records.api_query import EntryQuery, aggregates_of, count_of, query_of
from records.api_stream import ndjson, wants_ndjson
from records.lookup import find_record
from records.past import as_of
from workspaces.errors import Invalid, KdapError, Missing, PreconditionFailed
from workspaces.rest import (
    KdapView,
    body_of,
    etag,
    if_match,
    known_parameters,
    limit_of,
    with_cursor,
)

# Members of an entry that KDAP fills; a body may bring them along as they were read.
READ_ONLY = ("entry_id", "_version", "created_at", "updated_at", "created_by", "updated_by")
LARGEST_ID = 2**63 - 1


class Entries(KdapView):
    """All entries of a record, and writing many in one transaction."""

    schema = None  # records/api_paths.py describes it, typed by structure

    def get(self, request, record_id):
        """List entries: a page, or with NDJSON all of them."""
        record = find_record(request.actor, record_id)
        params = request.query_params
        query = query_of(record, params, also=("limit", "cursor", "count", "format"))
        if wants_ndjson(request):
            return ndjson(request, query)
        found, cursor = query.page(params.get("cursor"), limit_of(request))
        answer = {"results": found, "next": with_cursor(request, cursor), "cursor": cursor}
        return Response(answer | count_of(query, params))

    def post(self, request, record_id):
        """Create one entry (an object) or up to 10,000 (a list)."""
        known_parameters(request)
        record = find_record(request.actor, record_id, "write")
        body = body_of(request)
        many = isinstance(body, list)
        rows = list(map(reader(record), body if many else [body]))
        with pointers(None if many else "single"):
            made = entries.create_entries(record=record, rows=rows, actor=request.actor)
        if many:
            return Response(written(made), status.HTTP_201_CREATED)
        return one(request, record, made.ids[0], status.HTTP_201_CREATED)

    def patch(self, request, record_id):
        """Change the given fields of many entries, each named by its entry_id."""
        return self.change(request, record_id, replace=False)

    def put(self, request, record_id):
        """Replace many entries; fields that are not given get their default or become empty."""
        return self.change(request, record_id, replace=True)

    def change(self, request, record_id, *, replace):
        """Carry out PATCH and PUT of a list."""
        known_parameters(request)
        record = find_record(request.actor, record_id, "write")
        made = change_listed(record, listed(body_of(request)), request.actor, replace=replace)
        return Response(written(made))

    def delete(self, request, record_id):
        """Delete the entries of {"ids": […]}."""
        known_parameters(request)
        record = find_record(request.actor, record_id, "write")
        body = body_of(request)
        ids = body.get("ids") if isinstance(body, dict) else None
        if not isinstance(ids, list) or not ids or len(ids) > entries.MOST_ROWS:
            raise Invalid(f'Send {{"ids": […]}} with 1 to {entries.MOST_ROWS:,} ids.')
        for number, id in enumerate(ids):
            checked_id(id, f"/ids/{number}")
        count = entries.delete_entries(record=record, ids=ids, actor=request.actor)
        return Response({"deleted": count})


class OneEntry(KdapView):
    """One entry, with its version as ETag."""

    schema = None  # records/api_paths.py describes it, typed by structure

    def get(self, request, record_id, entry_id):
        """Read an entry; with If-None-Match a 304 when it is still the same."""
        known_parameters(request, "fields", "as_of")
        record = find_record(request.actor, record_id)
        if moment := request.query_params.get("as_of"):
            record = as_of(record, moment)
        response = one(request, record, entry_id)
        if response.headers["ETag"] in request.headers.get("If-None-Match", ""):
            return Response(status=304, headers={"ETag": response.headers["ETag"]})
        return response

    def patch(self, request, record_id, entry_id):
        """Change the fields that are given."""
        return self.change(request, record_id, entry_id, replace=False)

    def put(self, request, record_id, entry_id):
        """Replace the entry; fields that are not given get their default or become empty."""
        return self.change(request, record_id, entry_id, replace=True)

    def change(self, request, record_id, entry_id, *, replace):
        """Carry out PATCH and PUT under If-Match (or the body's _version)."""
        known_parameters(request)
        record = find_record(request.actor, record_id, "write")
        body = body_of(request)
        row = reader(record)(body)
        if not isinstance(row, dict):
            raise Invalid("Send an object with the fields to write.")
        if replace:
            row = filled(record, row)
        seen_by_body = body.get("_version")
        with precondition(request, record, entry_id, seen_by_body) as seen, pointers("single"):
            entries.update_entries(
                record=record,
                changes={entry_id: row},
                actor=request.actor,
                versions={entry_id: seen},
            )
        return one(request, record, entry_id)

    def delete(self, request, record_id, entry_id):
        """Delete the entry; history keeps it."""
        known_parameters(request)
        record = find_record(request.actor, record_id, "write")
        with precondition(request, record, entry_id) as seen:
            entries.delete_entries(
                record=record, ids=[entry_id], actor=request.actor, versions={entry_id: seen}
            )
        return Response(status=status.HTTP_204_NO_CONTENT)


class Upsert(KdapView):
    """Create or change by the values of some fields."""

    schema = None  # records/api_paths.py describes it, typed by structure

    def post(self, request, record_id):
        """Take {"keys": [field, …], "rows": […]}; answer what became of each row."""
        known_parameters(request)
        record = find_record(request.actor, record_id, "write")
        body = body_of(request)
        if not isinstance(body, dict) or set(body) != {"keys", "rows"}:
            raise Invalid('Send {"keys": [fields], "rows": [entries]}.')
        keys = body["keys"]
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise Invalid("keys is a list of field keys.", problems=[at("/keys", "A list.")])
        rows = list(map(reader(record), listed(body["rows"], "/rows")))
        with pointers(None, "/rows"):
            made, created, updated, unchanged = entries.upsert_entries(
                record=record, rows=rows, keys=keys, actor=request.actor
            )
        counts = {"created": created, "updated": updated, "unchanged": unchanged}
        return Response(written(made) | counts)


class Aggregate(KdapView):
    """Sums over entries."""

    schema = None  # records/api_paths.py describes it, typed by structure

    def get(self, request, record_id):
        """Compute ?aggregate=count,sum:price of each group of ?group_by=kind."""
        record = find_record(request.actor, record_id)
        params = request.query_params
        also = ("aggregate", "group_by", "limit")
        query = query_of(record, params, also=also, shaped=False)
        wanted, groups = aggregates_of(params)
        found = query.aggregate(wanted, groups, limit=limit_of(request, 1000, 10_000))
        return Response({"results": found})


def one(request, record, entry_id, code=200):
    """Answer one entry with its ETag; raise Missing."""
    entry = read(record, entry_id, request.query_params.get("fields"))
    headers = {"ETag": etag(entry["_version"])}
    if code == status.HTTP_201_CREATED:
        headers["Location"] = f"{request.path}{entry_id}/"
    return Response(entry, code, headers=headers)


def read(record, entry_id, fields=None):
    """Return one entry as the API shows it; raise Missing."""
    keys = fields.split(",") if fields else None
    found = EntryQuery(record, fields=keys).find([entry_id]) if entry_id <= LARGEST_ID else {}
    if entry_id not in found:
        raise Missing(f"There is no entry {entry_id} here (any more).")
    return found[entry_id]


def written(made):
    """Return what a write of many is answered with."""
    pairs = zip(made.ids, made.tags, strict=True)
    return {"results": [{"entry_id": id, "_version": tag} for id, tag in pairs]}


def change_listed(record, rows, actor, *, replace):
    """Change entries as a list names them, by entry_id and perhaps _version; return Written.

    Raises Invalid with pointers that count as the list does.
    """
    ids = [id_in(row, number) for number, row in enumerate(rows)]
    if len(set(ids)) < len(ids):
        raise Invalid("Two items of the list name the same entry.")
    versions = {
        id: row["_version"]
        for id, row in zip(ids, rows, strict=True)
        if row.get("_version") is not None
    }
    read_row = reader(record)
    changes = {
        id: filled(record, read_row(row)) if replace else read_row(row)
        for id, row in zip(ids, rows, strict=True)
    }
    # Cleaned in the order of ids; the caller counts in the order they sent.
    given = {id: number for number, id in enumerate(ids)}
    order = {place: given[id] for place, id in enumerate(sorted(ids))}
    with pointers(order):
        return entries.update_entries(
            record=record, changes=changes, actor=actor, versions=versions
        )


def reader(record):
    """Return a function from a row of a body to what is written of it; what is no object stays.

    The members that KDAP fills are left out.
    """
    fields = record.structure.fields
    ignored = {*READ_ONLY, *(field.key for field in fields if field.kind.computed)}
    loads = {field.key: load for field in fields if (load := field.kind.load(field))}

    def read_row(row):
        if not isinstance(row, dict):
            return row
        kept = {key: value for key, value in row.items() if key not in ignored}
        for key in loads.keys() & kept.keys():
            kept[key] = loads[key](kept[key])
        return kept

    return read_row


def filled(record, row):
    """Return `row` complete: what is not given gets its default or becomes empty."""
    if not isinstance(row, dict):
        return row
    takes = [field for field in record.structure.columns if not field.kind.computed]
    return {field.key: field.default for field in takes} | row


def listed(rows, pointer=""):
    """Return the items of a body that must be a list of objects; raise Invalid."""
    if not isinstance(rows, list) or not 0 < len(rows) <= entries.MOST_ROWS:
        raise Invalid(f"Send a list of 1 to {entries.MOST_ROWS:,} entries.")
    wrong = [number for number, row in enumerate(rows) if not isinstance(row, dict)]
    if wrong:
        found = [at(f"{pointer}/{number}", "An entry is an object.") for number in wrong[:100]]
        raise Invalid("An entry is an object.", problems=found)
    return rows


def id_in(row, number):
    """Return the entry_id of a list's item; raise Invalid."""
    version = row.get("_version")
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise Invalid(
            "A _version is a number, as it was read.",
            problems=[at(f"/{number}/_version", "This must be a whole number.")],
        )
    return checked_id(row.get("entry_id"), f"/{number}/entry_id")


def checked_id(id, pointer):
    """Return an id that can be one; raise Invalid with its place."""
    if not isinstance(id, int) or isinstance(id, bool) or not 0 < id <= LARGEST_ID:
        raise Invalid(
            "Each entry is named by its entry_id.",
            problems=[at(pointer, "This must be the id of an entry.")],
        )
    return id


def at(pointer, detail):
    """Return one problem."""
    return {"pointer": pointer, "detail": detail}


class pointers:
    """Rewrite pointers of problems, /3/price, as the caller counts.

    `order` is "single" for a body that is one entry, {place: number} for rows that were sorted,
    None when the places are right; `prefix` is where the rows stand in the body.
    """

    def __init__(self, order, prefix=""):
        self.order, self.prefix = order, prefix

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, KdapError):
            for item in error.problems:
                item["pointer"] = self.moved(item.get("pointer", ""))

    def moved(self, pointer):
        """Return one pointer rewritten."""
        _, _, rest = pointer.partition("/")
        number, slash, cell = rest.partition("/")
        if not number.isdigit():
            return pointer
        if self.order == "single":
            return slash + cell
        place = self.order.get(int(number), number) if self.order else number
        return f"{self.prefix}/{place}{slash}{cell}"


class precondition:
    """Give the version that the caller demands; show the newest entry when it is another."""

    def __init__(self, request, record, entry_id, version=None):
        self.request, self.record, self.entry_id, self.version = request, record, entry_id, version

    def __enter__(self):
        if self.entry_id > LARGEST_ID:
            raise Missing(f"There is no entry {self.entry_id} here.")
        if self.version is not None and not isinstance(self.version, int):
            raise Invalid("A _version is a number.", problems=[at("/_version", "A number.")])
        if "If-Match" not in self.request.headers:
            return self.version
        try:
            return if_match(self.request)
        except PreconditionFailed as error:
            error.extra["current"] = read(self.record, self.entry_id)
            raise

    def __exit__(self, kind, error, trace):
        if isinstance(error, PreconditionFailed):
            error.extra["current"] = read(self.record, self.entry_id)
