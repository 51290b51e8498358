"""Workspaces, members and invitations in Django admin; the log is in log_admin.py.

Staff act with the database's wall lifted and through the same verbs as everybody, so that the
log names them. Deleting a workspace puts it in the trash.
"""

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.html import format_html

from workspaces import services
from workspaces.admin_base import ReadOnlyAdmin, VerbAdmin
from workspaces.models import Invitation, Member, Workspace


class MemberInline(admin.TabularInline):
    """Who is in a workspace; changed on their own pages."""

    model = Member
    fields = readonly_fields = ["user", "role", "created_at"]
    extra = 0
    can_delete = False
    show_change_link = True

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("user", "workspace")

    def has_add_permission(self, request, obj=None):
        return False


def count_of(model):
    """Return a subquery: how many rows of `model` belong to the outer workspace."""
    mine = model.objects.order_by().filter(workspace=OuterRef("pk")).values("workspace")
    return Coalesce(Subquery(mine.annotate(n=Count("pk")).values("n")), 0)


@admin.register(Workspace)
class WorkspaceAdmin(VerbAdmin):
    """Rooms of records. Whoever adds one here becomes its owner."""

    list_display = ["name", "member_count", "record_count", "created_at", "deleted_at"]
    list_filter = [("deleted_at", admin.EmptyFieldListFilter), "created_at"]
    search_fields = ["name", "members__user__email"]
    fields = ["name", "id", "created_at", "updated_at", "deleted_at", "log"]
    readonly_fields = ["id", "created_at", "updated_at", "deleted_at", "log"]
    inlines = [MemberInline]
    actions = ["restore"]

    def get_queryset(self, request):
        records = self.model._meta.get_field("records").related_model
        return (
            super()
            .get_queryset(request)
            .annotate(member_count=count_of(Member), record_count=count_of(records))
        )

    @admin.display(description="members", ordering="member_count")
    def member_count(self, workspace):
        return workspace.member_count

    @admin.display(description="records", ordering="record_count")
    def record_count(self, workspace):
        return workspace.record_count

    @admin.display(description="history")
    def log(self, workspace):
        """Return a link to the workspace's events."""
        return events_link(workspace.pk)

    def get_inlines(self, request, obj):
        return self.inlines if obj else []

    def save_model(self, request, obj, form, change):
        if change:
            stored = Workspace.objects.get(pk=obj.pk)
            services.rename_workspace(workspace=stored, name=obj.name, actor=request.actor)
        else:
            made = services.create_workspace(name=obj.name, actor=request.actor)
            obj.pk = made.pk
        obj.refresh_from_db()

    def delete_model(self, request, obj):
        services.delete_workspace(workspace=obj, actor=request.actor)

    @admin.action(description="Restore from the trash", permissions=["change"])
    def restore(self, request, queryset):
        chosen = queryset.exclude(deleted_at=None)
        for workspace in chosen:
            services.restore_workspace(workspace=workspace, actor=request.actor)
        self.message_user(request, f"{len(chosen)} restored.", messages.SUCCESS)


def events_link(stream_id):
    """Return a link to the events of a stream."""
    url = reverse("admin:workspaces_event_changelist")
    return format_html('<a href="{}?q={}">Events</a>', url, stream_id)


@admin.register(Member)
class MemberAdmin(VerbAdmin):
    """Who is where, as what. People come in by invitations; staff may also put them in."""

    list_display = ["user", "workspace", "role", "created_at"]
    list_filter = ["role", "created_at"]
    list_select_related = ["user", "workspace"]
    search_fields = ["user__email", "user__name", "workspace__name"]
    fields = ["user", "workspace", "role", "created_at"]
    raw_id_fields = ["user", "workspace"]

    def get_readonly_fields(self, request, obj=None):
        return ["user", "workspace", "created_at"] if obj else ["created_at"]

    def save_model(self, request, obj, form, change):
        if not change:
            services.add_member(
                workspace=obj.workspace, user_id=obj.user_id, role=obj.role, actor=request.actor
            )
            obj.pk = Member.objects.get(workspace=obj.workspace, user=obj.user).pk
            return
        stored = Member.objects.select_related("workspace").get(pk=obj.pk)
        services.change_role(member=stored, role=obj.role, actor=request.actor)

    def delete_model(self, request, obj):
        services.remove_member(member=obj, actor=request.actor)


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Invitations, to look at and to withdraw."""

    list_display = ["email", "workspace", "role", "state", "invited_by", "created_at"]
    list_filter = [
        ("accepted_at", admin.EmptyFieldListFilter),
        ("revoked_at", admin.EmptyFieldListFilter),
        "role",
        "created_at",
    ]
    list_select_related = ["workspace", "invited_by"]
    search_fields = ["email", "workspace__name", "invited_by__email"]
    exclude = ["digest"]
    actions = ["withdraw"]

    @admin.display
    def state(self, invitation):
        """Return what became of it, in a word."""
        if invitation.accepted_at:
            return "accepted"
        if invitation.revoked_at:
            return "withdrawn"
        return "open" if invitation.is_open else "expired"

    def has_withdraw_permission(self, request):
        """Whether the visitor may withdraw: whoever may change invitations."""
        return request.user.has_perm("workspaces.change_invitation")

    @admin.action(description="Withdraw", permissions=["withdraw"])
    def withdraw(self, request, queryset):
        opened = [item for item in queryset if item.is_open]
        for invitation in opened:
            services.revoke_invitation(invitation=invitation, actor=request.actor)
        self.message_user(request, f"{len(opened)} withdrawn.", messages.SUCCESS)


from workspaces import log_admin  # noqa: E402, F401  (its pages belong to this app)
