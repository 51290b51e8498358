"""What each request does with the person who asks: preferences, and when they were last seen."""

import time
import zoneinfo

from allauth.usersessions.models import UserSession
from django.utils import timezone, translation


class Preferences:
    """Activate the user's time zone and locale for the request, and neither for the next."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        user = request.user
        if not user.is_authenticated:
            return self.get_response(request)
        with timezone.override(zone_of(user)), translation.override(user.locale):
            return self.get_response(request)


def zone_of(user):
    """Return the user's zoneinfo.ZoneInfo; None (the site's) when the name is no longer known."""
    try:
        return zoneinfo.ZoneInfo(user.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None


class SessionActivity:
    """Note for the list of sessions when and from where each was last used.

    Takes the place of allauth's UserSessionsMiddleware, which writes on every request.
    """

    EVERY = 60
    KEY = "seen_at"

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        session, now = request.session, int(time.time())
        stale = session.session_key and now - session.get(self.KEY, 0) >= self.EVERY
        if stale and request.user.is_authenticated:
            UserSession.objects.create_from_request(request)
            session[self.KEY] = now
        return self.get_response(request)
