"""/accounts/login/"""

import pytest

from kdap.tests.people import PASSWORD

URL = "/accounts/login/"
WRONG = "The email address and/or password you specified are not correct."


def attempt(client, email, password=PASSWORD):
    return client.post(URL, {"login": email, "password": password})


def test_it_works(client, alice):
    answer = attempt(client, "ALICE@example.com")
    assert answer.status_code == 302
    assert client.get("/accounts/profile/").status_code == 200
    alice.user.refresh_from_db()
    assert alice.user.last_login


def test_a_wrong_password_and_an_unknown_address_get_the_same_sentence(client, alice):
    for email in ("alice@example.com", "nobody@example.com"):
        answer = attempt(client, email, "wrong")
        assert WRONG in answer.content.decode()
        assert f'value="{email}"' in answer.content.decode()


def test_somebody_switched_off_does_not_get_in(client, alice):
    alice.user.is_active = False
    alice.user.save()
    attempt(client, "alice@example.com")
    assert client.get("/accounts/profile/").status_code == 302


def test_guessing_is_slowed_down(client, alice):
    for _ in range(12):
        attempt(client, "alice@example.com", "wrong")
    answer = attempt(client, "alice@example.com")
    assert "_auth_user_id" not in client.session
    assert "Too many" in answer.content.decode()


@pytest.mark.parametrize("demo", [True, False])
@pytest.mark.django_db
def test_the_demo_login_shows_only_in_a_demo(client, settings, demo):
    settings.DEMO = demo
    page = client.get(URL).content.decode()
    assert ("This is a demo" in page) is demo
    assert ("data-fill" in page) is demo


@pytest.mark.django_db
def test_it_leads_back_to_the_page_asked_for(client):
    page = client.get("/accounts/tokens/", follow=True)
    assert page.redirect_chain[-1][0] == "/accounts/login/?next=/accounts/tokens/"
    assert 'name="next" value="/accounts/tokens/"' in page.content.decode()
