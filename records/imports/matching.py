"""Update or add: staged rows find the entry that has the same key."""

from django.db import connection

from records.history import quoted, stamped
from records.imports import casts
from records.imports.staging import execute
from workspaces.errors import Invalid


class Matching:
    """Rows become typed in the table `typed`, and find their entry in `matched`."""

    def __init__(self, work, keys):
        self.work = work
        by_key = {target.field.key: target for target in work.targets}
        missing = [key for key in keys if key not in by_key]
        if missing or not keys:
            raise Invalid(
                f"No column goes into the key “{missing[0]}”." if missing else "Choose a key."
            )
        self.keys = [by_key[key] for key in keys]
        if any(key.field.kind.column(key.field) in ("jsonb", "json") for key in self.keys):
            raise Invalid("A JSON field can't be a key.")

    def match(self):
        """Fill `typed` and `matched`; refuse rows whose key is empty, double or ambiguous."""
        values = ", ".join(
            f"{self.work.value(t)} AS {quoted(t.field.key)}" for t in self.work.targets
        )
        execute(
            "DROP TABLE IF EXISTS pg_temp.typed, pg_temp.matched; "
            f"CREATE TEMPORARY TABLE typed ON COMMIT DROP AS SELECT s.row_number, {values} "
            "FROM staging s WHERE s.row_number NOT IN (SELECT row_number FROM refused); "
            "ANALYZE typed"
        )
        self._refuse_odd_keys()
        same = self._same("x", "t")
        execute(
            "CREATE TEMPORARY TABLE matched ON COMMIT DROP AS SELECT x.row_number, t.entry_id "
            f"FROM typed x JOIN {self.work.table} t ON {same} "
            "WHERE x.row_number NOT IN (SELECT row_number FROM refused); ANALYZE matched"
        )
        execute(
            "INSERT INTO refused SELECT row_number, NULL, '', "
            "'Several entries have this key, so it can''t tell which is meant.' "
            "FROM matched GROUP BY row_number HAVING count(*) > 1"
        )

    def _refuse_odd_keys(self):
        columns = [quoted(key.field.key) for key in self.keys]
        labels = " and ".join(f"“{key.field.label}”" for key in self.keys)
        empty = " OR ".join(f"{column} IS NULL" for column in columns)
        place = self.keys[0].column
        execute(
            f"INSERT INTO refused SELECT row_number, {place}, '', "
            f"{casts.literal(f'The key {labels} is empty.')} FROM typed WHERE {empty}"
        )
        execute(
            f"INSERT INTO refused SELECT row_number, {place}, {columns[0]}::text, "
            f"{casts.literal(f'An earlier row of the file has the same {labels}.')} FROM ("
            f"SELECT *, row_number() OVER (PARTITION BY {', '.join(columns)} ORDER BY row_number) "
            f"AS kdap_n FROM typed WHERE NOT ({empty})) AS numbered WHERE kdap_n > 1"
        )

    def _same(self, left, right):
        columns = (quoted(key.field.key) for key in self.keys)
        return " AND ".join(f"{left}.{column} = {right}.{column}" for column in columns)

    def apply(self, outcome):
        """Change the entries that differ and add those that are not there."""
        kept = "x.row_number NOT IN (SELECT row_number FROM refused)"
        keys = [t.field.key for t in self.work.targets if t not in self.keys]
        rest = [quoted(key) for key in keys]
        found = self._lock(kept)
        if rest:
            differ = " OR ".join(f"t.{column} IS DISTINCT FROM x.{column}" for column in rest)
            sets = ", ".join(f"{column} = x.{column}" for column in rest)
            sets += f", {stamped(self.work.record.number, keys)}"
            outcome.updated = execute(
                f"UPDATE {self.work.table} t SET {sets} FROM typed x JOIN matched m "
                f"USING (row_number) WHERE t.entry_id = m.entry_id AND {kept} AND ({differ})"
            )
        outcome.unchanged = found - outcome.updated
        names = ", ".join(quoted(t.field.key) for t in self.work.targets)
        outcome.created = execute(
            f"INSERT INTO {self.work.table} ({names}) SELECT {names} FROM typed x WHERE {kept} "
            "AND x.row_number NOT IN (SELECT row_number FROM matched) ORDER BY row_number"
        )

    def _lock(self, kept):
        """Lock the entries found, in the order of their ids; return how many."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT count(*) FROM (SELECT 1 FROM {self.work.table} WHERE entry_id IN "
                f"(SELECT m.entry_id FROM matched m JOIN typed x USING (row_number) WHERE {kept}) "
                "ORDER BY entry_id FOR UPDATE) AS locked"
            )
            return cursor.fetchone()[0]
