"""Looking whether a connection works, in a worker: the same way and place from which it is used."""

import logging

from django.utils import timezone

from automations import outbound
from automations.integrations import smtp, using
from automations.integrations.hiding import hiding, unreadable
from automations.integrations.kinds import config_of, model_key
from automations.integrations.mcp_tools import list_tools
from automations.integrations.models import Integration
from automations.integrations.services import secret_of
from workspaces.access import Actor, acting_as
from workspaces.errors import KdapError

SECONDS = 20.0

log = logging.getLogger(__name__)


def look(id):
    """Try a connection and note what came of it, its tools too. Nothing is raised."""
    with acting_as(Actor.system(task="look_at_integration")):
        found = Integration.objects.filter(pk=id, deleted_at=None).first()
    if found is None:
        return
    began, tools = timezone.now(), found.tools
    try:
        # Outside any transaction: the other side may take its time.
        said, tools = LOOKS[found.kind](found)
        works = True
    except KdapError as error:
        said, works = error.detail, False
    except Exception:
        log.exception("Connection %s", id)
        said, works = "A mistake in KDAP itself ended this look; it is in the server's log.", False
    with acting_as(Actor.system(task="look_at_integration")):
        # What was changed meanwhile has to be looked at again.
        rows = Integration.objects.filter(pk=id, last_event_version=found.last_event_version)
        rows.update(looked_at=began, works=works, said=said[:2000], tools=tools)


def _mcp(integration):
    tools = list_tools(integration, SECONDS)
    count = len(tools)
    return f"It answers, and has {count} tool{'' if count == 1 else 's'}.", tools


def _http(integration):
    request = {"method": "GET", "url": "", "headers": {}, "body": None}
    answer = using.send(integration, request, timeout=SECONDS, max_bytes=65536)
    if answer.status in (401, 403):
        raise outbound.Refused(f"It did not accept the secret (HTTP {answer.status}).")
    if answer.status >= 500:
        raise outbound.Unreachable(f"It answers with an error (HTTP {answer.status}).")
    return f"It answers (HTTP {answer.status}).", []


def _smtp(integration):
    config = config_of(integration.kind, integration.config)
    secret = secret_of(integration, config)
    with hiding({secret}):
        smtp.greet(config, secret, SECONDS)
    return "It answers, and takes e-mails from KDAP.", []


def _model(integration):
    config = config_of(integration.kind, integration.config)
    key = secret_of(integration, config)
    path, headers = MODELS[config.api]
    headers = headers | model_key(config.api, key)
    with hiding({key}):
        answer = outbound.send("GET", config.where + path, headers=headers, timeout=SECONDS)
    if answer.status in (401, 403):
        raise outbound.Refused(f"It did not accept the key (HTTP {answer.status}).")
    told = answer.json if answer.ok and isinstance(answer.json, dict) else {}
    items = told.get("data") if isinstance(told.get("data"), list) else None
    if items is None:
        raise outbound.Refused(f"It lists no models at {path} (HTTP {answer.status}).")
    names = [str(item.get("id")) for item in items if isinstance(item, dict)]
    shown = ", ".join(names[:20]) + (" and more" if len(names) > 20 else "")
    said = f"It answers. Its models: {shown or 'none'}."
    # Some answer to shorter names than those they list, so this is for people to judge.
    gone = [name for name in config.models if not {name, f"{name}:latest"} & {*names}]
    if gone and not told.get("has_more"):
        said += f" It does not list “{gone[0]}”."
    return unreadable(said, {key}), []


# Where each kind of server lists its models, and what it wants to be told for that.
MODELS = {
    "openai": ("/models", {}),
    "anthropic": ("/v1/models", {"anthropic-version": "2023-06-01"}),
}
LOOKS = {"mcp": _mcp, "mcp_stdio": _mcp, "http": _http, "smtp": _smtp, "model": _model}
