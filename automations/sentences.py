"""What events about workflows mean to people."""

from automations.models import WebhookSubscription, Workflow
from workspaces.sentences import Named, names, says


@names("workflow")
def _workflows(ids):
    found = Workflow.objects.filter(pk__in=ids)
    return {
        workflow.pk: Named(
            workflow.name, "" if workflow.deleted_at else workflow.get_absolute_url(), "bolt"
        )
        for workflow in found
    }


@says("workflow.created", icon="bolt")
def _created(fact):
    return f"Made the workflow “{fact.payload['name']}”"


@says("workflow.changed", icon="pencil")
def _changed(fact):
    now, was = fact.payload["now"], fact.payload["was"]
    if "name" in now:
        return f"Renamed the workflow “{was['name']}” to “{now['name']}”"
    return f"Changed the draft of the workflow {fact.name}"


@says("workflow.published", icon="bolt")
def _published(fact):
    return f"Published the workflow {fact.name}"


@says("workflow.webhook_made", icon="bolt")
def _webhook_made(fact):
    again = fact.payload.get("again")
    return f"Made a {'new ' if again else ''}secret address for the webhook of {fact.name}"


@says("workflow.signing_made", icon="key")
def _signing_made(fact):
    again = fact.payload.get("again")
    return f"Set a {'new ' if again else ''}secret for the signed calls of {fact.name}"


@says("workflow.paused", icon="player-pause")
def _paused(fact):
    because = fact.payload.get("because")
    return f"Paused the workflow {fact.name}" + (f": {because}" if because else "")


@says("workflow.resumed", icon="player-play")
def _resumed(fact):
    return f"Switched the workflow {fact.name} on again"


@says("workflow.deleted", icon="trash")
def _deleted(fact):
    return f"Deleted the workflow “{fact.payload['name']}”"


@says("workflow.restored", icon="bolt")
def _restored(fact):
    return f"Took the workflow {fact.name} out of the trash"


@names("webhook")
def _webhooks(ids):
    found = WebhookSubscription.objects.filter(pk__in=ids).select_related("record")
    return {
        webhook.pk: Named(
            f"webhook of {webhook.record.name}",
            "" if webhook.deleted_at else webhook.get_absolute_url(),
            "webhook",
        )
        for webhook in found
    }


@says("webhook.created", icon="webhook", private=True)
def _webhook_created(fact):
    return f"Added the {fact.name}"


@says("webhook.changed", icon="webhook", private=True)
def _webhook_changed(fact):
    what = "address" if "url" in fact.payload["now"] else "events"
    return f"Changed the {what} of the {fact.name}"


@says("webhook.secret_made", icon="key")
def _webhook_secret(fact):
    return f"Made a new secret for the {fact.name}"


@says("webhook.paused", icon="player-pause")
def _webhook_paused(fact):
    because = fact.payload.get("because")
    return f"Paused the {fact.name}" + (f": {because}" if because else "")


@says("webhook.resumed", icon="player-play")
def _webhook_resumed(fact):
    return f"Switched the {fact.name} on again"


@says("webhook.deleted", icon="trash", private=True)
def _webhook_deleted(fact):
    return f"Deleted the {fact.name}"


@says("webhook.restored", icon="webhook")
def _webhook_restored(fact):
    return f"Brought the {fact.name} back"
