"""What happens when allauth tells us something."""

import zoneinfo

from allauth.account.signals import user_signed_up
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver

from accounts.happenings import tell


@receiver(user_signed_up)
def keep_browser_zone(request, user, **kwargs):
    """Start a new account in the time zone that its browser reported at sign-up."""
    zone = request.POST.get("time_zone", "")
    if zone in zoneinfo.available_timezones():
        user.time_zone = zone
        user.save(update_fields=["time_zone"])


@receiver(user_logged_in)
def tell_sign_in(user, **kwargs):
    """Tell of each new session."""
    tell("session.started", user)


@receiver(user_logged_out)
def tell_sign_out(user, **kwargs):
    """Tell of each session that its owner ended; a stranger's ends nothing."""
    if user is not None:
        tell("session.ended", user)


@receiver(authenticator_added)
def tell_factor_added(user, authenticator, **kwargs):
    """Tell of a new second factor, by its kind alone."""
    tell("user.factor_added", user, kind=authenticator.type)


@receiver(authenticator_removed)
def tell_factor_removed(user, authenticator, **kwargs):
    """Tell that a second factor is gone."""
    tell("user.factor_removed", user, kind=authenticator.type)
