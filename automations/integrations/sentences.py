"""What events about connections mean to people."""

from automations.integrations.models import Integration
from workspaces.sentences import Named, names, says


@names("integration")
def _integrations(ids):
    return {
        found.pk: Named(
            found.server_name, "" if found.deleted_at else found.get_absolute_url(), "plug"
        )
        for found in Integration.objects.filter(pk__in=ids)
    }


@says("integration.created", icon="plug")
def _created(fact):
    return f"Added the connection “{fact.payload.get('server_name', '')}”"


@says("integration.changed", icon="pencil")
def _changed(fact):
    now, was = fact.payload["now"], fact.payload["was"]
    if "server_name" in now:
        return f"Renamed the connection “{was['server_name']}” to “{now['server_name']}”"
    return f"Changed the connection {fact.name}"


@says("integration.secret_set", icon="key")
def _secret_set(fact):
    if fact.payload.get("gone"):
        return f"Took the secret of the connection {fact.name} away"
    return f"Gave the connection {fact.name} a secret"


@says("integration.signed_in", icon="key")
def _signed_in(fact):
    return f"Signed in for the connection {fact.name}"


@says("integration.signed_out", icon="key")
def _signed_out(fact):
    return f"Signed out of the connection {fact.name}"


@says("integration.deleted", icon="trash")
def _deleted(fact):
    return f"Deleted the connection “{fact.payload.get('server_name', '')}”"


@says("integration.restored", icon="plug")
def _restored(fact):
    return f"Brought the connection {fact.name} back"
