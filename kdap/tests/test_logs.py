"""The server's log."""

import logging

import pytest

from kdap.logs import HideSecrets

SECRET = "Tm90LWEtc2VjcmV0LWJ1dC1sb25n"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        *("/hooks/{}/", "/calls/{}/", "/approvals/{}/", "/f/{}/", "/invitations/{}/"),
        *("/hooks/{}/x", "/hooks//{}/", "/calls/{}", "/accounts/password/reset/key/1-{}/"),
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-16"])
def test_secret_addresses_are_not_told(client, path, kind):
    """A refused request is logged with its path, but for what lets in whoever knows it."""
    told = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    handler.addFilter(HideSecrets())
    log = logging.getLogger("django.request")
    log.addHandler(handler)
    try:
        status = client.post(path.format(SECRET), b"{}", content_type=kind).status_code
    finally:
        log.removeHandler(handler)
    assert SECRET not in "".join(told)
    assert status < 400 or any("•••" in line for line in told)


def test_the_servers_handler_hides_them(settings):
    assert "secrets" in settings.LOGGING["handlers"]["console"]["filters"]
    assert settings.LOGGING["filters"]["secrets"]["()"] == "kdap.logs.HideSecrets"
