"""The secret that a workflow signs its calls with: made or entered by people, and never shown again."""

from django.utils import timezone

from automations import signing
from automations.models import SigningSecret, Workflow
from automations.secrets import seal, unseal
from workspaces import access
from workspaces.errors import Conflict, Invalid
from workspaces.events import append, applied, applies, stamp
from workspaces.operations import never_undone

SHORTEST, LONGEST = 16, 200
MADE = "workflow.signing_made"


def set_secret(*, workflow, actor, secret=""):
    """Sign this workflow's calls with `secret`, or with a new one; return the new one or None.

    The one before holds no more. Raises Invalid for a secret that is too short.
    """
    access.require(actor, "write", workflow.workspace_id)
    secret = secret.strip()
    if secret and not (
        SHORTEST <= len(secret) <= LONGEST and secret.isascii() and secret.isprintable()
    ):
        detail = f"A secret has {SHORTEST} to {LONGEST} printable characters."
        raise Invalid(detail, problems=[{"pointer": "/secret", "detail": detail}])
    made = "" if secret else signing.new_secret()
    payload = {"again": SigningSecret.objects.filter(pk=workflow.pk).exists()}
    append(type=MADE, stream_id=workflow.pk, workspace_id=workflow.workspace_id, payload=payload)
    values = {
        "workspace_id": workflow.workspace_id,
        "sealed": seal(secret or made),
        "made_at": timezone.now(),
    }
    SigningSecret.objects.update_or_create(workflow=workflow, defaults=values)
    workflow.refresh_from_db()
    return made or None


def made_at(*, workflow, actor):
    """Return when the secret was made or entered, None when there is none."""
    access.require(actor, "write", workflow.workspace_id)
    found = SigningSecret.objects.filter(pk=workflow.pk).first()
    return found and found.made_at


def secret_for(workflow_id):
    """Return the secret for a run of a workflow; raise Conflict in words when there is none."""
    found = SigningSecret.objects.filter(pk=workflow_id).first()
    if found is None:
        raise Conflict("This call is to be signed, but the workflow has no signing secret yet.")
    return unseal(found.sealed)


def signs(definition):
    """Return whether any step of a definition (JSON) signs what it sends."""
    if isinstance(definition, list):
        return any(map(signs, definition))
    if not isinstance(definition, dict):
        return False
    if definition.get("type") == "http_request" and definition.get("signed") is True:
        return True
    return any(signs(value) for value in definition.values() if isinstance(value, (dict, list)))


@applies(MADE)
def _made(event):
    rows = Workflow.objects.filter(pk=event.stream_id)
    applied(rows.update(updated_at=event.timestamp, **stamp(event)))


never_undone(MADE, "A secret that was replaced does not come back.")
