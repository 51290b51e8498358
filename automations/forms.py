"""What people fill in about workflows and their runs."""

import datetime as dt
import json
from uuid import UUID

from django import forms
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils import timezone

from automations import pressing
from automations.finding import RunFilters
from automations.models import WorkflowRun
from automations.portable import LARGEST_FILE, TooLarge
from workspaces.forms import VerbForm
from workspaces.log_forms import DAYS

MOST_JSON = 100_000


class WorkflowForm(VerbForm):
    """The names of a workflow: what it is called, what it should do in somebody's own words."""

    name = forms.CharField(
        max_length=120,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    natural_language_description = forms.CharField(
        required=False,
        max_length=20_000,
        label="What it should do, in your words",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    description = forms.CharField(
        required=False,
        max_length=20_000,
        label="Notes",
        help_text="Why it is there, whom to ask.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class NewForm(VerbForm):
    """A new workflow: its name, and what to begin with."""

    name = forms.CharField(
        max_length=120,
        required=False,
        help_text="Left empty, it is called after what it begins with.",
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    starter = forms.ChoiceField(
        required=False, label="Begin with", widget=forms.RadioSelect, choices=()
    )

    def __init__(self, *args, starters, **kwargs):
        """`starters` are the automations.starters that fit the workspace."""
        super().__init__(*args, **kwargs)
        self.fields["starter"].choices = [("", "Nothing: an empty workflow")] + [
            (starter.key, starter.label) for starter in starters
        ]


class SentenceForm(VerbForm):
    """What a workflow should do, in plain English."""

    text = forms.CharField(
        max_length=5000,
        label="What should happen, and when?",
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    def clean_text(self):
        return self.cleaned_data["text"].replace("\r\n", "\n")


class DuplicateForm(VerbForm):
    """A copy: its name, and the workspace that it goes to."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autofocus": True}))
    workspace = forms.ChoiceField()

    def __init__(self, *args, workspaces, **kwargs):
        """`workspaces` are those in which the person may write."""
        super().__init__(*args, **kwargs)
        self.fields["workspace"].choices = [(str(room.pk), room.name) for room in workspaces]


class MoveForm(VerbForm):
    """Where a workflow goes."""

    workspace = forms.ChoiceField(
        label="To the workspace",
        help_text="There it is a draft about the records and fields of the same names. Here it goes "
        "to the trash with its versions and runs. Secrets, addresses and approvals stay.",
    )

    def __init__(self, *args, workspaces, **kwargs):
        """`workspaces` are the others in which the person may write."""
        super().__init__(*args, **kwargs)
        self.fields["workspace"].choices = [(str(room.pk), room.name) for room in workspaces]


class UploadForm(VerbForm):
    """A workflow that was downloaded as a file."""

    file = forms.FileField(
        label="A file",
        max_length=300,
        help_text="A workflow that was downloaded as JSON, here or elsewhere. It becomes a draft.",
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )

    def clean_file(self):
        """Refuse what is too large to be a workflow."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(TooLarge().detail)
        return file


class RunForm(VerbForm):
    """Running a workflow by hand: on entries, or with an input."""

    entries = forms.CharField(
        required=False,
        max_length=20_000,
        help_text="Numbers of entries with commas between; each gets a run of its own.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    input = forms.CharField(
        required=False,
        max_length=MOST_JSON,
        label="Input",
        help_text="A JSON object; steps find it under <code>trigger.input</code>.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "placeholder": "{}"}),
    )

    def clean_entries(self):
        words = self.cleaned_data["entries"].replace(",", " ").split()
        if not all(w.isascii() and w.isdigit() and len(w) < 19 for w in words):
            raise forms.ValidationError("Entries are named by their numbers.")
        return [int(word) for word in words]

    def clean_input(self):
        text = self.cleaned_data["input"].strip()
        if not text:
            return {}
        try:
            made = json.loads(text)
        except (ValueError, RecursionError):
            raise forms.ValidationError("This is no JSON.") from None
        if not isinstance(made, dict):
            raise forms.ValidationError('Give a JSON object, such as {"limit": 5}.')
        return made


class RunsForm(forms.Form):
    """Which runs of a workflow to show."""

    status = forms.ChoiceField(
        required=False, choices=[("", "Any state"), *WorkflowRun.Status.choices]
    )
    q = forms.CharField(required=False, max_length=200, strip=True)
    since = forms.DateField(required=False, validators=DAYS)
    until = forms.DateField(required=False, validators=DAYS)
    press = forms.UUIDField(required=False)
    before = forms.UUIDField(required=False)
    NARROWS = ("status", "q", "since", "until", "press")

    def narrow(self, runs):
        """Return `runs` (a queryset) as the form says; all of them when it is not valid."""
        if not self.is_valid():
            return runs
        data = self.cleaned_data
        if data["status"]:
            runs = runs.filter(status=data["status"])
        if data["since"]:
            runs = runs.filter(triggered_at__gte=_midnight(data["since"]))
        if data["until"]:
            runs = runs.filter(triggered_at__lt=_midnight(data["until"] + dt.timedelta(days=1)))
        if data["press"]:
            runs = pressing.runs_of(data["press"], runs)
        text, number = _text_and_number(data["q"])
        if number is not None:
            runs = runs.filter(entry_id=number)
        elif text:
            runs = runs.alias(said=Cast("trigger_data", TextField()))
            runs = runs.filter(said__icontains=json.dumps(text, ensure_ascii=False)[1:-1])
        return runs

    @property
    def is_narrow(self):
        """Whether anything was asked for."""
        return any(self.data.get(name) for name in self.NARROWS)


class RoomRunsForm(RunsForm):
    """Which runs of a workspace to show."""

    press = None
    workflow = forms.ChoiceField(required=False)
    NARROWS = ("q", "workflow", "status", "since", "until")

    def __init__(self, *args, workflows, **kwargs):
        """`workflows` are (id, name) of those to choose from."""
        super().__init__(*args, **kwargs)
        named = sorted(((str(id), name) for id, name in workflows), key=lambda item: item[1])
        self.fields["workflow"].choices = [("", "Any workflow"), *named]

    @property
    def choosers(self):
        """The fields that are chosen from a list."""
        return [self["workflow"], self["status"]]

    def filters(self):
        """Return what a valid form asks for as RunFilters."""
        data = self.cleaned_data
        text, number = _text_and_number(data["q"])
        until = data["until"] and _midnight(data["until"] + dt.timedelta(days=1))
        return RunFilters(
            status=(data["status"],) if data["status"] else (),
            workflow=UUID(data["workflow"]) if data["workflow"] else None,
            entry=number,
            since=_midnight(data["since"]) if data["since"] else None,
            until=until,
            text=text,
        )


def _text_and_number(text):
    """Return (text, None), or ("", number) for the number of an entry."""
    text = text.replace("\x00", "")
    number = text.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) < 19:
        return "", int(number)
    return text, None


def _midnight(day):
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))
