"""/accounts/signup/"""

import pytest

from accounts.models import User
from kdap.tests.people import PASSWORD

URL = "/accounts/signup/"

pytestmark = pytest.mark.django_db


def filled(**values):
    return {"name": "Dora", "email": "dora@example.com", "password1": PASSWORD} | values


def test_it_makes_an_account_in_the_browsers_time_zone(client):
    data = filled(name="  Dora   Doe ", email="Dora@Example.com", time_zone="Asia/Tokyo")
    assert client.post(URL, data).status_code == 302
    dora = User.objects.get(email="dora@example.com")
    assert (dora.name, dora.time_zone) == ("Dora Doe", "Asia/Tokyo")
    assert dora.role == User.Role.USER
    assert not dora.is_staff


def test_a_nonsense_time_zone_does_no_harm(client):
    client.post(URL, filled(time_zone="../etc"))
    assert User.objects.get(email="dora@example.com").time_zone == "UTC"


def test_a_bad_password_is_explained_and_the_address_kept(client):
    answer = client.post(URL, filled(password1="123"))
    page = answer.content.decode()
    assert 'value="dora@example.com"' in page
    assert 'value="Dora"' in page
    assert "too short" in page
    assert 'id="id_password1_error"' in page
    assert not User.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 500, "a\x00b"])
def test_a_name_is_asked_for(client, name):
    answer = client.post(URL, filled(name=name))
    assert answer.status_code == 200
    assert 'id="id_name_error"' in answer.content.decode()
    assert not User.objects.exists()


def test_the_name_is_asked_for_first(client):
    page = client.get(URL).content.decode()
    assert page.index('name="name"') < page.index('name="email"') < page.index('name="password1"')
    assert page.count("autofocus") == 1


def test_an_address_in_use_is_not_given_away(client, alice, mailoutbox, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    known = client.post(URL, filled(email="alice@example.com"))
    unknown = client.post(URL, filled())
    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)
    assert {tuple(mail.to) for mail in mailoutbox} == {
        ("alice@example.com",),
        ("dora@example.com",),
    }
    assert User.objects.filter(email="alice@example.com").count() == 1
