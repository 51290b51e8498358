"""The ground that all three run on: the same rows in a plain table and in a record."""

from django.db import connection
from django.test import Client

from accounts.models import ApiToken
from benchmarks.people import Owner
from benchmarks.plain import COLUMNS, DDL, TABLE
from records.history import quoted
from records.services import create_record
from workspaces.access import acting_as

FIELDS = [
    {"label": "Title", "type": "text"},
    {"label": "Pages", "type": "integer"},
    {"label": "Price", "type": "decimal"},
    {"label": "State", "type": "choice", "options": {"choices": ["New", "Used", "Lost"]}},
    {"label": "Sold", "type": "boolean"},
    {"label": "Day", "type": "date"},
    {"label": "Seen", "type": "datetime"},
    {"label": "Note", "type": "long_text"},
    {"label": "ISBN", "type": "text"},
    {"label": "Stars", "type": "rating"},
]
ROWS = """
SELECT 'Book ' || g, (g * 7919) %% 1000, ((g * 104729) %% 100000) / 100.0, 1 + g %% 3, g %% 2 = 0,
       date '2020-01-01' + (g %% 2000)::int, timestamptz '2020-01-01' + make_interval(mins => g::int),
       'A note on book ' || g || ', as long as notes are.', '978' || lpad(g::text, 10, '0'),
       1 + g %% 5
FROM generate_series(%s::bigint, %s::bigint) AS g
"""


class Ground:
    """A user with a token, a record, and a plain table with the same `rows` entries."""

    def __init__(self, rows):
        self.rows = rows
        owner = Owner()
        self.user, self.actor, self.workspace = owner.user, owner.actor, owner.workspace
        with acting_as(self.actor):
            self.record = create_record(
                workspace=self.workspace, name="Books", fields=FIELDS, actor=self.actor
            )
        _, self.secret = ApiToken.objects.issue(
            user=self.user,
            name="benchmark",
            verbs=["read", "write", "structure", "admin"],
            workspaces=None,
            expires_at=None,
        )
        self.client = Client(
            headers={"authorization": f"Bearer {self.secret}"}, raise_request_exception=True
        )
        self.entries = f"/api/v1/records/{self.record.pk}/entries/"
        self._fill()

    @property
    def table(self):
        """The record's table, quoted."""
        return quoted(self.record.table_name)

    def _fill(self):
        columns = ", ".join(COLUMNS)
        with acting_as(self.actor), connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {TABLE}; {DDL}")
            cursor.execute(f"INSERT INTO {TABLE} ({columns}) {ROWS}", [1, self.rows])
            cursor.execute(f"INSERT INTO {self.table} ({columns}) {ROWS}", [1, self.rows])
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM ANALYZE {TABLE}")
            cursor.execute(f"VACUUM ANALYZE {self.table}")

    def clear(self):
        """Drop what was made; the log keeps that it was."""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
