"""allauth's pages speak as the rest of KDAP does."""

import pytest

pytestmark = pytest.mark.django_db

OUTSIDE = {
    "password/reset/": "Forgotten your password?",
    "password/reset/done/": "Look into your mail",
    "password/reset/key/x-y/": "This link is used up",
    "password/reset/key/done/": "Your password is changed",
    "confirm-email/": "Look into your mail",
    "confirm-email/xx/": "This link is used up",
    "inactive/": "This account is switched off",
}
INSIDE = {
    "email/": "Email",
    "password/change/": "Password",
    "2fa/": "Two-factor",
    "reauthenticate/": "Is it still you?",
}


@pytest.mark.parametrize("path", OUTSIDE)
def test_pages_outside(client, path):
    assert f"<h1>{OUTSIDE[path]}</h1>" in client.get(f"/accounts/{path}").content.decode()


@pytest.mark.parametrize("path", INSIDE)
def test_pages_inside(alice, path):
    assert f"<h1>{INSIDE[path]}</h1>" in alice.client.get(f"/accounts/{path}").content.decode()


@pytest.mark.parametrize("path", ["signup/", "password/change/"])
def test_what_a_password_needs_is_one_sentence(client, alice, path):
    page = (client if path == "signup/" else alice.client).get(f"/accounts/{path}").content.decode()
    assert "At least 8 characters, and nothing that is easy to guess." in page
    assert "entirely numeric" not in page


def test_mails_are_from_kdap(client, alice, mailoutbox):
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    (mail,) = mailoutbox
    assert "Hello from" not in mail.body
    assert "KDAP" in mail.body
    assert "/accounts/password/reset/key/" in mail.body
