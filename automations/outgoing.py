"""What people do with webhooks out. Each verb checks the actor, then appends an event."""

from django.db import connection
from django.db.models import Min
from django.utils import timezone
from uuid_utils.compat import uuid7

from automations import listening, signing
from automations.outbound import checked_url
from automations.outgoing_models import WebhookDelivery, WebhookPosting, WebhookSubscription
from automations.secrets import seal
from automations.walls import Refused
from records.lookup import find_record
from workspaces import access
from workspaces.errors import Conflict, Invalid, Missing
from workspaces.events import append, applied, applies, applies_changes, keeps, stamp
from workspaces.models import Event

OWN = ("sealed", "failures", "rest_until", "served_at", "missed_from")
keeps("webhook_subscriptions", "webhook_id", but=OWN)

MOST_OF_A_RECORD = 50
MOST_REPLAYED = 10_000
State = WebhookSubscription.State

REPLAY = """
WITH caught_up AS (
    UPDATE webhook_subscriptions
    SET missed_from = CASE WHEN %(on)s THEN NULL ELSE pg_current_snapshot()::text END
    WHERE webhook_id = %(webhook)s AND %(since)s::bigint IS NULL
)
INSERT INTO webhook_postings
    (subscription_id, workspace_id, event_id, position, attempts, not_before)
SELECT %(webhook)s, workspace_id, event_id, 0, 0,
    CASE WHEN %(on)s THEN clock_timestamp() END FROM (
    SELECT workspace_id, event_id FROM events
    WHERE stream_id = %(record)s AND type = ANY(%(types)s) AND {which}
    ORDER BY event_id LIMIT %(most)s) AS past
ORDER BY event_id
RETURNING event_id
"""
# What dispatch.ROUTE tells those who are on again is not among what they missed. A database that was
# restored from a dump counts transactions from the beginning again: to a snapshot from before all that
# happens now looks old, so the number of the pause tells; to one from after what was before looks new.
MISSED = """(
    NOT pg_visible_in_snapshot(xid, %(from)s::pg_snapshot)
    OR pg_snapshot_xmax(%(from)s::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot())
        AND event_id > (SELECT max(event_id) FROM events
                        WHERE stream_id = %(webhook)s AND type = 'webhook.paused')
) AND (NOT %(on)s OR event_id <= %(after)s AND coalesce(
    pg_visible_in_snapshot(xid, %(until)s::pg_snapshot)
    OR pg_snapshot_xmax(%(until)s::pg_snapshot) <= pg_snapshot_xmax(pg_current_snapshot())
        AND xid >= pg_snapshot_xmax(pg_current_snapshot()), true))
"""


def find_webhook(actor, id, *, trashed=False):
    """Return the WebhookSubscription of that id; addresses are for those who may write.

    Raises Missing, Forbidden.
    """
    related = WebhookSubscription.objects.select_related("record", "owner", "workspace")
    found = related.filter(pk=id).first()
    if found is None or found.workspace.deleted_at or found.record.deleted_at:
        raise Missing("There is no such webhook, or it is not shared with you.")
    access.require(actor, "write", found.workspace_id)
    if found.deleted_at and not trashed:
        raise Missing("This webhook was deleted.")
    return found


def webhooks_of(actor, record_id):
    """Return (record, its webhooks) for one who may write there."""
    record = find_record(actor, record_id, "write")
    found = WebhookSubscription.objects.filter(record=record.pk, deleted_at=None)
    return record, found.select_related("record", "owner")


def create_webhook(*, record, url, events, actor):
    """Tell `url` of what happens to entries of `record` from now on.

    `events` are types of the log. Return (the WebhookSubscription, its signing secret).
    """
    access.require(actor, "write", record.workspace_id)
    access.require(actor, "read", record.workspace_id)  # it is told whole entries
    if (
        WebhookSubscription.objects.filter(record=record, deleted_at=None).count()
        >= MOST_OF_A_RECORD
    ):
        raise Conflict(f"A record can have {MOST_OF_A_RECORD} webhooks; delete one first.")
    values = _cleaned({"url": url, "events": events})
    webhook_id = uuid7()
    payload = values | {"record": str(record.pk), "owner": str(actor.user.pk)}
    listening.begin()
    payload["from"] = listening.now()
    append(
        type="webhook.created",
        stream_id=webhook_id,
        workspace_id=record.workspace_id,
        payload=payload,
    )
    made = WebhookSubscription.objects.get(pk=webhook_id)
    return made, _seal_new(made)


