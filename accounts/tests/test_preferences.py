"""Each person's time zone and locale, for the length of a request."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import formats, timezone, translation

from accounts.middleware import Preferences


def seen_by(user):
    """Return (time zone, short date format) that a view sees when `user` asks."""
    seen = []

    def view(request):
        seen.append((timezone.get_current_timezone_name(), formats.get_format("SHORT_DATE_FORMAT")))
        return HttpResponse()

    request = RequestFactory().get("/")
    request.user = user
    Preferences(view)(request)
    return seen[0]


def test_zone_and_locale_are_the_persons(alice):
    alice.user.time_zone, alice.user.locale = "Asia/Tokyo", "en-gb"
    assert seen_by(alice.user) == ("Asia/Tokyo", "d/m/Y")


def test_the_next_request_starts_afresh(alice):
    alice.user.time_zone, alice.user.locale = "Asia/Tokyo", "en-gb"
    seen_by(alice.user)
    assert timezone.get_current_timezone_name() == "UTC"
    assert translation.get_language() == "en"
    assert seen_by(AnonymousUser()) == ("UTC", "m/d/Y")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd"])
def test_a_zone_that_is_no_longer_known_falls_back(alice, zone):
    alice.user.time_zone = zone
    assert seen_by(alice.user)[0] == "UTC"
