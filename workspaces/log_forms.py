"""What people look for in the log."""

import datetime as dt
from uuid import UUID

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from workspaces.log import KINDS, NOBODY, Filters

# Days that every time zone of the database can hold.
DAYS = [MinValueValidator(dt.date(1900, 1, 1)), MaxValueValidator(dt.date(9000, 1, 1))]
SELECT = {"class": "input input-sm", "autocomplete": "off"}


class LogForm(forms.Form):
    """Filters of the log as they stand in an address; all of them may be left out."""

    person = forms.ChoiceField(required=False, widget=forms.Select(attrs=SELECT))
    kind = forms.ChoiceField(required=False, widget=forms.Select(attrs=SELECT))
    field = forms.ChoiceField(required=False, widget=forms.Select(attrs=SELECT))
    since = forms.DateField(required=False, label="From", validators=DAYS)
    until = forms.DateField(required=False, label="To", validators=DAYS)
    before = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1)

    def __init__(self, data, *, workspace, fields=()):
        """`fields` are (key, label) of the fields to choose from; none hides that filter."""
        super().__init__(data)
        members = workspace.members.select_related("user").order_by("user__name", "user__email")
        people = [(str(member.user_id), str(member.user)) for member in members]
        chosen = data.get("person", "")
        if _is_uuid(chosen) and chosen not in dict(people):
            people.append((chosen, "Someone who left"))
        self.fields["person"].choices = [("", "Everybody"), *people, (NOBODY, "KDAP")]
        self.fields["kind"].choices = [("", "Everything")] + [
            (key, kind.label) for key, kind in KINDS.items()
        ]
        self.fields["field"].choices = [("", "All fields"), *fields]
        if not fields:
            del self.fields["field"]
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateInput(
                format="%Y-%m-%d", attrs={"type": "date", "class": "input input-sm"}
            )
        for name in ("person", "kind", "field"):
            if name in self.fields:
                self.fields[name].widget.attrs["aria-label"] = name.capitalize()

    @property
    def filters(self):
        """The Filters that a valid form means."""
        data = self.cleaned_data
        person = data["person"]
        return Filters(
            person=UUID(person) if _is_uuid(person) else person or None,
            kind=data["kind"],
            field=data.get("field", ""),
            since=_midnight(data["since"]),
            until=_midnight(data["until"] and data["until"] + dt.timedelta(days=1)),
        )

    @property
    def is_narrow(self):
        """Whether anything is filtered."""
        return any(self.data.get(name) for name in self.fields if name != "before")

    def address(self, **changes):
        """Return the query string of the same list with `changes`."""
        data = self.data.copy()
        for name, value in changes.items():
            data[name] = value
        return f"?{data.urlencode()}"


def _is_uuid(text):
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _midnight(day):
    """Return the beginning of a day in the reader's time zone."""
    if day is None:
        return None
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))
