"""Calls that may be repeated: the first one works, the others get its answer.

The row is written in the transaction of the call's effect, so that both are kept or neither is.
A second call with the same key waits at the unique index until the first one has ended.
"""

import hashlib
from datetime import timedelta

import orjson
from django.conf import settings
from django.db import connection, models
from django.utils import timezone
from rest_framework.response import Response

from workspaces.errors import Invalid, KdapError
from workspaces.jsons import json_bytes

METHODS = ("POST", "PUT", "PATCH", "DELETE")
LIFETIME = timedelta(hours=24)
KEPT_HEADERS = ("ETag", "Location", "Operation-Id")


class IdempotencyKey(models.Model):
    """A key that a caller gave, what they asked under it and what we answered."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.SmallIntegerField(null=True)
    body = models.TextField(default="")
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        app_label = "workspaces"
        db_table = "idempotency_keys"
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_once")]

    def __str__(self):
        return self.key


class Replayed(Exception):
    """Not an error: the call was made before, and `response` is what it was answered."""

    def __init__(self, response):
        super().__init__("replayed")
        self.response = response


class Claim:
    """The right to carry a call out; `keep` notes its answer."""

    def __init__(self, id):
        self.id = id

    def keep(self, response):
        """Store `response` when the call succeeded; a failed one may be tried again.

        A response that tells a secret once says by its `kept` what a repeated call is told.
        """
        if response.status_code >= 400:
            return
        data = getattr(response, "kept", getattr(response, "data", None))
        body = "" if data is None else json_bytes(data).decode()
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response}
        IdempotencyKey.objects.filter(pk=self.id).update(
            status=response.status_code, body=body, headers=headers
        )


CLAIM = """
INSERT INTO idempotency_keys (user_id, key, fingerprint, body, headers, created_at)
VALUES (%s, %s, %s, '', '{}', now()) ON CONFLICT (user_id, key) DO NOTHING RETURNING id
"""


def claim(request):
    """Return a Claim on the request's Idempotency-Key; raise Replayed when it was used.

    Raises Invalid when the same key was used for another call, KdapError for an unusable key.
    """
    key = request.headers["Idempotency-Key"]
    if not 0 < len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise KdapError("An Idempotency-Key has 1 to 255 printable ASCII characters.")
    user_id = request.actor.user_id
    fingerprint = _fingerprint(request)
    stale = timezone.now() - LIFETIME
    IdempotencyKey.objects.filter(user=user_id, key=key, created_at__lt=stale).delete()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [user_id, key, fingerprint])
        row = cursor.fetchone()
    if row is not None:
        return Claim(row[0])
    earlier = IdempotencyKey.objects.get(user=user_id, key=key)
    if earlier.fingerprint != fingerprint:
        raise Invalid("This Idempotency-Key was used for another call. Take a new one.")
    raise Replayed(_again(earlier))


def _again(earlier):
    data = orjson.Fragment(earlier.body) if earlier.body else None
    headers = earlier.headers | {"Idempotency-Replayed": "true"}
    return Response(data, earlier.status, headers=headers)


def _fingerprint(request):
    """Return a digest of what is asked: method, address and body.

    An upload is known by its length only, since reading it here would hold it in memory.
    """
    upload = (request.content_type or "").startswith("multipart/")
    body = request.headers.get("Content-Length", "").encode() if upload else request._request.body
    head = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(head + body).hexdigest()


def purge():
    """Forget keys older than a day; return how many."""
    return IdempotencyKey.objects.filter(created_at__lt=timezone.now() - LIFETIME).delete()[0]
