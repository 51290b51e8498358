"""The door for calls of webhooks: no session, no form token, no transaction around the whole."""

from django.conf import settings
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

from automations import hooks
from workspaces.errors import KdapError


@csrf_exempt
def hook(request, address):
    """Take a call, and answer 202 with the run, or 200 with its result when that is asked for."""
    try:
        if request.method != "POST":
            raise NotPosted("A webhook is called by POST.")
        hooks.count(address, settings.WEBHOOK_THROTTLE)
        run_id, waits = hooks.receive(address, call_of(request))
        return _answer(hooks.wait_for(run_id)) if waits else _taken(run_id)
    except KdapError as error:
        return problem(error)


class NotPosted(KdapError):
    status = 405
    title = "Method not allowed"


def call_of(request):
    """Return the hooks.Call of a request; raise TooLarge before more than the limit is held."""
    most = hooks.MOST_BYTES
    announced = request.headers.get("Content-Length", "")
    told = announced.isascii() and announced.isdigit()
    more = told and (len(announced) > 12 or int(announced) > most)
    raw = b"" if more else request.read(most + 1)
    if more or len(raw) > most:
        raise hooks.TooLarge("A body can have at most 1 MB.")
    headers = {name.lower(): value[:2000] for name, value in request.headers.items()}
    return hooks.Call(headers, hooks.plain(request.GET), raw)


def _taken(run_id):
    return JsonResponse({"run": str(run_id), "status": "pending"}, status=202)


def _answer(run):
    if not run.is_over:
        return JsonResponse({"run": str(run.pk), "status": run.status}, status=202)
    if run.status == "succeeded":
        body = {"run": str(run.pk), "status": run.status, "output": run.output_data}
        return JsonResponse(body)
    # Why is told to the people of the workspace, not to whoever calls.
    failure = KdapError(f"The run {run.status}.", run=str(run.pk))
    failure.status, failure.title = 500, "The workflow did not succeed"
    return problem(failure)


def problem(error, allowed="POST"):
    """Return the answer that tells a program of `error`, a KdapError."""
    extra = {"run": error.extra["run"]} if "run" in error.extra else {}
    body = {"title": error.title, "status": error.status, "detail": error.detail} | extra
    headers = {405: {"Allow": allowed}, 503: {"Retry-After": "60"}}.get(error.status, {})
    if "wait" in error.extra:
        headers = {"Retry-After": str(error.extra["wait"])}
    kind = "application/problem+json"
    return JsonResponse(body, status=error.status, headers=headers, content_type=kind)
