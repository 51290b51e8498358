"""What people send on the way into a record: a file or a paste, how to read it, where it goes."""

from django import forms

from records import fields as kinds
from records.imports.delimited import ENCODINGS
from records.jobs import ImportJob
from workspaces.errors import Invalid

DELIMITERS = [
    (",", "Comma ,"),
    (";", "Semicolon ;"),
    ("\t", "Tab"),
    ("|", "Bar |"),
    ("^", "Caret ^"),
    ("~", "Tilde ~"),
    (" ", "Space"),
    ("", "Another"),
]
QUOTES = [('"', 'Double quote "'), ("'", "Apostrophe '"), ("", "None")]
DATE_FORMS = [("iso", "2026-05-31"), ("dmy", "31.5.2026"), ("mdy", "5/31/2026")]


class UploadForm(forms.Form):
    """A file, or the text of one."""

    file = forms.FileField(required=False, label="File")
    text = forms.CharField(
        required=False,
        strip=False,
        label="Or paste cells",
        help_text="From a spreadsheet, a web page or an e-mail; the first row names the columns.",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )

    def clean(self):
        data = super().clean()
        if not data.get("file") and not (data.get("text") or "").strip() and not self.errors:
            raise forms.ValidationError("Choose a file, or paste some cells.")
        return data

    def source(self):
        """Return (name, iterable of bytes, settings)."""
        file = self.cleaned_data["file"]
        if file:
            return file.name, file.chunks(), {}
        text = self.cleaned_data["text"]
        start = text.lstrip()[:1]
        settings = {} if start in ("[", "{") else {"encoding": "utf-8"}
        return "Pasted table", iter([text.encode("utf-8", "replace")]), settings


class SettingsForm(forms.Form):
    """How a file is to be read; a format shows only what it has."""

    sheet = forms.ChoiceField(required=False)
    delimiter = forms.ChoiceField(required=False, choices=DELIMITERS)
    other = forms.CharField(
        required=False, max_length=1, strip=False, label="Which", widget=forms.TextInput
    )
    quote = forms.ChoiceField(required=False, choices=QUOTES, label="Quotes")
    escape = forms.ChoiceField(
        required=False, choices=[("", 'Doubled ""'), ("\\", 'Backslash \\"')], label="In cells"
    )
    encoding = forms.ChoiceField(required=False, choices=[(name, name) for name in ENCODINGS])
    header_row = forms.IntegerField(
        min_value=0, max_value=1000, label="Header row", help_text="0 when there is none"
    )

    def __init__(self, job, data=None):
        settings = job.settings
        initial = dict(settings)
        if settings.get("delimiter") not in dict(DELIMITERS):
            initial |= {"delimiter": "", "other": settings.get("delimiter")}
        super().__init__(data, initial=initial, prefix="read")
        if job.format == "sheet":
            keep = ("sheet", "header_row")
            self.fields["sheet"].choices = [(name, name) for name in settings.get("sheets", ())]
        else:
            keep = ("delimiter", "other", "quote", "escape", "encoding", "header_row")
        for name in list(self.fields):
            if name not in keep or job.format in ("json", "ndjson"):
                del self.fields[name]

    def settings(self):
        """Return what was chosen as settings for the job."""
        data = dict(self.cleaned_data)
        other = data.pop("other", "")
        if "delimiter" in data:
            data["delimiter"] = data["delimiter"] or other or ","
        return data


class ImportForm(forms.Form):
    """What happens with the rows as a whole."""

    record_name = forms.CharField(max_length=120, label="Name of the record")
    mode = forms.ChoiceField(
        choices=ImportJob.Mode.choices[1:], widget=forms.RadioSelect, label="The rows"
    )
    keys = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Entries are the same when these are",
    )
    on_error = forms.ChoiceField(
        choices=ImportJob.OnError, widget=forms.RadioSelect, label="If a row can't be taken"
    )

    def __init__(self, job, data=None):
        initial = {name: getattr(job, name) for name in ("record_name", "mode", "keys", "on_error")}
        super().__init__(data, initial=initial)
        if job.record_id is None:
            del self.fields["mode"], self.fields["keys"]
        else:
            del self.fields["record_name"]
            columns = [f for f in job.record.structure.columns if not f.kind.computed]
            self.fields["keys"].choices = [(field.key, field.label) for field in columns]


def known_types():
    """Return [(key, label)] of the types that an import may give a new field."""
    return [
        (kind.key, kind.label)
        for kind in kinds.TYPES.values()
        if not kind.computed and not kind.virtual
    ]


def mapping_of(job, data):
    """Return the mapping that the preview page sent; raise Invalid when it is not whole."""
    mapping = []
    for number, column in enumerate(job.analysis["columns"]):
        to = data.get(f"to-{number}")
        if to is None:
            raise Invalid("The form came without all columns. Load the page again.")
        item = {"column": number, "skip": to == "", "form": data.get(f"form-{number}") or "iso"}
        item["nulls"] = sorted(column["missing"]) if data.get(f"nulls-{number}") else []
        if to == "new":
            item["label"] = data.get(f"label-{number}", "").strip() or column["name"]
            item["type"] = data.get(f"type-{number}") or column["type"]
        elif to:
            item["field"] = to
        mapping.append(item)
    return mapping


def columns_of(job):
    """Return what the page shows of each column: what was found, and where it goes."""
    targets = {item["column"]: item for item in job.mapping}
    shown = []
    for number, found in enumerate(job.analysis["columns"]):
        item = targets.get(number) or {"skip": True}
        to = "" if item.get("skip") else item.get("field") or "new"
        shown.append(
            {
                "number": number,
                "found": found,
                "to": to,
                "label": item.get("label") or found["name"],
                "type": item.get("type") or found["type"],
                "form": item.get("form") or "iso",
                "nulls": bool(item.get("nulls")),
                "missing": ", ".join(found["missing"]),
                "missing_count": sum(found["missing"].values()),
            }
        )
    return shown
