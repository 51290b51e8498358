"""Writing many entries of which the database may refuse some."""

from django.db import connection

from records.entries import explained
from workspaces.errors import Invalid
from workspaces.operations import MOST_EXAMPLES

# After so many parts that were refused, the rest is left as it is.
MOST_SEARCHED = 200


class Attempts:
    """Carries a statement out on as many entries as the record's rules allow.

    `ids` is SQL that gives the entries it is about. What is refused is counted as kept on the
    outcome, with the reason; `refused` has its ids and `written` how many rows were written.
    """

    def __init__(self, record, outcome, ids):
        self.record, self.outcome, self.ids = record, outcome, ids
        self.searched, self.written, self.refused = 0, 0, []

    def run(self, write, ids=None):
        """Call write(condition), where the condition is SQL to put behind an entry_id, or "".

        It returns how many it wrote. Halves what is refused until the culprits are alone.
        """
        only = "" if ids is None else f" IN ({', '.join(map(str, ids))})"
        try:
            with explained(self.record):
                self.written += write(only)
        except Invalid as error:
            self.searched += 1
            ids = [id for (id,) in ask(self.ids)] if ids is None else ids
            if len(ids) > 1 and self.searched <= MOST_SEARCHED:
                middle = len(ids) // 2
                self.run(write, ids[:middle])
                self.run(write, ids[middle:])
                return
            examples = [{"entry_id": id, "detail": error.detail} for id in ids[:MOST_EXAMPLES]]
            self.outcome.add(kept=len(ids), examples=examples)
            self.refused += ids


def run(statement):
    """Execute a statement; return how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.rowcount


def ask(statement):
    """Return the rows of a SELECT."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()
