"""What people fill in about themselves and their tokens."""

import zoneinfo
from datetime import timedelta

from django import forms
from django.utils import timezone

from accounts.models import ApiToken, User

LOCALES = [
    ("en", "English (United States)"),
    ("en-gb", "English (United Kingdom)"),
    ("en-au", "English (Australia)"),
    ("en-ca", "English (Canada)"),
    ("en-ie", "English (Ireland)"),
]


def time_zone_choices():
    """Return every zone that has a city, as (name, name) pairs in groups by continent."""
    groups = {"": [("UTC", "UTC")]}
    for name in sorted(zoneinfo.available_timezones()):
        continent, _, city = name.partition("/")
        if city and continent not in ("Etc", "SystemV", "US", "posix", "right"):
            groups.setdefault(continent, []).append((name, city.replace("_", " ")))
    return [*groups.pop(""), *groups.items()]


class SignupForm(forms.Form):
    """What allauth's page for a new account asks beside address and password."""

    field_order = ["name", "email", "password1"]

    name = forms.CharField(
        label="Your name",
        max_length=User._meta.get_field("name").max_length,
        help_text="What your teammates see.",
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )

    def clean_name(self):
        """Return the name without outer and doubled white space."""
        return " ".join(self.cleaned_data["name"].split())

    def signup(self, request, user):
        """Keep the name with the account that was just made."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])


class ProfileForm(forms.ModelForm):
    """A person's name and how they want to see times and pages."""

    time_zone = forms.ChoiceField(choices=time_zone_choices, help_text="Times are shown in it.")
    locale = forms.ChoiceField(
        label="Dates and numbers",
        choices=LOCALES,
        help_text="How they are written, such as 21/11/2026 or 11/21/2026.",
    )

    class Meta:
        model = User
        fields = ["name", "time_zone", "locale", "theme"]
        help_texts = {"name": "What your teammates see."}
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "theme": forms.RadioSelect,
        }


class ThemeForm(forms.ModelForm):
    """The theme alone, for the switch in the menu."""

    class Meta:
        model = User
        fields = ["theme"]


class ApiTokenForm(forms.Form):
    """What a new token may do, where, and for how long."""

    LIFETIMES = [
        ("30", "30 days"),
        ("90", "90 days"),
        ("365", "One year"),
        ("never", "Until revoked"),
    ]

    name = forms.CharField(
        max_length=100,
        help_text="What uses it, such as “Nightly export”.",
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    verbs = forms.MultipleChoiceField(
        label="It may",
        choices=ApiToken.Verb,
        initial=["read"],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick at least one thing that the token may do."},
    )
    workspaces = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Tick none for all of yours, now and later.",
    )
    lifetime = forms.ChoiceField(label="Valid for", choices=LIFETIMES, initial="90")

    def __init__(self, *args, user, **kwargs):
        """`user` gives the workspaces to choose from."""
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["workspaces"].choices = [(str(id), name) for id, name in workspaces_of(user)]
        if not self.fields["workspaces"].choices:
            del self.fields["workspaces"]

    def save(self):
        """Issue the token and return (token, secret)."""
        days = self.cleaned_data["lifetime"]
        return ApiToken.objects.issue(
            user=self.user,
            name=self.cleaned_data["name"],
            verbs=self.cleaned_data["verbs"],
            workspaces=self.cleaned_data.get("workspaces") or None,
            expires_at=None if days == "never" else timezone.now() + timedelta(days=int(days)),
        )


def workspaces_of(user):
    """Return (id, name) of each workspace of `user`, by name.

    Memberships belong to an app above this one; where it isn't installed there are none.
    """
    memberships = getattr(user, "memberships", None)
    if memberships is None:
        return []
    rows = memberships.filter(workspace__deleted_at=None).order_by("workspace__name")
    return list(rows.values_list("workspace_id", "workspace__name"))
