"""What happens when allauth tells us something."""

import zoneinfo

from allauth.account.signals import user_signed_up
from django.dispatch import receiver


@receiver(user_signed_up)
def keep_browser_zone(request, user, **kwargs):
    """Start a new account in the time zone that its browser reported at sign-up."""
    zone = request.POST.get("time_zone", "")
    if zone in zoneinfo.available_timezones():
        user.time_zone = zone
        user.save(update_fields=["time_zone"])
