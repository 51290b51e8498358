"""What every endpoint of the API does before and after its own work.

Authenticate, bind the actor to one transaction, replay a repeated call, answer with ETags.
"""

from contextlib import ExitStack

from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.middleware import zone_of
from workspaces import idempotency
from workspaces.access import Actor, acting_as
from workspaces.errors import KdapError, Missing, PreconditionFailed
from workspaces.events import hold

MOST_ON_A_PAGE = 1000
HEADER = OpenApiParameter.HEADER
IF_MATCH = OpenApiParameter("If-Match", str, HEADER, description="Only if it still has this ETag.")
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, HEADER, description="Answer 304 if it still has this ETag."
)


class OneRenderer(DefaultContentNegotiation):
    """JSON whatever the Accept header says: a refusal would help nobody."""

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class KdapView(APIView):
    """An endpoint whose whole work is one transaction in the caller's name.

    In a handler `request.actor` is who asks. Raise any KdapError; it becomes a problem and
    undoes what was written.
    """

    content_negotiation_class = OneRenderer
    door = "api"
    acting = False
    claim = None
    throttle = None
    format_kwarg = None

    def dispatch(self, request, *args, **kwargs):
        """Answer the request inside the actor's transaction."""
        try:
            with ExitStack() as self.bound:
                return super().dispatch(request, *args, **kwargs)
        except DatabaseError as error:  # what only the commit found out
            self.claim, self.acting = None, False
            response = self.handle_exception(error)
            return self.finalize_response(self.request, response, *args, **kwargs)

    def initial(self, request, *args, **kwargs):
        """Find out who asks, outside the transaction; then bind them to one."""
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(
            request
        )
        self.perform_authentication(request)
        self.check_throttles(request)
        self.check_permissions(request)
        actor = Actor(
            user=request.user if request.user.is_authenticated else None,
            token=request.auth,
            ip=request.META.get("REMOTE_ADDR") or None,
            cause={"door": self.door} | ({"token": str(request.auth.pk)} if request.auth else {}),
        )
        request.actor = request._request.actor = actor
        if actor.user is not None:
            self.bound.enter_context(timezone.override(zone_of(actor.user)))
            self.bound.enter_context(acting_as(actor))
            self.acting = True
        keyed = request.method in idempotency.METHODS and "Idempotency-Key" in request.headers
        if keyed and self.acting:
            self.claim = idempotency.claim(request)

    def handle_exception(self, exc):
        """Turn an error into a problem; a replayed call into its first answer."""
        if isinstance(exc, idempotency.Replayed):
            return exc.response
        self.claim = None
        if self.acting:
            transaction.set_rollback(True)
        return super().handle_exception(exc)

    def finalize_response(self, request, response, *args, **kwargs):
        """Say what is left of the rate, and keep the answer of a call that may be repeated."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.throttle is not None:
            for name, value in self.throttle.headers().items():
                response.headers[name] = value
        if self.acting and request.method not in SAFE_METHODS and response.status_code < 400:
            # A repeated call has its first answer, with the operation that was done then.
            response.headers.setdefault("Operation-Id", str(request.actor.operation))
        if self.claim is not None:
            self.claim.keep(response)
        return response


class Strict(serializers.Serializer):
    """A serializer that names what it does not know instead of dropping it."""

    def to_internal_value(self, data):
        if isinstance(data, dict):
            unknown = [key for key in data if key not in self.fields]
            if unknown:
                raise serializers.ValidationError(
                    {str(key)[:60]: ["There is no such field here."] for key in unknown[:100]}
                )
        return super().to_internal_value(data)


def body_of(request):
    """Return the value of the request's JSON body; raises a ParseError when there is none."""
    if not request._request.body:
        raise ParseError("Send JSON in the body.")
    return request.data


def checked(serializer, request, **kwargs):
    """Return the validated body of `request`; raises a ValidationError."""
    form = serializer(data=body_of(request), **kwargs)
    form.is_valid(raise_exception=True)
    return form.validated_data


def known_parameters(request, *names):
    """Raise a 400 that names every query parameter that is none of `names`."""
    unknown = sorted(set(request.query_params) - set(names))
    if unknown:
        raise KdapError(
            f"There is no parameter “{unknown[0][:60]}” here.",
            problems=[
                {"parameter": name[:60], "detail": "Unknown parameter."} for name in unknown[:100]
            ],
        )


def limit_of(request, default=100, most=MOST_ON_A_PAGE):
    """Return ?limit= as a number from 1 to `most`; raise a 400."""
    text = request.query_params.get("limit")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= most):
        raise KdapError(f"limit is a number from 1 to {most:,}.")
    return int(text)


def with_cursor(request, cursor):
    """Return the address of this list from `cursor` on; None at its end."""
    if cursor is None:
        return None
    params = request._request.GET.copy()
    params["cursor"] = cursor
    return request._request.build_absolute_uri(f"{request.path}?{params.urlencode()}")


def page(request, queryset, serializer, *, also=(), newest=False):
    """Answer a page of `queryset` in the order of its ids (ids grow with time).

    `also` are query parameters that the caller knows besides; with `newest` the last comes first.
    """
    known_parameters(request, "limit", "cursor", *also)
    limit, cursor = limit_of(request), request.query_params.get("cursor")
    queryset = queryset.order_by("-pk" if newest else "pk")
    if cursor:
        try:
            beyond = queryset.model._meta.pk.clean(cursor, None)
        except ValidationError:
            raise KdapError("This cursor is not one that KDAP gave.") from None
        queryset = queryset.filter(**{"pk__lt" if newest else "pk__gt": beyond})
    items = list(queryset[: limit + 1])
    following = str(items[limit - 1].pk) if len(items) > limit else None
    return Response(
        {
            "results": serializer(items[:limit], many=True).data,
            "next": with_cursor(request, following),
            "cursor": following,
        }
    )


def etag(tag):
    """Return a strong entity tag for a version number."""
    return f'"{tag}"'


def if_match(request, current=None):
    """Return the version number that If-Match demands, or None; raise a 400 or 412.

    `current` is the representation to show when the header can't be any version of ours.
    """
    header = request.headers.get("If-Match", "").strip()
    if not header or header == "*":
        return None
    tag = header.strip('"')
    if header.startswith("W/") or not (tag.isascii() and tag.isdigit() and len(tag) < 19):
        raise PreconditionFailed(
            "If-Match names a version that this never had; send the ETag as you got it.",
            **({"current": current} if current is not None else {}),
        )
    return int(tag)


def versioned(request, row, output, code=200):
    """Answer a definition with its version as ETag; a 304 when If-None-Match has that one."""
    tag = etag(row.last_event_version)
    if request.method == "GET" and tag in request.headers.get("If-None-Match", ""):
        return Response(status=304, headers={"ETag": tag})
    return Response(output(row).data, code, headers={"ETag": tag})


def demand_version(request, row, output, stream_id=None):
    """Raise a 412 with the newest state unless If-Match, when it is sent, names that version.

    From then on nobody else can change the definition until this call is over. `stream_id` is the
    stream of its events where that is not its own. Raises Missing when it is gone by now.
    """
    if "If-Match" not in request.headers:
        return
    hold(stream_id or row.pk)
    try:
        row.refresh_from_db()
    except row.DoesNotExist:
        raise Missing("This is not there any more.") from None
    current = output(row).data
    seen = if_match(request, current)
    if seen not in (None, row.last_event_version):
        raise PreconditionFailed(
            "Somebody else changed this first. Look at it again and repeat your change.",
            current=current,
        )
