"""Users and API tokens in Django admin."""

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.utils.html import format_html

from accounts.models import ApiToken, User


class UserCreationForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ["email"]


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """People. They are switched off rather than deleted, because events point to them."""

    add_form = UserCreationForm
    form = forms.ModelForm
    list_display = ["email", "name", "role", "is_active", "is_staff", "last_login", "created_at"]
    list_filter = ["is_active", "role", "is_staff", "is_superuser", "created_at"]
    search_fields = ["email", "name"]
    ordering = ["email"]
    date_hierarchy = "created_at"
    readonly_fields = ["id", "set_password", "last_login", "created_at", "updated_at"]
    filter_horizontal = ["groups", "user_permissions"]
    fieldsets = [
        (None, {"fields": ["id", "email", "name", "role", "set_password"]}),
        ("Preferences", {"fields": ["time_zone", "locale", "theme", "metadata"]}),
        (
            "May",
            {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]},
        ),
        ("Dates", {"fields": ["last_login", "created_at", "updated_at"]}),
    ]
    add_fieldsets = [(None, {"fields": ["email", "usable_password", "password1", "password2"]})]
    actions = ["deactivate", "activate"]

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description="password")
    def set_password(self, user):
        """Return a link to the page that sets a new one; the hash itself is never shown."""
        return format_html('<a href="{}">Set a new password</a>', "../password/")

    @admin.action(description="Switch off, ending sessions and tokens", permissions=["change"])
    def deactivate(self, request, queryset):
        others = queryset.filter(is_active=True).exclude(pk=request.user.pk)
        for user in others:
            user.is_active = False
            user.save()
            self.log_change(request, user, "Switched off.")
        self.message_user(request, f"{len(others)} switched off.", messages.SUCCESS)

    @admin.action(description="Switch on", permissions=["change"])
    def activate(self, request, queryset):
        others = queryset.filter(is_active=False)
        for user in others:
            user.is_active = True
            user.save()
        self.message_user(request, f"{len(others)} switched on.", messages.SUCCESS)


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Tokens, to look at and to revoke; only their owners can make them."""

    list_display = ["name", "prefix", "user", "state", "verbs", "last_used_at", "expires_at"]
    list_filter = ["revoked_at", "created_at"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__email"]
    exclude = ["digest"]
    actions = ["revoke"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_revoke_permission(self, request):
        """Whether the visitor may revoke: whoever may change users."""
        return request.user.has_perm("accounts.change_user")

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request, queryset):
        for token in queryset.filter(revoked_at=None):
            token.revoke()
            self.log_change(request, token, "Revoked.")
        self.message_user(request, "Revoked.", messages.SUCCESS)
