"""Every page of a person's own settings: ours to look at, closed to visitors."""

import re

import pytest

PAGES = {
    "/accounts/profile/": "Profile",
    "/accounts/email/": "Email",
    "/accounts/password/change/": "Password",
    "/accounts/2fa/": "Two-factor",
    "/accounts/sessions/": "Sessions",
    "/accounts/tokens/": "API tokens",
}


@pytest.mark.parametrize(("url", "tab"), PAGES.items())
def test_it_shows_in_the_frame_with_its_tab_open(alice, url, tab):
    page = alice.client.get(url).content.decode()
    assert re.search(rf'aria-current="page">{tab}</a>', page)
    assert 'id="sidebar"' in page


@pytest.mark.parametrize("url", PAGES)
@pytest.mark.django_db
def test_a_visitor_is_asked_to_sign_in(client, url):
    answer = client.get(url)
    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/login/")


def test_signing_out_asks_first_and_then_ends_the_session(alice):
    client = alice.client
    assert "Sign out?" in client.get("/accounts/logout/").content.decode()
    client.post("/accounts/logout/")
    assert client.get("/accounts/profile/").status_code == 302
