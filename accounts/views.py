"""A person's own pages: profile, theme, sessions."""

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import ProfileForm, ThemeForm
from accounts.happenings import tell


@login_required
@require_http_methods(["GET", "POST"])
def profile(request):
    """Show and change name, time zone, locale and theme."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your profile is saved.")
        return redirect("profile")
    request.user.refresh_from_db()
    status = 422 if form.errors else 200
    return render(request, "accounts/profile.html", {"form": form}, status=status)


@login_required
@require_POST
def theme(request):
    """Keep the theme chosen in the menu, which has changed the page already."""
    form = ThemeForm(request.POST, instance=request.user)
    if not form.is_valid():
        return HttpResponse("There is no such theme.", status=422)
    form.save()
    return HttpResponse(status=204) if request.htmx else redirect("profile")


@login_required
@require_POST
def end_session(request, pk):
    """Sign one of the user's browsers out."""
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    session.end()
    tell("session.ended", request.user, other=True)
    messages.success(request, "That session has ended.")
    return redirect("usersessions_list")
