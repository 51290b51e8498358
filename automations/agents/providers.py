"""The models that agents can ask: what AUTOMATIONS_MODELS names, what connections of the kind
“model” lead to, and the offline example.

Whatever a library does, its calls leave through WalledTransport (automations/outbound_async.py).
"""

import os
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from automations.condition_forms import is_id
from automations.integrations.kinds import MODEL_SERVERS, config_of
from automations.integrations.services import secret_of, usable
from workspaces.errors import Conflict, Invalid, KdapError

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
    """A way to models: `api` is openai (or a server that talks alike) or anthropic.

    `name` is a key of AUTOMATIONS_MODELS, or the id of a connection. `models` are those to choose
    from; the first is taken when none is chosen. `prices` are {model: [input, output]} for a million
    tokens, under "" for every other model. `key` names the environment's variable; `opened` is the
    secret of a connection, once somebody is about to ask.
    """

    name: str
    api: str
    label: str = ""
    base_url: str | None = None
    key: str = ""
    models: tuple = ()
    prices: dict = field(default_factory=dict)
    integration: object = None
    opened: str = field(default="", repr=False)

    @property
    def address(self):
        """Where it answers."""
        return self.base_url or MODEL_SERVERS[self.api]

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
            offered = ", ".join(self.models)
            detail = f"“{self.label}” has no model “{name[:60]}”; it has {offered}."
            if not name:
                detail = f"Name one of the models that “{self.label}” knows."
            raise Invalid(detail, problems=[{"pointer": "/model", "detail": detail}])
        if len(name) > 200:
            raise Invalid("A model's name has at most 200 characters.")
        return name

    def cost(self, model, input_tokens, output_tokens):
        """Return what so many tokens cost, or None when no price is set."""
        found = self.prices_of(model)
        if found is None:
            return None
        a_in, a_out = found
        return (a_in * input_tokens + a_out * output_tokens) / 1_000_000

    def prices_of(self, model):
        """Return what a million tokens cost, (input, output) as Decimals, or None if nobody said."""
        found = self.prices.get(model, self.prices.get(""))
        return None if found is None else tuple(Decimal(str(price)) for price in found)

    def secret(self):
        """Return the key, "" where none is needed; raise Conflict when the environment has none."""
        if self.opened or not self.key:
            return self.opened
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


def offered(workspace_id=None):
    """Return {name: Provider} of all that can be chosen: the server's, then those of a workspace."""
    found = read(settings.AUTOMATIONS_MODELS)
    rows = usable(workspace_id, ["model"]).order_by("server_name", "id") if workspace_id else ()
    for row in rows:
        with suppress(KdapError):  # its address is no longer one that may be called
            found[str(row.pk)] = _connected(row)
    return found


def _connected(integration):
    config = config_of(integration.kind, integration.config)
    return Provider(
        name=str(integration.pk),
        api=config.api,
        label=integration.server_name,
        base_url=config.where,
        models=config.models,
        prices={"": config.prices} if config.prices else {},
        integration=integration,
    )


def said(name, known):
    """Return how people call the provider of that name, which may be gone; `known` is of offered()."""
    if name in known:
        return known[name].label
    return "a connection that is gone" if is_id(name) else name


def find(name, workspace_id):
    """Return the Provider of that name that a workspace can choose.

    Raises Invalid, also in the words of a connection whose address can't be called any more.
    """
    name = str(name)
    found = read(settings.AUTOMATIONS_MODELS).get(name) or _find_connected(name, workspace_id)
    if found is None:
        known = ", ".join(made.label for made in offered(workspace_id).values())
        detail = f"There is no provider “{name[:60]}”; there is {known}."
        if is_id(name):
            detail = "The connection to this model was deleted, or is not in this workspace."
        raise Invalid(detail, problems=[{"pointer": "/provider", "detail": detail}])
    return found


def _find_connected(name, workspace_id):
    row = usable(workspace_id, ["model"]).filter(pk=name).first() if is_id(name) else None
    return _connected(row) if row else None


def opened(provider):
    """Return a Provider with its secret at hand, for who is about to ask it; raise Conflict."""
    if provider.integration is None:
        return provider
    config = config_of(provider.integration.kind, provider.integration.config)
    key = secret_of(provider.integration, config)
    if not key.isascii():
        raise Conflict(f"The key of “{provider.label}” has letters that no key can have.")
    return replace(provider, opened=key)
