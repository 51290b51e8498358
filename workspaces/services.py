"""What people do with workspaces. Each verb checks the actor, then appends an event."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from workspaces import access
from workspaces.errors import Conflict, Forbidden, Invalid, Missing
from workspaces.events import append, applied, applies, keeps, stamp
from workspaces.models import Invitation, Member, Role, Workspace

keeps("workspaces", "workspace_id")
keeps("members", "workspace_id", "user_id", but=("id",))


def clean_name(name, what="name"):
    """Return `name` without outer and doubled white space; raise Invalid when it can't be one."""
    name = " ".join(str(name or "").replace("\x00", "").split())
    if not name:
        raise Invalid(f"Give a {what}.")
    if len(name) > 120:
        raise Invalid(f"The {what} can have at most 120 characters; this one has {len(name)}.")
    return name


def create_workspace(*, name, actor):
    """Make a workspace that belongs to `actor`'s user; return it."""
    if actor.user is None or (actor.token and "admin" not in actor.token.verbs):
        raise Forbidden("Only a signed-in person, or a token with the right “admin”, can do this.")
    name = clean_name(name)
    workspace_id = uuid7()
    with access.wall_lifted():
        append(
            type="workspace.created",
            stream_id=workspace_id,
            workspace_id=workspace_id,
            payload={"name": name},
        )
        _add_member(workspace_id, actor.user, Role.OWNER)
    access.rebind()
    return Workspace.objects.get(pk=workspace_id)


def rename_workspace(*, workspace, name, actor):
    """Give `workspace` another name."""
    access.require(actor, "admin", workspace)
    name = clean_name(name)
    _append(workspace, "workspace.renamed", {"name": name, "was": workspace.name})
    workspace.refresh_from_db()
    return workspace


def delete_workspace(*, workspace, actor):
    """Put `workspace` in the trash; nothing in it is lost."""
    access.require(actor, "own", workspace)
    _append(workspace, "workspace.deleted", {"deleted_at": timezone.now()})


def restore_workspace(*, workspace, actor):
    """Take `workspace` out of the trash."""
    access.require(actor, "own", workspace)
    _append(workspace, "workspace.restored", {})


def change_role(*, member, role, actor):
    """Give `member` another role. Only owners make or unmake owners; one always remains."""
    access.require(actor, "admin", member.workspace)
    role = _known_role(role)
    if Role.OWNER in (role, member.role):
        access.require(actor, "own", member.workspace)
    if member.role == Role.OWNER and role != Role.OWNER:
        _keep_an_owner(member)
    _append(
        member.workspace,
        "member.changed",
        {"user_id": member.user_id, "role": role, "was": member.role},
    )
    access.rebind()


def remove_member(*, member, actor):
    """Take a person out of the workspace; everybody may take out themselves."""
    if member.user_id != actor.user_id:
        access.require(actor, "own" if member.role == Role.OWNER else "admin", member.workspace)
    elif not access.allows(actor, "read", member.workspace):
        raise Missing("There is no such member.")
    if member.role == Role.OWNER:
        _keep_an_owner(member)
    with access.wall_lifted():
        payload = {"user_id": member.user_id, "role": member.role}
        _append(member.workspace, "member.removed", payload)
    access.rebind()


def add_member(*, workspace, user_id, role, actor):
    """Make a person a member without asking them; only owners make owners.

    For staff in admin, and for taking back that somebody was taken out. Raises Missing when there
    is no such person, Conflict when they are a member already.
    """
    role = _known_role(role)
    access.require(actor, "own" if role == Role.OWNER else "admin", workspace)
    user = get_user_model().objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise Missing("This person has no account any more.")
    if Member.objects.filter(workspace=workspace, user=user).exists():
        raise Conflict(f"{user} is a member already.")
    _add_member(workspace.pk, user, role)
    access.rebind()


def invite(*, workspace, email, role, actor):
    """Send an invitation; return (invitation, link). A second one to an address replaces the first."""
    access.require(actor, "admin", workspace)
    role = _known_role(role)
    if role == Role.OWNER:
        raise Invalid("Invite as another role, then make the person owner.")
    email = get_user_model().objects.normalize_email(email.strip()).lower()
    if Member.objects.filter(workspace=workspace, user__email__iexact=email).exists():
        raise Conflict(f"{email} is a member already.")
    workspace.invitations.filter(email=email, accepted_at=None).update(revoked_at=timezone.now())
    secret, digest = Invitation.new_secret()
    invitation = Invitation.objects.create(
        workspace=workspace, email=email, role=role, digest=digest, invited_by=actor.user
    )
    _append(workspace, "member.invited", _invitation(invitation))
    link = settings.SITE_URL + reverse("accept_invitation", args=[secret])
    body = render_to_string(
        "workspaces/invitation.txt",
        {"workspace": workspace, "who": actor.user, "link": link, "role": Role(role).label},
    )
    subject = f"Join “{workspace.name}” on KDAP".replace("\n", " ")
    # A mail server that is down must not fail what is stored already; the page shows the link.
    transaction.on_commit(lambda: send_mail(subject, body, None, [email]), robust=True)
    return invitation, link


