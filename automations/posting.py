"""From events to messages: what a subscription is to be told becomes one delivery an entry, in order.

Events of one subscription are taken one after the other, some entries at a time; subscriptions
take turns, so that a large import delays nobody else.
"""

import datetime as dt

import orjson
from django.db import connection
from django.utils import timezone

from automations import dispatch, notices, outgoing
from automations.outbound import MAX_BODY
from automations.outgoing_models import WebhookDelivery, WebhookPosting, WebhookSubscription
from records.images import entries_of
from records.lookup import find_record
from records.past import as_of
from workspaces.access import Actor, acting_as
from workspaces.errors import Forbidden, KdapError, Missing
from workspaces.models import Event

ENTRIES_AT_ONCE = 200
# So many wait for one address at most; the events behind them wait as events, and are looked at again
# after a pause.
MOST_WAITING = 1000
PAUSE = dt.timedelta(seconds=2)
MOST_ATTEMPTS = 8

NEXT = """
SELECT p.id FROM webhook_subscriptions s
CROSS JOIN LATERAL (
    SELECT min(o.id) AS id FROM webhook_postings o WHERE o.subscription_id = s.webhook_id) AS first
JOIN webhook_postings p ON p.id = first.id
WHERE s.state = 'active' AND s.deleted_at IS NULL AND p.not_before <= statement_timestamp()
ORDER BY p.not_before, p.id LIMIT 1 FOR UPDATE OF p SKIP LOCKED
"""


def expand_some():
    """Make deliveries of the next entries of one event; return whether there was one."""
    try:
        with acting_as(Actor.system(task="webhooks")), connection.cursor() as cursor:
            cursor.execute(NEXT)
            row = cursor.fetchone()
            return row is not None and _expand(row[0])
    except _Stop as stop:
        # In a transaction of its own: pausing waits for who reads the log, who must not wait for us.
        halt(stop.webhook, stop.because)  # what is still to be told stays
        return True


class _Stop(Exception):
    """A webhook can't be told anything any more."""

    def __init__(self, webhook, because):
        super().__init__(because)
        self.webhook, self.because = webhook, because


def _expand(id):
    posting = WebhookPosting.objects.select_related("subscription__owner").get(pk=id)
    waiting = WebhookDelivery.objects.filter(subscription=posting.subscription)
    if waiting.filter(status="pending")[MOST_WAITING : MOST_WAITING + 1].exists():
        return _later(posting, PAUSE)
    try:
        rows, position = _deliveries(posting)
    except (Missing, Forbidden) as error:
        because = f"It can't read its record any more: {error.detail}"
        raise _Stop(posting.subscription, because) from None
    except KdapError as error:
        if posting.attempts >= MOST_ATTEMPTS:
            because = f"Its record can't be read: {error.detail}"
            raise _Stop(posting.subscription, because) from None
        return _later(posting, dt.timedelta(seconds=5 * 3**posting.attempts), more=1)
    WebhookDelivery.objects.bulk_create(rows)
    if position is None:
        posting.delete()
    else:
        rows = WebhookPosting.objects.filter(pk=posting.pk)
        rows.update(position=position, not_before=timezone.now())
    return True


def _later(posting, pause, more=0):
    WebhookPosting.objects.filter(pk=posting.pk).update(
        not_before=timezone.now() + pause, attempts=posting.attempts + more
    )
    return True


def _deliveries(posting):
    """Return (deliveries of the next entries, the position behind them or None at the end)."""
    webhook = posting.subscription
    event = Event.objects.select_related("user").get(pk=posting.event_id)
    with acting_as(Actor(user=webhook.owner, cause={"door": "automation"})) as actor:
        record = find_record(actor, webhook.record_id, "read")
        ids = entries_of(record, event, posting.position, ENTRIES_AT_ONCE)
        if not ids:
            return [], None
        old, new, note = _images(record, event, ids)
    rows = [
        WebhookDelivery(
            subscription=webhook,
            workspace_id=posting.workspace_id,
            event_id=event.pk,
            entry_id=id,
            type=event.type,
            body=_body(record, event, id, old.get(id), new.get(id), note),
        )
        for id in ids
        if note or old.get(id) != new.get(id)
    ]
    return rows, ids[-1] if len(ids) == ENTRIES_AT_ONCE else None


def _images(record, event, ids):
    """Return ({id: entry before}, {id: entry after}, why they are not known or "")."""
    before = None if event.type == "entries.created" else event.pk - 1
    if (before or event.pk) < record.history_begins:
        return {}, {}, f"What it held is not known any more. {record.history_note}"
    old = dispatch.images(as_of(record, before), ids) if before else {}
    new = dispatch.images(as_of(record, event.pk), ids) if event.type != "entries.deleted" else {}
    return old, new, ""


def _body(record, event, id, old, new, note):
    """Return what is told of an entry, as text; without the entry when that is too large to be sent."""
    told = _told(record, event, id, old, new, note)
    if len(told) > MAX_BODY:
        note = f"The entry is larger than {MAX_BODY // 1024**2} MB; read it over the API."
        told = _told(record, event, id, None, None, note)
    return told.decode()


def _told(record, event, id, old, new, note):
    data = {
        "record": {"id": str(record.pk), "name": record.name},
        "entry_id": id,
        "entry": new or old,
        "event_id": event.pk,
        "operation_id": event.operation_id and str(event.operation_id),
        "user": {"id": str(event.user.pk), "name": event.user.name} if event.user else None,
    }
    if old and new:
        data["before"] = old
        data["changed"] = [key for key in new if new[key] != old.get(key)]
    if note:
        data["note"] = note
    body = {"type": event.type, "timestamp": event.timestamp.isoformat(), "data": data}
    return orjson.dumps(body, default=str)


def halt(webhook, because):
    """Pause a webhook as the system, and tell its owner why."""
    with acting_as(Actor.system(door="automation", task="webhooks")) as actor:
        webhook.refresh_from_db()
        if webhook.state == WebhookSubscription.State.ACTIVE:
            outgoing.pause(webhook=webhook, actor=actor, because=because)
            notices.tell_webhook_paused(webhook)
