"""From staged text to entries: what can't be taken is found, the rest is inserted or updated."""

from dataclasses import dataclass, field

from django.db import DatabaseError, connection, transaction

from records import factory
from records.entries import explained
from records.fields import Refused
from records.history import inserted, quoted
from records.imports import casts, staging
from records.imports.staging import execute
from workspaces.errors import Invalid

ROWS_AT_ONCE = 50_000
MOST_REFUSALS = 100_000


@dataclass
class Outcome:
    """What an import did or would do; `refusals` are (row, column name, value, reason)."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    refusals: list = field(default_factory=list)


class Load:
    """One loading of the staging table into `record`, whose columns are `targets`."""

    def __init__(self, record, targets, rows, progress):
        self.record, self.targets, self.rows, self.progress = record, targets, rows, progress
        self.table = quoted(record.table_name)
        self.proven = {t.column: casts.proven(t) for t in targets}

    def value(self, target):
        """Return SQL for a target's value; a required field falls back to its default."""
        sql = self.proven[target.column] or casts.safe(target)
        if target.field.required and target.field.default is not None:
            return f"COALESCE({sql}, {factory.default_sql(self.record, target.field)})"
        return sql

    def find_refused(self):
        """Note in the table `refused` every cell that its field can't take."""
        for target in self.targets:
            if not self.proven[target.column]:
                execute(
                    f"INSERT INTO refused SELECT s.row_number, {target.column}, "
                    f"left({casts.cell(target)}, 500) FROM staging s "
                    f"WHERE {casts.filled(target)} AND ({casts.safe(target)}) IS NULL"
                )
            if target.field.required and target.field.default is None:
                reason = f"“{target.field.label}” is required."
                execute(
                    f"INSERT INTO refused SELECT s.row_number, {target.column}, '', "
                    f"{casts.literal(reason)} FROM staging s WHERE {casts.filled(target)} IS NOT TRUE"
                )

    def find_doubles(self, matched="false"):
        """Note in `refused` rows whose value in a unique field is there already.

        `matched` is SQL telling an entry `t` that the row `s` will itself change.
        """
        for target in self.targets:
            if not target.field.unique:
                continue
            key, value = quoted(target.field.key), self.value(target)
            reason = f"“{target.field.label}” must be unique; "
            execute(
                f"INSERT INTO refused SELECT row_number, {target.column}, left(text, 500), "
                f"{casts.literal(reason)} || CASE WHEN n > 1 THEN 'an earlier row of the file has "
                f"this value.' ELSE 'an entry has this value already.' END FROM ("
                f"SELECT s.*, {casts.cell(target)} AS text, {value} AS value, "
                f"row_number() OVER (PARTITION BY {value} ORDER BY s.row_number) AS n "
                f"FROM staging s WHERE s.row_number NOT IN (SELECT row_number FROM refused)) AS s "
                f"WHERE value IS NOT NULL AND (n > 1 OR EXISTS (SELECT 1 FROM {self.table} t "
                f"WHERE t.{key} = value AND NOT ({matched})))"
            )

    def refusals(self):
        """Return (number of rows, [(row, column name, value, reason)]) of what was noted."""
        by_column = {target.column: target for target in self.targets}
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT row_number) FROM refused")
            count = cursor.fetchone()[0]
            cursor.execute(
                "SELECT row_number, place, value, reason FROM refused "
                f"ORDER BY row_number, place LIMIT {MOST_REFUSALS}"
            )
            noted = cursor.fetchall()
        return count, [
            (
                row,
                by_column[place].name if place in by_column else "",
                value,
                reason or _why(by_column[place], value),
            )
            for row, place, value, reason in noted
        ]

    def insert(self, refused, condition="true"):
        """Insert the rows that were not refused and fulfil `condition`; return how many."""
        # The columns' own defaults say the same, but once a row: a tenth of the whole import.
        values = inserted(self.record.number)
        values |= {quoted(target.field.key): self.value(target) for target in self.targets}
        keep = "s.row_number NOT IN (SELECT row_number FROM refused)" if refused else "true"
        done = 0
        for piece in staging.pieces(self.rows, ROWS_AT_ONCE):
            done += execute(
                f"INSERT INTO {self.table} ({', '.join(values)}) "
                f"SELECT {', '.join(values.values())} FROM staging s "
                f"WHERE {piece} AND {keep} AND {condition}"
            )
            self.progress(min(1, done / max(self.rows, 1)))
        return done


def _why(target, value):
    """Return why `value` was refused, as a sentence."""
    try:
        target.field.kind.clean(value, target.field)
    except Refused as error:
        return str(error)
    return f"“{(value or '')[:60]}” can't be taken as {target.field.kind.label.lower()}."


def load(record, targets, rows, progress, skip_bad, keys=None):
    """Load the staged rows into `record`; return an Outcome.

    With `keys` (field keys) entries that have the same values there are changed instead of added.
    Raises Stopped with the Outcome when rows are refused and `skip_bad` is not set.
    """
    work = Load(record, targets, rows, progress)
    with explained(record):
        try:
            with transaction.atomic():
                return _load(work, skip_bad, keys)
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", "")[:2] != "22":
                raise
            # A proof did not hold in PostgreSQL's eyes; go the slow, certain way.
            work.proven = {t.column: casts.proven(t) if t.typed else None for t in targets}
            return _load(work, skip_bad, keys)


def _load(work, skip_bad, keys):
    outcome = Outcome()
    work.find_refused()
    if keys:
        from records.imports.matching import Matching

        matching = Matching(work, keys)
        matching.match()
        work.find_doubles(
            "t.entry_id = (SELECT entry_id FROM matched m WHERE m.row_number = s.row_number)"
        )
    else:
        work.find_doubles()
    outcome.refused, outcome.refusals = work.refusals()
    if outcome.refused and not skip_bad:
        raise Stopped(outcome)
    if keys:
        matching.apply(outcome)
    else:
        outcome.created = work.insert(outcome.refused)
    return outcome


class Stopped(Invalid):
    """Rows were refused, and none is to be taken then."""

    def __init__(self, outcome):
        self.outcome = outcome
        count = f"{outcome.refused:,} row{'s' if outcome.refused > 1 else ''}"
        super().__init__(f"{count} can't be taken, so nothing was imported.")
