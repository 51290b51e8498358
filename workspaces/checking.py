"""Whether the log's chains hold: versions without gaps, heads that count what is there."""

from django.db import connection

CHAINS = """
SELECT COALESCE(s.kind || ' ' || s.stream_id, 'a stream without a head, ' || e.stream_id),
       s.version, e.events, e.first, e.last, e.distinct_ones, e.in_order
FROM streams s
FULL JOIN (
    SELECT stream_id, count(*) AS events, min(version) AS first, max(version) AS last,
           count(DISTINCT version) AS distinct_ones, bool_and(in_order) AS in_order
    FROM (
        SELECT stream_id, version,
               version > COALESCE(lag(version) OVER (PARTITION BY stream_id ORDER BY event_id), 0)
                   AS in_order
        FROM events WHERE version IS NOT NULL
    ) AS numbered GROUP BY stream_id
) AS e USING (stream_id)
WHERE (s.version, s.version, s.version, 1, true)
      IS DISTINCT FROM (e.events, e.last, e.distinct_ones, e.first, e.in_order)
ORDER BY 1
"""


def chain_problems():
    """Return a sentence for every stream whose versions are not 1, 2, 3 … up to its head's.

    Reads the whole log; call it as the system, else the wall hides most of it.
    """
    with connection.cursor() as cursor:
        cursor.execute(CHAINS)
        return [
            f"The chain of {name} is broken: its head says {head}, there are {events or 0} events, "
            f"{distinct or 0} of them distinct, from {first} to {last}"
            f"{'' if in_order in (True, None) else ', out of order'}."
            for name, head, events, first, last, distinct, in_order in cursor.fetchall()
        ]
