"""Sending notices: taken under a lease, handed to the mail server, noted; again when it fails, for a day.

A worker that dies between leaves the mail to the next one, which may send it a second time, under
the same Message-ID.
"""

import datetime as dt
import time

from django.db import connection
from django.utils import timezone

from automations import mailing, notices
from automations.finishing import backoff
from automations.models import Notice
from automations.walls import Unreachable
from workspaces.access import Actor, acting_as
from workspaces.errors import KdapError

LEASE = dt.timedelta(minutes=2)  # a mail server that is slow needs some rounds of EMAIL_TIMEOUT
GIVE_UP = dt.timedelta(days=1)

CLAIM = """
UPDATE workflow_notices SET status = 'sending', attempts = attempts + 1,
    lease = clock_timestamp() + %(lease)s
WHERE id = (
    SELECT id FROM workflow_notices WHERE status = 'pending' AND next_at <= statement_timestamp()
    ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""
# Who has left meanwhile is written nothing any more; a mail can wait for a day.
LEFT = """
UPDATE workflow_notices n SET status = 'failed', finished_at = clock_timestamp(), error = %(why)s
WHERE status = 'pending' AND next_at <= statement_timestamp() AND NOT EXISTS (
    SELECT FROM members m JOIN users u ON u.id = m.user_id
    WHERE m.workspace_id = n.workspace_id AND lower(u.email) = lower(n."to") AND u.is_active)
"""
NOT_HERE = "Not sent: nobody in this workspace has this address any more."


def work(seconds=5.0):
    """Send notices for about `seconds`; return how many.

    While one worker is at it no other begins: a mail server that hangs must not keep them all.
    """
    sent, end = 0, time.monotonic() + seconds
    with acting_as(Actor.system(task="notices")):
        sending = Notice.objects.filter(status="sending")
        sending.filter(lease__lt=timezone.now()).update(status="pending", lease=None)
        if sending.exists():
            return sent
        with connection.cursor() as cursor:
            cursor.execute(LEFT, {"why": NOT_HERE})
    while time.monotonic() < end and (notice := claim()):
        note(notice, send(notice))
        sent += 1
    return sent


def claim():
    """Return the next Notice that is due, now this worker's, or None."""
    with acting_as(Actor.system(task="notices")), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"lease": LEASE})
        row = cursor.fetchone()
        return row and Notice.objects.get(pk=row[0])


def send(notice):
    """Send a notice; return the KdapError that came of it, or None. It needs no database."""
    try:
        body = notices.body_for(notice, notice.to)
        key = f"notice:{notice.pk}"
        mailing.send(mailing.compose([notice.to], notice.subject, body, key=key))
    except KdapError as error:
        return error
    return None


def note(notice, error):
    """Write down how sending went, if the notice is still this worker's."""
    now = timezone.now()
    columns = {"lease": None, "error": error.detail if error else "", "finished_at": now}
    if error is None:
        columns |= {"status": "sent", "kept_here": mailing.where_they_go()}
    elif isinstance(error, Unreachable) and now - notice.created_at < GIVE_UP:
        later = now + backoff(notice.attempts + 1)
        columns |= {"status": "pending", "next_at": later, "finished_at": None}
    else:
        columns |= {"status": "failed"}
    with acting_as(Actor.system(task="notices")):
        mine = Notice.objects.filter(pk=notice.pk, status="sending", attempts=notice.attempts)
        mine.update(**columns)
