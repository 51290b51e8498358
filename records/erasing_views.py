"""The dialog in which an admin erases a person's data, after it said what that means."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from records import erasing
from records.requests import get_record
from records.sentences import entries
from workspaces.errors import Conflict, Invalid


class EraseForm(forms.Form):
    """Which entries to erase; once that is clear, the name of the record as a last word."""

    entries = forms.RegexField(r"^[0-9]{1,18}(,[0-9]{1,18}){0,999}$", required=False)
    field = forms.ChoiceField(label="Entries whose field", required=False)
    value = forms.CharField(label="has the value", max_length=1000, required=False)
    earlier = forms.BooleanField(
        required=False,
        initial=True,
        label="Also entries that had it once and have something else now",
    )
    name = forms.CharField(
        label="Type the name of the record", required=False, widget=forms.TextInput
    )

    def __init__(self, record, data=None, initial=None):
        super().__init__(data, initial=initial, label_suffix="", auto_id="erase_%s")
        self.record = record
        kinds = record.structure.columns
        self.fields["field"].choices = [(item.key, item.label) for item in kinds]
        first = next((item.key for item in kinds if item.personal), None)
        self.initial.setdefault("field", first)
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    def clean_name(self):
        """Return the name; any other than the record's is refused."""
        name = self.cleaned_data["name"].strip()
        if name and name != self.record.name:
            raise forms.ValidationError(f"Type “{self.record.name}” exactly as it is written.")
        return name

    def clean(self):
        """Ask for a value unless entries are named."""
        data = super().clean()
        if not data.get("entries") and not data.get("value", "").strip():
            self.add_error("value", "Say which value the entries have.")
        return data

    @property
    def choice(self):
        """The erasing.Choice that was made."""
        data = self.cleaned_data
        if data["entries"]:
            return erasing.Choice(ids=tuple(map(int, data["entries"].split(","))))
        return erasing.Choice(key=data["field"], value=data["value"], earlier=data["earlier"])

    @property
    def chosen(self):
        """What was chosen, in words."""
        data = self.cleaned_data
        if data["entries"]:
            return "Entry " + data["entries"].replace(",", ", ")
        label = dict(self.fields["field"].choices)[data["field"]]
        return f"Entries where {label} is “{data['value'].strip()}”"


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def erase(request, id):
    """Ask which entries, say what will be gone, and erase it when the record's name is typed."""
    record = get_record(request, id, "structure")
    initial = {"entries": request.GET.get("entries", ""), "earlier": True}
    form = EraseForm(record, request.POST if request.method == "POST" else None, initial)
    tally = None
    if request.method == "POST" and form.is_valid():
        how = {"record": record, "choice": form.choice, "actor": request.actor}
        try:
            with transaction.atomic():
                if form.cleaned_data["name"]:
                    return _done(request, record, erasing.erase(**how))
                tally = erasing.look(**how)
        except (Invalid, Conflict) as error:
            form.add_error(None, error.detail)
    elif request.method == "POST" and set(form.errors) == {"name"}:
        form.cleaned_data["name"] = ""
        tally = erasing.look(record=record, choice=form.choice, actor=request.actor)
    fields, _ = erasing.columns_of(record)
    context = {
        "record": record,
        "form": form,
        "tally": tally,
        "personal": list(dict.fromkeys(item.label for item in fields.values())),
        "title": "Erase personal data",
    }
    return render(request, "records/erase.html", context, status=422 if form.errors else 200)


def _done(request, record, tally):
    said = f"The personal data of {entries(tally.total)} is erased for good."
    messages.success(request, " ".join([said, *tally.sentences]))
    if request.htmx:
        url = reverse("record_history", args=[record.pk])
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect("record_history", record.pk)
