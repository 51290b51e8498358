"""Columns and filters of a list of entries in Django admin, by what each field can do."""

from uuid import UUID

from django.contrib import admin
from django.db import models

from accounts.models import User

MOST_COLUMNS = 8
MOST_FILTERS = 12
EMPTY = "-"


def columns_of(record):
    """Return list_display: the id, the first fields, and when it was changed."""
    shown = [column_of(field) for field in record.structure.columns[:MOST_COLUMNS]]
    return ["entry_id", *shown, "updated_at"]


def column_of(field):
    """Return a field's key where Django shows the value well, else a function that does."""
    dump = field.kind.dump(field)
    if dump is None:
        return field.key

    @admin.display(description=field.label, ordering=field.key, empty_value="-")
    def column(entry):
        return field.kind.display(dump(getattr(entry, field.key)), field) or None

    return column


def filters_of(record):
    """Return list_filter: what has few values, and dates."""
    made = [filter_of(record, field) for field in record.structure.columns]
    return [*[item for item in made if item][:MOST_FILTERS], "created_at", "updated_at"]


def filter_of(record, field):
    """Return what filters by `field`, or None where a search serves better."""
    model_field = record.model._meta.get_field(field.key)
    if isinstance(model_field, (models.BooleanField, models.DateField)):
        return field.key
    if field.options.get("choices"):
        items = [(str(item["id"]), item["label"]) for item in field.options["choices"]]
        several = field.kind.column(field).endswith("[]")
        lookup = f"{field.key}__contains" if several else field.key
        return listed(
            field, lambda: items, lookup, (lambda value: [int(value)]) if several else int
        )
    if isinstance(model_field, models.ForeignKey):
        return listed(field, lambda: members_of(record), field.key, UUID)
    return None


def members_of(record):
    """Return [(id, name)] of the people of the record's workspace."""
    people = User.objects.filter(memberships__workspace=record.workspace_id)
    return [(str(user.pk), str(user)) for user in people]


def listed(field, get_choices, lookup, convert):
    """Return a filter class: a choice, converted, is looked up by `lookup`; or "empty"."""

    class Listed(admin.SimpleListFilter):
        title = field.label
        # A field may be called as one of the list's own parameters, such as q or p.
        parameter_name = f"{field.key}__is"

        def lookups(self, request, model_admin):
            return [*get_choices(), (EMPTY, "Empty")]

        def queryset(self, request, queryset):
            value = self.value()
            if value is None:
                return queryset
            if value == EMPTY:
                return queryset.filter(**{f"{field.key}__isnull": True})
            try:
                return queryset.filter(**{lookup: convert(value)})
            except ValueError:
                return queryset.none()

    return Listed
