"""Telling subscribers: signed calls, in order per entry, again when they fail, for a day.

A delivery is taken under a lease, sent outside any transaction, and noted. A worker that dies
meanwhile leaves it to the next one, so a receiver may get a message twice, under the same id.
"""

import datetime as dt
import random
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from django.db import connection
from django.utils import timezone

from automations import at_home
from automations.outbound import CallFailed, Refused, send, sign
from automations.outgoing_models import WebhookDelivery, WebhookSubscription
from automations.posting import expand_some, halt
from automations.secrets import unseal
from workspaces import access
from workspaces.access import Actor, acting_as
from workspaces.errors import KdapError
from workspaces.models import Event

CALLS_AT_ONCE = 16
TOGETHER = 0.01  # seconds for which a call that is over waits for others, to be noted with them
GIVE_UP = dt.timedelta(days=1)
LONGEST_PAUSE = 4 * 3600
TIMEOUT = 15
LEASE = dt.timedelta(seconds=60)
MOST_KEPT = 4000

# An entry's next message waits until the one before has arrived. An address gets four calls at once
# at most, and those that waited longest for their turn come first.
CLAIM = """
WITH due AS (
    SELECT d.id, s.webhook_id FROM webhook_subscriptions s CROSS JOIN LATERAL (
        SELECT d.id FROM webhook_deliveries d
        WHERE d.subscription_id = s.webhook_id AND d.status = 'pending'
        AND d.next_at <= statement_timestamp() AND NOT EXISTS (
            SELECT FROM webhook_deliveries o WHERE o.subscription_id = d.subscription_id
            AND o.entry_id = d.entry_id AND o.id < d.id AND o.status IN ('pending', 'sending'))
        ORDER BY d.next_at, d.id
        LIMIT greatest(0, 4 - (SELECT count(*) FROM webhook_deliveries o
                               WHERE o.subscription_id = s.webhook_id AND o.status = 'sending'))
        FOR UPDATE SKIP LOCKED) AS d
    WHERE s.state = 'active' AND s.deleted_at IS NULL
    AND (s.rest_until IS NULL OR s.rest_until <= statement_timestamp())
    ORDER BY s.served_at NULLS FIRST LIMIT %(most)s
), served AS (
    UPDATE webhook_subscriptions SET served_at = clock_timestamp() WHERE webhook_id IN (
        SELECT webhook_id FROM webhook_subscriptions WHERE webhook_id IN (SELECT webhook_id FROM due)
        FOR NO KEY UPDATE SKIP LOCKED)
)
UPDATE webhook_deliveries SET status = 'sending', attempts = attempts + 1,
    lease = clock_timestamp() + %(lease)s, tried_since = coalesce(tried_since, clock_timestamp())
WHERE id IN (SELECT id FROM due)
RETURNING id
"""


def deliver(seconds=5.0):
    """Make deliveries of events and send what is due for about `seconds`; return how many calls.

    While as many calls as one worker makes are on their way, no other worker begins with it: slow
    addresses must not keep them all from carrying out runs.
    """
    sent, end, calls = 0, time.monotonic() + seconds, {}
    if _revive() >= CALLS_AT_ONCE:
        return sent
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        while True:
            more = False
            if time.monotonic() < end:
                more = expand_some()
                for delivery in claim(CALLS_AT_ONCE - len(calls)):
                    calls[pool.submit(call, delivery)] = delivery
                    sent += 1
            if not calls and not more:
                return sent
            wait(calls, timeout=0 if more else None, return_when=FIRST_COMPLETED)
            done, _ = wait(calls, timeout=TOGETHER)
            note([(calls.pop(made), made.result()) for made in done])


def _revive():
    """Let what dead workers held be sent again; return how many calls others are making."""
    with acting_as(Actor.system(task="webhooks")):
        sending = WebhookDelivery.objects.filter(status="sending")
        sending.filter(lease__lt=timezone.now()).update(status="pending", lease=None)
        return sending.count()


def claim(most):
    """Return the next WebhookDeliveries that are due, at most so many; they are this worker's now."""
    if not most:
        return []
    with acting_as(Actor.system(task="webhooks")), connection.cursor() as cursor:
        cursor.execute(CLAIM, {"lease": LEASE, "most": most})
        ids = [id for (id,) in cursor.fetchall()]
        found = WebhookDelivery.objects.filter(pk__in=ids).order_by("id") if ids else []
        mine = list(found and found.select_related("subscription__owner"))
        for delivery in mine:
            delivery.door = at_home.door_of(delivery.subscription.url)
            delivery.cause = _cause(delivery) if delivery.door else {}
        may = {delivery.subscription_id: _may(delivery.subscription) for delivery in mine}
    note([(one, _lost_access(one)) for one in mine if not may[one.subscription_id]])
    return [delivery for delivery in mine if may[delivery.subscription_id]]


