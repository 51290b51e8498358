"""The kinds of connections: what each has to be told, and to which hosts its secret may go.

A new kind is one class here; its page, its API and its checks follow from its fields.
"""

from typing import Annotated, ClassVar, Literal

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from automations import mistakes
from automations.outbound import HEADER_NAME, OURS, checked_url, port_of
from automations.walls import Refused
from workspaces.errors import Invalid, pointer_step

KINDS = {}


def registered(kind):
    """Make a kind known under its key."""
    KINDS[kind.key] = kind
    return kind


def _address(text):
    if not text:
        return text
    try:
        return str(checked_url(text.strip()))
    except Refused as error:
        raise ValueError(error.detail) from None


def _host(text):
    text = text.strip().lower().rstrip(".")
    if not text or any(letter in "/:@[]*?\\ " or not letter.isprintable() for letter in text):
        raise ValueError("This is not the name of a host.")
    return text


def _header(text):
    if text and (not HEADER_NAME.fullmatch(text) or text.lower() in OURS):
        raise ValueError("This can't be the name of a header.")
    return text


def _sender(text):
    from automations.mailing import MailError, addresses_of

    try:
        found = addresses_of(text)
    except MailError as error:
        raise ValueError(error.detail) from None
    if len(found) != 1:
        raise ValueError("Give one e-mail address.")
    return found[0]


def _model(text):
    text = text.strip()
    if not text or "," in text or not text.isprintable():
        raise ValueError("A model's name is one line without commas.")
    return text


Url = Annotated[str, Field(max_length=2000), AfterValidator(_address)]
Host = Annotated[str, Field(max_length=253), AfterValidator(_host)]
Header = Annotated[str, Field(max_length=100), AfterValidator(_header)]
Model = Annotated[str, Field(max_length=200), AfterValidator(_model)]
Price = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]


def host_of(url):
    """Return “https://api.example.com:443” of an address: to whom a secret is bound."""
    url = checked_url(url)
    host = url.host.lower().rstrip(".")
    return f"{url.scheme}://{f'[{host}]' if ':' in host else host}:{port_of(url)}"


