"""What every admin of ours shares: changes go through verbs, and no page counts a big table."""

import json

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import OperationalError, connection, transaction
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property

from workspaces.errors import KdapError, Missing


class CappedPaginator(Paginator):
    """Counts exactly as far as a person would page; beyond, or when slow, asks the planner."""

    MOST = 10_000
    PATIENCE = "2s"

    @cached_property
    def count(self):
        """How many rows there are, exact up to MOST."""
        try:
            exact = self._exact()
        except OperationalError:  # the time was over
            return self._estimate()
        return exact if exact <= self.MOST else max(exact, self._estimate())

    def _exact(self):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{self.PATIENCE}'")
            exact = self.object_list.order_by()[: self.MOST + 1].count()
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
            return exact

    def _estimate(self):
        plan = json.loads(self.object_list.order_by().explain(format="json"))
        return int(plan[0]["Plan"]["Plan Rows"])


class Refusable:
    """A form that shows what a verb refused, in the second pass of VerbAdmin."""

    refusal = None

    def clean(self):
        """Return the cleaned data, with the refusal as an error of the whole form."""
        cleaned = super().clean()
        if self.refusal is not None:
            self.add_error(None, self.refusal.detail)
        return cleaned


class VerbAdmin(admin.ModelAdmin):
    """Saves and deletes through verbs of services; what they refuse is shown in place.

    Subclasses override save_model, delete_model and delete_queryset with verbs.
    """

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    view_on_site = False

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """Show or save the form; once more, with the sentence, when the verb refuses."""
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except KdapError as error:
            request.refusal = error
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request, obj=None, change=False, **kwargs):
        """Return the form's class, which knows of a refusal of this request."""
        form = super().get_form(request, obj, change=change, **kwargs)
        refusal = getattr(request, "refusal", None)
        return type(form.__name__, (Refusable, form), {"refusal": refusal})

    def delete_view(self, request, object_id, extra_context=None):
        """Ask and delete; a refusal leads back with its sentence."""
        try:
            with transaction.atomic():
                return super().delete_view(request, object_id, extra_context)
        except Missing:
            raise
        except KdapError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(self.list_url())

    def list_url(self):
        """Return the address of the list."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def get_deleted_objects(self, objs, request):
        """Return only what was chosen: deleting is a trash, nothing else goes with it."""
        shown = [str(obj) for obj in objs[:100]]
        return shown, {self.opts.verbose_name_plural: len(objs)}, set(), []

    def delete_queryset(self, request, queryset):
        """Delete what was chosen, each through the verb."""
        for obj in queryset:
            self.delete_model(request, obj)


class ReadOnlyAdmin(VerbAdmin):
    """To look at only."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


def pretty(value):
    """Return a JSON value as indented text."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)[:200_000]
