"""The models that agents can ask: what AUTOMATIONS_MODELS names, and the offline example.

Whatever a library does, its calls leave through WalledTransport (automations/outbound_async.py).
"""

import os
from dataclasses import dataclass, field
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from workspaces.errors import Conflict, Invalid

OFFLINE = "offline"
OFFLINE_NOTE = (
    "The offline example answers by fixed rules and understands nothing. "
    "Choose a model for real work."
)
MOST_BYTES = 1024 * 1024
KINDS = ("openai", "anthropic")
OPTIONS = ("api", "base_url", "key", "models", "prices", "label")


@dataclass(frozen=True)
class Provider:
    """A connection to models: `api` is openai (or a server that talks alike) or anthropic.

    `models` are those to choose from; the first is taken when none is chosen. `prices` are
    {model: [input, output]} for a million tokens. `key` names the environment's variable.
    """

    name: str
    api: str
    label: str = ""
    base_url: str | None = None
    key: str = ""
    models: tuple = ()
    prices: dict = field(default_factory=dict)

    @property
    def note(self):
        """What everybody who reads an answer should know."""
        return OFFLINE_NOTE if self.api == OFFLINE else ""

    def checked_model(self, name):
        """Return the model to ask; raise Invalid for one that is not offered here."""
        name = str(name or "").strip()
        if not name and self.models:
            return self.models[0]
        if not name or (self.models and name not in self.models):
            offered = ", ".join(self.models) or "any that the server knows"
            detail = f"“{self.name}” has no model “{name[:60]}”; it has {offered}."
            raise Invalid(detail, problems=[{"pointer": "/model", "detail": detail}])
        if len(name) > 200:
            raise Invalid("A model's name has at most 200 characters.")
        return name

    def cost(self, model, input_tokens, output_tokens):
        """Return what so many tokens cost, or None when no price is set."""
        if model not in self.prices:
            return None
        a_in, a_out = (Decimal(str(price)) for price in self.prices[model])
        return (a_in * input_tokens + a_out * output_tokens) / 1_000_000

    def secret(self):
        """Return the key; raise Conflict when the environment has none."""
        if not self.key:
            return "none"  # a local server asks for none
        value = os.environ.get(self.key, "")
        if not value:
            raise Conflict(f"The key for “{self.name}” is not set on this server ({self.key}).")
        return value


def read(configured):
    """Return {name: Provider} of AUTOMATIONS_MODELS; raise ImproperlyConfigured."""
    found = {OFFLINE: Provider(OFFLINE, OFFLINE, "Offline example", models=("rules",))}
    if not isinstance(configured, dict):
        raise ImproperlyConfigured("AUTOMATIONS_MODELS is a JSON object.")
    for name, options in configured.items():
        options = options if isinstance(options, dict) else {"": options}
        if name == OFFLINE or options.get("api") not in KINDS or set(options) - set(OPTIONS):
            raise ImproperlyConfigured(
                f"AUTOMATIONS_MODELS: “{name}” needs api ({' or '.join(KINDS)}) and takes only "
                f"{', '.join(OPTIONS)}; {OFFLINE} is always there."
            )
        made = options | {"models": tuple(options.get("models", ()))}
        found[name] = Provider(name, **({"label": name} | made))
    return found


def offered():
    """Return {name: Provider} of all that can be chosen."""
    return read(settings.AUTOMATIONS_MODELS)


def find(name):
    """Return the Provider of that name; raise Invalid."""
    known = offered()
    if name not in known:
        detail = f"There is no provider “{str(name)[:60]}”; there is {', '.join(known)}."
        raise Invalid(detail, problems=[{"pointer": "/provider", "detail": detail}])
    return known[name]
