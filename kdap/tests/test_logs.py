"""The server's log."""

import logging

import pytest

from kdap.logs import HideSecrets


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/hooks/{}/", "/calls/{}/", "/approvals/{}/", "/f/{}/", "/invitations/{}/"]
)
def test_secret_addresses_are_not_told(client, path):
    """A refused request is logged with its path, but for what lets in whoever knows it."""
    secret, told = "Tm90LWEtc2VjcmV0LWJ1dC1sb25n", []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    handler.addFilter(HideSecrets())
    log = logging.getLogger("django.request")
    log.addHandler(handler)
    try:
        status = client.post(path.format(secret)).status_code
    finally:
        log.removeHandler(handler)
    assert secret not in "".join(told)
    assert status < 400 or any("•••" in line for line in told)


def test_the_servers_handler_hides_them(settings):
    assert "secrets" in settings.LOGGING["handlers"]["console"]["filters"]
    assert settings.LOGGING["filters"]["secrets"]["()"] == "kdap.logs.HideSecrets"
