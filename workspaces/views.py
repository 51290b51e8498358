"""Pages of workspaces: the start, one workspace, its settings, the trash."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect

from workspaces import access, retention, services
from workspaces.entrance import LAST, enter, last_used
from workspaces.errors import Missing
from workspaces.estimates import estimated_rows
from workspaces.forms import DeleteForm, NameForm, RetentionForm, VerbForm
from workspaces.models import Member, Role, Workspace


def go(request, to, *args):
    """Answer with a redirect that works from a dialog of htmx as well as from a plain form."""
    response = redirect(to, *args)
    return HttpResponseClientRedirect(response.url) if request.htmx else response


def posted(request):
    """Return what a form was sent, None when the page is only looked at."""
    return request.POST if request.method == "POST" else None


def show_form(request, template, form, **context):
    """Answer with a page around `form`: 422 when it has errors, and what was typed kept."""
    context |= {"form": form}
    return render(request, template, context, status=422 if form.errors else 200)


@login_required
@require_safe
def home(request):
    """Go on where the person was; who has no workspace yet makes the first one here."""
    workspace = last_used(request)
    if workspace is not None:
        return redirect(workspace)
    trashed = in_trash(request.user).exists()
    return render(request, "workspaces/first.html", {"form": NameForm(), "trashed": trashed})


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workspace_new(request):
    """Ask for a name and make a workspace."""
    form = NameForm(posted(request))
    if request.method == "POST" and form.is_valid():
        with form.telling("name"):
            made = services.create_workspace(name=form.cleaned_data["name"], actor=request.actor)
            return go(request, made)
    return show_form(request, "workspaces/new.html", form, title="New workspace")


@login_required
@require_safe
def workspace(request, workspace_id):
    """Show the records of a workspace as cards."""
    found = enter(request, workspace_id)
    records = list(found.records.filter(deleted_at=None).order_by("position", "id"))
    counts = estimated_rows([record.table_name for record in records])
    for record in records:
        record.about = counts.get(record.table_name, 0)
    trashed = found.records.exclude(deleted_at=None).count()
    context = {
        "workspace": found,
        "records": records,
        "trashed": trashed,
        "designs": access.allows(request.actor, "structure", found),
    }
    return render(request, "workspaces/workspace.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def workspace_settings(request, workspace_id):
    """Rename a workspace; ways to leave and to delete it."""
    found = enter(request, workspace_id, "admin" if request.method == "POST" else "read")
    form = NameForm(posted(request), initial={"name": found.name})
    form.fields["name"].widget.attrs.pop("autofocus")
    form.fields["name"].help_text = ""
    if request.method == "POST" and form.is_valid():
        with form.telling("name"):
            services.rename_workspace(
                workspace=found, name=form.cleaned_data["name"], actor=request.actor
            )
            messages.success(request, f"It is called “{found.name}” now.")
            return redirect("workspace_settings", found.pk)
    manages = access.allows(request.actor, "admin", found)
    return show_form(request, "workspaces/settings.html", form, workspace=found, manages=manages)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workspace_retention(request, workspace_id):
    """Set for how long the trash is kept."""
    found = enter(request, workspace_id, "admin")
    form = RetentionForm(posted(request), initial={"days": found.retention_days})
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["days"]
        retention.change_retention(workspace=found, days=days, actor=request.actor)
        messages.success(request, f"The trash is kept for {days} day{'s' * (days != 1)} now.")
        return go(request, "workspace_settings", found.pk)
    return show_form(
        request,
        "workspaces/retention.html",
        form,
        workspace=found,
        title="How long the trash is kept",
    )


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workspace_delete(request, workspace_id):
    """Ask for the name, then put the workspace in the trash."""
    found = enter(request, workspace_id, "own")
    form = DeleteForm(posted(request), workspace=found)
    if request.method == "POST" and form.is_valid():
        services.delete_workspace(workspace=found, actor=request.actor)
        request.session.pop(LAST, None)
        messages.success(request, f"“{found.name}” is in the trash. You can restore it there.")
        return go(request, "workspaces_trash")
    title = f"Delete “{found.name}”?"
    return show_form(request, "workspaces/delete.html", form, workspace=found, title=title)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def workspace_leave(request, workspace_id):
    """Ask, then take the person themselves out of the workspace."""
    found = enter(request, workspace_id)
    form = VerbForm(posted(request))
    if request.method == "POST" and form.is_valid():
        me = Member.objects.select_related("workspace").get(workspace=found, user=request.user)
        with form.telling():
            services.remove_member(member=me, actor=request.actor)
            request.session.pop(LAST, None)
            messages.success(request, f"You have left “{found.name}”.")
            return go(request, "home")
    title = f"Leave “{found.name}”?"
    return show_form(request, "workspaces/leave.html", form, workspace=found, title=title)


def in_trash(user):
    """Return the deleted workspaces that `user` may restore: those they own."""
    mine = Member.objects.filter(user=user, role=Role.OWNER).values("workspace")
    return Workspace.objects.filter(pk__in=mine).exclude(deleted_at=None)


@login_required
@require_safe
def workspaces_trash(request):
    """List the person's deleted workspaces."""
    deleted = list(in_trash(request.user).order_by("-deleted_at"))
    for item in deleted:
        item.purged_at = item.deleted_at + timedelta(days=item.retention_days)
    return render(request, "workspaces/trash.html", {"workspaces": deleted})


@login_required
@require_POST
def workspace_restore(request, workspace_id):
    """Take a workspace out of the trash and open it."""
    found = in_trash(request.user).filter(pk=workspace_id).first()
    if found is None:
        raise Missing("There is no such workspace in your trash.")
    services.restore_workspace(workspace=found, actor=request.actor)
    messages.success(request, f"“{found.name}” is back.")
    return go(request, found)
