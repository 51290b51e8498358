"""What people do with their own accounts, told to whoever listens: the log, which lies above."""

from django.dispatch import Signal

happened = Signal()


def tell(type, user, *, about=None, **payload):
    """Say that something of `type` happened to `user`, or to what of theirs has the id `about`.

    `payload` is JSON-able and holds nothing secret.
    """
    happened.send(sender=None, type=type, user=user, about=about or user.pk, payload=payload)