def _lost_access(delivery):
    because = f"{delivery.subscription.owner} may not read its record any more."
    return {"error": because, "hopeless": because}


def _cause(delivery):
    """Return the header that tells our own webhook which run this goes back to."""
    cause = Event.objects.values_list("cause", flat=True).get(pk=delivery.event_id) or {}
    return (
        at_home.cause_headers(cause["run"], int(cause.get("depth") or 0)) if "run" in cause else {}
    )


def _may(webhook):
    """Return whether its owner may still read there."""
    with acting_as(Actor(user=webhook.owner)) as actor:
        return access.allows(actor, "read", webhook.workspace_id)


def call(delivery):
    """Send a message; return how that went, for `note`. It needs no database."""
    webhook, body = delivery.subscription, delivery.body.encode()
    try:
        headers = sign(unseal(webhook.sealed), body, message_id=delivery.message_id)
        headers |= {"Content-Type": "application/json", "User-Agent": "KDAP-Webhooks"}
        headers |= delivery.cause
        limits = {"timeout": TIMEOUT, "max_bytes": 16_384, "allow_private": delivery.door}
        answer = send("POST", webhook.url, headers, body, **limits)
    except Refused as error:
        return {"error": error.detail, "hopeless": error.detail}
    except CallFailed as error:
        return {"error": error.detail, "rest": True}
    except KdapError as error:  # the secret can't be opened
        return {"error": error.detail, "hopeless": error.detail}
    told = {"response_status": answer.status, "response": answer.text[:MOST_KEPT]}
    if answer.ok:
        return told
    return told | {
        "error": f"It answered {answer.status}.",
        "hopeless": "It answered 410: the address is gone." if answer.status == 410 else "",
        "rest": answer.status >= 500 or answer.status == 429,
        "after": answer.headers.get("retry-after", ""),
    }


def note(results):
    """Write down how calls went: [(WebhookDelivery, what `call` returned)], in one transaction.

    Those that pause their webhook come first: rows are then locked in the order of people's pausing.
    """
    now = timezone.now()
    for delivery, told in results:
        told["over"] = "error" in told and now - delivery.tried_since > GIVE_UP
    if results:
        ordered = sorted(results, key=lambda result: not _ends(**result[1]))
        with acting_as(Actor.system(door="automation", task="webhooks")):
            for delivery, told in ordered:
                _note(delivery, now, **told)


def _ends(*, error="", hopeless="", over=False, **told):
    """Return why a webhook is paused after such a call, "" when it is not."""
    return hopeless or (f"Nothing arrived for a day. {error}" if over else "")


def _note(delivery, now, *, error="", hopeless="", over=False, rest=False, after="", **told):
    """Write down how a call went, if the delivery is still this worker's."""
    columns = {"response_status": None, "response": "", **told, "error": error, "lease": None}
    if not error:
        columns |= {"status": "delivered", "finished_at": now}
    else:
        columns |= {"status": "pending", "next_at": now + backoff(delivery.attempts, after)}
    if over and not hopeless:
        columns |= {"status": "failed", "finished_at": now}
    mine = WebhookDelivery.objects.filter(
        pk=delivery.pk, status="sending", attempts=delivery.attempts
    )
    if not mine.update(**columns):
        return
    if because := _ends(error=error, hopeless=hopeless, over=over):
        halt(delivery.subscription, because)
    _note_health(delivery.subscription, error, rest, now)


def _note_health(webhook, error, rest, now):
    rows = WebhookSubscription.objects.filter(pk=webhook.pk)
    if not error:
        rows.exclude(failures=0).update(failures=0, rest_until=None)
    elif rest:
        pause = dt.timedelta(seconds=min(60, 2 ** min(webhook.failures, 6)))
        rows.update(failures=webhook.failures + 1, rest_until=now + pause)


def backoff(attempt, after=""):
    """Return how long to wait after the `attempt`-th call, with jitter; `after` is Retry-After."""
    seconds = min(LONGEST_PAUSE, 10 * 3 ** min(attempt - 1, 10)) * random.uniform(0.8, 1.2)
    if after.isascii() and after.isdigit() and len(after) < 9:
        seconds = max(seconds, min(int(after), LONGEST_PAUSE))
    return dt.timedelta(seconds=seconds)
