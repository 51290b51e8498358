"""Webhooks out in the API: who is told of a record's entries, and how telling them went."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from automations import outgoing
from automations.api_webhooks import told_once
from automations.models import WebhookDelivery, WebhookSubscription
from workspaces.errors import KdapError
from workspaces.rest import (
    IF_MATCH,
    IF_NONE_MATCH,
    KdapView,
    Strict,
    checked,
    demand_version,
    page,
    versioned,
)

Kind = WebhookSubscription.Kind


class SubscriptionInput(Strict):
    """An address to be told, and of what."""

    url = serializers.CharField(max_length=2000)
    events = serializers.ListField(child=serializers.ChoiceField(choices=Kind), max_length=3)


class SubscriptionChange(Strict):
    """What may be changed of a webhook."""

    url = serializers.CharField(required=False, max_length=2000)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Kind), required=False, max_length=3
    )


class SubscriptionOutput(serializers.ModelSerializer):
    """An address that is told what happens to a record's entries."""

    workspace_id = serializers.UUIDField(read_only=True)
    record_id = serializers.UUIDField(read_only=True)
    owner_id = serializers.UUIDField(read_only=True)
    events = serializers.ListField(child=serializers.CharField(), read_only=True)
    _version = serializers.IntegerField(source="last_event_version", read_only=True)

    class Meta:
        model = WebhookSubscription
        fields = [
            *("id", "_version", "workspace_id", "record_id", "owner_id", "url", "events"),
            *("state", "paused_because", "failures", "created_at", "updated_at", "deleted_at"),
        ]
        read_only_fields = fields


class NewSubscriptionOutput(SubscriptionOutput):
    """A webhook with its new secret, which is told this once."""

    secret = serializers.CharField(read_only=True, allow_null=True)

    class Meta(SubscriptionOutput.Meta):
        fields = [*SubscriptionOutput.Meta.fields, "secret"]
        read_only_fields = fields


class SubscriptionPage(serializers.Serializer):
    """One page of webhooks."""

    results = SubscriptionOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class DeliveryOutput(serializers.ModelSerializer):
    """What an address was told of one entry by one event; `body` is the text that is signed."""

    webhook_id = serializers.UUIDField(source="subscription_id", read_only=True)
    message_id = serializers.CharField(read_only=True)

    class Meta:
        model = WebhookDelivery
        fields = [
            *("id", "webhook_id", "message_id", "event_id", "entry_id", "type", "body", "status"),
            *("attempts", "next_at", "response_status", "response", "error", "created_at"),
            "finished_at",
        ]
        read_only_fields = fields


class DeliveryPage(serializers.Serializer):
    """One page of deliveries, the newest first."""

    results = DeliveryOutput(many=True)
    next = serializers.URLField(allow_null=True)
    cursor = serializers.CharField(allow_null=True)


class PastInput(Strict):
    """From which event or moment on; left out, what it missed while it was paused."""

    since = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    moment = serializers.DateTimeField(
        required=False, help_text="Instead of an event: a date and time."
    )


class PastOutput(serializers.Serializer):
    """How many events are told again, and where to go on when there are more."""

    events = serializers.IntegerField()
    more_since = serializers.IntegerField(allow_null=True)


def with_secret(webhook, secret):
    """Answer a webhook with its new secret; a repeated call gets it without."""
    return told_once(dict(SubscriptionOutput(webhook).data) | {"secret": secret})


class RecordWebhooks(KdapView):
    """The webhooks of a record."""

    @extend_schema(operation_id="webhooks_list", responses=SubscriptionPage)
    def get(self, request, record_id):
        """List the webhooks of a record; it needs the right to write."""
        _, found = outgoing.webhooks_of(request.actor, record_id)
        return page(request, found, SubscriptionOutput)

    @extend_schema(
        operation_id="webhooks_create",
        request=SubscriptionInput,
        responses={201: NewSubscriptionOutput},
    )
    def post(self, request, record_id):
        """Tell an address of what happens to entries from now on."""
        record, _ = outgoing.webhooks_of(request.actor, record_id)
        data = checked(SubscriptionInput, request)
        made = outgoing.create_webhook(record=record, actor=request.actor, **data)
        return with_secret(*made)


