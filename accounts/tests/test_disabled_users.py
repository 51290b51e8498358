"""Switching somebody off ends everything at once, however it is done."""

from allauth.usersessions.models import UserSession

from accounts.models import ApiToken, User

URL = "/accounts/profile/"


def issue(person):
    return ApiToken.objects.issue(user=person.user, name="Export", verbs=["read"])


def test_saving_ends_sessions_and_tokens(alice):
    client = alice.client
    _, secret = issue(alice)
    assert client.get(URL).status_code == 200
    alice.user.is_active = False
    alice.user.save()
    assert client.get(URL).status_code == 302
    assert not UserSession.objects.filter(user=alice.user).exists()
    assert ApiToken.objects.find(secret).refusal


def test_switching_back_on_revives_nothing(alice):
    client = alice.client
    _, secret = issue(alice)
    client.get(URL)
    for active in (False, True):
        alice.user.is_active = active
        alice.user.save()
    assert client.get(URL).status_code == 302
    assert ApiToken.objects.find(secret).refusal


def test_even_a_bare_update_shuts_the_door(alice):
    client = alice.client
    _, secret = issue(alice)
    assert client.get(URL).status_code == 200
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    assert client.get(URL).status_code == 302
    assert ApiToken.objects.find(secret).refusal


def test_others_stay_signed_in(alice, bob):
    client = bob.client
    client.get(URL)
    alice.user.is_active = False
    alice.user.save()
    assert client.get(URL).status_code == 200
