"""How an error of ours looks in the browser: a page, or a toast over the page there is."""

from django.http import HttpResponse
from django.shortcuts import render
from django_htmx.http import reswap, trigger_client_event

MOST_PROBLEMS = 10


def show_error(request, error):
    """Answer `request` with the sentence of `error`, a KdapError, under its status.

    An htmx request gets no content and a `toast` event, so that what the person was doing stays
    on the screen. Asks the database nothing: the transaction may be broken already.
    """
    if getattr(request, "htmx", False):
        response = reswap(HttpResponse(status=error.status), "none")
        return trigger_client_event(response, "toast", {"message": error.detail, "kind": "bad"})
    context = {"error": error, "problems": error.problems[:MOST_PROBLEMS]}
    return render(request, "error.html", context, status=error.status)
