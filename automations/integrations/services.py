"""What people do with connections. Each verb checks the actor, then appends an event.

Secrets are in no event: a secret is sealed together with the hosts it was given for, and opened
only for these. A changed address leaves it useless until it is given again, and undoing the change
makes it good again.
"""

from datetime import timedelta

import orjson
from django.db import transaction
from django.db.models import F, Func, IntegerField, Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from automations.integrations.kinds import KINDS, config_of
from automations.integrations.models import Integration
from automations.secrets import seal, unseal
from workspaces import access
from workspaces.errors import Conflict, Invalid, Missing
from workspaces.events import append, applied, applies, applies_changes, keeps, stamp
from workspaces.services import clean_name

LOOKS = ("tools", "said", "works", "asked_at", "looked_at")
keeps("integrations", "integration_id", but=("sealed", "sealed_tokens", *LOOKS))

MOST_OF_A_WORKSPACE = 200
MOST_SECRET = 10_000
PATIENCE = timedelta(minutes=1)  # with a worker that was asked to look
CHANGEABLE = ("server_name", "config")


def find_integration(actor, id, action="read", *, trashed=False):
    """Return the Integration of that id if `actor` may do `action` there.

    Raises Missing, Forbidden.
    """
    related = Integration.objects.select_related("workspace", "owner")
    found = related.filter(pk=id).first()
    if found is None or found.workspace.deleted_at:
        raise Missing("There is no such connection, or it is not shared with you.")
    access.require(actor, action, found.workspace_id)
    if found.deleted_at and not trashed:
        raise Missing("This connection was deleted.")
    return found


def create_integration(*, workspace, server_name, kind, config, actor, secret=""):
    """Make a connection; return it. Raises Invalid, Conflict, Forbidden or Missing."""
    access.require(actor, "write", workspace)
    if workspace.integrations.filter(deleted_at=None).count() >= MOST_OF_A_WORKSPACE:
        raise Conflict(f"A workspace can have {MOST_OF_A_WORKSPACE} connections; delete one first.")
    values = _cleaned(kind, {"server_name": server_name, "config": config})
    id = uuid7()
    payload = values | {"kind": kind, "owner": str(actor.user.pk)}
    append(type="integration.created", stream_id=id, workspace_id=workspace.pk, payload=payload)
    made = Integration.objects.get(pk=id)
    if secret:
        set_secret(integration=made, secret=secret, actor=actor)
    return made


def change_integration(*, integration, actor, **values):
    """Change the name or the configuration; return the connection.

    Its kind stays. With another host its secret has to be given again.
    """
    access.require(actor, "write", integration.workspace_id)
    values = _cleaned(integration.kind, values)
    now = {key: value for key, value in values.items() if getattr(integration, key) != value}
    if now:
        was = {key: getattr(integration, key) for key in now}
        append_about(integration, "integration.changed", {"now": now, "was": was})
        unknown = {"works": None, "said": "", "looked_at": None} if "config" in now else {}
        _unasked(integration, **unknown)
    return integration


def _cleaned(kind, values):
    unknown = set(values) - set(CHANGEABLE)
    if unknown:
        raise Invalid(f"“{min(unknown)}” can't be changed.")
    made = dict(values)
    if "server_name" in made:
        made["server_name"] = clean_name(made["server_name"], "name for the connection")
    if "config" in made:
        made["config"] = config_of(kind, made["config"]).model_dump(mode="json")
    return made


def set_secret(*, integration, secret, actor):
    """Give a connection its secret; the one before is gone. An empty one takes it away."""
    access.require(actor, "write", integration.workspace_id)
    if len(secret) > MOST_SECRET or any(not letter.isprintable() for letter in secret):
        raise Invalid("A secret is one line of at most 10,000 characters.")
    append_about(integration, "integration.secret_set", {"gone": not secret})
    hosts = config_of(integration.kind, integration.config).hosts
    sealed = seal(orjson.dumps({"hosts": hosts, "secret": secret}).decode()) if secret else None
    _unasked(integration, sealed=sealed)
    return integration


