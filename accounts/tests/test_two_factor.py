"""/accounts/2fa/: an authenticator app, recovery codes, passkeys."""

import pytest
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.test import Client

from kdap.tests.people import PASSWORD


def code_for(secret):
    counter = next(iter(yield_hotp_counters_from_time()))
    return format_hotp_value(hotp_value(secret, counter))


@pytest.fixture
def confirmed(alice):
    """Alice's browser, with her password given a moment ago."""
    client = alice.client
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def test_it_asks_for_the_password_before_anything_changes(alice):
    answer = alice.client.get("/accounts/2fa/totp/activate/")
    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/reauthenticate/")


def test_an_app_can_be_set_up_and_is_then_asked_for(confirmed, alice):
    page = confirmed.get("/accounts/2fa/totp/activate/")
    assert 'class="qr"' in page.content.decode()
    secret = page.context["form"].secret
    confirmed.post("/accounts/2fa/totp/activate/", {"code": code_for(secret)})
    codes = confirmed.get("/accounts/2fa/recovery-codes/").context["unused_codes"]
    assert len(codes) == 10

    other = Client()
    answer = other.post("/accounts/login/", {"login": "alice@example.com", "password": PASSWORD})
    assert answer.url.startswith("/accounts/2fa/authenticate/")
    assert other.get("/accounts/profile/").status_code == 302
    assert "Use a passkey or security key" in other.get(answer.url).content.decode()
    other.post(answer.url, {"code": codes[0]})
    assert other.get("/accounts/profile/").status_code == 200


def test_a_wrong_code_is_said_next_to_the_field(confirmed):
    confirmed.get("/accounts/2fa/totp/activate/")
    page = confirmed.post("/accounts/2fa/totp/activate/", {"code": "000000"}).content.decode()
    assert 'id="id_code_error"' in page


@pytest.mark.parametrize("url", ["/accounts/2fa/webauthn/", "/accounts/2fa/webauthn/add/"])
def test_passkeys_have_their_pages(confirmed, url):
    page = confirmed.get(url)
    assert page.status_code == 200
    assert 'class="settings-page"' in page.content.decode()
