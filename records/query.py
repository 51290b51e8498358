"""Reading entries: conditions, order, search, pages and sums, as one SQL statement each.

A condition is JSON: {"field": key, "op": operator, "value": …}, or {"and": […]}, {"or": […]},
{"not": {…}}. Identifiers come from the structure only; values are parameters only.
"""

import datetime as dt
from functools import cached_property

import orjson
from django.db import connection
from django.utils import timezone
from psycopg.adapt import Loader
from psycopg.types.string import TextLoader

from records.fields import Refused
from records.fields.base import literal
from records.history import quoted
from records.search import Words, candidates, number_in
from workspaces.errors import Invalid

DEEPEST = 10
MOST_CONDITIONS = 200
AGGREGATES = {
    "count": "count(*)",
    "filled": "count({c})",
    "empty": "count(*) - count({c})",
    "distinct": "count(DISTINCT {c})",
    "sum": "sum({c})",
    "average": "avg({c})",
    "min": "min({c})",
    "max": "max({c})",
    "checked": "count(*) FILTER (WHERE {c})",
    "unchecked": "count(*) FILTER (WHERE {c} IS NOT TRUE)",
}


class _Moment(Loader):
    """Reads a timestamptz as ISO 8601 text, without a datetime on the way.

    Django keeps every connection's zone at UTC, so the offset is always +00.
    """

    def load(self, data):
        return str(data, "ascii").replace(" ", "T", 1).replace("+00", "+00:00")


# What JSON carries as text anyway is never parsed: half the time of a page went there.
AS_TEXT = {"numeric": TextLoader, "date": TextLoader, "uuid": TextLoader, "timestamptz": _Moment}


def fetch(statement, params):
    """Run a SELECT and return its rows with the values that the API sends."""
    with connection.cursor() as cursor:
        for kind, loader in AS_TEXT.items():
            cursor.cursor.adapters.register_loader(kind, loader)
        cursor.execute(statement, params)
        return cursor.fetchall()