def revoke_invitation(*, invitation, actor):
    """Close an open invitation."""
    access.require(actor, "admin", invitation.workspace)
    invitation.revoked_at = timezone.now()
    invitation.save(update_fields=["revoked_at"])
    _append(invitation.workspace, "member.uninvited", _invitation(invitation))


def reopen_invitation(*, invitation, actor):
    """Let an invitation that was withdrawn be accepted again, by the link that its mail has.

    Raises Conflict when it was accepted or is too old, or the person was invited anew or joined.
    """
    access.require(actor, "admin", invitation.workspace)
    email, workspace = invitation.email, invitation.workspace
    open_ones = workspace.invitations.filter(email=email, accepted_at=None, revoked_at=None)
    if Member.objects.filter(workspace=workspace, user__email__iexact=email).exists():
        raise Conflict(f"{email} is a member already.")
    if any(other.is_open for other in open_ones):
        raise Conflict(f"{email} was invited anew since.")
    invitation.revoked_at = None
    if not invitation.is_open:
        raise Conflict("This invitation was used or is older than 14 days. Invite them again.")
    invitation.save(update_fields=["revoked_at"])
    _append(workspace, "member.invited", _invitation(invitation))


def accept_invitation(*, invitation, actor):
    """Make `actor`'s user a member as the invitation says; return the workspace."""
    with access.wall_lifted():
        if not invitation.is_open or invitation.workspace.deleted_at:
            raise Missing("This invitation was used, withdrawn or is older than 14 days.")
        if invitation.email != actor.user.email.lower():
            raise Forbidden(
                f"This invitation is for {invitation.email}. Sign in with that address."
            )
        if not Member.objects.filter(workspace=invitation.workspace, user=actor.user).exists():
            _add_member(invitation.workspace_id, actor.user, invitation.role)
        invitation.accepted_at = timezone.now()
        invitation.save(update_fields=["accepted_at"])
    access.rebind()
    return invitation.workspace


def _invitation(invitation):
    """Return what the log keeps of an invitation; its secret is not in it."""
    return {
        "invitation_id": str(invitation.pk),
        "email": invitation.email,
        "role": invitation.role,
    }


def _append(workspace, type, payload):
    return append(type=type, stream_id=workspace.pk, workspace_id=workspace.pk, payload=payload)


def _add_member(workspace_id, user, role):
    return append(
        type="member.added",
        stream_id=workspace_id,
        workspace_id=workspace_id,
        payload={"user_id": user.pk, "role": role},
    )


def _known_role(role):
    if role not in Role.values:
        raise Invalid(f"“{role}” is no role; there are {', '.join(Role.values)}.")
    return Role(role)


def _keep_an_owner(member):
    others = Member.objects.select_for_update().filter(workspace=member.workspace, role=Role.OWNER)
    if not others.exclude(pk=member.pk).exists():
        raise Conflict("A workspace needs an owner. Make somebody else owner first.")


@applies("workspace.created")
def _created(event):
    Workspace.objects.bulk_create(
        [
            Workspace(
                id=event.stream_id,
                name=event.payload["name"],
                created_at=event.timestamp,
                updated_at=event.timestamp,
                **stamp(event),
            )
        ]
    )


def _change(event, **columns):
    changed = Workspace.objects.filter(pk=event.stream_id).update(
        updated_at=event.timestamp, **stamp(event), **columns
    )
    applied(changed)


@applies("workspace.renamed")
def _renamed(event):
    _change(event, name=event.payload["name"])


@applies("workspace.deleted")
def _deleted(event):
    _change(event, deleted_at=event.timestamp)


@applies("workspace.restored")
def _restored(event):
    _change(event, deleted_at=None)


@applies("member.added")
def _member_added(event):
    Member.objects.create(
        workspace_id=event.stream_id,
        user_id=event.payload["user_id"],
        role=event.payload["role"],
        created_at=event.timestamp,
        **stamp(event),
    )
    _change(event)


@applies("member.changed")
def _member_changed(event):
    Member.objects.filter(workspace=event.stream_id, user=event.payload["user_id"]).update(
        role=event.payload["role"], **stamp(event)
    )
    _change(event)


@applies("member.removed")
def _member_removed(event):
    Member.objects.filter(workspace=event.stream_id, user=event.payload["user_id"]).delete()
    _change(event)


@applies("member.invited")
@applies("member.uninvited")
def _invited(event):
    _change(event)
