"""/accounts/signup/"""

import pytest

from accounts.models import User
from kdap.tests.people import PASSWORD

URL = "/accounts/signup/"

pytestmark = pytest.mark.django_db


def test_it_makes_an_account_in_the_browsers_time_zone(client):
    data = {"email": "Dora@Example.com", "password1": PASSWORD, "time_zone": "Asia/Tokyo"}
    assert client.post(URL, data).status_code == 302
    dora = User.objects.get(email="dora@example.com")
    assert dora.time_zone == "Asia/Tokyo"
    assert dora.role == User.Role.USER
    assert not dora.is_staff


def test_a_nonsense_time_zone_does_no_harm(client):
    client.post(URL, {"email": "d@example.com", "password1": PASSWORD, "time_zone": "../etc"})
    assert User.objects.get(email="d@example.com").time_zone == "UTC"


def test_a_bad_password_is_explained_and_the_address_kept(client):
    answer = client.post(URL, {"email": "dora@example.com", "password1": "123"})
    page = answer.content.decode()
    assert 'value="dora@example.com"' in page
    assert "too short" in page
    assert 'id="id_password1_error"' in page
    assert not User.objects.exists()


def test_an_address_in_use_is_not_given_away(client, alice, mailoutbox, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    known = client.post(URL, {"email": "alice@example.com", "password1": PASSWORD})
    unknown = client.post(URL, {"email": "dora@example.com", "password1": PASSWORD})
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    assert {tuple(mail.to) for mail in mailoutbox} == {
        ("alice@example.com",),
        ("dora@example.com",),
    }
    assert User.objects.filter(email="alice@example.com").count() == 1
