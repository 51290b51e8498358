"""API tokens as a model: issue, find, revoke."""

import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import ApiToken


def issue(person, **fields):
    return ApiToken.objects.issue(
        **{"user": person.user, "name": "Export", "verbs": ["read"]} | fields
    )


def test_the_secret_is_kept_only_as_a_digest(alice):
    token, secret = issue(alice)
    assert secret.startswith("kdap_")
    assert len(secret) == 48
    assert token.prefix == secret[:8]
    stored = ApiToken.objects.filter(pk=token.pk).values().get()
    assert stored["digest"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(stored)


def test_the_secret_finds_its_token_in_one_query(alice, django_assert_num_queries):
    token, secret = issue(alice)
    with django_assert_num_queries(1):
        found = ApiToken.objects.find(secret)
        assert (found, found.user) == (token, alice.user)


@pytest.mark.django_db
@pytest.mark.parametrize("secret", ["", "kdap_", "kdap_" + "x" * 43, "\x00", "ü" * 50])
def test_nonsense_finds_nothing(secret):
    assert ApiToken.objects.find(secret) is None


def test_revoked_expired_and_switched_off_are_refused_with_a_reason(alice, bob, charlie):
    revoked, first = issue(alice)
    revoked.revoke()
    expired, second = issue(bob, expires_at=timezone.now() - timedelta(seconds=1))
    orphan, third = issue(charlie)
    type(charlie.user).objects.update(is_active=False)
    type(charlie.user).objects.exclude(pk=charlie.user.pk).update(is_active=True)
    for secret, word in ((first, "revoked"), (second, "expired"), (third, "switched off")):
        assert word in ApiToken.objects.find(secret).refusal
    assert {revoked.state, expired.state, orphan.state} == {"revoked", "expired", "active"}


def test_revoking_twice_keeps_the_first_moment(alice):
    token, _ = issue(alice)
    token.revoke()
    first = token.revoked_at
    token.revoke()
    assert token.revoked_at == first


def test_last_use_is_noted_at_most_once_a_minute(alice, django_assert_num_queries):
    token, secret = issue(alice)
    ApiToken.objects.find(secret).note_use()
    token.refresh_from_db()
    first = token.last_used_at
    assert first
    ApiToken.objects.find(secret).note_use()
    token.refresh_from_db()
    assert token.last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    ApiToken.objects.find(secret).note_use()
    token.refresh_from_db()
    assert token.last_used_at >= first


def test_verbs_are_known_and_at_least_one(alice):
    with pytest.raises(ValidationError):
        issue(alice, verbs=["fly"])
    with pytest.raises(ValidationError):
        issue(alice, verbs=[])


def test_allows_looks_at_verb_and_workspace(alice):
    here, there = uuid4(), uuid4()
    everywhere, _ = issue(alice, verbs=["read", "write"])
    only_here, _ = issue(alice, workspaces=[here])
    assert everywhere.allows("write", there)
    assert not everywhere.allows("structure")
    assert only_here.allows("read", here)
    assert only_here.allows("read")
    assert not only_here.allows("read", there)
    assert not only_here.allows("write", here)