class Config(BaseModel):
    """What a connection is told. `secret` is what its secret is called, "" when it needs none."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=5000)
    key: ClassVar[str]
    label: ClassVar[str]
    hint: ClassVar[str]
    icon: ClassVar[str] = "plug"
    has_tools: ClassVar[bool] = False
    for_steps: ClassVar[bool] = True
    do_not_call_in_templates: ClassVar[bool] = True

    @property
    def secret(self):
        """What its secret is, in words, or ""."""
        return ""

    @property
    def hosts(self):
        """To whom its secret may go: a list of texts, which a change of address changes."""
        raise NotImplementedError

    @property
    def where(self):
        """Where it leads, for people."""
        return self.hosts[0]

    @property
    def what(self):
        """What there is at its end, for people, or ""."""
        return ""


OAUTH = ("oauth2", "oauth2_code")


class ByHttp(Config):
    """A connection over HTTP, with one of five ways to say who calls."""

    url: Annotated[Url, Field(min_length=1, title="Address")]
    auth: Literal["none", "bearer", "api_key", "oauth2", "oauth2_code"] = "none"
    header: Annotated[Header, Field(title="Header of the API key")] = "X-API-Key"
    authorize_url: Annotated[Url, Field(title="Address where people sign in (OAuth 2)")] = ""
    token_url: Annotated[Url, Field(title="Address that gives tokens (OAuth 2)")] = ""
    client_id: Annotated[str, Field(max_length=500, title="Client ID (OAuth 2)")] = ""
    client: Literal["confidential", "public"] = Field(
        "confidential",
        title="Client (OAuth 2)",
        description="A public one has no secret; that its person began proves who asks (PKCE).",
    )
    scope: Annotated[str, Field(max_length=1000, title="Scope (OAuth 2)")] = ""

    @model_validator(mode="after")
    def _complete(self):
        if self.auth in OAUTH and not (self.token_url and self.client_id):
            raise ValueError("OAuth 2 needs the address that gives tokens, and a client ID.")
        if self.auth == "oauth2_code" and not self.authorize_url:
            raise ValueError("Signing in by OAuth 2 needs the address where people sign in.")
        if self.client == "public" and self.auth != "oauth2_code":
            raise ValueError("A public client is for signing in by a person.")
        if self.auth == "api_key" and not self.header:
            raise ValueError("An API key needs the name of its header.")
        return self

    @property
    def secret(self):
        if self.auth in OAUTH:
            return "" if self.client == "public" else "Client secret"
        return {"bearer": "Token", "api_key": "API key"}.get(self.auth, "")

    @property
    def hosts(self):
        both = [self.url, self.token_url] if self.auth in OAUTH else [self.url]
        return list(dict.fromkeys(map(host_of, both)))

    @property
    def where(self):
        return self.url


@registered
class McpConfig(ByHttp):
    """An MCP server over streamable HTTP."""

    key, label, icon = "mcp", "MCP server", "plug"
    hint: ClassVar[str] = "Its tools become steps of workflows. It is called over streamable HTTP."
    has_tools: ClassVar[bool] = True


@registered
class StdioConfig(Config):
    """An MCP server that runs on KDAP's own machine: one of those that the administrator allows."""

    key, label, icon = "mcp_stdio", "MCP server on this machine", "device-desktop"
    hint: ClassVar[str] = "One of the programs that the administrator allows."
    has_tools: ClassVar[bool] = True
    server: Annotated[str, Field(min_length=1, max_length=60, title="Server")]

    @model_validator(mode="after")
    def _allowed(self):
        found = allowed_servers()
        if self.server not in found:
            known = ", ".join(found) or "none so far"
            raise ValueError(
                f"The administrator does not allow “{self.server}” (AUTOMATIONS_MCP_SERVERS); "
                f"allowed: {known}."
            )
        return self

    @property
    def secret(self):
        server = allowed_servers().get(self.server)
        return server["secret"] if server else ""

    @property
    def hosts(self):
        return [f"stdio:{self.server}"]

    @property
    def where(self):
        server = allowed_servers().get(self.server)
        return server["label"] if server else self.server


@registered
class HttpConfig(ByHttp):
    """A server that workflows call by its address."""

    key, label, icon = "http", "Web API", "world"
    hint: ClassVar[str] = "Steps that call a web address go by it, with its token or key."


@registered
class SmtpConfig(Config):
    """A mail server through which workflows send."""

    key, label, icon = "smtp", "Mail server (SMTP)", "mail"
    hint: ClassVar[str] = "E-mails of workflows can be sent by it, from an address of your own."
    host: Annotated[Host, Field(title="Host")]
    port: Annotated[int, Field(ge=1, le=65535, title="Port")] = 587
    security: Annotated[Literal["starttls", "tls", "none"], Field(title="Encryption")] = "starttls"
    username: Annotated[str, Field(max_length=320, title="User name")] = ""
    sender: Annotated[str, Field(max_length=500, title="Sender"), AfterValidator(_sender)]

    @model_validator(mode="after")
    def _safe(self):
        if self.username and self.security == "none":
            raise ValueError("A password is sent over an encrypted connection only.")
        return self

    @property
    def secret(self):
        return "Password" if self.username else ""

    @property
    def hosts(self):
        return [f"smtp://{self.host}:{self.port}"]


# Where those answer whose API it is; what talks like OpenAI's has an address of its own.
MODEL_SERVERS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}
# How each is told who asks.
MODEL_KEYS = {"openai": ("Authorization", "Bearer {}"), "anthropic": ("x-api-key", "{}")}


def model_key(api, key):
    """Return the headers by which a model server is told who asks, none without a key."""
    name, value = MODEL_KEYS[api]
    return {name: value.format(key)} if key else {}


