"""Webhooks out and mails of KDAP in Django admin. Secrets are shown to nobody."""

from django.contrib import admin
from django.utils.html import format_html

from automations import outgoing
from automations.admin_verbs import do_each
from automations.models import Notice, WebhookDelivery, WebhookSubscription
from workspaces.admin import events_link
from workspaces.admin_base import CappedPaginator, ReadOnlyAdmin, VerbAdmin


@admin.register(WebhookSubscription)
class WebhookSubscriptionAdmin(VerbAdmin):
    """Every address that is told of entries; made and changed on the pages of its record."""

    list_display = ["url", "record", "workspace", "owner", "state", "failures", "deleted_at"]
    list_filter = ["state", ("deleted_at", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["record", "workspace", "owner"]
    search_fields = ["url", "record__name", "workspace__name", "owner__email"]
    fields = readonly_fields = [
        *("url", "told", "record", "workspace", "owner", "state", "paused_because", "failures"),
        *("rest_until", "served_at", "created_at", "updated_at", "deleted_at", "log"),
    ]
    actions = ["pause", "resume", "restore"]

    def has_add_permission(self, request):
        return False

    def get_queryset(self, request):
        return super().get_queryset(request).defer("sealed")

    @admin.display(description="is told")
    def told(self, webhook):
        return ", ".join(webhook.told)

    @admin.display(description="history")
    def log(self, webhook):
        """Return a link to the webhook's events."""
        return events_link(webhook.pk)

    def delete_model(self, request, obj):
        outgoing.delete_webhook(webhook=obj, actor=request.actor)

    def delete_queryset(self, request, queryset):
        for webhook in queryset.filter(deleted_at=None):
            outgoing.delete_webhook(webhook=webhook, actor=request.actor)

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request, queryset):
        because = f"{request.user} switched it off."

        def verb(webhook):
            outgoing.pause(webhook=webhook, actor=request.actor, because=because)

        do_each(self, request, queryset.filter(deleted_at=None), verb, "paused")

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request, queryset):
        def verb(webhook):
            outgoing.resume(webhook=webhook, actor=request.actor)

        do_each(self, request, queryset.filter(deleted_at=None), verb, "resumed")

    @admin.action(description="Restore", permissions=["change"])
    def restore(self, request, queryset):
        def verb(webhook):
            outgoing.restore_webhook(webhook=webhook, actor=request.actor)

        do_each(self, request, queryset.exclude(deleted_at=None), verb, "restored")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """The log of what addresses were told; to look at, and to send once more."""

    list_display = [
        *("__str__", "subscription", "status", "attempts", "response_status", "created_at"),
        "finished_at",
    ]
    list_filter = ["status", "type", "created_at"]
    list_select_related = ["subscription"]
    search_fields = ["subscription__url", "subscription__record__name", "error"]
    search_help_text = "Address, record, or error"
    paginator = CappedPaginator
    fields = [
        *("subscription", "type", "entry_id", "event_id", "message_id", "status", "attempts"),
        *("next_at", "response_status", "response", "error", "created_at", "finished_at"),
        "told",
    ]
    readonly_fields = ["message_id", "told"]
    actions = ["resend"]

    def get_queryset(self, request):
        """Leave out what may be long and is not listed."""
        found = super().get_queryset(request).defer("subscription__sealed")
        listed = request.resolver_match and request.resolver_match.url_name.endswith("changelist")
        return found.defer("body", "response") if listed else found

    @admin.display(description="body")
    def told(self, delivery):
        return format_html("<pre>{}</pre>", delivery.read)

    def has_resend_permission(self, request):
        """Whether the visitor may send again: whoever may change deliveries."""
        return request.user.has_perm("automations.change_webhookdelivery")

    @admin.action(description="Send once more", permissions=["resend"])
    def resend(self, request, queryset):
        def verb(delivery):
            outgoing.resend(delivery=delivery, actor=request.actor)

        do_each(self, request, queryset.select_related("subscription"), verb, "sent once more")


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """Mails by which KDAP asks and tells people; links that answer are in none of them here."""

    list_display = ["subject", "to", "workspace", "status", "attempts", "created_at", "finished_at"]
    list_filter = ["status", "created_at"]
    list_select_related = ["workspace"]
    search_fields = ["to", "subject", "about", "workspace__name"]
    paginator = CappedPaginator
    fields = [
        *("subject", "to", "about", "workspace", "body", "status", "attempts", "next_at", "error"),
        *("kept_here", "created_at", "finished_at"),
    ]
