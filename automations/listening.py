"""From when on somebody listens to the log, said in a way that late commits can't slip through.

An event has its number before its transaction ends, so an import that began before a webhook was
switched on may write smaller numbers than the switching and be seen only afterwards. Therefore a
beginning is PostgreSQL's snapshot: what can't be seen in it comes after, however it is numbered.
"""

from django.db import connection

# The log is read from where it was when somebody first listened.
BEGIN = """
INSERT INTO workflow_feed (id, snapshot) VALUES (1, pg_current_snapshot()::text)
ON CONFLICT DO NOTHING
"""
HOLD = "SELECT snapshot FROM workflow_feed WHERE id = 1 FOR UPDATE"


def begin():
    """Let the log be read from now on, if nobody listened before."""
    with connection.cursor() as cursor:
        cursor.execute(BEGIN)


def now():
    """Return the snapshot of what can be seen now, as text. Ask before the event is appended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return cursor.fetchone()[0]


def hold():
    """Keep the log from being read on until this transaction ends; return what was read of it.

    What the snapshot does not show was told to nobody yet, and will be told to those who listen
    when this transaction has ended. Only for short transactions: everybody's events wait.
    """
    begin()
    with connection.cursor() as cursor:
        cursor.execute(HOLD)
        return cursor.fetchone()[0]
