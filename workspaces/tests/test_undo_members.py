"""Undo and redo of who belongs to a workspace: rights are today's, and an owner always stays."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from kdap.tests.people import give_role
from workspaces import services
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Forbidden, Missing
from workspaces.models import Event, Invitation, Member, Role
from workspaces.operations import undo

pytestmark = pytest.mark.django_db


def did(person, verb, **what):
    """Let `person` call a service; return the operation."""
    actor = person.actor
    with acting_as(actor):
        verb(actor=actor, **what)
    return actor.operation


def back(person, operation, **how):
    """Let `person` undo an operation; return the Outcome."""
    with person.acting() as actor:
        return undo(operation_id=operation, actor=actor, **how)


def member(workspace, person):
    with acting_as(Actor.system()):
        found = Member.objects.filter(workspace=workspace, user=person.user)
        return found.select_related("workspace").first()


def role_of(workspace, person):
    found = member(workspace, person)
    return found.role if found else None


def invitation_of(workspace):
    with acting_as(Actor.system()):
        return Invitation.objects.select_related("workspace").get(workspace=workspace)


@pytest.fixture
def asked(alice, charlie, workspace):
    """The operation of Alice that invited Charlie."""
    email = charlie.user.email
    return did(alice, services.invite, workspace=workspace, email=email, role="viewer")


@pytest.fixture
def joined(charlie, workspace, asked):
    """The operation by which Charlie accepted."""
    invitation = invitation_of(workspace)
    return did(charlie, services.accept_invitation, invitation=invitation)


class TestAdded:
    def test_takes_out_and_redo_brings_back(self, alice, charlie, workspace, joined):
        done = back(alice, joined)
        assert done.detail == "1 restored."
        assert role_of(workspace, charlie) is None
        back(alice, done.operation)
        assert role_of(workspace, charlie) == "viewer"

    def test_a_role_changed_since_is_kept(self, alice, charlie, workspace, joined):
        give_role(workspace, charlie, Role.EDITOR)
        kept = back(alice, joined, preview=True)
        assert (kept.restored, kept.kept) == (0, 1)
        assert "role of Charlie was changed" in kept.examples[0]["detail"]
        back(alice, joined, force=True)
        assert role_of(workspace, charlie) is None

    def test_who_left_already_is_nothing_to_take_back(self, alice, charlie, workspace, joined):
        did(charlie, services.remove_member, member=member(workspace, charlie))
        assert back(alice, joined).detail == "There was nothing left to take back."

    def test_ones_own_joining_is_no_undo(self, charlie, workspace, joined):
        with pytest.raises(Conflict, match="leave it on its members page"):
            back(charlie, joined)

    def test_needs_rights_of_today(self, bob, charlie, workspace, joined):
        with pytest.raises(Forbidden):
            back(bob, joined)
        give_role(workspace, bob, Role.ADMIN)
        give_role(workspace, charlie, Role.OWNER)
        with pytest.raises(Forbidden, match="owner"):
            back(bob, joined, force=True)
        give_role(workspace, charlie, Role.VIEWER)
        assert back(bob, joined).restored == 1


class TestRemoved:
    @pytest.fixture
    def out(self, alice, bob, workspace):
        """The operation of Alice that took Bob out."""
        return did(alice, services.remove_member, member=member(workspace, bob))

    def test_brings_back_in_the_old_role(self, alice, bob, workspace, out):
        done = back(alice, out)
        assert role_of(workspace, bob) == "editor"
        with pytest.raises(Conflict, match="undone already"):
            back(alice, out)
        back(alice, done.operation)
        assert role_of(workspace, bob) is None

    def test_a_member_again_is_kept(self, alice, bob, workspace, out):
        give_role(workspace, bob, Role.EDITOR)
        assert back(alice, out, preview=True).detail == "There was nothing left to take back."
        give_role(workspace, bob, Role.ADMIN)
        assert "in another role" in back(alice, out).examples[0]["detail"]
        assert role_of(workspace, bob) == "admin"

    def test_nobody_comes_back_who_left(self, alice, bob, workspace):
        left = did(bob, services.remove_member, member=member(workspace, bob))
        with pytest.raises(Missing):
            back(bob, left)
        with pytest.raises(Conflict, match="left by themselves"):
            back(alice, left)
        assert role_of(workspace, bob) is None

    def test_a_closed_account_does_not_come_back(self, alice, bob, out):
        bob.user.is_active = False
        bob.user.save()
        with pytest.raises(Missing, match="no account"):
            back(alice, out)

    def test_owners_come_back_by_owners(self, alice, bob, charlie, workspace):
        give_role(workspace, bob, Role.OWNER)
        out = did(alice, services.remove_member, member=member(workspace, bob))
        give_role(workspace, charlie, Role.OWNER)
        give_role(workspace, alice, Role.ADMIN)
        with pytest.raises(Forbidden, match="owner"):
            back(alice, out)
        assert back(charlie, out).restored == 1
        assert role_of(workspace, bob) == "owner"


class TestRole:
    def test_the_last_owner_stays(self, alice, bob, workspace):
        made = did(alice, services.change_role, member=member(workspace, bob), role="owner")
        with acting_as(Actor.system()):
            Member.objects.filter(user=alice.user).update(role="admin")
        with pytest.raises(Conflict, match="needs an owner"):
            back(bob, made)
        give_role(workspace, alice, Role.OWNER)
        assert back(alice, made).restored == 1
        assert role_of(workspace, bob) == "editor"

    def test_who_is_out_has_no_role(self, alice, bob, workspace):
        made = did(alice, services.change_role, member=member(workspace, bob), role="viewer")
        did(alice, services.remove_member, member=member(workspace, bob))
        with pytest.raises(Conflict, match="no member any more"):
            back(alice, made)


class TestInvited:
    def test_withdraws_and_redo_opens_the_same_link(self, alice, charlie, workspace, asked):
        done = back(alice, asked)
        assert not invitation_of(workspace).is_open
        back(alice, done.operation)
        assert invitation_of(workspace).is_open
        did(charlie, services.accept_invitation, invitation=invitation_of(workspace))
        assert role_of(workspace, charlie) == "viewer"

    def test_an_accepted_one_is_kept(self, alice, charlie, workspace, asked, joined):
        kept = back(alice, asked)
        assert (kept.restored, kept.kept) == (0, 1)
        assert "accepted" in kept.examples[0]["detail"]
        assert role_of(workspace, charlie) == "viewer"

    def test_only_its_own_is_withdrawn(self, alice, charlie, workspace, asked):
        email = charlie.user.email
        did(alice, services.invite, workspace=workspace, email=email, role="editor")
        assert back(alice, asked).detail == "There was nothing left to take back."
        with acting_as(Actor.system()):
            assert [i.role for i in workspace.invitations.all() if i.is_open] == ["editor"]

    def test_a_withdrawn_one_that_is_too_old(self, alice, workspace, asked):
        invitation = invitation_of(workspace)
        taken = did(alice, services.revoke_invitation, invitation=invitation)
        with acting_as(Actor.system()):
            invitation.created_at = timezone.now() - timedelta(days=15)
            invitation.save()
        with pytest.raises(Conflict, match="older than 14 days"):
            back(alice, taken)

    def test_a_withdrawn_one_whose_person_came_otherwise(self, alice, charlie, workspace, asked):
        taken = did(alice, services.revoke_invitation, invitation=invitation_of(workspace))
        email = charlie.user.email
        did(alice, services.invite, workspace=workspace, email=email, role="editor")
        with pytest.raises(Conflict, match="invited anew"):
            back(alice, taken)
        give_role(workspace, charlie, Role.EDITOR)
        with pytest.raises(Conflict, match="member already"):
            back(alice, taken)


def test_on_the_activity_page(alice, bob, workspace):
    out = did(alice, services.remove_member, member=member(workspace, bob))
    address = reverse("workspace_undo", args=[workspace.pk, out])
    assert (
        address
        in alice.client.get(reverse("workspace_activity", args=[workspace.pk])).content.decode()
    )
    assert "1 thing goes back" in alice.client.get(address).content.decode()
    assert role_of(workspace, bob) is None
    assert alice.client.post(address).status_code == 302
    assert role_of(workspace, bob) == "editor"
    page = alice.client.get(reverse("workspace_activity", args=[workspace.pk])).content.decode()
    assert "Undid: Took Bob out of the workspace" in page


def test_making_a_workspace_is_undone_as_a_whole(alice):
    actor = alice.actor
    with acting_as(actor):
        made = services.create_workspace(name="Second", actor=actor)
    assert back(alice, actor.operation).restored == 1
    assert role_of(made, alice) == "owner"
    with alice.acting():
        made.refresh_from_db()
        assert made.deleted_at
        assert not Event.objects.filter(type="member.removed", stream_id=made.pk).exists()