class OneWebhook(KdapView):
    """One webhook."""

    @extend_schema(
        operation_id="webhooks_read", parameters=[IF_NONE_MATCH], responses=SubscriptionOutput
    )
    def get(self, request, webhook_id):
        """Read a webhook."""
        found = outgoing.find_webhook(request.actor, webhook_id)
        return versioned(request, found, SubscriptionOutput)

    @extend_schema(
        operation_id="webhooks_change",
        parameters=[IF_MATCH],
        request=SubscriptionChange,
        responses=SubscriptionOutput,
    )
    def patch(self, request, webhook_id):
        """Change the address or the events."""
        webhook = outgoing.find_webhook(request.actor, webhook_id)
        data = checked(SubscriptionChange, request)
        demand_version(request, webhook, SubscriptionOutput)
        changed = outgoing.change_webhook(webhook=webhook, actor=request.actor, **data)
        return versioned(request, changed, SubscriptionOutput)

    @extend_schema(operation_id="webhooks_delete", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request, webhook_id):
        """Tell the address nothing any more."""
        webhook = outgoing.find_webhook(request.actor, webhook_id)
        demand_version(request, webhook, SubscriptionOutput)
        outgoing.delete_webhook(webhook=webhook, actor=request.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RestoreWebhook(KdapView):
    """A webhook that was deleted."""

    @extend_schema(operation_id="webhooks_restore", request=None, responses=SubscriptionOutput)
    def post(self, request, webhook_id):
        """Take back that a webhook was deleted; it listens from now on."""
        webhook = outgoing.find_webhook(request.actor, webhook_id, trashed=True)
        restored = outgoing.restore_webhook(webhook=webhook, actor=request.actor)
        return versioned(request, restored, SubscriptionOutput)


class PauseWebhook(KdapView):
    """A webhook that shall be told nothing for now."""

    @extend_schema(operation_id="webhooks_pause", request=None, responses=SubscriptionOutput)
    def post(self, request, webhook_id):
        """Pause a webhook; what waits to be told stays."""
        webhook = outgoing.find_webhook(request.actor, webhook_id)
        paused = outgoing.pause(webhook=webhook, actor=request.actor)
        return versioned(request, paused, SubscriptionOutput)


class ResumeWebhook(KdapView):
    """A webhook that shall go on."""

    @extend_schema(operation_id="webhooks_resume", request=None, responses=SubscriptionOutput)
    def post(self, request, webhook_id):
        """Go on with what waited; what happened while it was paused can be replayed."""
        webhook = outgoing.find_webhook(request.actor, webhook_id)
        resumed = outgoing.resume(webhook=webhook, actor=request.actor)
        return versioned(request, resumed, SubscriptionOutput)


class WebhookSecretAgain(KdapView):
    """The secret of a webhook."""

    @extend_schema(
        operation_id="webhooks_make_secret", request=None, responses={201: NewSubscriptionOutput}
    )
    def post(self, request, webhook_id):
        """Make a new secret; the old one holds no more."""
        webhook = outgoing.find_webhook(request.actor, webhook_id)
        return with_secret(webhook, outgoing.new_secret(webhook=webhook, actor=request.actor))


class ReplayWebhook(KdapView):
    """The past, told again."""

    @extend_schema(operation_id="webhooks_replay", request=PastInput, responses={202: PastOutput})
    def post(self, request, webhook_id):
        """Tell the address again, in order, what happened from an event on, or what it missed."""
        webhook = outgoing.find_webhook(request.actor, webhook_id)
        asked = checked(PastInput, request)
        count, more = outgoing.replay(webhook=webhook, actor=request.actor, **asked)
        return Response({"events": count, "more_since": more}, status.HTTP_202_ACCEPTED)


class Deliveries(KdapView):
    """The log of a webhook."""

    @extend_schema(
        operation_id="deliveries_list",
        parameters=[OpenApiParameter("status", enum=WebhookDelivery.Status.values)],
        responses=DeliveryPage,
    )
    def get(self, request, webhook_id):
        """List what an address was told, the newest first."""
        webhook = outgoing.find_webhook(request.actor, webhook_id)
        found, state = webhook.deliveries.all(), request.query_params.get("status")
        if state is not None:
            if state not in WebhookDelivery.Status.values:
                raise KdapError(f"status is one of {', '.join(WebhookDelivery.Status.values)}.")
            found = found.filter(status=state)
        return page(request, found, DeliveryOutput, also=("status",), newest=True)


class ResendDelivery(KdapView):
    """A delivery to be sent once more."""

    @extend_schema(operation_id="deliveries_resend", request=None, responses={202: DeliveryOutput})
    def post(self, request, delivery_id):
        """Send a delivery once more, under the same message id."""
        delivery = outgoing.find_delivery(request.actor, delivery_id)
        again = outgoing.resend(delivery=delivery, actor=request.actor)
        return Response(DeliveryOutput(again).data, status.HTTP_202_ACCEPTED)
