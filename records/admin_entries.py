"""The ModelAdmin of one record's entries, made anew for each request (see admin_urls.py).

The model is no installed one: it has no ContentType and no addresses of its own in the admin.
Rights are those on `records.Record`; the log of changes is the events'. Templates are in
templates/admin/generated/.
"""

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models.expressions import RawSQL
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from records import entries
from records.admin_filters import columns_of, filters_of
from records.admin_forms import SEEN, editable, form_of
from records.bulk import delete_found
from records.images import steps_of
from records.query import Query
from workspaces.admin_base import CappedPaginator, VerbAdmin
from workspaces.errors import Missing

SYSTEM = ["entry_id", "created_at", "created_by", "updated_at", "updated_by"]
EXAMPLES = 20


class EntryList(ChangeList):
    """A page of entries; rows lead to our own addresses."""

    def url_for_result(self, result):
        return self.model_admin.url("change", result.pk)


class EntryAdmin(VerbAdmin):
    """List, search, filter, add, change, delete and history of one record's entries."""

    paginator = CappedPaginator
    ordering = ["-entry_id"]
    actions = ["delete_selected"]

    def __init__(self, record, admin_site):
        """`record` gives the model; `admin_site` the frame around the pages."""
        super().__init__(record.model, admin_site)
        self.record = record
        self.list_display = columns_of(record)
        self.list_filter = filters_of(record)
        # Only whether there is a search at all; get_search_results does it.
        self.search_fields = [field.key for field in record.structure.columns]
        shown = [name for name in self.list_display if isinstance(name, str)]
        people = [name for name in shown if record.model._meta.get_field(name).many_to_one]
        self.list_select_related = people or False

    # Who may

    def may(self, request, verb):
        """Whether the visitor may `verb` (view, add, change, delete) entries."""
        return request.user.has_perm(f"records.{verb}_record")

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def has_view_permission(self, request, obj=None):
        return self.may(request, "view") or self.may(request, "change")

    def has_add_permission(self, request):
        return self.may(request, "add")

    def has_change_permission(self, request, obj=None):
        return self.may(request, "change")

    def has_delete_permission(self, request, obj=None):
        return self.may(request, "delete")

    # Where

    def url(self, page, *args):
        """Return the address of a page: changelist, add, change, delete or history."""
        return reverse(f"entries_{page}", args=[self.record.pk, *args])

    def list_url(self):
        return self.url("changelist")

    def get_preserved_filters(self, request):
        """Return nothing: a way back to a filtered list is the browser's."""
        return ""

    # The list

    def get_changelist(self, request, **kwargs):
        return EntryList

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": self.record.name, "subtitle": None})

    def get_search_results(self, request, queryset, search_term):
        """Search as the product does everywhere."""
        if not search_term:
            return queryset, False
        query = Query(self.record, search=search_term)
        found = f"SELECT entry_id FROM {query.table} WHERE {query.where}"
        return queryset.filter(pk__in=RawSQL(found, query.params)), False

    # The form

    def get_form(self, request, obj=None, change=False, **kwargs):
        return form_of(self.record, getattr(request, "refusal", None))

    def get_readonly_fields(self, request, obj=None):
        computed = [f.key for f in self.record.structure.columns if f.kind.computed]
        return [*computed, *SYSTEM] if obj else []

    def get_fieldsets(self, request, obj=None):
        fieldsets = [(None, {"fields": [field.key for field in editable(self.record)]})]
        if obj:
            kept = {"fields": self.get_readonly_fields(request, obj)}
            fieldsets.append(("Filled by KDAP", kept))
        return fieldsets

    def render_change_form(self, request, context, add=False, change=False, form_url="", obj=None):
        """Render the form without what Django would look up for a registered model."""
        context |= {
            "add": add,
            "change": change,
            "has_view_permission": self.has_view_permission(request, obj),
            "has_add_permission": self.has_add_permission(request),
            "has_change_permission": self.has_change_permission(request, obj),
            "has_delete_permission": self.has_delete_permission(request, obj),
            "has_editable_inline_admin_formsets": False,
            "save_as": False,
            "save_on_top": False,
            "opts": self.opts,
            "app_label": self.opts.app_label,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/generated/change_form.html", context)

    # Writing

    def save_form(self, request, form, change):
        return form.instance

    def save_model(self, request, obj, form, change):
        if change:
            seen = form.cleaned_data[SEEN]
            entries.update_entries(
                record=self.record,
                changes={obj.pk: form.values},
                versions={obj.pk: seen},
                actor=request.actor,
            )
        else:
            made = entries.create_entries(
                record=self.record, rows=[form.values], actor=request.actor
            )
            obj.pk = made.ids[0]
        obj.refresh_from_db()

    def save_related(self, request, form, formsets, change):
        """Do nothing: an entry has no forms beside its own."""

    def delete_model(self, request, obj):
        entries.delete_entries(record=self.record, ids=[obj.pk], actor=request.actor)

    @admin.action(description="Delete selected entries", permissions=["delete"])
    def delete_selected(self, request, queryset):
        """Ask, then delete what was chosen; "all" may be millions, so none is read."""
        if request.POST.get("post"):
            count = delete_found(record=self.record, queryset=queryset, actor=request.actor)
            text = f"{count:,} entr{'y was' if count == 1 else 'ies were'} deleted."
            return self.message_user(request, text, messages.SUCCESS)
        count, examples = queryset.count(), list(queryset[:EXAMPLES])
        context = {
            **self.admin_site.each_context(request),
            "title": "Delete entries",
            "count": count,
            "examples": examples,
            "more": count - len(examples),
            "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
            "across": request.POST.get("select_across") == "1",
            "checkbox": ACTION_CHECKBOX_NAME,
            "opts": self.opts,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/generated/delete_selected.html", context)

    def construct_change_message(self, request, form, formsets, add=False):
        """Return nothing: events tell what changed."""
        return ""

    def log_addition(self, request, obj, message):
        """Do nothing: the table's own triggers have logged it."""

    log_change = log_addition

    def log_deletions(self, request, queryset):
        """Do nothing: the table's own triggers will log it."""

    # Afterwards

    def _done(self, request, obj, what):
        link = format_html('<a href="{}">{}</a>', self.url("change", obj.pk), obj)
        self.message_user(request, format_html("{} was {}.", link, what), messages.SUCCESS)
        if "_continue" in request.POST:
            return HttpResponseRedirect(self.url("change", obj.pk))
        if "_addanother" in request.POST:
            return HttpResponseRedirect(self.url("add"))
        return HttpResponseRedirect(self.list_url())

    def response_add(self, request, obj, post_url_continue=None):
        return self._done(request, obj, "added")

    def response_change(self, request, obj):
        return self._done(request, obj, "changed")

    def response_delete(self, request, obj_display, obj_id):
        self.message_user(request, f"{obj_display} was deleted.", messages.SUCCESS)
        return HttpResponseRedirect(self.list_url())

    def _get_obj_does_not_exist_redirect(self, request, opts, object_id):
        raise Missing(f"Entry {object_id[:20]} is not there (any more).")

    # History

    def history_view(self, request, object_id, extra_context=None):
        """Show what happened to an entry, a deleted one too."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        steps = steps_of(self.record, int(object_id)) if int(object_id) < 2**63 else []
        if not steps:
            raise Missing(f"There never was an entry {object_id[:20]}.")
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of entry {object_id}",
            "steps": steps,
            "gone": steps[0].what == "Deleted",
            "object_id": object_id,
            "opts": self.opts,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/generated/object_history.html", context)
