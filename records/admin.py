"""Records and their structures in Django admin; entries are in admin_entries.py."""

from django.contrib import admin, messages
from django.urls import reverse
from django.utils.html import format_html

from records import services
from records.models import PublicForm, Record, RecordStructure, RecordView, StructureVersion
from workspaces.admin import events_link
from workspaces.admin_base import ReadOnlyAdmin, VerbAdmin, pretty

GIVEN = ("name", "description", "icon", "color")
TOLD = (*GIVEN, "position")


@admin.register(Record)
class RecordAdmin(VerbAdmin):
    """What people call their tables. Fields are made and changed in the product, with their plan."""

    list_display = ["name", "workspace", "entries", "table_name", "updated_at", "deleted_at"]
    list_filter = [("deleted_at", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["workspace"]
    search_fields = ["name", "table_name", "workspace__name"]
    fields = [
        *TOLD,
        "workspace",
        "id",
        "table_name",
        "created_at",
        "updated_at",
        "deleted_at",
        "log",
    ]
    raw_id_fields = ["workspace"]
    actions = ["restore"]

    def get_fields(self, request, obj=None):
        return self.fields if obj else ["workspace", *GIVEN]

    def get_readonly_fields(self, request, obj=None):
        return self.fields[len(TOLD) :] if obj else []

    @admin.display(description="entries")
    def entries(self, record):
        """Return a link to the record's entries."""
        url = reverse("entries_changelist", args=[record.pk])
        return format_html('<a href="{}">Entries</a>', url)

    @admin.display(description="history")
    def log(self, record):
        """Return a link to the record's events."""
        return events_link(record.pk)

    def save_model(self, request, obj, form, change):
        if not change:
            given = {name: form.cleaned_data[name] for name in GIVEN}
            made = services.create_record(
                workspace=obj.workspace, fields=[], actor=request.actor, **given
            )
            obj.pk = made.pk
            obj.refresh_from_db()
            return
        stored = Record.objects.get(pk=obj.pk)
        told = {name: form.cleaned_data[name] for name in form.changed_data if name in TOLD}
        services.change_record(record=stored, actor=request.actor, **told)

    def delete_model(self, request, obj):
        services.delete_record(record=obj, actor=request.actor)

    @admin.action(description="Restore from the trash", permissions=["change"])
    def restore(self, request, queryset):
        chosen = queryset.exclude(deleted_at=None)
        for record in chosen:
            services.restore_record(record=record, actor=request.actor)
        self.message_user(request, f"{len(chosen)} restored.", messages.SUCCESS)


@admin.register(RecordStructure)
class RecordStructureAdmin(ReadOnlyAdmin):
    """The newest structure of each record."""

    list_display = ["record", "version", "updated_at"]
    list_select_related = ["record"]
    list_filter = ["updated_at"]
    search_fields = ["record__name"]
    fields = ["record", "version", "created_at", "updated_at", "as_text"]
    readonly_fields = ["as_text"]

    @admin.display(description="structure")
    def as_text(self, head):
        return format_html("<pre>{}</pre>", pretty(head.structure))


@admin.register(StructureVersion)
class StructureVersionAdmin(ReadOnlyAdmin):
    """Every structure there ever was."""

    list_display = ["record", "version", "summary", "user", "created_at"]
    list_select_related = ["record", "user"]
    list_filter = ["created_at"]
    search_fields = ["record__name", "summary"]
    ordering = ["-id"]
    fields = ["record", "version", "summary", "user", "created_at", "event_id", "as_text"]
    readonly_fields = ["as_text"]

    @admin.display(description="structure")
    def as_text(self, version):
        return format_html("<pre>{}</pre>", pretty(version.structure))


@admin.register(RecordView)
class RecordViewAdmin(ReadOnlyAdmin):
    """Named ways to see records; they are made and changed in the grid and over the API."""

    list_display = ["name", "record", "owner", "personal", "updated_at", "deleted_at"]
    list_select_related = ["record", "owner"]
    list_filter = ["personal", ("deleted_at", admin.EmptyFieldListFilter), "created_at"]
    search_fields = ["name", "record__name", "owner__email"]
    fields = ["name", "record", "workspace", "owner", "personal", "created_at", "updated_at"]
    fields += ["deleted_at", "asks", "looks", "log"]
    readonly_fields = ["asks", "looks", "log"]

    @admin.display(description="asks for")
    def asks(self, view):
        return format_html("<pre>{}</pre>", pretty(view.question))

    @admin.display(description="looks")
    def looks(self, view):
        return format_html("<pre>{}</pre>", pretty(view.layout))

    @admin.display(description="history")
    def log(self, view):
        """Return a link to the view's events."""
        return events_link(view.pk)


@admin.register(PublicForm)
class PublicFormAdmin(ReadOnlyAdmin):
    """Pages by which people without an account add entries; made in the product and over the API."""

    list_display = ["name", "record", "open", "closes_at", "updated_at", "deleted_at"]
    list_select_related = ["record"]
    list_filter = ["open", ("deleted_at", admin.EmptyFieldListFilter), "created_at"]
    search_fields = ["name", "title", "record__name"]
    fields = ["name", "record", "workspace", "title", "intro", "button", "thanks", "open"]
    fields += ["closes_at", "most_answers", "created_at", "updated_at", "deleted_at", "asks", "log"]
    readonly_fields = ["asks", "log"]

    @admin.display(description="asks for")
    def asks(self, form):
        return format_html("<pre>{}</pre>", pretty(form.fields))

    @admin.display(description="history")
    def log(self, form):
        """Return a link to the form's events."""
        return events_link(form.pk)