@registered
class ModelConfig(Config):
    """A server whose language models agents ask.

    `models` are the names to choose from, none for all that it knows; `prices` of both directions
    are for a million tokens.
    """

    key, label, icon = "model", "Language model", "robot"
    hint: ClassVar[str] = "Agents of this workspace ask its models, with a key of your own."
    for_steps: ClassVar[bool] = False
    api: Literal["openai", "anthropic"] = Field(
        "openai",
        title="It talks like",
        description="Many servers talk like OpenAI's, those of Mistral, Ollama and vLLM too.",
    )
    url: Url = Field("", title="Address", description="Empty: that of OpenAI or Anthropic itself.")
    auth: Literal["api_key", "none"] = "api_key"
    models: tuple[Model, ...] = Field(
        (),
        max_length=50,
        title="Models",
        description="Names with commas between; the first is taken where an agent names none. "
        "Empty: any that the server knows.",
    )
    input_price: Price | None = Field(
        None,
        title="Price of what is asked",
        description="For a million tokens, so that tasks tell their cost and keep to a limit.",
    )
    output_price: Price | None = Field(None, title="Price of what is answered")

    @model_validator(mode="after")
    def _both_prices(self):
        if (self.input_price is None) != (self.output_price is None):
            raise ValueError("Give both prices, or none.")
        if "?" in self.url:
            raise ValueError("The address of a model server has no “?”.")
        return self

    @property
    def secret(self):
        return "API key" if self.auth == "api_key" else ""

    @property
    def hosts(self):
        return [host_of(self.where)]

    @property
    def where(self):
        return (self.url or MODEL_SERVERS[self.api]).rstrip("/")

    @property
    def what(self):
        return ", ".join(self.models) or "any model that its server knows"

    @property
    def prices(self):
        """What a million tokens cost, [input, output], or None."""
        return None if self.input_price is None else [self.input_price, self.output_price]


def config_of(kind, values):
    """Return the checked Config of a kind for its JSON; raise Invalid that names each mistake."""
    if kind not in KINDS:
        detail = f"There is no kind “{str(kind)[:40]}”; there is {', '.join(KINDS)}."
        raise Invalid(detail, problems=[{"pointer": "/kind", "detail": detail}])
    try:
        return KINDS[kind].model_validate(values)
    except ValidationError as error:
        problems = [
            {
                "pointer": "/config" + "".join(f"/{pointer_step(step)}" for step in item["loc"]),
                "detail": mistakes.said(item),
            }
            for item in error.errors(include_url=False, include_input=False)[:20]
        ]
        raise Invalid(problems[0]["detail"], problems=problems) from None


def allowed_servers():
    """Return {name: {"command", "env", "label", "secret"}} of AUTOMATIONS_MCP_SERVERS.

    `secret` is the environment's variable in which a workspace's secret is handed over, or "".
    Raises ImproperlyConfigured.
    """
    found = {}
    configured = settings.AUTOMATIONS_MCP_SERVERS
    if not isinstance(configured, dict):
        raise ImproperlyConfigured("AUTOMATIONS_MCP_SERVERS is a JSON object.")
    for name, options in configured.items():
        made = {"label": name, "env": {}, "secret": ""} | (
            options if isinstance(options, dict) else {"command": options}
        )
        command, env = made.get("command"), made["env"]
        texts = [made["label"], made["secret"]]
        texts += [*command, *env, *env.values()] if isinstance(command, list) and command else [0]
        if set(made) != {"command", "env", "label", "secret"} or not all(
            isinstance(text, str) for text in texts
        ):
            raise ImproperlyConfigured(
                f"AUTOMATIONS_MCP_SERVERS: “{name}” needs a command (a list of texts), and may "
                "have env (an object of texts), label and secret (the name of a variable)."
            )
        found[name] = made
    return found


def is_same_host(url, config):
    """Return whether an address leads to the host of a connection's own address."""
    return host_of(url) == host_of(config.url)
