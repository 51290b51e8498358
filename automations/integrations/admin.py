"""Connections in Django admin: what there is, and whether it works. Secrets are shown to nobody."""

from django.contrib import admin, messages
from django.utils.html import format_html

from automations.integrations import services
from automations.integrations.models import Integration
from workspaces.admin_base import VerbAdmin, pretty


@admin.register(Integration)
class IntegrationAdmin(VerbAdmin):
    """Every connection of every workspace; made and changed on their own pages."""

    list_display = ["server_name", "kind", "workspace", "owner", "works", "looked_at", "deleted_at"]
    list_filter = ["kind", "works", "looked_at", "deleted_at"]
    list_select_related = ["workspace", "owner"]
    search_fields = ["server_name", "workspace__name", "owner__email"]
    fields = readonly_fields = [
        *("server_name", "kind", "workspace", "owner", "config_as_text", "secret", "signed_in"),
        *("works", "said", "tools_as_text", "asked_at", "looked_at", "created_at", "updated_at"),
        "deleted_at",
    ]
    actions = ["restore"]

    def has_add_permission(self, request):
        return False

    @admin.display(description="config")
    def config_as_text(self, found):
        return format_html("<pre>{}</pre>", pretty(found.config))

    @admin.display(description="tools")
    def tools_as_text(self, found):
        return format_html("<pre>{}</pre>", pretty(found.tools))

    @admin.display(description="secret", boolean=True)
    def secret(self, found):
        return found.has_secret

    @admin.display(description="signed in", boolean=True)
    def signed_in(self, found):
        return found.sealed_tokens is not None

    def delete_model(self, request, obj):
        services.delete_integration(integration=obj, actor=request.actor)

    def delete_queryset(self, request, queryset):
        for found in queryset.filter(deleted_at=None):
            services.delete_integration(integration=found, actor=request.actor)

    @admin.action(description="Restore", permissions=["change"])
    def restore(self, request, queryset):
        chosen = queryset.exclude(deleted_at=None)
        for found in chosen:
            services.restore_integration(integration=found, actor=request.actor)
        self.message_user(request, f"{len(chosen)} restored.", messages.SUCCESS)
