"""What people do with their accounts is in the log, for themselves and for staff, without secrets."""

import pytest
from django.test import Client

from accounts.models import ApiToken, User
from kdap.tests.people import PASSWORD
from workspaces.access import Actor, acting_as
from workspaces.models import Event


def events(person, *types):
    with acting_as(Actor.system()):
        found = Event.objects.filter(user=person.user, workspace_id=None).order_by("id")
        return [item for item in found if not types or item.type in types]


def test_an_account_begins_with_an_event(alice):
    [made] = events(alice, "user.created")
    assert made.payload == {"email": "alice@example.com", "name": "Alice"}
    assert (made.stream_id, made.version) == (alice.user.pk, 1)


def test_a_profile_says_what_was_and_is(alice):
    page = {"name": "Alice B.", "time_zone": "Europe/Berlin", "locale": "en", "theme": "dark"}
    alice.client.post("/accounts/profile/", page)
    [changed] = events(alice, "user.changed")
    assert changed.payload["now"] == {
        "name": "Alice B.",
        "time_zone": "Europe/Berlin",
        "theme": "dark",
    }
    assert changed.payload["was"] == {"name": "Alice", "time_zone": "UTC", "theme": "system"}
    alice.client.post("/accounts/profile/", page)
    assert len(events(alice, "user.changed")) == 1


def test_passwords_are_never_told(alice):
    alice.user.set_password("another horse battery")
    alice.user.save()
    [changed] = events(alice, "user.password_changed")
    assert changed.payload == {}


def test_signing_in_and_out(alice):
    client = Client(REMOTE_ADDR="192.0.2.7")
    form = {"login": "alice@example.com", "password": PASSWORD}
    client.post("/accounts/login/", form)
    client.post("/accounts/logout/")
    started, ended = events(alice, "session.started", "session.ended")
    assert (started.type, ended.type) == ("session.started", "session.ended")
    assert started.ip == "192.0.2.7"
    assert started.cause["door"] == "browser"


def test_tokens(alice):
    token, secret = ApiToken.objects.issue(user=alice.user, name="Export", verbs=["read"])
    token.revoke()
    token.revoke()
    made, revoked = events(alice, "token.created", "token.revoked")
    assert made.stream_id == revoked.stream_id == token.pk
    assert (made.payload["name"], made.payload["verbs"]) == ("Export", ["read"])
    for item in (made, revoked):
        assert secret not in str(item.payload)
        assert token.digest not in str(item.payload)


def test_switching_somebody_off_names_who_did(alice, bob):
    ApiToken.objects.issue(user=bob.user, name="Export", verbs=["read"])
    with alice.acting():
        bob.user.is_active = False
        bob.user.save()
    changed, revoked = events(alice, "user.changed", "token.revoked")
    assert changed.stream_id == bob.user.pk
    assert changed.payload["now"] == {"is_active": False}
    assert revoked.type == "token.revoked"


@pytest.mark.parametrize("reader", ["alice", "bob"])
def test_only_oneself_reads_them(request, alice, reader):
    person = request.getfixturevalue(reader)
    with person.acting():
        found = Event.objects.filter(stream_id=alice.user.pk)
        assert found.exists() == (reader == "alice")


def test_nothing_is_written_for_a_sign_in_alone(alice):
    User.objects.get(pk=alice.user.pk).save(update_fields=["metadata"])
    assert not events(alice, "user.changed")
