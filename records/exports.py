"""From entries to a file, streamed: what goes out comes back through an import as the same data.

CSV and JSON lines are written by PostgreSQL's COPY; Python only hands the bytes on.
"""

import csv
import io
import tempfile
from contextlib import contextmanager

from django.core.cache import cache
from django.db import connection
from psycopg import ClientCursor

from records.history import quoted
from records.query import Query, fetch
from workspaces.access import acting_as
from workspaces.errors import Invalid
from workspaces.spreadsheets import neutral

BLOCK = 64 * 1024
EXCEL_ROWS, EXCEL_TEXT = 1_048_575, 32_767
PROGRESS_SECONDS = 600
# What a spreadsheet would run when a cell begins with it: = + - @ tab, carriage return.
RISKY = "(9, 13, 39, 43, 45, 61, 64)"


class Export:
    """The entries that `query` finds, with its fields, in its order, for `actor`.

    `token` names a place in the cache where the number of rows sent is kept.
    """

    def __init__(self, query: Query, actor, token=""):
        self.query, self.actor, self.token = query, actor, token
        self.fields, self.count = query.fields, 0
        if not self.fields:
            raise Invalid("There is no field to export.")

    def csv(self):
        """Yield CSV with the fields' labels on top."""
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(
            neutral(field.label) for field in self.fields
        )
        yield header.getvalue().encode()
        columns = ", ".join(map(self._csv_column, self.fields))
        if len(self.fields) == 1:
            # A single empty cell would be an empty line, which reads as no row; "" is one.
            columns = f"COALESCE(({columns})::text, '')"
        columns = escaped(columns)
        for rows in self._copied(columns, "FORMAT csv"):
            yield b"".join(rows)

    def ndjson(self):
        """Yield one JSON object a line, keyed as in the API."""
        for rows in self._json_rows():
            yield b"".join(rows)

    def json(self):
        """Yield one JSON list of objects."""
        start = b"[\n"
        for rows in self._json_rows():
            yield start + b",\n".join(row[:-1] for row in rows)
            start = b",\n"
        yield b"[]\n" if start == b"[\n" else b"\n]\n"

    def xlsx(self):
        """Yield an Excel workbook with typed cells."""
        with tempfile.TemporaryFile() as file:
            self._write_workbook(file)
            file.seek(0)
            while block := file.read(BLOCK):
                yield block

    def check(self, form):
        """Raise Invalid when `form` can't carry what is asked for; run it before the first byte.

        Raises a DatabaseError for what the database refuses: later nobody could be told.
        """
        query = self.query
        fetch(
            f"SELECT {query.selected} FROM {query.table} WHERE {query.where} LIMIT 1", query.params
        )
        if form != "xlsx":
            return
        if self.query.count() > EXCEL_ROWS:
            raise Invalid(f"Excel holds {EXCEL_ROWS:,} rows; these are more. Take CSV.")
        texts = [f for f in self.fields if f.type == "long_text"]
        longest = [f"max(char_length({quoted(f.key)}))" for f in texts]
        if longest:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT greatest({', '.join(longest)}) FROM {self.query.table} "
                    f"WHERE {self.query.where}",
                    self.query.params,
                )
                if (cursor.fetchone()[0] or 0) > EXCEL_TEXT:
                    raise Invalid(
                        f"A cell of Excel holds {EXCEL_TEXT:,} characters; one is longer. Take CSV."
                    )

    def _copied(self, columns, options, row="{}"):
        """Yield lists of rows as COPY writes them, about a block at a time."""
        query = self.query
        select = row.format(
            f"SELECT {columns} FROM {query.table} WHERE {query.where} ORDER BY {query.order}"
        )
        with acting_as(self.actor), connection.cursor() as cursor:
            rows, size = [], 0
            statement = whole(f"COPY ({select}) TO STDOUT ({options})", query.params)
            with connection.wrap_database_errors, cursor.copy(statement) as copy:
                for data in copy:
                    rows.append(bytes(data))
                    size += len(data)
                    if size > BLOCK:
                        self._note(len(rows))
                        yield rows
                        rows, size = [], 0
            self._note(len(rows), over=True)
            if rows:
                yield rows

    def _json_rows(self):
        columns = escaped(
            ", ".join(f"{json_column(field)} AS {quoted(field.key)}" for field in self.fields)
        )
        # JSON holds neither of these two characters, so COPY has nothing to quote or escape.
        plain = "FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02'"
        return self._copied(columns, plain, "SELECT row_to_json(r)::text FROM ({}) AS r")

    def _csv_column(self, field):
        column, text = column_of(field), text_of(field)
        if field.kind.virtual or field.type not in TEXTUAL:
            plain = text == f"{column}::text" and field.type != "boolean"
            return column if plain else text
        return (
            f"CASE WHEN ascii({text}) IN {RISKY} AND {text} ~ '^''*[=+@\\t\\r-]' "
            f"AND {text} !~ '^[-+]?[0-9]+([.,][0-9]+)?$' THEN '''' || {text} ELSE {text} END"
        )

    def _note(self, rows, over=False):
        self.count += rows
        if self.token:
            cache.set(f"export:{self.token}", {"done": self.count, "over": over}, PROGRESS_SECONDS)

    def _write_workbook(self, file):
        from records.workbooks import Workbook

        book = Workbook(file, self.fields)
        with acting_as(self.actor), rows_of(self) as rows:
            for number, row in enumerate(rows, 1):
                book.write(row)
                if number % 1000 == 0:
                    self._note(1000)
            book.close()
        self._note(book.row % 1000, over=True)


@contextmanager
def rows_of(export):
    """Give an iterator over the rows of an Export as Python values, some thousand in memory."""
    query = export.query
    columns = escaped(", ".join(cell_column(field) for field in export.fields))
    with connection.chunked_cursor() as cursor:
        cursor.itersize = 2000
        select = f"SELECT {columns} FROM {query.table} WHERE {query.where} ORDER BY {query.order}"
        cursor.execute(whole(select, query.params))
        yield cursor


def escaped(sql):
    """Return SQL in which no % is taken for the place of a parameter."""
    return sql.replace("%", "%%")


def whole(statement, params):
    """Return `statement` with its parameters written in: COPY takes none of its own."""
    if not params:
        return statement.replace("%%", "%")
    with connection.cursor():  # connects, where this thread has not yet
        return ClientCursor(connection.connection).mogrify(statement, params)


# Whatever people typed, or names that they gave.
TEXTUAL = {"text", "long_text", "email", "url", "phone", "choice", "choices", "user"}


def column_of(field):
    """Return the quoted column that a field shows."""
    return quoted(field.kind.source if field.kind.virtual else field.key)


def text_of(field):
    """Return SQL for a field as text that an import reads back."""
    if field.type in ("created_by", "updated_by"):
        return f"(SELECT users.email FROM users WHERE users.id = {column_of(field)})"
    return field.kind.text(field, column_of(field))


def json_column(field):
    """Return SQL for a field as JSON carries it in the API."""
    column = column_of(field)
    if field.type == "choices":
        return f"to_json(string_to_array({text_of(field)}, ', '))"
    if field.type in ("decimal", "currency", "percent", "duration", "choice"):
        return text_of(field)
    return text_of(field) if field.type in ("user", "created_by", "updated_by") else column


def cell_column(field):
    """Return SQL for a field as a workbook's cell takes it: typed where Excel has the type."""
    kept = ("integer", "rating", "autonumber", "decimal", "currency", "percent", "boolean", "date")
    if field.type in kept or field.type in ("datetime", "created_at", "updated_at"):
        return column_of(field)
    return text_of(field)