def _unasked(integration, **columns):
    """Forget that somebody asked to look: what is found of how it was before is not kept."""
    rows = Integration.objects.filter(pk=integration.pk)
    rows.update(asked_at=None, **columns)
    integration.refresh_from_db()


def secret_of(integration, config):
    """Return the secret for the hosts of `config`, "" when the connection needs none.

    For those who make the call only. Raises Conflict when there is none, or when it was given for
    other hosts.
    """
    if not config.secret:
        return ""
    lacks = "It has no secret yet" if integration.sealed is None else ""
    if not lacks:
        opened = orjson.loads(unseal(integration.sealed))
        if set(config.hosts) <= set(opened["hosts"]):
            return opened["secret"]
        lacks = "Its secret was given for another address"
    raise Conflict(f"{lacks}: enter it on the page of “{integration.server_name}”.")


def needs_secret(integration):
    """Return whether its secret is missing, or was given for other hosts."""
    try:
        secret_of(integration, config_of(integration.kind, integration.config))
    except (Conflict, Invalid):
        return True
    return False


def ask_to_look(*, integration, actor):
    """Have a worker look whether a connection works, and what tools it has.

    Nothing is asked while a worker that was asked less than a minute ago did not look yet.
    """
    from automations import tasks

    access.require(actor, "write", integration.workspace_id)
    now, id = timezone.now(), str(integration.pk)
    free = Q(asked_at=None) | Q(looked_at__gte=F("asked_at")) | Q(asked_at__lt=now - PATIENCE)
    asked = Integration.objects.filter(free, pk=integration.pk).update(asked_at=now)
    integration.refresh_from_db()
    if asked:
        transaction.on_commit(lambda: tasks.look_at_integration.delay(id), robust=True)
    return integration


def delete_integration(*, integration, actor):
    """Delete a connection. Steps that use it fail until it is back."""
    access.require(actor, "write", integration.workspace_id)
    append_about(integration, "integration.deleted", {"server_name": integration.server_name})


def restore_integration(*, integration, actor):
    """Take back that a connection was deleted; its secret is still there."""
    access.require(actor, "write", integration.workspace_id)
    if integration.deleted_at is None:
        raise Conflict("This connection was not deleted.")
    append_about(integration, "integration.restored", {})
    return integration


def usable(workspace_id, kinds=tuple(KINDS)):
    """Return the living connections of a workspace that are of some kinds."""
    rows = Integration.objects.filter(workspace=workspace_id, deleted_at=None)
    return rows.filter(kind__in=kinds)


def usable_in_steps(workspace_id):
    """Return the living connections of a workspace that steps of workflows can name."""
    return usable(workspace_id, [key for key, kind in KINDS.items() if kind.for_steps])


def listed(workspace_id):
    """Return the living connections of a workspace with `tool_count` in place of their tools."""
    count = Func(F("tools"), function="jsonb_array_length", output_field=IntegerField())
    return usable(workspace_id).defer("tools").annotate(tool_count=count)


def append_about(integration, type, payload):
    """Append an event about a connection, and read anew what it made of it."""
    append(
        type=type,
        stream_id=integration.pk,
        workspace_id=integration.workspace_id,
        payload=payload,
    )
    integration.refresh_from_db()


@applies("integration.created")
def _created(event):
    made = Integration(
        id=event.stream_id,
        workspace_id=event.workspace_id,
        owner_id=event.payload["owner"],
        server_name=event.payload["server_name"],
        kind=event.payload["kind"],
        config=event.payload["config"],
        created_at=event.timestamp,
        updated_at=event.timestamp,
        **stamp(event),
    )
    applied(Integration.objects.bulk_create([made]))


_touch = applies_changes("integration", Integration)


@applies("integration.secret_set")
@applies("integration.signed_in")
@applies("integration.signed_out")
def _secret_set(event):
    _touch(event)
