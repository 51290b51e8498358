"""Forms that a structure shapes: an entry's, a field's, and the small ones around a record."""

from decimal import Decimal

import orjson
from django import forms
from django.utils.html import escape

from records import fields
from records.fields.choices import HUES, Item, recognised
from records.structure import Field

ICONS = [
    "table",
    "list-check",
    "users",
    "user",
    "building",
    "briefcase",
    "shopping-cart",
    "package",
    "truck",
    "tag",
    "coin",
    "receipt",
    "calendar",
    "clock",
    "book",
    "file-text",
    "note",
    "mail",
    "phone",
    "map-pin",
    "world",
    "school",
    "heart",
    "star",
    "flag",
    "rocket",
    "bulb",
    "robot",
    "code",
    "database",
]


class EntryForm(forms.Form):
    """Every field of one entry. `seen` is the entry as the person saw it, {key: API value}.

    Saving compares with `seen`, so that only what the person changed is written.
    """

    def __init__(self, record, data=None, seen=None):
        super().__init__(data, label_suffix="", auto_id="entry_%s")
        self.takes = {f.key: f for f in record.structure.columns if not f.kind.computed}
        for key, field in self.takes.items():
            load = field.kind.load(field) or (lambda value: value)
            value = field.default if seen is None else load(seen.get(key))
            self.ask(
                field, value, label=field.label, help=field.description, required=field.required
            )

    def ask(self, field, value, *, label, help, required):
        """Add the control of a record's field that holds `value`; people wrote its texts."""
        control = field.kind.form_field(
            field, label=label, help_text=escape(help), required=required
        )
        if isinstance(control, forms.TypedMultipleChoiceField):
            control.widget = forms.CheckboxSelectMultiple(choices=control.choices)
        if type(control) is forms.CharField:
            control.strip = False
        self.fields[field.key] = control
        self.initial[field.key] = initial_of(field, value, control)

    @property
    def changed_values(self):
        """What the person changed, {key: value as the field's type takes it}."""
        return {
            key: self._value(key)
            for key in self.changed_data
            if _unix(self.cleaned_data.get(key)) != self.initial.get(key)
        }

    @property
    def filled_values(self):
        """What a new entry gets."""
        return {key: value for key in self.takes if (value := self._value(key)) is not None}

    def _value(self, key):
        value = _unix(self.cleaned_data.get(key))
        if isinstance(self.fields[key], forms.JSONField):
            kind = self.takes[key].kind
            return kind.load(self.takes[key])(value)  # a JSON text would else be read a second time
        return None if value in ("", []) else value

    def refuse(self, outcome):
        """Put what became of a write (records.cells.Changes) beside the fields."""
        for refusal in outcome.refused:
            known = refusal["key"] if refusal["key"] in self.fields else None
            self.add_error(known, refusal["detail"])
        for conflict in outcome.conflicts:
            field = self.takes[conflict["key"]]
            theirs = field.kind.display(conflict["theirs"], field) or "empty"
            self.add_error(
                conflict["key"],
                f"Somebody made this “{theirs}” in the meantime. Save again to keep yours.",
            )


def initial_of(field, value, control):
    """Return a value that its field takes as the initial one of a form, comparable with what comes back."""
    if value is None:
        return None
    if field.kind.editor == "percent":
        return field.kind.display(value, field)
    value = field.kind.clean(value, field)
    return str(value) if type(control) in (forms.CharField, forms.TypedChoiceField) else value


