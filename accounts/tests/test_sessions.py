"""/accounts/sessions/ and ending one."""

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from accounts.templatetags.browsers import browser, device_icon

URL = "/accounts/sessions/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Safari/604.1"


def sign_in(person, agent):
    client = Client(headers={"User-Agent": agent})
    client.force_login(person.user)
    client.get(URL)
    return client


def session_of(client):
    return UserSession.objects.get(session_key=client.session.session_key)


def test_it_names_each_browser_and_marks_this_one(alice):
    here = sign_in(alice, FIREFOX)
    sign_in(alice, IPHONE)
    page = here.get(URL).content.decode()
    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    assert page.count("This one") == 1


def test_ending_one_signs_that_browser_out(alice):
    here, there = sign_in(alice, FIREFOX), sign_in(alice, IPHONE)
    here.post(f"{URL}{session_of(there).pk}/end/")
    assert there.get(URL).status_code == 302
    assert here.get(URL).status_code == 200


def test_ending_all_others_keeps_this_one(alice):
    here, there = sign_in(alice, FIREFOX), sign_in(alice, IPHONE)
    here.post(URL)
    assert there.get(URL).status_code == 302
    assert here.get(URL).status_code == 200


def test_a_stranger_cannot_end_it(alice, charlie):
    here = sign_in(alice, FIREFOX)
    assert charlie.client.post(f"{URL}{session_of(here).pk}/end/").status_code == 404
    assert here.get(URL).status_code == 200


@pytest.mark.parametrize(
    ("agent", "words", "picture"),
    [
        (FIREFOX, "Firefox on Linux", "device-desktop"),
        (IPHONE, "Safari on iPhone", "device-mobile"),
        (
            "Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537 Edg/140",
            "Edge on Windows",
            "device-desktop",
        ),
        ("curl/8.5.0", "curl", "world"),
        ("", "Unknown browser", "world"),
    ],
)
def test_user_agents_become_words(agent, words, picture):
    assert (browser(agent), device_icon(agent)) == (words, picture)