def change_webhook(*, webhook, actor, **values):
    """Change the address or the events; return the webhook."""
    access.require(actor, "write", webhook.workspace_id)
    values = _cleaned(values)
    now = {key: value for key, value in values.items() if getattr(webhook, key) != value}
    if now:
        was = {key: getattr(webhook, key) for key in now}
        _append(webhook, "webhook.changed", {"now": now, "was": was})
    return webhook


def _cleaned(values):
    made = dict(values)
    if "url" in made:
        try:
            made["url"] = str(checked_url(str(made["url"]).strip()))
        except Refused as error:
            raise Invalid(
                error.detail, problems=[{"pointer": "/url", "detail": error.detail}]
            ) from None
        if len(made["url"]) > 2000:
            raise Invalid("An address can have at most 2,000 characters.")
    if "events" in made:
        known = WebhookSubscription.Kind.values
        made["events"] = [event for event in known if event in made["events"]]
        if not made["events"]:
            raise Invalid(f"Choose at least one of {', '.join(known)}.")
    return made


def new_secret(*, webhook, actor):
    """Give a webhook a new secret for signing; return it. The old one holds no more."""
    access.require(actor, "write", webhook.workspace_id)
    _append(webhook, "webhook.secret_made", {})
    return _seal_new(webhook)


def _seal_new(webhook):
    secret = signing.new_secret()
    WebhookSubscription.objects.filter(pk=webhook.pk).update(sealed=seal(secret))
    return secret


def pause(*, webhook, actor, because=""):
    """Tell it nothing for now; what waits to be told stays."""
    access.require(actor, "write", webhook.workspace_id)
    if webhook.state != State.ACTIVE:
        raise Conflict("This webhook is paused already.")
    _append(webhook, "webhook.paused", {"because": because[:2000], "read": listening.hold()})
    _waiting(webhook, None)
    return webhook


def _waiting(webhook, until):
    """Let all that waits to be told wait `until` then, or without an end."""
    WebhookPosting.objects.filter(subscription=webhook).update(not_before=until, attempts=0)
    rows = WebhookDelivery.objects.filter(subscription=webhook, status="pending")
    rows.update(next_at=until, tried_since=None)


def resume(*, webhook, actor):
    """Go on with what waited. What happened while it was paused can be replayed."""
    access.require(actor, "write", webhook.workspace_id)
    if webhook.state != State.PAUSED:
        raise Conflict("This webhook is on already.")
    listening.hold()  # so that nothing happens between "told then" and "missed"
    _append(webhook, "webhook.resumed", {"from": listening.now()})
    WebhookSubscription.objects.filter(pk=webhook.pk).update(failures=0, rest_until=None)
    _waiting(webhook, timezone.now())
    return webhook


def delete_webhook(*, webhook, actor):
    """Tell it nothing any more; its log stays for as long as logs do."""
    access.require(actor, "write", webhook.workspace_id)
    _append(webhook, "webhook.deleted", {"url": webhook.url})
    WebhookPosting.objects.filter(subscription=webhook).delete()
    _waiting(webhook, None)


def restore_webhook(*, webhook, actor):
    """Take back that a webhook was deleted; it listens from now on."""
    access.require(actor, "write", webhook.workspace_id)
    if webhook.deleted_at is None:
        raise Conflict("This webhook was not deleted.")
    _append(webhook, "webhook.restored", {"from": listening.now()})
    if webhook.state == State.ACTIVE:
        _waiting(webhook, timezone.now())
    return webhook