def _unix(value):
    """Return a text with the line breaks it had before a browser sent it."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


class ChoicesField(forms.CharField):
    """Choices, one a line; a script (field_form.js) shows them with colours and sends JSON.

    Cleans to a list of labels and of dicts with id, label and color.
    """

    def __init__(self, **common):
        super().__init__(widget=forms.Textarea(attrs={"rows": 6}))
        self.label, self.required = common.get("label"), False
        self.help_text = "One a line."

    def prepare_value(self, value):
        return "\n".join(_label(item) for item in _items(value))

    def to_python(self, value):
        return _items(super().to_python(value))


def _label(item):
    return str(item.get("label", "")) if isinstance(item, dict) else str(item)


def _items(value):
    """Return choices as a list, whatever they come as: a list, JSON, or lines of labels."""
    if isinstance(value, list):
        return value
    if (value or "").startswith("["):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            pass
    return [line.strip() for line in (value or "").splitlines() if line.strip()]


LABELS = {
    "max_length": "Most characters",
    "pattern": "Pattern (a regular expression)",
    "precision": "Digits in all",
    "scale": "Digits behind the point",
    "currency": "Currency (EUR, USD, …)",
    "start": "First number",
}


def option_control(name, info):
    """Return the form field for one option of a field type, from its pydantic description."""
    common = {"label": LABELS.get(name, name.replace("_", " ").capitalize()), "required": False}
    kind = info.annotation
    if kind == list[Item]:
        return ChoicesField(**common)
    if kind is int:
        bounds = {type(item).__name__: item for item in info.metadata}
        least = bounds["Ge"].ge if "Ge" in bounds else None
        most = bounds["Le"].le if "Le" in bounds else None
        return forms.IntegerField(min_value=least, max_value=most, **common)
    if kind == Decimal | None:
        return forms.DecimalField(**common)
    if kind is bool:
        return forms.BooleanField(**common)
    return forms.CharField(**common)


class FieldForm(forms.Form):
    """One field of a structure: what all have, and the options of its type."""

    label = forms.CharField(label="Name", max_length=300)
    type = forms.ChoiceField(
        choices=[(key, kind.label) for key, kind in fields.TYPES.items()],
        widget=forms.RadioSelect,
        initial="text",
    )
    description = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    required = forms.BooleanField(required=False, label="Required")
    unique = forms.BooleanField(required=False, label="No two entries alike")
    default = forms.CharField(required=False, label="Default for new entries")
    personal = forms.BooleanField(
        required=False,
        label="Personal data",
        help_text="It says something about a person. When somebody asks to be forgotten, an admin "
        "can erase it from entries, their history and kept files.",
    )

    def __init__(self, data=None, field: Field | None = None):
        initial = field.model_dump() if field else {}
        super().__init__(data, initial=initial, label_suffix="", auto_id="field_%s")
        self.fields["label"].widget.attrs["autofocus"] = True
        asked = (data or {}).get("type") or (field.type if field else "text")
        self.kind = fields.TYPES.get(asked, fields.TYPES["text"])
        kept = field.options if field and field.type == self.kind.key else {}
        carried = field.options if field else {}
        self.options = list(self.kind.Options.model_fields)
        for name, info in self.kind.Options.model_fields.items():
            self.fields[f"option_{name}"] = option_control(name, info)
            default = info.get_default(call_default_factory=True)
            self.initial[f"option_{name}"] = kept.get(name, carried.get(name, default))
        self.old_choices = carried.get("choices", [])
        self._show_choices((data or {}).get("option_choices"))
        if not self.kind.may_be_unique:
            del self.fields["unique"]
        if self.kind.computed:
            for name in ("required", "default", "personal"):
                del self.fields[name]

    def option_fields(self):
        """The bound fields of the type's options."""
        return [self[f"option_{name}"] for name in self.options]

    def rule_fields(self):
        """The bound fields of the rules that this type can have."""
        return [
            self[name]
            for name in ("default", "required", "unique", "personal")
            if name in self.fields
        ]

    def suggest_choices(self, labels):
        """Fill in `labels` as the choices, unless the person wrote some already."""
        if labels and not _items(self.data.get("option_choices")):
            self.data = self.data.copy()
            self.data["option_choices"] = "\n".join(labels)
            self._show_choices(self.data["option_choices"])

    def _show_choices(self, written):
        """Hand the script the choices with their numbers and colours."""
        if "option_choices" in self.fields:
            items = self.initial["option_choices"] if written is None else _items(written)
            shown = orjson.dumps(recognised(items, self.old_choices)).decode()
            self.fields["option_choices"].widget.attrs |= {
                "data-choices": "|".join(HUES),
                "data-items": shown,
            }

    @property
    def spec(self):
        """The field as records.edits.edit takes it."""
        data = self.cleaned_data
        options = {
            name: _plain(data[f"option_{name}"])
            for name in self.options
            if data[f"option_{name}"] not in (None, "")
        }
        if "choices" in options:
            options["choices"] = recognised(options["choices"], self.old_choices)
        return {
            "label": data["label"],
            "type": data["type"],
            "description": data["description"],
            "required": data.get("required", False),
            "unique": data.get("unique", False),
            "personal": data.get("personal", False),
            "default": data.get("default") or None,
            "options": options,
        }


def _plain(value):
    return str(value) if isinstance(value, Decimal) else value


class RecordForm(forms.Form):
    """What a record is called and how it looks in lists."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autofocus": True}))
    description = forms.CharField(
        required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    icon = forms.ChoiceField(
        choices=[(icon, icon) for icon in ICONS], widget=forms.RadioSelect, initial="table"
    )
    color = forms.ChoiceField(
        choices=[(hue, hue) for hue in HUES],
        widget=forms.RadioSelect,
        initial="blue",
        label="Colour",
    )

    def __init__(self, data=None, initial=None):
        super().__init__(data, initial=initial, label_suffix="")


class SettingsForm(RecordForm):
    """The same of a record there is, and for how long its history is kept."""

    history_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=36_500,
        label="Keep history for this many days",
        help_text="Empty: for ever. What entries were before is then removed once a day, which "
        "nobody can undo. The log itself stays.",
    )


class DeleteForm(forms.Form):
    """Deleting a record asks for its name."""

    name = forms.CharField(label="Its name", widget=forms.TextInput(attrs={"autofocus": True}))

    def __init__(self, record, data=None):
        super().__init__(data, label_suffix="")
        self.record = record

    def clean_name(self):
        if self.cleaned_data["name"].strip() != self.record.name:
            raise forms.ValidationError("This is not the record's name.")
        return self.cleaned_data["name"]
