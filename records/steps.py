"""What every step of a plan answers, and what it costs in entries."""

from dataclasses import dataclass, field

from django.db import connection

from records.history import quoted

EXAMPLES = 10


@dataclass(frozen=True)
class Impact:
    """What an operation costs: `lost` cells become empty; `blocked` ones must be mended first."""

    sentence: str
    lost: int = 0
    blocked: int = 0
    examples: list = field(default_factory=list)  # [{"entry_id": int, "value": text}]

    def as_json(self):
        """Return the impact as a JSON-able dict."""
        return {
            "sentence": self.sentence,
            "lost": self.lost,
            "blocked": self.blocked,
            "examples": self.examples,
        }


def look(record, condition, shown):
    """Return (count, examples) of the entries where the SQL `condition` holds."""
    table = quoted(record.table_name)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table} WHERE {condition}")
        count = cursor.fetchone()[0]
        if not count:
            return 0, []
        cursor.execute(
            f"SELECT entry_id, left(({shown})::text, 80) FROM {table} WHERE {condition} "
            f"ORDER BY entry_id LIMIT {EXAMPLES}"
        )
        return count, [{"entry_id": id, "value": value} for id, value in cursor.fetchall()]


def look_twice(record, cell, shown):
    """Return (count, examples) of the entries whose SQL `cell` another entry has as well."""
    table = quoted(record.table_name)
    doubles = f"SELECT {cell} FROM {table} GROUP BY 1 HAVING count(*) > 1"
    return look(record, f"({cell}) IN ({doubles})", shown)


def cells(count):
    """Return so many cells in words."""
    return "1 cell" if count == 1 else f"{count:,} cells"


class Operation:
    """One step of a plan."""

    def describe(self):
        """Return what happens as a sentence."""
        raise NotImplementedError

    def weigh(self, record):
        """Return the Impact on the entries there are, or None when there is none."""
        return None

    def apply(self, record):
        """Carry the step out on the record's table."""

    def settle(self, record):
        """Do what people would have done by hand, once the triggers hang on the new columns."""
