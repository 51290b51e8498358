"""The editor of a public form: its texts, and a row for each field that it could ask for."""

from django import forms

from records.public_forms import MOST_ANSWERS, TEXTS, askable


class NewForm(forms.Form):
    """What a new form is called."""

    name = forms.CharField(
        label="Name", max_length=120, widget=forms.TextInput(attrs={"autofocus": True})
    )

    def __init__(self, data=None, initial=None):
        super().__init__(data, initial=initial, label_suffix="", auto_id="form_%s")


class DesignForm(forms.Form):
    """The texts of a form, and how long it is open."""

    name = forms.CharField(
        label="Name", max_length=120, help_text="Only members of the workspace see it."
    )
    title = forms.CharField(label="Title", max_length=TEXTS["title"])
    intro = forms.CharField(
        label="Text before the fields",
        required=False,
        max_length=TEXTS["intro"],
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    button = forms.CharField(label="Text of the button", max_length=TEXTS["button"])
    thanks = forms.CharField(
        label="Text after sending",
        required=False,
        max_length=TEXTS["thanks"],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Empty: “Thank you. Your answer has arrived.”",
    )
    closes_at = forms.DateTimeField(
        label="Open until",
        required=False,
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )
    most_answers = forms.IntegerField(
        label="Most answers", required=False, min_value=1, max_value=MOST_ANSWERS
    )

    def __init__(self, form, data=None):
        initial = {name: getattr(form, name) for name in self.base_fields}
        super().__init__(data, initial=initial, label_suffix="", auto_id="form_%s")


class Row(forms.Form):
    """How a form asks for one field of the record; `asked` is off for those that it leaves out."""

    asked = forms.BooleanField(required=False)
    label = forms.CharField(label="Asked as", required=False, max_length=300)
    help = forms.CharField(
        label="Help below it",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    required = forms.BooleanField(label="Must be answered", required=False)

    def __init__(self, field, item, data=None):
        initial = (item or {}) | {"asked": item is not None}
        super().__init__(data, prefix=field.id, initial=initial, label_suffix="", auto_id="form_%s")
        self.field, self.demanded = field, bool(item and item["required"])
        self.fields["label"].widget.attrs["placeholder"] = field.label
        self.fields["help"].widget.attrs["placeholder"] = field.description
        if field.required:
            self.fields["required"].disabled = True
            self.initial["required"] = True
            self.fields["required"].help_text = "The record requires it."

    @property
    def is_asked(self):
        """Whether the form asks for it, as the page shows it now."""
        return bool(self["asked"].value())

    @property
    def item(self):
        """The row as public_forms takes it."""
        data = self.cleaned_data
        required = self.demanded if self.field.required else data["required"]
        words = {name: data[name] for name in ("label", "help")}
        return {"field": self.field.id, **words, "required": required}


class Rows(list):
    """A Row for each field that can be asked for: those asked first, in the form's order.

    With `data` they stand as the page had them.
    """

    def __init__(self, form, data=None):
        known = {field.id: field for field in form.record.structure.columns if askable(field)}
        items = {item["field"]: item for item in form.fields}
        order = data.getlist("order") if data else list(items)
        order = [id for id in dict.fromkeys([*order, *known]) if id in known]
        super().__init__(Row(known[id], items.get(id), data) for id in order)
        self.gone = [item for id, item in items.items() if id not in known]

    def move(self, asked):
        """Move a row one place; `asked` is its field's id and up or down, as “f1:up”."""
        id, _, way = asked.partition(":")
        at = next((n for n, row in enumerate(self) if row.field.id == id), None)
        if at is not None:
            row = self.pop(at)
            self.insert(max(0, at - 1) if way == "up" else at + 1, row)

    def is_valid(self):
        """Return whether every row is; all of them are looked at."""
        bad = [row for row in self if not row.is_valid()]
        return not bad

    @property
    def items(self):
        """What the form asks for from now on; fields that are gone keep their words for their return."""
        return [*(row.item for row in self if row.cleaned_data["asked"]), *self.gone]
