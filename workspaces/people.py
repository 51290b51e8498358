"""What people do with their accounts, in the log: sign-ins, profiles, tokens, second factors.

Such events belong to no workspace; they are for the person themselves and for staff. Accounts lie
below this app and keep their own rows, so applying an event changes nothing here.
"""

from dataclasses import replace

from django.dispatch import receiver

from accounts.happenings import happened
from accounts.models import ApiToken, User
from workspaces.access import NOBODY, Actor, acting_as, current_actor
from workspaces.events import append, applies
from workspaces.sentences import Named, listed, names, says

TYPES = (
    *("user.created", "user.changed", "user.password_changed"),
    *("user.factor_added", "user.factor_removed"),
    *("session.started", "session.ended", "token.created", "token.revoked"),
)


@receiver(happened)
def keep(type, user, about, payload, **kwargs):
    """Append what happened, in the name of whoever is asking, else of the person themselves."""
    asking = current_actor()
    if asking is NOBODY:
        asking = Actor(user=user)
    who = asking.user if asking.user or asking.everything else user
    with acting_as(replace(asking, user=who, everything=True)):
        append(type=type, stream_id=about, workspace_id=None, payload=payload)


def _kept_elsewhere(event):
    """The row was written by its own app."""


for _type in TYPES:
    applies(_type)(_kept_elsewhere)


@names("user", "session")
def _users(ids):
    return {user.pk: Named(str(user), icon="user") for user in User.objects.filter(pk__in=ids)}


@names("token")
def _tokens(ids):
    return {
        token.pk: Named(token.name, icon="key") for token in ApiToken.objects.filter(pk__in=ids)
    }


# What fields of a person are called; the rest goes by its own name.
WORDS = {
    "email": "e-mail address",
    "is_active": "whether they may sign in",
    "is_staff": "whether they may enter admin",
    "is_superuser": "whether they may do everything",
    "locale": "language",
    "time_zone": "time zone",
}


@says("user.created", icon="user-plus")
def _created(fact):
    return f"Opened an account for {fact.payload['email']}"


@says("user.changed", icon="user-edit")
def _changed(fact):
    fields = [WORDS.get(key, key) for key in fact.payload.get("now", {})]
    return f"Changed {listed(fields, 'thing')} of the account {fact.name}"


@says("user.password_changed", icon="lock")
def _password(fact):
    return f"Changed the password of the account {fact.name}"


@says("user.factor_added", icon="shield-check")
def _factor(fact):
    return f"Added a second factor to the account {fact.name}"


@says("user.factor_removed", icon="shield")
def _no_factor(fact):
    return f"Removed a second factor from the account {fact.name}"


@says("session.started", icon="login")
def _started(fact):
    return "Signed in"


@says("session.ended", icon="logout")
def _ended(fact):
    return "Signed out" if not fact.payload.get("other") else "Ended a session"


@says("token.created", icon="key")
def _token(fact):
    return f"Made the API token “{fact.payload.get('name', '')}”"


@says("token.revoked", icon="key")
def _revoked(fact):
    return f"Revoked the API token “{fact.payload.get('name', '')}”"
