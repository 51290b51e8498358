"""What people fill in about a connection: a form made from its kind's configuration."""

from typing import Literal, get_args, get_origin

from django import forms

from automations.integrations.kinds import allowed_servers
from workspaces.forms import VerbForm

LABELS = {
    "none": "None",
    "bearer": "Token (bearer)",
    "api_key": "API key in a header",
    "oauth2": "OAuth 2 (client credentials)",
    "oauth2_code": "OAuth 2 (a person signs in)",
    "confidential": "With a secret",
    "public": "Public, without a secret",
    "starttls": "STARTTLS",
    "tls": "TLS from the beginning",
    "openai": "OpenAI",
    "anthropic": "Anthropic",
}
HINTS = {
    "url": "The secret goes to this host only, wherever it leads on to.",
    "auth": "How KDAP says who calls.",
    "sender": "As in “Shop &lt;shop@example.com&gt;”.",
    "host": "The name of the mail server.",
}


class ConnectionForm(VerbForm):
    """Name, configuration and secret of a connection."""

    server_name = forms.CharField(
        max_length=120,
        label="Name",
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )

    def __init__(self, *args, kind, kept=False, **options):
        """`kind` is a class of kinds.py, `kept` whether there is a secret that may stay."""
        super().__init__(*args, **options)
        self.kind = kind
        for name, info in kind.model_fields.items():
            self.fields[name] = field_of(name, info)
        self.fields["secret"] = forms.CharField(
            required=False,
            strip=True,
            max_length=10_000,
            label="Secret",
            help_text="Nobody can read it again. "
            + ("Leave it empty to keep the one there is." if kept else "A token, key or password."),
            widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        )

    def config(self):
        """Return the configuration as JSON, for its kind to check."""
        given = {name: self.cleaned_data.get(name) for name in self.kind.model_fields}
        return {name: value for name, value in given.items() if value not in (None, "")}

    def tell(self, error):
        """Show what a configuration can't be at the fields that it is about."""
        for problem in error.problems or [{"detail": error.detail}]:
            name = problem.get("pointer", "").rpartition("/")[2]
            self.add_error(name if name in self.fields else None, problem["detail"])


class NamesField(forms.CharField):
    """Several names in one line, with commas between."""

    def prepare_value(self, value):
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value):
        return [name for part in super().to_python(value).split(",") if (name := part.strip())]


def field_of(name, info):
    """Return the form field of one option of a configuration."""
    label = info.title or {"auth": "Signing in"}.get(name, name.replace("_", " ").capitalize())
    common = {
        "label": label,
        "required": info.is_required(),
        "help_text": info.description or HINTS.get(name, ""),
    }
    if not info.is_required():
        common["initial"] = info.get_default()
    if name == "server":
        servers = [(key, found["label"]) for key, found in allowed_servers().items()]
        return forms.ChoiceField(choices=servers, **common)
    if get_origin(info.annotation) is Literal:
        choices = [(value, LABELS.get(value, value)) for value in get_args(info.annotation)]
        return forms.ChoiceField(choices=choices, **common | {"required": True})
    if info.annotation is int:
        return forms.IntegerField(**common)
    if name.endswith("_price"):
        return forms.FloatField(**common)
    if name == "models":
        return NamesField(max_length=10_000, **common)
    if name.endswith("url"):
        place = forms.TextInput(attrs={"placeholder": "https://", "inputmode": "url"})
        return forms.CharField(widget=place, max_length=2000, **common)
    return forms.CharField(max_length=1000, **common)
