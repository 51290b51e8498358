"""From the address of a call to a Query over entries, and from its rows to JSON.

`?price__lt=10` is a condition, `?where=` a whole tree of them; what is neither is named in a 400.
"""

from uuid import UUID

import orjson

from records import indexes
from records.cursors import decode_cursor, encode_cursor
from records.history import quoted
from records.past import as_of
from records.query import Query
from records.saved_views import NOWHERE, find_view, question_of
from workspaces.access import current_actor
from workspaces.errors import Conflict, Invalid, KdapError, Missing

SYSTEM = ("created_at", "updated_at", "created_by", "updated_by")
FILTERS = ("view", "where", "search", "as_of")
COUNTS = ("none", "exact", "estimated")
MOST_SORTS = 10


class EntryQuery(Query):
    """A Query whose rows are what the API shows: the fields, then the system columns.

    Behind them stand the values of the sorts, so that the last row gives the next cursor.
    """

    def __init__(self, record, *, fields=None, **question):
        self.system = SYSTEM if fields is None else [key for key in SYSTEM if key in fields]
        if fields is not None:
            fields = [key for key in fields if key not in (*SYSTEM, "entry_id", "_version")]
        super().__init__(record, fields=fields, **question)
        self.names = ["entry_id", "_version", *(f.key for f in self.fields), *self.system]
        behind = [*map(quoted, self.system), *(column for column, _, _ in self.sorts)]
        # A cached property's value may be set beforehand.
        self.selected = ", ".join([Query.selected.func(self), *behind])

    def entries(self, rows):
        """Return rows as the API's objects."""
        names = self.names
        return [dict(zip(names, row, strict=False)) for row in rows]

    def key_of(self, row):
        """Return the key of a row: the values of the sorts, then its id."""
        return [*row[len(self.names) :], row[0]]

    def page(self, cursor, limit):
        """Return (entries, cursor of the next page or None)."""
        after = decode_cursor(cursor) if cursor else None
        indexes.wish(self)
        rows = self.rows(after=after, limit=limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        following = encode_cursor(self.key_of(rows[-1])) if more else None
        return self.entries(rows), following

    def find(self, ids):
        """Return {entry_id: object} of the entries of those ids that match."""
        rows = self.rows(extra="entry_id = ANY(%s)", extra_params=[list(ids)], limit=len(ids))
        return {row[0]: entry for row, entry in zip(rows, self.entries(rows), strict=True)}


def query_of(record, params, *, also=(), shaped=True):
    """Return the EntryQuery that query parameters ask for.

    `also` are parameters that the endpoint itself reads; with `shaped`, sort and fields count.
    `as_of` asks of the record as it was; `view` adds what that view asks for.
    Raises KdapError for unknown parameters, Invalid for unusable values, and Missing or Conflict
    for a view that can't be had, or not whole.
    """
    if params.get("as_of"):
        record = as_of(record, params["as_of"])
    seen = _of_view(record, params["view"]) if params.get("view") else {}
    question = {"sort": seen["sort"], "fields": seen["fields"]} if seen and shaped else {}
    if shaped and ("sort" in params or not seen):
        question["sort"] = words(params.get("sort"), MOST_SORTS)
    if shaped and ("fields" in params or not seen):
        question["fields"] = words(params.get("fields"), 1000) if "fields" in params else None
    known = {*FILTERS, *also, *(("sort", "fields") if shaped else ())}
    conditions = list(_conditions(record, params, known))
    if params.get("where"):
        conditions.append(_tree(params["where"]))
    if seen.get("where"):
        conditions.append(seen["where"])
    where = conditions[0] if len(conditions) == 1 else {"and": conditions} if conditions else None
    search = params.get("search", seen.get("search", ""))
    return EntryQuery(record, where=where, search=search, **question)


def _of_view(record, named):
    """Return what a view shows: where, sort, search and fields (None for all)."""
    try:
        view = find_view(current_actor(), UUID(named), record=record)
    except ValueError:
        raise Missing(NOWHERE) from None
    asked = question_of(view, record)
    if asked.left_out:
        raise Conflict(f"The view “{view.name}” can't be read whole. {asked.left_out[0]}")
    hidden = set(view.layout.get("hidden", ()))
    keys = [field.key for field in record.structure.fields if field.id not in hidden]
    fields = [*keys, *SYSTEM] if hidden else None
    return {"where": asked.where, "sort": asked.sort, "search": asked.search, "fields": fields}


def words(text, most):
    """Return a comma-separated parameter as a list without empty items."""
    items = [item.strip() for item in (text or "").split(",") if item.strip()]
    if len(items) > most:
        raise KdapError(f"At most {most:,} names fit in one parameter.")
    return items


def _tree(text):
    try:
        tree = orjson.loads(text)
    except orjson.JSONDecodeError:
        tree = None
    if not isinstance(tree, dict):
        raise Invalid(
            "“where” is no JSON object.",
            problems=[{"parameter": "where", "detail": "Give a condition as JSON."}],
        )
    return tree


def _conditions(record, params, known):
    """Yield a condition for each parameter named after a field; raise a 400 for other names."""
    columns = {*(field.key for field in record.structure.fields), "entry_id", *SYSTEM}
    unknown = []
    for name in params:
        if name in known:
            continue
        key, _, operator = name.partition("__")
        if key not in columns:
            unknown.append(name)
            continue
        for value in params.getlist(name):
            yield {"field": key, "op": operator or "is", "value": value}
    if unknown:
        raise KdapError(
            f"There is no parameter or field “{unknown[0][:60]}” here.",
            problems=[
                {"parameter": name[:60], "detail": "Unknown parameter."} for name in unknown[:100]
            ],
        )


def count_of(query, params):
    """Return what ?count= asks for as a dict to add to the answer."""
    wanted = params.get("count", "none")
    if wanted not in COUNTS:
        raise KdapError(f"count is one of {', '.join(COUNTS)}.")
    if wanted == "none":
        return {}
    return {"count": query.count() if wanted == "exact" else query.estimate()}


def aggregates_of(params):
    """Return (wanted, groups) of ?aggregate=count,sum:price&group_by=kind."""
    wanted = []
    for item in words(params.get("aggregate", "count"), 50):
        function, _, key = item.partition(":")
        wanted.append((function, key or None))
    for function, key in wanted:
        if key is None and function != "count":
            raise Invalid(f"Say of which field: {function[:60]}:field.")
    return wanted, words(params.get("group_by"), 5)
