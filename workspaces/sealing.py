"""Sealing the log: a chain of hashes over all events, in the order of their transactions.

Each seal covers the events after the last one's, up to the oldest transaction that still runs, so
that an event committed late by a long transaction is never behind a seal. Its hash is over the
hash before it and every column of its events. Whoever keeps one hash somewhere else can prove that
nothing before it was changed, added or removed since, not even by who rules the database.
"""

import logging

from django.db import connection, models, transaction
from django.utils import timezone

from workspaces.access import Actor, acting_as

log = logging.getLogger(__name__)
# Enough for a busy minute; more events make more seals.
MOST = 10_000
LOCK = 7004
# What the first seal has before it.
GENESIS = "0" * 64


class EventSeal(models.Model):
    """A hash over `count` events, of which the last one is named, and over the seal before."""

    position = models.BigIntegerField(primary_key=True)
    last_xid = models.BigIntegerField()
    last_event_id = models.BigIntegerField()
    count = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    sealed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "workspaces"
        db_table = "event_seals"
        managed = False  # a migration makes it, as the log itself
        ordering = ["-position"]

    def __str__(self):
        return f"Seal {self.position}"

    @property
    def proof(self):
        """What one has to keep elsewhere of this seal."""
        return f"{self.position}:{self.sha256}"

    def as_json(self):
        """Return the seal as a JSON-able dict."""
        return {
            "proof": self.proof,
            "position": self.position,
            "sha256": self.sha256,
            "last_event_id": self.last_event_id,
            "count": self.count,
            "sealed_at": self.sealed_at.isoformat(),
        }


# Every column, in a form that no setting of a session changes. Rows are hashed one by one, so
# that no sum of payloads can be too long for one value.
HASHED = """
SELECT count(*) AS count, max(xid::text::bigint) AS xid, max(event_id) FILTER (WHERE newest = 1) AS id,
       encode(sha256(convert_to(%(before)s || ' ' || %(position)s::text || E'\\n', 'UTF8')
           || coalesce(string_agg(sha256(convert_to(line, 'UTF8')), '' ORDER BY xid, event_id), '')),
           'hex') AS sha256
FROM (
    SELECT xid, event_id, row_number() OVER (ORDER BY xid DESC, event_id DESC) AS newest,
           jsonb_build_array(
               event_id, type, payload, (extract(epoch FROM timestamp) * 1000000)::bigint, user_id,
               stream_id, version, workspace_id, operation_id, cause, host(ip), changed, count,
               digest::text, undo_of, xid::text)::text AS line
    FROM (
        SELECT * FROM events WHERE (xid, event_id) > (%(xid)s::text::xid8, %(id)s::bigint) AND {until}
        ORDER BY xid, event_id LIMIT %(most)s
    ) AS next
) AS lines
"""
# Nothing can be committed any more before what this leaves out.
FINISHED = "xid < pg_snapshot_xmin(pg_current_snapshot())"
COVERED = "(xid, event_id) <= (%(last_xid)s::text::xid8, %(last_id)s::bigint)"


def _ask(statement, params=None):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone()


def _after(seal):
    """Return the parameters of HASHED for what follows `seal`, None being the beginning."""
    if seal is None:
        return {"before": GENESIS, "position": 1, "xid": 0, "id": 0}
    return {
        "before": seal.sha256,
        "position": seal.position + 1,
        "xid": seal.last_xid,
        "id": seal.last_event_id,
    }


def head():
    """Return the newest EventSeal, None before the first; ask as the system."""
    return EventSeal.objects.first()


def seal_all():
    """Seal what is not sealed yet and can be; return how many events that were."""
    sealed = 0
    while True:
        with acting_as(Actor.system(task="seal")):
            made = _seal_some()
        if made is None:
            return sealed
        sealed += made.count


def _seal_some():
    """Make the next seal within the running transaction; None when there is nothing to seal."""
    if not _ask("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])[0]:
        return None  # somebody else is at it
    last = head()
    if problem := counted_anew(last):
        log.error(problem)
        return None
    next = _after(last)
    count, xid, id, sha256 = _ask(HASHED.format(until=FINISHED), next | {"most": MOST})
    if not count:
        return None
    return EventSeal.objects.create(
        position=next["position"], last_xid=xid, last_event_id=id, count=count, sha256=sha256
    )


def counted_anew(last):
    """Return a sentence when the database counts its transactions from the start again."""
    if last is None or _ask("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")[0] > (
        last.last_xid
    ):
        return None
    return (
        "This database was restored from a dump and counts its transactions anew; events can't be "
        "sealed before it has passed the count of the old one. See docs/history.md, “Sealing”."
    )


def check(expected=None):
    """Compute every seal again; return (events covered, events not sealed yet, problem or None).

    `expected` is the proof of a seal that was kept elsewhere. Ask as the system.
    """
    last, covered = None, 0
    with transaction.atomic():
        for seal in EventSeal.objects.order_by("position").iterator(chunk_size=1000):
            if problem := _broken(last, seal):
                return covered, None, problem
            last, covered = seal, covered + seal.count
        waiting = _ask(
            "SELECT count(*) FROM events WHERE (xid, event_id) > (%(xid)s::text::xid8, %(id)s)",
            _after(last),
        )[0]
    return covered, waiting, _unexpected(expected)


def _broken(before, seal):
    """Return a sentence on what is wrong with `seal`, whose forerunner is `before`."""
    params = _after(before)
    when = f"Seal {seal.position} of {seal.sealed_at:%Y-%m-%d %H:%M} UTC"
    if seal.position != params["position"]:
        return f"{when} follows on seal {params['position'] - 1}: seals between them are gone."
    ends = {"last_xid": seal.last_xid, "last_id": seal.last_event_id, "most": None}
    count, _, id, sha256 = _ask(HASHED.format(until=COVERED), params | ends)
    span = f"behind event {params['id']} to event {seal.last_event_id}"
    if count != seal.count:
        return f"{when} is broken: it covers {seal.count:,} events, {span}; there are {count:,}."
    if (id, sha256) != (seal.last_event_id, seal.sha256):
        return f"{when} is broken: something among its {count:,} events, {span}, was changed."
    return None


def _unexpected(expected):
    """Return a sentence unless the seal whose proof is `expected` is in the chain."""
    if not expected:
        return None
    position, _, sha256 = expected.partition(":")
    known = position.isascii() and position.isdigit() and len(position) < 19
    found = EventSeal.objects.filter(position=int(position)).first() if known else None
    if found is None:
        return f"There is no seal “{position[:40]}”, but a proof of it was kept."
    if found.sha256 != sha256.strip().lower():
        return f"Seal {position} is not the one whose proof was kept: the chain was made anew."
    return None
