"""Each request in the time zone and the spelling of the person who asks."""

import zoneinfo

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
