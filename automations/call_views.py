"""The door for calls that let a run go on: for programs by POST, for people by a page with a button."""

from django.conf import settings
from django.http import JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from automations import calls, hooks
from automations.hook_views import NotPosted, call_of, problem
from workspaces.errors import KdapError

METHODS = ("GET", "HEAD", "POST")


@csrf_exempt  # the address is the secret, and whoever has it need not be signed in
@never_cache
def run_call(request, token):
    """Take a call by POST. GET only asks, since programs that look at mails follow their links."""
    try:
        if request.method not in METHODS:
            raise NotPosted("This address is called by POST; GET shows a page.")
        hooks.count(token, settings.WEBHOOK_THROTTLE)
        if request.method == "POST":
            calls.receive(token, call_of(request))
            done = True
        else:
            calls.look_at(token)
            done = False
    except KdapError as error:
        if _is_person(request):
            return _page(request, {"error": error}, error.status)
        return problem(error, "GET, HEAD, POST")
    if done and not _is_person(request):
        return JsonResponse({"status": "taken"}, status=202)
    return _page(request, {"done": done})


def _is_person(request):
    return "text/html" in request.headers.get("Accept", "")


def _page(request, context, status=200):
    made = render(request, "automations/call.html", context, status=status)
    made["X-Robots-Tag"] = "noindex"
    return made
