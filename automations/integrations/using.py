"""Connections in the hands of a run's steps."""

import time

from automations import outbound
from automations.integrations import auth, signing_in, smtp
from automations.integrations.hiding import carried, hidden, hiding
from automations.integrations.kinds import config_of, is_same_host
from automations.integrations.models import Integration
from automations.integrations.services import secret_of
from automations.outbound import checked_url
from automations.template_addresses import climbs
from workspaces.access import acting_as
from workspaces.errors import KdapError


class NotUsable(KdapError):
    """A connection that a step can't use."""

    title = "This connection can't be used"


def connection_for(go, id, kinds):
    """Return the connection that a step of a run names; raise NotUsable when it can't be used there."""
    with acting_as(go.actor):
        found = Integration.objects.filter(
            pk=id, workspace=go.run.workspace_id, deleted_at=None
        ).first()
    if found is None:
        raise NotUsable("The connection of this step was deleted, or is not in this workspace.")
    if found.kind not in kinds:
        raise NotUsable(
            f"“{found.server_name}” is not a connection of the kind that this step needs."
        )
    return found


def check_secret(integration):
    """Raise Conflict in words when a connection lacks the secret or the sign-in that it needs."""
    config = config_of(integration.kind, integration.config)
    secret_of(integration, config)
    if not signing_in.is_signed_in(integration, config):
        raise signing_in.nobody(integration)


def address_of(integration, url):
    """Return the whole address that a step means; “/orders” is below the connection's own.

    Raises NotUsable for one that leads elsewhere, to another host or above: the secret does not
    go there.
    """
    config = config_of(integration.kind, integration.config)
    if not url.lower().startswith(("http://", "https://")):
        url = f"{config.url.rstrip('/')}/{url.lstrip('/')}" if url else config.url
    elif not is_same_host(url, config):
        raise NotUsable(
            f"“{integration.server_name}” is for {config.url[:200]} only; "
            "its secret goes to no other host."
        )
    if "#" in url:
        raise NotUsable("The address of a call has no “#”; as a part of a name it is %23.")
    above, path = (_path_of(one) for one in (config.url, url))
    if climbs(url) or not f"{path}/".startswith(f"{above}/"):
        raise NotUsable(
            f"“{integration.server_name}” is for what lies below {config.url[:200]}; "
            "this address leads out of it."
        )
    return url


def _path_of(url):
    """Return the path of an address as it is sent, without a slash at its end."""
    return checked_url(url).raw_path.decode().partition("?")[0].rstrip("/")


def send(integration, request, *, timeout, **options):
    """Make a request with the secret of a connection; return the Response, in which nobody can
    read it: servers may answer with what they were sent. `timeout` are the seconds for everything
    together: a token, the call, and both once more when the token is taken no longer.

    Raises CallFailed, Conflict when the secret is missing, NotUsable for another host.
    """
    config = config_of(integration.kind, integration.config)
    secret = secret_of(integration, config)
    url = address_of(integration, request["url"])
    end = time.monotonic() + timeout
    for last in (False, True):
        ours = auth.headers_for(integration, config, secret, end - time.monotonic())
        names = {name.lower() for name in ours}
        given = {k: v for k, v in request["headers"].items() if k.lower() not in names}
        with hiding(carried(secret, ours)):
            answer = outbound.send(
                request["method"],
                url,
                headers=given | ours,
                body=request["body"],
                timeout=max(round(end - time.monotonic(), 1), 0.1),
                **options,
            )
        left = end - time.monotonic()
        if answer.status != 401 or last or left <= 0:
            break
        # A token may end before its time; nothing was done with it.
        if not auth.renews(integration, config, secret, ours, left):
            break
    return hidden(answer, carried(secret, ours))


def send_mail(integration, message):
    """Send an e-mail through a connection; raise CallFailed, Conflict."""
    config = config_of(integration.kind, integration.config)
    secret = secret_of(integration, config)
    with hiding({secret}):
        smtp.send(message, config, secret)
