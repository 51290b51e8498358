"""The secret address of a workflow's webhook: made, made anew, and shown to those who may write.

The database keeps a digest of the address to find it by, and address and signing secret sealed.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from automations import signing
from automations.models import Workflow, WorkflowSecret
from automations.secrets import seal, unseal
from workspaces import access
from workspaces.errors import Conflict, Missing
from workspaces.events import append, applied, applies, stamp
from workspaces.operations import never_undone


@dataclass(frozen=True)
class Webhook:
    """A webhook as people see it; `secret` only right after it was made."""

    url: str
    made_at: datetime
    sample: dict | None
    secret: str | None = None


def make_webhook(*, workflow, actor):
    """Give a workflow a new address and a new secret; return the Webhook, with the secret.

    What it had before works no more. Raises Conflict when the draft does not wait for a webhook.
    """
    access.require(actor, "write", workflow.workspace_id)
    if workflow.structured_definition.get("trigger", {}).get("type") != "webhook":
        raise Conflict("This workflow does not wait for a webhook.")
    address, secret = WorkflowSecret.new_address(), signing.new_secret()
    again = WorkflowSecret.objects.filter(pk=workflow.pk).exists()
    append(
        type="workflow.webhook_made",
        stream_id=workflow.pk,
        workspace_id=workflow.workspace_id,
        payload={"again": again},
    )
    made, _ = WorkflowSecret.objects.update_or_create(
        workflow=workflow,
        defaults={
            "workspace_id": workflow.workspace_id,
            "address": digest(address),
            "sealed": seal(orjson.dumps({"address": address, "secret": secret}).decode()),
            "made_at": timezone.now(),
        },
    )
    workflow.refresh_from_db()
    return Webhook(url_of(address), made.made_at, made.sample, secret)


def webhook_of(*, workflow, actor):
    """Return the Webhook of a workflow, without its secret. Raises Missing when it has none."""
    access.require(actor, "write", workflow.workspace_id)
    row = WorkflowSecret.objects.filter(pk=workflow.pk).first()
    if row is None:
        raise Missing("This workflow has no address yet; make one.")
    return Webhook(url_of(opened(row)["address"]), row.made_at, row.sample)


def opened(row):
    """Return {"address", "secret"} of a WorkflowSecret."""
    return orjson.loads(unseal(row.sealed))


def digest(address):
    """Return what an address is found by, so that looking it up tells nothing about it."""
    return hashlib.sha256(address.encode()).hexdigest()


def url_of(address):
    """Return the whole address that other programs call."""
    return settings.SITE_URL + reverse("hook", args=[address])


@applies("workflow.webhook_made")
def _made(event):
    rows = Workflow.objects.filter(pk=event.stream_id)
    applied(rows.update(updated_at=event.timestamp, **stamp(event)))


never_undone("workflow.webhook_made", "An address or secret that was replaced does not come back.")
