"""`Authorization: Bearer kdap_…` in the API."""

import pytest
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.test import APIRequestFactory

from accounts.authentication import TokenAuthentication
from accounts.models import ApiToken


def authenticate(header=None):
    headers = {} if header is None else {"HTTP_AUTHORIZATION": header}
    return TokenAuthentication().authenticate(APIRequestFactory().get("/", **headers))


@pytest.fixture
def issued(alice):
    return ApiToken.objects.issue(user=alice.user, name="Export", verbs=["read"])


def test_a_good_token_gives_user_and_token(alice, issued):
    token, secret = issued
    assert authenticate(f"Bearer {secret}") == (alice.user, token)
    assert authenticate(f"bearer  {secret} ") == (alice.user, token)


@pytest.mark.parametrize("header", [None, "Basic YTpi", "Token kdap_x"])
def test_other_ways_to_sign_in_are_left_alone(header):
    assert authenticate(header) is None


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["Bearer", "Bearer kdap_nope", "Bearer \xff\xfe", "Bearer a b"])
def test_an_unknown_token_is_refused(header):
    with pytest.raises(AuthenticationFailed, match="not known"):
        authenticate(header)


def test_a_revoked_token_says_so(issued):
    token, secret = issued
    token.revoke()
    with pytest.raises(AuthenticationFailed, match="revoked on"):
        authenticate(f"Bearer {secret}")


def test_a_refusal_names_the_scheme():
    assert TokenAuthentication().authenticate_header(None).startswith("Bearer")
