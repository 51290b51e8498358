"""Whether the log has a place for what will happen."""

from django.db import connection

BEHIND = """
SELECT to_regclass('events_' || to_char(
           (now() AT TIME ZONE 'UTC') + interval '1 month', 'YYYY_MM')) IS NULL,
       EXISTS (SELECT FROM events_rest)
"""


def partitions_problem():
    """Return a sentence when the log's partitions are behind, else None.

    The months ahead are made by a task; without it events go to a partition of last resort, where
    they are safe, but reading them becomes slow. Ask as one who may see every event.
    """
    with connection.cursor() as cursor:
        cursor.execute(BEHIND)
        missing, stray = cursor.fetchone()
    if stray:
        return (
            "Events lie outside the months that the log has partitions for. The task "
            "make_event_partitions was not running: see that worker and beat are."
        )
    if missing:
        return (
            "The log has no partition for next month yet. See that worker and beat are running; "
            "they make it."
        )
    return None
