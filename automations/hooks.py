"""Calls of webhooks: what came is read within limits, checked, kept once, and becomes a run.

Every look at the database is a short transaction of its own, so that a caller who waits for the
result holds none.
"""

import hashlib
import time
from dataclasses import dataclass, field

import orjson
from django.core.exceptions import TooManyFieldsSent
from django.db import connection
from django.http import QueryDict
from django.utils import timezone
from uuid_utils.compat import uuid7

from automations import at_home, services, signing
from automations import definition as definitions
from automations.dispatch import DEEPEST
from automations.models import WorkflowRun, WorkflowSecret, WorkflowVersion
from automations.queueing import enqueue
from automations.responses import storable
from automations.webhooks import digest, opened
from workspaces import throttle
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, KdapError, Missing, Unavailable

MOST_BYTES = 2**20
LONGEST_WAIT = 25.0
# The sample that the editor shows is the last call, looked at this seldom while many come.
SAMPLE_SECONDS = 10
# Headers that tell what came; all others may hold secrets.
SAFE = frozenset(
    (
        *("content-type", "user-agent", "accept-language", "idempotency-key", "webhook-id"),
        *("webhook-timestamp", "x-request-id", "x-event-type", "x-event-key", "x-github-event"),
        *("x-github-delivery", "x-gitlab-event", "x-shopify-topic", "x-hook-resource"),
    )
)


class TooLarge(KdapError):
    status = 413
    title = "Too large"


class NotReadable(KdapError):
    status = 415
    title = "This kind of content can't be read"


@dataclass(frozen=True)
class Call:
    """One call as it came: `headers` with small names, `raw` the bytes of its body."""

    headers: dict
    query: dict
    raw: bytes = field(repr=False, default=b"")

    def data(self):
        """Return the trigger data of a run; raises KdapError for what can't be read or kept."""
        made = {
            "type": "webhook",
            "body": body_of(self.raw, self.headers.get("content-type", "")),
            "headers": {key: value for key, value in self.headers.items() if key in SAFE},
            "query": self.query,
            "at": timezone.now().isoformat(),
        }
        try:
            return storable(made)
        except ValueError:
            raise KdapError("The body is nested too deep.") from None

    @property
    def key(self):
        """What is the same when a call is repeated; None when it does not say."""
        given = self.headers.get("webhook-id") or self.headers.get("idempotency-key")
        if not given:
            return None
        return "hook:" + (given if len(given) < 100 else hashlib.sha256(given.encode()).hexdigest())


def body_of(raw, content_type):
    """Return the value of a body: JSON, a form as a dict, or text; None when it is empty."""
    if not raw:
        return None
    kind, _, rest = content_type.lower().partition(";")
    kind = kind.strip()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise KdapError(f"The body is no JSON: {error}.") from None
    if kind == "application/x-www-form-urlencoded":
        try:
            return plain(QueryDict(raw, encoding="utf-8"))
        except TooManyFieldsSent:
            raise TooLarge("The form has too many fields.") from None
    if kind.startswith("text/"):
        charset = "latin-1" if "iso-8859-1" in rest else "utf-8"
        return raw.decode(charset, errors="replace")
    raise NotReadable("Send application/json, application/x-www-form-urlencoded or text/….")


def plain(query):
    """Return a QueryDict as a dict; what came several times is a list."""
    return {key: found if len(found) > 1 else found[0] for key, found in query.lists() if found}


def count(address, rate):
    """Count a call of an address; raise TooMany beyond `rate`, as 600/min."""
    throttle.count(f"hook:{digest(address)}", rate)


def receive(address, call):
    """Queue the run that a call starts; return (its id, whether the caller waits for the result).

    A call repeated under the same webhook-id or Idempotency-Key gets the run it made before.
    Raises Missing for an unknown address, BadSignature, Conflict or Unavailable in words.
    """
    with acting_as(Actor.system(door="webhook")):
        secret, version, trigger = _found(address)
    if trigger.signed:
        signing.verify(opened(secret)["secret"], call.raw, call.headers)
    data = call.data()
    with acting_as(Actor.system(door="webhook", workflow=str(secret.workflow_id))):
        _keep_sample(secret, data, often=version is None)
    workflow = secret.workflow
    if version is None:
        raise Conflict(
            "This workflow is not published yet. The call was kept as a sample for its editor."
        )
    if workflow.state != workflow.State.ACTIVE:
        raise Unavailable("This workflow is paused.")
    caused = _caused(at_home.cause_of(call.headers), workflow)
    with acting_as(Actor.system(door="webhook", workflow=str(workflow.pk))):
        return _queued(version, call.key, data, caused), trigger.answer == "result"


def _caused(cause, workflow):
    """Return what a run has to know of the run of this installation that called; refuse circles."""
    if not cause:
        return {}
    depth = cause["depth"] + 1
    if depth > DEEPEST:
        raise Conflict(f"Stopped as a loop: runs caused each other {DEEPEST} deep.")
    with acting_as(Actor.system(door="webhook")):
        runs = WorkflowRun.objects.filter(pk=cause["run"], workspace=workflow.workspace_id)
        return {"depth": depth} | ({"parent_id": cause["run"]} if runs.exists() else {})


def _found(address):
    """Return (secret, published version or None, the trigger that holds) of an address."""
    rows = WorkflowSecret.objects.select_related("workflow__workspace")
    secret = rows.filter(address=digest(address)).first()
    workflow = secret and secret.workflow
    if secret is None or workflow.deleted_at or workflow.workspace.deleted_at:
        raise Missing("There is nothing at this address.")
    version = services.current_version(workflow)
    holds = version.structured_definition if version else workflow.structured_definition
    trigger = definitions.parse(holds).trigger
    if trigger.type != "webhook":
        raise Conflict("This workflow does not wait for a webhook any more.")
    return secret, version, trigger


def _keep_sample(secret, data, *, often):
    last = (secret.sample or {}).get("seen", 0)
    now = time.time()
    if often or now - last > SAMPLE_SECONDS:
        WorkflowSecret.objects.filter(pk=secret.pk).update(sample=data | {"seen": now})


def _queued(version, key, data, caused):
    """Return the id of the run under `key`, made now if there was none by any version."""
    if key is not None:
        versions = WorkflowVersion.objects.filter(workflow=version.workflow_id)
        mine = list(versions.values_list("pk", flat=True))
        before = WorkflowRun.objects.filter(version__in=mine, key=key).first()
        if before is not None:
            return before.pk
    key = key or f"hook:{uuid7()}"
    made = enqueue(version, [{"key": key, "trigger_data": data} | caused])
    return made[0] if made else WorkflowRun.objects.get(version=version, key=key).pk


def wait_for(run_id, seconds=LONGEST_WAIT):
    """Return the run once it is over, or as it is after `seconds`; no transaction stays open."""
    end, pause = time.monotonic() + seconds, 0.05
    while True:
        with acting_as(Actor.system(door="webhook")):
            run = WorkflowRun.objects.get(pk=run_id)
        if run.is_over or time.monotonic() > end:
            return run
        if not connection.in_atomic_block:
            connection.close()  # back into the pool, for others
        time.sleep(pause)
        pause = min(0.5, pause * 1.5)
