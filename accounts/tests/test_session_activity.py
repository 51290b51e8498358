"""The list of sessions knows when each was last used, without a write for every request."""

import time

import pytest
from allauth.core import context
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory

from accounts.middleware import SessionActivity

middleware = SessionActivity(lambda request: HttpResponse())


@pytest.fixture
def request_of(alice):
    """Return a function that makes a request in one and the same session of Alice's."""
    session = alice.client.session

    def make(user=alice.user, ip="192.0.2.1"):
        request = RequestFactory().get("/", REMOTE_ADDR=ip, headers={"User-Agent": "curl/8"})
        request.user, request.session = user, session
        return request

    return make


def ask(request):
    with context.request_context(request):
        middleware(request)


def test_the_first_request_is_noted(request_of, alice):
    ask(request_of())
    assert UserSession.objects.get(user=alice.user).ip == "192.0.2.1"


def test_the_next_minute_costs_no_query(request_of, django_assert_num_queries):
    ask(request_of())
    with django_assert_num_queries(0):
        ask(request_of())


def test_after_a_minute_it_is_noted_again(request_of, alice, monkeypatch):
    ask(request_of())
    first = UserSession.objects.get(user=alice.user).last_seen_at
    later = time.time() + 61
    monkeypatch.setattr("accounts.middleware.time.time", lambda: later)
    ask(request_of(ip="192.0.2.2"))
    seen = UserSession.objects.get(user=alice.user)
    assert seen.last_seen_at > first
    assert seen.ip == "192.0.2.2"


def test_visitors_leave_no_trace(request_of):
    ask(request_of(user=AnonymousUser()))
    assert not UserSession.objects.exists()
