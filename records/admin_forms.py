"""The form of one entry in Django admin, made from the record's structure."""

import orjson
from django import forms
from django.utils.html import escape

WIDE = {
    forms.TextInput: "vTextField",
    forms.Textarea: "vLargeTextField",
    forms.URLInput: "vURLField",
}
SEEN = "_ev"  # no field can be called so: keys never start with an underscore


class EntryForm(forms.ModelForm):
    """Reads values as their field types' forms do. Writing is records.entries' business.

    Remembers which version of the entry the person saw, so that nobody's change is overwritten.
    """

    record = None
    refusal = None

    class Meta:
        fields = []

    def __init__(self, *args, instance=None, **kwargs):
        """Take initial values from the entry, of whatever field has a form field."""
        initial = kwargs.pop("initial", None) or {}
        if instance is not None:
            initial = {key: stored(instance, key) for key in self.base_fields} | initial
        super().__init__(*args, instance=instance, initial=initial, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField):
                mine = field.queryset.filter(memberships__workspace=self.record.workspace_id)
                field.queryset = mine.distinct()

    @property
    def values(self):
        """What to write: every field of a new entry, the changed ones of an old one."""
        keys = self.changed_data if self.instance.pk else self.fields
        return {key: self._value(key) for key in keys if key != SEEN}

    def _value(self, key):
        value = self.cleaned_data[key]
        if isinstance(self.fields[key], forms.JSONField) and value is not None:
            return orjson.dumps(value).decode()  # a JSON text would else be read a second time
        return value

    def clean(self):
        """Return the values; tell what writing them ran into, each at its field."""
        told = False
        for problem in self.refusal.problems if self.refusal else ():
            key = problem["pointer"].rpartition("/")[2]
            if key in self.fields:
                self.add_error(key, problem["detail"])
                told = True
        if self.refusal and not told:
            self.add_error(None, self.refusal.detail)
        return self.cleaned_data

    def _post_clean(self):
        """Leave the instance alone; the entry is read anew after it was written."""


def stored(entry, key):
    """Return the value of an entry's column; a person by id."""
    return getattr(entry, entry._meta.get_field(key).attname)


def form_of(record, refusal=None):
    """Return the form class of `record`; `refusal` is a KdapError to show, or None."""
    made = {}
    for field in editable(record):
        default = field.default
        made[field.key] = field.kind.form_field(
            field,
            label=field.label,
            help_text=escape(field.description),  # Django shows it as HTML
            required=field.required,
            initial=None if default is None else field.kind.clean(default, field),
        )
        widget = made[field.key].widget
        widget.attrs.setdefault("class", WIDE.get(type(widget), ""))
    made[SEEN] = forms.IntegerField(required=False, widget=forms.HiddenInput)
    meta = type("Meta", (EntryForm.Meta,), {"model": record.model})
    extra = {"Meta": meta, "record": record, "refusal": refusal, "__module__": __name__}
    return type("EntryForm", (EntryForm,), made | extra)


def editable(record):
    """Return the fields of `record` that people fill in."""
    return [field for field in record.structure.columns if not field.kind.computed]