def _first_since(record, moment):
    """Return the number of the first event of a record from `moment` on; raise Conflict for none.

    Numbers are given out before transactions end, so that some from just before may come after it.
    """
    events = Event.objects.filter(stream_id=record.pk, timestamp__gte=moment)
    first = events.aggregate(first=Min("pk"))["first"]
    if first is None:
        raise Conflict("Nothing happened since then.")
    return first


def replay(*, webhook, actor, since=None, moment=None):
    """Tell it again, in order, what happened from the event `since` on; by default what it missed.

    Instead of an event, `moment` (a datetime) says from when on.

    Missed is what it was not told because it was paused, whenever that was committed. Return (how
    many events, the first event that did not fit any more or None).
    """
    access.require(actor, "write", webhook.workspace_id)
    record = find_record(actor, webhook.record_id, "read")
    if moment is not None:
        if since is not None:
            raise Invalid("Give an event or a moment, not both.")
        since = _first_since(record, moment)
    if since is None and webhook.missed_from is None:
        raise Conflict("It missed nothing; say from which event on it shall be told again.")
    if since is not None and since <= record.history_begins:
        raise Conflict(record.history_note or "Events begin at 1.")
    params = {
        "webhook": webhook.pk,
        "record": record.pk,
        "types": webhook.events,
        "since": since,
        "from": webhook.missed_from,
        "after": webhook.listens_after,
        "until": webhook.listens_from,
        "most": MOST_REPLAYED,
        "on": webhook.state == State.ACTIVE,
    }
    which = MISSED if since is None else "event_id >= %(since)s"
    with connection.cursor() as cursor:
        cursor.execute(REPLAY.format(which=which), params)
        told = [id for (id,) in cursor.fetchall()]
    return len(told), max(told) + 1 if len(told) == MOST_REPLAYED else None


def find_delivery(actor, id):
    """Return the WebhookDelivery of that id with its webhook; raise Missing, Forbidden."""
    found = WebhookDelivery.objects.filter(pk=id).first()
    if found is None:
        raise Missing("There is no such delivery, or it is not shared with you.")
    found.subscription = find_webhook(actor, found.subscription_id)
    return found


def resend(*, delivery, actor):
    """Send a delivery once more, at once; return it. Its message id stays the same.

    Raises Conflict while it is being sent, or while its webhook is paused.
    """
    access.require(actor, "write", delivery.workspace_id)
    if delivery.subscription.state != State.ACTIVE:
        raise Conflict("This webhook is paused; switch it on first.")
    rows = WebhookDelivery.objects.filter(pk=delivery.pk).exclude(status="sending")
    again = {"status": "pending", "next_at": timezone.now(), "tried_since": None}
    if not rows.update(**again, finished_at=None):
        raise Conflict("It is being sent at this moment.")
    delivery.refresh_from_db()
    return delivery


def _append(webhook, type, payload):
    append(type=type, stream_id=webhook.pk, workspace_id=webhook.workspace_id, payload=payload)
    webhook.refresh_from_db()


@applies("webhook.created")
def _created(event):
    made = WebhookSubscription(
        id=event.stream_id,
        workspace_id=event.workspace_id,
        record_id=event.payload["record"],
        owner_id=event.payload["owner"],
        url=event.payload["url"],
        events=event.payload["events"],
        listens_after=event.id,
        listens_from=event.payload.get("from"),
        created_at=event.timestamp,
        updated_at=event.timestamp,
        **stamp(event),
    )
    applied(WebhookSubscription.objects.bulk_create([made]))


def _listens(event):
    """Return the columns that say from when on it is told: by numbers, and by what was visible."""
    return {"listens_after": event.id, "listens_from": event.payload.get("from")}


_touch = applies_changes("webhook", WebhookSubscription, _listens)


@applies("webhook.secret_made")
def _secret_made(event):
    _touch(event)


@applies("webhook.paused")
def _paused(event):
    because = event.payload["because"]
    read = event.payload.get("read")
    _touch(event, state=State.PAUSED, paused_because=because, missed_from=read)


@applies("webhook.resumed")
def _resumed(event):
    _touch(event, state=State.ACTIVE, paused_because="", **_listens(event))
