"""Taking back what was done to webhooks out."""

from automations import outgoing
from automations.models import WebhookSubscription
from workspaces.errors import Missing
from workspaces.operations import never_undone, undoes


def _webhook(event):
    webhook = WebhookSubscription.objects.filter(pk=event.stream_id).first()
    if webhook is None:
        raise Missing("This webhook is not there any more.")
    return webhook


@undoes("webhook.created", "webhook.restored")
def gone(event, actor, outcome, force):
    """Delete the webhook (again)."""
    webhook = _webhook(event)
    if webhook.deleted_at is None:
        outgoing.delete_webhook(webhook=webhook, actor=actor)
        outcome.add(1)


@undoes("webhook.deleted")
def back(event, actor, outcome, force):
    """Bring the webhook back."""
    webhook = _webhook(event)
    if webhook.deleted_at is not None:
        outgoing.restore_webhook(webhook=webhook, actor=actor)
        outcome.add(1)


@undoes("webhook.changed")
def changed(event, actor, outcome, force):
    """Give it its old address and events, where they still are what this made of them."""
    webhook, values = _webhook(event), {}
    for key, was in event.payload["was"].items():
        if force or getattr(webhook, key) == event.payload["now"][key]:
            values[key] = was
        else:
            outcome.add(kept=1, examples=[{"detail": "It was changed again since."}])
    if values:
        outgoing.change_webhook(webhook=webhook, actor=actor, **values)
        outcome.add(len(values))


@undoes("webhook.paused")
def on(event, actor, outcome, force):
    """Switch it on again."""
    webhook = _webhook(event)
    if webhook.state == webhook.State.PAUSED:
        outgoing.resume(webhook=webhook, actor=actor)
        outcome.add(1)


@undoes("webhook.resumed")
def off(event, actor, outcome, force):
    """Pause it again."""
    webhook = _webhook(event)
    if webhook.state == webhook.State.ACTIVE:
        outgoing.pause(webhook=webhook, actor=actor)
        outcome.add(1)


never_undone("webhook.secret_made", "A secret that was replaced does not come back.")
