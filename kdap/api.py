"""What every endpoint of the API speaks: JSON in, JSON out, one shape of problem, one throttle."""

import logging
import time

import orjson
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import DatabaseError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from workspaces.errors import Invalid, KdapError, pointer_step, refused_by_database
from workspaces.jsons import json_bytes

log = logging.getLogger(__name__)
PROBLEM_TYPE = "application/problem+json"
MOST_PROBLEMS = 100
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class OrjsonRenderer(BaseRenderer):
    """Answers as JSON; UUIDs, dates and times are written by orjson itself."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data, accepted_media_type=None, renderer_context=None):
        """Return `data` as bytes; nothing at all for an answer without content."""
        if data is None:
            return b""
        return json_bytes(data, option=orjson.OPT_NON_STR_KEYS)


class OrjsonParser(BaseParser):
    """Bodies as JSON. NaN, Infinity, half characters and over-deep nesting are no JSON here."""

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        """Return the body's value; raise ParseError, or RequestDataTooBig from Django."""
        body = parser_context["request"]._request.body
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise exceptions.ParseError(f"The body is no JSON: {error}.") from None


class PerActorThrottle(BaseThrottle):
    """So many calls a minute for each token, each person signed in, each unknown address.

    A counter per window in the cache: one increment a call, however high the rate is.
    """

    def __init__(self):
        rate = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["actor"]
        number, _, period = rate.partition("/")
        self.limit, self.window = int(number), SECONDS[period[0]]
        self.used, self.reset = 0, self.window

    def allow_request(self, request, view):
        """Count the call and return whether it may go on."""
        now = int(time.time())
        self.reset = self.window - now % self.window
        key = f"throttle:{self._who(request)}:{now // self.window}"
        if cache.add(key, 1, self.window):
            self.used = 1
        else:
            try:
                self.used = cache.incr(key)
            except ValueError:  # it expired between the two
                self.used = 1
        view.throttle = self
        return self.used <= self.limit

    def wait(self):
        """Return the seconds until the next window."""
        return self.reset

    def headers(self):
        """Return the headers that say how much is left, in the common and the IETF's spelling."""
        left = max(0, self.limit - self.used)
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": str(self.reset),
            "RateLimit-Policy": f'"actor";q={self.limit};w={self.window}',
            "RateLimit": f'"actor";r={left};t={self.reset}',
        }

    def _who(self, request):
        if request.auth is not None:
            return f"token-{request.auth.pk}"
        if request.user.is_authenticated:
            return f"user-{request.user.pk}"
        return f"ip-{request.META.get('REMOTE_ADDR', '')}"


def problem(error, context=None):
    """Return any error as an RFC 9457 answer; the view undoes what the call wrote.

    What nobody foresaw is a 500 without details; the log and Django's own signal have them.
    """
    known = _known(error)
    if known is None:
        log.error("An API call failed", exc_info=error)
        request = (context or {}).get("request")
        got_request_exception.send(sender=problem, request=getattr(request, "_request", None))
        body = _body("server-error", "Something went wrong here", 500, "This is our fault.")
        return Response(body, 500, content_type=PROBLEM_TYPE)
    body, headers = known
    return Response(body, body["status"], headers=headers, content_type=PROBLEM_TYPE)


def _body(kind, title, code, detail, problems=(), extra=None):
    body = {
        "type": f"{settings.SITE_URL}/api/#problem-{kind}",
        "title": title,
        "status": code,
        "detail": detail,
    }
    if problems:
        body["problems"] = list(problems)[:MOST_PROBLEMS]
    return (extra or {}) | body


def _known(error):
    """Return (body, headers) of an error we have words for, else None."""
    if isinstance(error, DatabaseError):
        error = refused_by_database(error) or error
    if isinstance(error, KdapError):
        kind = KINDS.get(error.status, "bad-request")
        title = error.title if error.status != 400 else "This call can't be understood"
        headers = {"Retry-After": "1"} if error.status == 503 else {}
        body = _body(kind, title, error.status, error.detail, error.problems, error.extra)
        return body, headers
    if isinstance(error, Http404):
        return _body("not-found", "Not found", 404, "There is no such thing here."), {}
    if isinstance(error, RequestDataTooBig):
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 1024**2
        return _body("too-large", "Too large", 413, f"A body can have at most {most} MB."), {}
    if isinstance(error, SuspiciousOperation):
        return _body("bad-request", "This call can't be understood", 400, "It looks forged."), {}
    if isinstance(error, exceptions.APIException):
        return _from_rest_framework(error)
    return None


KINDS = {
    400: "bad-request",
    401: "not-authenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    412: "precondition-failed",
    413: "too-large",
    415: "media-type",
    422: "invalid",
    429: "throttled",
    503: "unavailable",
}


# Where REST framework's own words are a template, or say too little.
TITLES = {
    405: "This method is not allowed here",
    415: "Unsupported media type",
    429: "Too many calls",
}


def _from_rest_framework(error):
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))
    code = error.status_code
    if isinstance(error, exceptions.ValidationError):
        problems = list(pointed(error.detail))
        detail = problems[0]["detail"] if problems else "Some values can't be taken."
        return _body("invalid", Invalid.title, 422, detail, problems), headers
    kind = KINDS.get(code, "bad-request")
    title = TITLES.get(code) or str(error.default_detail).rstrip(".")
    return _body(kind, title, code, str(error.detail)), headers


def pointed(detail, pointer=""):
    """Yield {"pointer", "detail"} for each sentence in a serializer's nested errors."""
    if isinstance(detail, dict):
        for key, inner in detail.items():
            step = "" if key == "non_field_errors" else f"/{pointer_step(key)}"
            yield from pointed(inner, pointer + step)
    elif isinstance(detail, list):
        for number, inner in enumerate(detail):
            nested = isinstance(inner, (dict, list))
            yield from pointed(inner, f"{pointer}/{number}" if nested else pointer)
    else:
        yield {"pointer": pointer, "detail": str(detail)}
