"""The log in Django admin: who did what, for staff; to look at only."""

from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import JsonResponse
from django.urls import path
from django.utils.html import format_html

from accounts.models import User
from workspaces import sealing
from workspaces.admin_base import CappedPaginator, ReadOnlyAdmin, pretty
from workspaces.log import way_of
from workspaces.models import Event, EventSeal
from workspaces.sentences import Fact, Names, told_types


class TypeFilter(admin.SimpleListFilter):
    """Events by what they are about; a type itself is found by searching for it."""

    title = parameter_name = "about"

    def lookups(self, request, model_admin):
        about = dict.fromkeys(type.partition(".")[0] for type in told_types())
        return [(word, word.capitalize()) for word in about]

    def queryset(self, request, queryset):
        if self.value():
            return queryset.filter(type__startswith=f"{self.value()}.")
        return queryset


WAYS = (
    *("browser", "api", "mcp", "form", "webhook", "automation", "admin", "import", "shell", "undo"),
)


class WayFilter(admin.SimpleListFilter):
    """Events by the door they came through."""

    title = "way"
    parameter_name = "way"

    def lookups(self, request, model_admin):
        return [(way, way) for way in WAYS]

    def queryset(self, request, queryset):
        if self.value() == "undo":
            return queryset.exclude(undo_of=None)
        return queryset.filter(cause__door=self.value()) if self.value() else queryset


class EventList(ChangeList):
    """A page of events, told in sentences with a fixed number of questions."""

    def get_results(self, request):
        super().get_results(request)
        facts = [
            Fact(e.type, e.stream_id, e.payload, e.count or 0, e.changed or [])
            for e in self.result_list
        ]
        Names(facts)
        for event, fact in zip(self.result_list, facts, strict=True):
            event.fact = fact


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """The log. Big: nothing here counts it, sorts it by anything but id, or joins it."""

    list_display = ["id", "timestamp", "user", "told", "type", "door", "stream", "operation"]
    list_filter = [TypeFilter, WayFilter, "timestamp"]
    list_select_related = ["user"]
    list_per_page = 100
    search_fields = ["type"]
    search_help_text = (
        "An id of an event, a record, an operation or a workspace, an e-mail address, or a type"
    )
    sortable_by = []
    paginator = CappedPaginator
    fields = [
        *("id", "type", "timestamp", "user", "ip", "stream_id", "version", "workspace_id"),
        *("operation_id", "count", "changed", "digest", "how", "what"),
    ]
    readonly_fields = ["how", "what"]

    def get_changelist(self, request, **kwargs):
        return EventList

    @admin.display(description="what")
    def told(self, event):
        """Return what happened as a sentence."""
        return event.fact.sentence

    def get_search_results(self, request, queryset, search_term):
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.isascii() and term.isdigit():
            return queryset.filter(pk=term[:18]), False
        if "@" in term:
            people = User.objects.filter(email__iexact=term.replace("\x00", ""))
            return queryset.filter(user__in=people), False
        try:
            wanted = UUID(term)
        except ValueError:
            return queryset.filter(type__startswith=term.replace("\x00", "")), False
        anywhere = Q(stream_id=wanted) | Q(operation_id=wanted) | Q(workspace_id=wanted)
        return queryset.filter(anywhere), False

    @admin.display
    def door(self, event):
        """Return the way by which it came: API, admin, import, …"""
        return way_of(event.cause)

    @admin.display
    def stream(self, event):
        return format_html('<a href="?q={}">{}…</a>', event.stream_id, str(event.stream_id)[-8:])

    @admin.display
    def operation(self, event):
        if event.operation_id is None:
            return ""
        short = str(event.operation_id)[-8:]
        return format_html('<a href="?q={}">{}…</a>', event.operation_id, short)

    @admin.display(description="cause")
    def how(self, event):
        return format_html("<pre>{}</pre>", pretty(event.cause))

    @admin.display(description="payload")
    def what(self, event):
        return format_html("<pre>{}</pre>", pretty(event.payload))


@admin.register(EventSeal)
class EventSealAdmin(ReadOnlyAdmin):
    """The seals of the log, and the newest one's proof to keep elsewhere."""

    list_display = ["position", "sealed_at", "count", "last_event_id", "sha256"]
    fields = ["position", "sealed_at", "count", "last_event_id", "last_xid", "sha256", "proof"]
    readonly_fields = ["proof"]
    sortable_by = []
    paginator = CappedPaginator

    def get_urls(self):
        export = self.admin_site.admin_view(self.export)
        return [path("head/", export, name="event_seal_head"), *super().get_urls()]

    def changelist_view(self, request, extra_context=None):
        """Show the newest seals, and a sentence when none can be made."""
        found = {"problem": sealing.counted_anew(sealing.head())}
        return super().changelist_view(request, found | (extra_context or {}))

    def export(self, request):
        """Answer the newest seal as a JSON file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        newest = sealing.head()
        answer = JsonResponse(newest.as_json() if newest else {"position": 0})
        answer["Content-Disposition"] = 'attachment; filename="kdap-seal.json"'
        return answer
