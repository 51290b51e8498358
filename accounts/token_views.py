"""API tokens: the list, a new one, revoking one."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from accounts.forms import ApiTokenForm, workspaces_of
from accounts.models import ApiToken


@login_required
@require_safe
@vary_on_headers("HX-Request")
def token_list(request):
    """Show the user's tokens; with htmx only the list."""
    names = dict(workspaces_of(request.user))
    tokens = sorted(request.user.api_tokens.all(), key=lambda token: token.state != "active")
    for token in tokens:
        token.places = [names.get(id, "a workspace you left") for id in token.workspaces or []]
    part = "#tokens" if request.htmx else ""
    return render(request, f"accounts/token_list.html{part}", {"tokens": tokens})


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
@vary_on_headers("HX-Request")
def token_new(request):
    """Ask what the token may do, make it, and show its secret this once."""
    form = ApiTokenForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        token, secret = form.save()
        context = {"token": token, "secret": secret, "title": "Copy your token now"}
        return render(request, "accounts/token_made.html", context)
    status = 422 if form.errors else 200
    context = {"form": form, "title": "New API token"}
    return render(request, "accounts/token_new.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def token_revoke(request, pk):
    """Ask whether to revoke a token, then do it."""
    token = get_object_or_404(ApiToken, pk=pk, user=request.user)
    if request.method == "GET":
        context = {"token": token, "title": f"Revoke “{token.name}”?"}
        return render(request, "accounts/token_revoke.html", context)
    token.revoke()
    sentence = f"“{token.name}” is revoked."
    if not request.htmx:
        messages.success(request, sentence)
        return redirect("token_list")
    response = trigger_client_event(HttpResponse(status=204), "tokens:changed")
    trigger_client_event(response, "dialog:close")
    return trigger_client_event(response, "toast", {"message": sentence})
