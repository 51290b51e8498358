"""Taking back what was done to connections."""

from automations.integrations import services
from automations.integrations.models import Integration
from workspaces.errors import Missing
from workspaces.operations import never_undone, undoes


def _integration(event):
    found = Integration.objects.filter(pk=event.stream_id).first()
    if found is None:
        raise Missing("This connection is not there any more.")
    return found


@undoes("integration.created", "integration.restored")
def gone(event, actor, outcome, force):
    """Delete the connection (again)."""
    found = _integration(event)
    if found.deleted_at is None:
        services.delete_integration(integration=found, actor=actor)
        outcome.add(1)


@undoes("integration.deleted")
def back(event, actor, outcome, force):
    """Bring the connection back."""
    found = _integration(event)
    if found.deleted_at is not None:
        services.restore_integration(integration=found, actor=actor)
        outcome.add(1)


@undoes("integration.changed")
def changed(event, actor, outcome, force):
    """Give it its old name and configuration, where they still are what this made of them."""
    found, values = _integration(event), {}
    for key, was in event.payload["was"].items():
        if force or getattr(found, key) == event.payload["now"][key]:
            values[key] = was
        else:
            outcome.add(kept=1, examples=[{"detail": "It was changed again since."}])
    if values:
        services.change_integration(integration=found, actor=actor, **values)
        outcome.add(len(values))


never_undone("integration.secret_set", "A secret that was replaced does not come back.")
