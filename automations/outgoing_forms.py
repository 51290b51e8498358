"""What people fill in about webhooks out."""

from django import forms

from automations.models import WebhookSubscription
from workspaces.forms import VerbForm


class WebhookForm(VerbForm):
    """An address, and what it is told."""

    url = forms.CharField(
        max_length=2000,
        label="Address",
        help_text="It is called by POST with JSON, signed as standardwebhooks.com describes.",
        widget=forms.URLInput(
            attrs={"placeholder": "https://", "autofocus": True, "autocomplete": "off"}
        ),
    )
    events = forms.MultipleChoiceField(
        choices=WebhookSubscription.Kind.choices,
        label="Tell it when",
        widget=forms.CheckboxSelectMultiple,
        initial=WebhookSubscription.Kind.values,
    )


class SigningForm(VerbForm):
    """The secret that a workflow signs its calls with."""

    secret = forms.CharField(
        required=False,
        max_length=200,
        label="Secret of the receiver",
        help_text="If the receiver gave you one, enter it here. Left empty, a new one is made and "
        "shown once.",
        widget=forms.PasswordInput(attrs={"autofocus": True, "autocomplete": "new-password"}),
    )


class ReplayForm(VerbForm):
    """From when on, or from which event on, a webhook is told the past again."""

    moment = forms.DateTimeField(
        required=False,
        label="From",
        help_text="A date and a time; left empty, what it missed while it was paused. Receivers get "
        "what they have already under the same message ids.",
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local", "step": "1", "autofocus": True},
            format="%Y-%m-%dT%H:%M:%S",
        ),
    )

    since = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        label="Or from event",
        help_text="The number of an event of this record, 1 for all.",
    )
