"""The page of a public form: for everybody who knows its address, without an account."""

from functools import wraps

from django.conf import settings
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from records import answering
from records.answer_form import AnswerForm
from workspaces import throttle
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Invalid

TOO_OFTEN = "Too many answers came from where you are. Try again in a few minutes."
TRIES = 5  # how many times as many answers are looked at as are taken


def _small(view):
    """Refuse what is too large before anything, the token against forgery too, is read of it."""
    protected = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def checked(request, *args, **kwargs):
        length = request.headers.get("Content-Length") or ("" if request.method == "POST" else "0")
        told = length.isascii() and length.isdigit() and len(length) < 12
        if not told or int(length) > answering.MOST_BYTES:
            raise answering.TooLarge("That is more than a form takes. Shorten your answer.")
        return protected(request, *args, **kwargs)

    return checked


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@_small
def public_form(request, address):
    """Show a form and take an answer; a bad one is shown again with all that was written."""
    headers, status = {}, 200
    try:
        form = _open_form(address)
        answer = AnswerForm(form, request.POST if request.method == "POST" else None)
        if request.method == "POST":
            if answer.is_from_a_program or _is_taken(request, form, answer):
                return redirect("public_form_sent", address)
            status = 422
    except answering.Closed as error:
        return _closed(request, error)
    except throttle.TooMany as error:
        answer.add_error(None, error.detail)
        headers, status = {"Retry-After": str(error.extra["wait"])}, error.status
    context = {"form": answer, "about": form, "title": form.title}
    response = render(request, "records/public_form.html", context, status=status)
    for name, value in headers.items():
        response.headers[name] = value
    return response


@never_cache
@require_safe
def public_form_sent(request, address):
    """Thank for an answer; a refresh of this page sends nothing again."""
    with _as_product():
        try:
            form = answering.find_by_address(address)
        except answering.Closed as error:
            return _closed(request, error)
    again = reverse("public_form", args=[address])
    return render(request, "records/public_form_sent.html", {"form": form, "again": again})


def _open_form(address):
    """Return the PublicForm at `address` with its record's structure; raise Missing or Closed."""
    with _as_product():
        form = answering.find_by_address(address)
        answering.check_open(form)
        form.record.structure  # noqa: B018 - read while it can be
        return form


def _as_product():
    return acting_as(Actor.system(door="form"))


def _is_taken(request, form, answer):
    """Take a good answer and return True; else put beside the fields what is wrong with it."""
    number, _, period = settings.FORM_THROTTLE.partition("/")
    door = f"form:{form.pk}:{throttle.origin(request.actor.ip)}"
    throttle.count(f"tries:{door}", f"{int(number) * TRIES}/{period}", TOO_OFTEN)
    if not answer.is_valid():
        return False
    throttle.count(door, settings.FORM_THROTTLE, TOO_OFTEN)
    try:
        answering.take(form=form, values=answer.filled_values, key=answer.page, ip=request.actor.ip)
    except (Invalid, Conflict) as error:
        answer.tell(error)
        return False
    return True


def _closed(request, error):
    context = {"error": error, "about": error.form, "title": error.title}
    return render(request, "records/public_form_closed.html", context, status=error.status)