class Query:
    """A question about one record's entries, or about those of a record as it was.

    `where` is a condition or None, `sort` a list of keys with "-" for descending, `search` a
    text that any field may contain. Raises Invalid with a pointer to the part that is wrong.
    """

    def __init__(self, record, *, where=None, sort=(), search="", fields=None):
        self.record = record
        self.structure = record.structure
        self.table = record.past.source if record.past else quoted(record.table_name)
        self.conditions = 0
        self.search = search.replace("\x00", "").strip()[:500] if isinstance(search, str) else ""
        self.sorts = [self._sort(item) for item in sort]
        self.fields = self._fields(fields)
        self.params = []
        parts = []
        if where:
            parts.append(self._condition(where, "", 1))
        if self.search:
            parts.append(self._search())
        self.where = " AND ".join(parts) or "true"

    # What was asked

    def _column(self, key, pointer):
        """Return (field or None, quoted column) of a field key or system column."""
        if key in ("entry_id", "created_at", "updated_at", "created_by", "updated_by"):
            return None, quoted(key)
        try:
            field = self.structure.field(key)
        except (KeyError, TypeError):
            detail = f"There is no field “{str(key)[:60]}”."
            raise Invalid(detail, problems=[{"pointer": pointer, "detail": detail}]) from None
        return field, quoted(field.kind.source if field.kind.virtual else field.key)

    def _fields(self, keys):
        if keys is None:
            return list(self.structure.fields)
        return [self._known(key) for key in keys]

    def _known(self, key):
        field, _ = self._column(key, "/fields")
        if field is None:
            raise Invalid(f"“{key}” is always there; name only fields.")
        return field

    def _sort(self, item):
        if not isinstance(item, str):
            raise Invalid("A sort is a field key, with - in front for descending.")
        key = item.removeprefix("-")
        field, column = self._column(key, "/sort")
        if field is not None and not field.kind.sortable:
            raise Invalid(f"“{field.label}” can't be sorted by.")
        if field is not None and field.type == "choice":
            column = field.kind.order(field, column)
        return column, item.startswith("-"), field

    def _condition(self, node, pointer, depth):
        self.conditions += 1
        if depth > DEEPEST or self.conditions > MOST_CONDITIONS:
            raise Invalid(f"Conditions may nest {DEEPEST} deep and be {MOST_CONDITIONS} in all.")
        if not isinstance(node, dict):
            raise self._wrong(pointer, "A condition is an object.")
        for word in ("and", "or"):
            if word in node:
                items = node[word]
                if not isinstance(items, list) or len(node) > 1:
                    raise self._wrong(pointer, f"“{word}” takes a list of conditions, alone.")
                parts = [
                    self._condition(item, f"{pointer}/{word}/{number}", depth + 1)
                    for number, item in enumerate(items)
                ]
                return "(" + f" {word.upper()} ".join(parts) + ")" if parts else "true"
        if "not" in node:
            return (
                f"NOT COALESCE({self._condition(node['not'], pointer + '/not', depth + 1)}, false)"
            )
        return self._comparison(node, pointer)

    def _comparison(self, node, pointer):
        field, column = self._column(node.get("field"), pointer + "/field")
        kind, options = self._kind(node.get("field"), field)
        operator = next((op for op in kind.operators if op.key == node.get("op")), None)
        if operator is None:
            known = ", ".join(op.key for op in kind.operators)
            raise self._wrong(
                pointer + "/op",
                f"“{str(node.get('op'))[:60]}” is no operator here; there are {known}.",
            )
        try:
            values = self._values(operator, node.get("value"), kind, options)
        except Refused as error:
            raise self._wrong(pointer + "/value", str(error)) from None
        self.params.extend(values)
        cast = self._cast(operator, kind, options, values)
        sql = operator.sql
        if kind.key == "date":  # today counts whole, and is what it is for the person who asks
            zone = literal(timezone.get_current_timezone_name())
            sql = sql.replace("now()", f"(now() AT TIME ZONE {zone})::date")
        return sql.replace("%s", f"%s::{cast}").format(c=column)

    def _kind(self, key, field):
        """Return the FieldType that compares a column, and the Field it reads options from."""
        if field is not None:
            return field.kind, field
        from records import fields

        stand_in = {
            "entry_id": "integer",
            "created_by": "created_by",
            "updated_by": "updated_by",
        }.get(key, "created_at")
        return fields.get(stand_in), None

    def _cast(self, operator, kind, field, values):
        if operator.takes == "text":
            return "text"
        if operator.takes == "number":
            return "integer"
        if field is None:
            column = "bigint" if kind.key == "integer" else kind.column(None)
        else:
            column = kind.column(field)
        if column.endswith("[]"):
            return "integer" if operator.takes == "one" else "integer[]"
        # A bound typed as narrowly as the column would be rounded before it is compared.
        column = column.split("(")[0]
        if column in ("bigint", "smallint"):
            bounds = values[0] if operator.takes == "many" else values
            column = "bigint" if all(is_bigint(bound) for bound in bounds) else "numeric"
        return f"{column}[]" if operator.takes == "many" else column

    def _values(self, operator, value, kind, field):
        if operator.takes == "nothing":
            return []
        if operator.takes == "number":
            if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 9:
                value = int(value)
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100_000:
                raise Refused("Give a number of days from 0 to 100,000.")
            return [value]
        if operator.takes == "text":
            if not isinstance(value, (str, int, float)) or isinstance(value, bool):
                raise Refused("Give a text to look for.")
            return [operator.like.format(escape_like(str(value).replace("\x00", "")))]
        if operator.takes == "one":
            return [self._value(value, kind, field)]
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list) or not items:
            raise Refused("Give a list of values.")
        if operator.takes == "two" and len(items) != 2:
            raise Refused("Give two values: from and to.")
        if len(items) > 10_000:
            raise Refused("At most 10,000 values fit in one condition.")
        values = [self._value(item, kind, field) for item in items]
        return values if operator.takes == "two" else [values]

    def _value(self, value, kind, field):
        from records.fields.numbers import read_number

        if value is None or value == "":
            raise Refused("Give a value to compare with.")
        if kind.align == "end" and kind.key != "duration":
            return read_number(value)  # comparing needs no bounds and no scale
        cleaned = kind.clean(value, field)
        if cleaned is None:  # spaces, an empty list
            raise Refused("Give a value to compare with.")
        if kind.key == "choices":
            return cleaned[0]
        return cleaned

    def _wrong(self, pointer, detail):
        return Invalid(detail, problems=[{"pointer": pointer, "detail": detail}])

    def _search(self):
        pattern = f"%{escape_like(self.search)}%"
        words, parts = Words(self.structure), []
        # Only what may hold it is looked at, where an index knows that.
        found = candidates(self.record, self.structure, self.search, pattern)
        if found is not None:
            self.params.append(found)
        for field in words.texts:
            parts.append(f"{quoted(field.key)} ILIKE %s")
            self.params.append(pattern)
        for field in words.choices:
            text = field.kind.text(field, quoted(field.key)).replace("%", "%%")
            parts.append(f"{text} ILIKE %s")
            self.params.append(pattern)
        number = number_in(self.search)
        if number is not None:
            for field in words.numbers:
                parts.append(f"{quoted(field.key)} = %s::numeric")
                self.params.append(number)
        either = f"({' OR '.join(parts)})" if parts else "false"
        return either if found is None else f"(entry_id = ANY(%s) AND {either})"

    # Answers

    @cached_property
    def order(self):
        """ORDER BY: the sorts with empty cells last, then the id, so that it is total."""
        parts = [
            f"{column} {'DESC' if down else 'ASC'} NULLS LAST" for column, down, _ in self.sorts
        ]
        return ", ".join([*parts, "entry_id"])

    @cached_property
    def selected(self):
        """The SELECT list: entry_id, _ev, then a column for each of `fields`."""
        columns = [quoted(f.kind.source if f.kind.virtual else f.key) for f in self.fields]
        return ", ".join(["entry_id", "_ev", *columns])

    @cached_property
    def dumps(self):
        """[(position in the row, converter)] for fields whose API value is not the database's."""
        found = [(2 + n, f.kind.dump(f)) for n, f in enumerate(self.fields) if not f.kind.textual]
        return [(position, dump) for position, dump in found if dump]

    def rows(self, *, after=None, limit=100, offset=0, extra="true", extra_params=()):
        """Return rows as lists: entry_id, _ev, then the fields as the API gives them.

        `after` is a key as `key_of` gives it; `extra` is further SQL with its parameters.
        """
        where, params = self.where, list(self.params)
        if extra != "true":
            where, params = f"{where} AND {extra}", params + list(extra_params)
        if after is not None:
            keyset, more = self._after(after)
            where, params = f"{where} AND {keyset}", params + more
        table = self.table
        everything = self.where == extra == "true" and not (self.sorts or offset)
        if self.record.past and everything:
            table = self.record.past.page(after[-1] if after else 0, limit)
        statement = f"SELECT {self.selected} FROM {table} WHERE {where} ORDER BY {self.order}"
        return self.dumped(fetch(f"{statement} LIMIT %s OFFSET %s", [*params, limit, offset]))

    def dumped(self, rows):
        """Return database rows with the API's values."""
        if not self.dumps:
            return rows
        made = []
        for row in rows:
            row = list(row)
            for position, dump in self.dumps:
                row[position] = dump(row[position])
            made.append(row)
        return made

    def keys(self, ids):
        """Return {entry_id: key} of entries, where a key is the values of the sorts and the id."""
        columns = ", ".join([column for column, _, _ in self.sorts] + ["entry_id"])
        statement = f"SELECT {columns} FROM {self.table} WHERE entry_id = ANY(%s)"
        return {row[-1]: list(row) for row in fetch(statement, [ids])}

    def _after(self, key):
        """Return (SQL, params): the rows that come after `key` in the order, empty cells last."""
        if not isinstance(key, (list, tuple)) or len(key) != len(self.sorts) + 1:
            raise Invalid("This cursor belongs to another order.")
        same, either, params, sames = [], [], [], []
        for (column, down, _), value in zip(self.sorts, key, strict=False):
            if value is not None:
                beyond = f"({column} {'<' if down else '>'} %s OR {column} IS NULL)"
                either.append(" AND ".join([*same, beyond]))
                params += [*sames, value]
                same.append(f"{column} = %s")
                sames.append(value)
            else:
                same.append(f"{column} IS NULL")
        either.append(" AND ".join([*same, "entry_id > %s"]))
        return f"({' OR '.join(f'({part})' for part in either)})", [*params, *sames, key[-1]]

    def anchors(self, step):
        """Return (count, keys): how many rows there are, and the key of every `step`-th row.

        One pass over an index or the table; with them any page is a keyset read.
        """
        columns = ", ".join([column for column, _, _ in self.sorts] + ["entry_id"])
        statement = (
            f"SELECT * FROM (SELECT {columns}, row_number() OVER (ORDER BY {self.order}) AS place "
            f"FROM {self.table} WHERE {self.where}) AS numbered WHERE place %% {int(step)} = 0"
        )
        return self.count(), [list(row[:-1]) for row in fetch(statement, self.params)]

    def count(self):
        """Return the exact number of rows."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {self.table} WHERE {self.where}", self.params)
            return cursor.fetchone()[0]

    def estimate(self):
        """Return about how many rows there are, from the planner, without reading them."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {self.table} WHERE {self.where}", self.params
            )
            plan = cursor.fetchone()[0]
        plan = orjson.loads(plan) if isinstance(plan, (str, bytes)) else plan
        return int(plan[0]["Plan"]["Plan Rows"])

    def aggregate(self, wanted, group_by=(), limit=1000):
        """Return a list of dicts: the groups with the sums asked for.

        `wanted` is a list of (function, key or None); names of the results are function_key.
        """
        columns, names = [], []
        groups = [self._column(key, "/group_by") for key in group_by]
        for function, key in wanted:
            columns.append(self._aggregate(function, key))
            names.append(function if key is None else f"{function}_{key}")
        listed = ", ".join([column for _, column in groups] + columns)
        by = ", ".join(str(n + 1) for n in range(len(groups)))
        statement = f"SELECT {listed} FROM {self.table} WHERE {self.where}"
        if groups:
            statement += f" GROUP BY {by} ORDER BY {by}"
        with connection.cursor() as cursor:
            cursor.execute(f"{statement} LIMIT %s", [*self.params, limit])
            rows = cursor.fetchall()
        dumps = [field.kind.dump(field) if field else None for field, _ in groups]
        made = []
        for row in rows:
            values = [d(v) if d else v for d, v in zip(dumps, row, strict=False)]
            values += [plain(value) for value in row[len(groups) :]]
            made.append(dict(zip([*group_by, *names], values, strict=True)))
        return made

    def _aggregate(self, function, key):
        if function == "count" and key is None:
            return AGGREGATES["count"]
        field, column = self._column(key, "/aggregate")
        kind = field.kind if field else self._kind(key, None)[0]
        if function not in kind.aggregates:
            raise Invalid(f"“{str(function)[:60]}” can't be computed of “{key}”.")
        return AGGREGATES[function].format(c=column)


def plain(value):
    """Return a database value of no field (a sum, an average) as JSON can carry it."""
    if isinstance(value, dt.timedelta):
        from django.utils.duration import duration_string

        return duration_string(value)
    if value is None or isinstance(value, (bool, int, float, str, dt.date)):
        return value
    return format(value, "f") if hasattr(value, "as_tuple") else str(value)


def is_bigint(number):
    """Whether a number is whole and fits PostgreSQL's bigint."""
    return number == int(number) and abs(number) < 2**63


def escape_like(text):
    """Return `text` with what LIKE would read as a wildcard escaped."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
