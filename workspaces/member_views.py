"""Pages about people: members of a workspace, invitations, accepting one."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import trigger_client_event

from accounts.tokens import digest
from workspaces import access, services
from workspaces.entrance import enter
from workspaces.errors import Invalid, Missing
from workspaces.forms import InviteForm, RoleForm
from workspaces.models import Invitation, Role

LINK = "invitation_link"


def role_of(request):
    """Return the visitor's Role now, which a change of their own may just have altered."""
    return access.role_in(request.actor, request.workspace)


def show_members(request, form=None, part=""):
    """Answer with the members' page, or with htmx its `part`."""
    workspace, mine = request.workspace, role_of(request)
    manages = mine in (Role.OWNER, Role.ADMIN)
    members = list(workspace.members.select_related("user").order_by("created_at", "id"))
    for member in members:
        theirs = member.role != Role.OWNER or mine == Role.OWNER
        member.changeable = manages and theirs
    opened = workspace.invitations.filter(accepted_at=None, revoked_at=None)
    context = {
        "workspace": workspace,
        "members": members,
        "roles": Role.choices if mine == Role.OWNER else Role.choices[1:],
        "manages": manages,
        "invitations": [item for item in opened if item.is_open] if manages else [],
        "form": form or InviteForm(),
        "link": request.session.pop(LINK, None) if manages else None,
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, f"workspaces/members.html{part}", context, status=status)


def show_done(request, sentence):
    """Answer a success: the changed list and a toast with htmx, else back to the page."""
    if not request.htmx:
        messages.success(request, sentence)
        return redirect("workspace_members", request.workspace.pk)
    return trigger_client_event(
        show_members(request, part="#people"), "toast", {"message": sentence}
    )


def show_refused(request, form):
    """Answer a change that can't be: the list as it still is, and why."""
    sentence = form.non_field_errors()[0]
    if not request.htmx:
        messages.error(request, sentence)
        return redirect("workspace_members", request.workspace.pk)
    event = {"message": sentence, "kind": "bad"}
    return trigger_client_event(show_members(request, part="#people"), "toast", event)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
@vary_on_headers("HX-Request")
def members(request, workspace_id):
    """List members and open invitations; invite by e-mail."""
    enter(request, workspace_id, "admin" if request.method == "POST" else "read")
    if request.method == "GET":
        return show_members(request, part="#people" if request.htmx else "")
    form = InviteForm(request.POST)
    if form.is_valid():
        with form.telling("email"):
            invitation, link = services.invite(
                workspace=request.workspace, actor=request.actor, **form.cleaned_data
            )
            request.session[LINK] = {"email": invitation.email, "url": link}
            return show_done(request, f"{invitation.email} is invited.")
    return show_members(request, form=form, part="#people" if request.htmx else "")


def find_member(request, user_id):
    """Return the Member of the entered workspace whose user is `user_id`; raise Missing."""
    found = request.workspace.members.select_related("user", "workspace").filter(user=user_id)
    member = found.first()
    if member is None:
        raise Missing("There is no such member.")
    return member


@login_required
@require_POST
def member_role(request, workspace_id, user_id):
    """Give a member another role."""
    enter(request, workspace_id, "admin")
    member = find_member(request, user_id)
    form = RoleForm(request.POST, mine=role_of(request))
    if not form.is_valid():
        raise Invalid("Choose one of the roles.")
    role = Role(form.cleaned_data["role"])
    with form.telling():
        services.change_role(member=member, role=role, actor=request.actor)
        return show_done(request, f"{member.user} is {role.label.lower()} now.")
    return show_refused(request, form)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def member_remove(request, workspace_id, user_id):
    """Ask whether to take a member out, then do it."""
    enter(request, workspace_id, "admin")
    member = find_member(request, user_id)
    if request.method == "GET":
        context = {"member": member, "title": f"Remove {member.user}?"}
        return render(request, "workspaces/remove.html", context)
    services.remove_member(member=member, actor=request.actor)
    sentence = f"{member.user} is no longer a member."
    if not request.htmx:
        messages.success(request, sentence)
        return redirect("workspace_members", workspace_id)
    response = trigger_client_event(HttpResponse(status=204), "members:changed")
    trigger_client_event(response, "dialog:close")
    return trigger_client_event(response, "toast", {"message": sentence})


@login_required
@require_POST
def invitation_withdraw(request, workspace_id, invitation_id):
    """Close an open invitation."""
    enter(request, workspace_id, "admin")
    invitation = request.workspace.invitations.filter(pk=invitation_id).first()
    if invitation is None or not invitation.is_open:
        raise Missing("This invitation is not open any more.")
    services.revoke_invitation(invitation=invitation, actor=request.actor)
    return show_done(request, f"The invitation for {invitation.email} is withdrawn.")


@require_http_methods(["GET", "POST"])
@never_cache
def accept_invitation(request, secret):
    """Show who invites to what; make the person a member when they accept."""
    # Nobody may see an invitation but members; whoever holds the secret may see this one.
    with access.wall_lifted():
        wanted = Invitation.objects.filter(digest=digest(secret[:200]))
        if request.method == "POST":
            wanted = wanted.select_for_update(of=["self"])  # a second click waits, then is late
        found = wanted.select_related("workspace", "invited_by").first()
    if found is None or not (found.is_open or found.accepted_at) or found.workspace.deleted_at:
        raise Missing("This invitation was withdrawn or is older than 14 days. Ask for a new one.")
    user = request.user
    fits = user.is_authenticated and user.email.lower() == found.email
    if found.accepted_at:
        if fits and access.allows(request.actor, "read", found.workspace):
            return redirect(found.workspace)
        raise Missing("This invitation was used already.")
    if request.method == "POST" and user.is_authenticated:
        joined = services.accept_invitation(invitation=found, actor=request.actor)
        messages.success(request, f"Welcome to “{joined.name}”.")
        return redirect(joined)
    context = {"invitation": found, "fits": fits}
    return render(request, "workspaces/accept.html", context)
