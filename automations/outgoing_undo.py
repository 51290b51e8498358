"""Taking back what was done to webhooks out."""

from automations import outgoing
from automations.models import WebhookSubscription
from workspaces.operations import never_undone, undoes
from workspaces.undo_definitions import undoes_definition

_webhook = undoes_definition(
    "webhook",
    WebhookSubscription,
    delete=outgoing.delete_webhook,
    restore=outgoing.restore_webhook,
    change=outgoing.change_webhook,
)


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
