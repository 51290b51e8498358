"""From a structure to a Django model over its table.

Classes live in a bounded cache of each process, by record and version; a change of structure
makes a new version, so nothing ever has to be told to forget. They belong to the app label
`generated`, which is no installed app: migrations can't see them, and their registry is not the
one that `makemigrations` and flush read.
"""

from collections import OrderedDict
from threading import Lock

from django.apps import apps as installed
from django.apps.registry import Apps
from django.conf import settings
from django.db import models
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils.html import escape

from records import structure as structures
from records.fields.base import literal

MOST_CACHED = 500


class _Cache:
    """A bounded, thread-safe map that forgets what was used least recently."""

    def __init__(self, most):
        self.items, self.most, self.lock = OrderedDict(), most, Lock()

    def get(self, key, make):
        """Return the item of `key`, made by calling `make()` when it is not there."""
        with self.lock:
            if key in self.items:
                self.items.move_to_end(key)
                return self.items[key]
        item = make()
        with self.lock:
            self.items[key] = item
            while len(self.items) > self.most:
                self.items.popitem(last=False)
        return item


_models = _Cache(MOST_CACHED)
_structures = _Cache(MOST_CACHED * 2)


class _Registry(Apps):
    """A registry for one class: alone, but able to find the installed models it refers to."""

    def get_registered_model(self, app_label, model_name):
        try:
            return super().get_registered_model(app_label, model_name)
        except LookupError:
            return installed.get_registered_model(app_label, model_name)


def structure_of(record):
    """Return the parsed structure of `record`, parsed once a version and process."""
    head = record.head
    # The event id tells apart what a rolled-back transaction made under the same version.
    key = (record.pk, head.version, head.last_event_id)
    return _structures.get(key, lambda: structures.parse(head.structure))


def model_of(record):
    """Return the Django model of `record`'s newest structure."""
    head = record.head
    key = (record.pk, head.version, head.last_event_id)
    return _models.get(key, lambda: build(record, structure_of(record)))


def sequence_name(record, field):
    """Return the name of the sequence behind an autonumber field."""
    return f"s{record.number}_{field.id}"


def default_sql(record, field):
    """Return the column's DEFAULT as SQL, or "" when it has none."""
    if field.type == "autonumber":
        return f"nextval('{sequence_name(record, field)}')"
    if field.default is None:
        return ""
    value = field.kind.stored(field.kind.clean(field.default, field), field)
    return f"{literal(value)}::{field.kind.column(field)}"


def _setting(name, cast):
    return RawSQL(f"kdap_setting('{name}')::{cast}", ())


def _system_fields(record):
    user = {"null": True, "on_delete": models.DO_NOTHING, "related_name": "+", "db_index": False}
    by = {"editable": False, "db_constraint": False, "db_default": _setting("kdap.user", "uuid")}
    tag = RawSQL(f"current_setting('kdap.tag_i{record.number}')::bigint", ())
    return {
        "entry_id": models.BigAutoField(primary_key=True),
        "created_at": models.DateTimeField(db_default=Now(), editable=False),
        "updated_at": models.DateTimeField(db_default=Now(), editable=False),
        "created_by": models.ForeignKey(
            settings.AUTH_USER_MODEL, db_column="created_by", **user, **by
        ),
        "updated_by": models.ForeignKey(
            settings.AUTH_USER_MODEL, db_column="updated_by", **user, **by
        ),
        "_ev": models.BigIntegerField(db_column="_ev", editable=False, db_default=tag),
    }


def build(record, structure, managed=False):
    """Return a new model class for `structure` over `record`'s table.

    `managed` is for DDL only: Django writes no constraints for unmanaged models.
    """
    attributes = _system_fields(record)
    for field in structure.columns:
        common = {
            "db_column": field.key,
            "verbose_name": field.label[:250],
            "help_text": escape(field.description),  # Django's admin shows it as HTML
            "null": not field.required,
            "blank": not field.required,
        }
        default = default_sql(record, field)
        if default:
            common["db_default"] = RawSQL(default.replace("%", "%%"), ())
        attributes[field.key] = field.kind.model_field(field, **common)
    meta = type(
        "Meta",
        (),
        {
            "app_label": "generated",
            "apps": _Registry(),
            "db_table": record.table_name,
            "managed": managed,
            "verbose_name": "entry",
            "verbose_name_plural": record.name[:250],
            "ordering": ["entry_id"],
        },
    )
    return type(
        "Entry",
        (models.Model,),
        attributes
        | {"Meta": meta, "__module__": __name__, "__str__": _title, "record_id": record.pk},
    )


def _title(entry):
    for field in entry._meta.concrete_fields:
        if isinstance(field, (models.CharField, models.TextField)):
            value = getattr(entry, field.attname)
            if value:
                return str(value)[:80]
    return f"Entry {entry.pk}"
