"""The members' page: roles, removing, inviting; and the way in by an invitation."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kdap.tests.people import PASSWORD, give_role
from workspaces.access import Actor, acting_as
from workspaces.models import Invitation, Member, Role

HTMX = {"HTTP_HX_REQUEST": "true"}


def url(name, workspace, *args):
    return reverse(name, args=[workspace.pk, *args])


def role_of(person, workspace):
    with acting_as(Actor.system()):
        found = Member.objects.filter(workspace=workspace, user=person.user).first()
        return found.role if found else None


@pytest.fixture
def invited(alice, workspace, django_capture_on_commit_callbacks):
    """Return a function: invited("x@example.com") gives the path that the mail leads to."""

    def invite(email, role=Role.EDITOR):
        with django_capture_on_commit_callbacks(execute=True):
            alice.client.post(url("workspace_members", workspace), {"email": email, "role": role})
        return re.search(r"/invitations/[\w-]+/", mail.outbox[-1].body)[0]

    return invite


class TestList:
    def test_everybody_with_a_role_sees_it(self, bob, workspace):
        for role in Role:
            give_role(workspace, bob, role)
            page = bob.client.get(url("workspace_members", workspace))
            assert page.status_code == 200
            assert "alice@example.com" in page.content.decode()

    def test_only_who_manages_sees_invitations(self, alice, bob, workspace, invited):
        invited("dora@example.com")
        assert "dora@" in alice.client.get(url("workspace_members", workspace)).content.decode()
        assert "dora@" not in bob.client.get(url("workspace_members", workspace)).content.decode()

    def test_stranger_gets_404(self, charlie, workspace):
        assert charlie.client.get(url("workspace_members", workspace)).status_code == 404

    def test_htmx_gets_the_part(self, alice, workspace):
        page = alice.client.get(url("workspace_members", workspace), **HTMX).content.decode()
        assert 'id="people"' in page
        assert "<html" not in page

    def test_queries_do_not_grow_with_members(self, alice, workspace, django_user_model):
        client, target = alice.client, url("workspace_members", workspace)
        client.get(target)
        with CaptureQueriesContext(connection) as few:
            client.get(target)
        for number in range(20):
            user = django_user_model.objects.create_user(f"p{number}@example.com")
            with acting_as(Actor.system()):
                Member.objects.create(workspace=workspace, user=user)
        with CaptureQueriesContext(connection) as many:
            client.get(target)
        assert len(many) == len(few)


class TestRole:
    def change(self, who, whom, workspace, role, **headers):
        target = url("member_role", workspace, whom.user.pk)
        return who.client.post(target, {"role": role}, **headers)

    def test_changes(self, alice, bob, workspace):
        assert self.change(alice, bob, workspace, "viewer").status_code == 302
        assert role_of(bob, workspace) == "viewer"

    def test_htmx_gets_the_list_and_a_toast(self, alice, bob, workspace):
        page = self.change(alice, bob, workspace, "admin", **HTMX)
        assert page.status_code == 200
        assert "Bob is admin now." in page.headers["HX-Trigger"]

    def test_an_admin_makes_no_owner(self, alice, bob, charlie, workspace):
        give_role(workspace, bob, Role.ADMIN)
        give_role(workspace, charlie, Role.EDITOR)
        assert self.change(bob, charlie, workspace, "owner").status_code == 422
        assert self.change(bob, alice, workspace, "viewer").status_code == 403
        assert role_of(charlie, workspace) == "editor"
        assert role_of(alice, workspace) == "owner"

    def test_the_last_owner_stays_owner(self, alice, workspace):
        page = self.change(alice, alice, workspace, "editor", **HTMX)
        assert "needs an owner" in page.headers["HX-Trigger"]
        assert role_of(alice, workspace) == "owner"

    def test_stepping_down_takes_effect_on_the_page(self, alice, bob, workspace):
        self.change(alice, bob, workspace, "owner")
        page = self.change(alice, alice, workspace, "viewer", **HTMX)
        assert "Invite somebody" not in page.content.decode()

    def test_nonsense_is_refused(self, alice, bob, workspace):
        assert self.change(alice, bob, workspace, "king").status_code == 422
        assert role_of(bob, workspace) == "editor"

    def test_editor_and_stranger_are_refused(self, alice, bob, charlie, workspace):
        assert self.change(bob, alice, workspace, "viewer").status_code == 403
        assert self.change(charlie, bob, workspace, "viewer").status_code == 404
        assert self.change(alice, charlie, workspace, "viewer").status_code == 404


class TestRemove:
    def test_removes(self, alice, bob, workspace):
        target = url("member_remove", workspace, bob.user.pk)
        assert alice.client.get(target).status_code == 200
        assert alice.client.post(target).status_code == 302
        assert role_of(bob, workspace) is None
        assert bob.client.get(url("workspace", workspace)).status_code == 404

    def test_an_admin_removes_no_owner(self, alice, bob, workspace):
        give_role(workspace, bob, Role.ADMIN)
        target = url("member_remove", workspace, alice.user.pk)
        assert bob.client.post(target).status_code == 403
        assert role_of(alice, workspace) == "owner"

    def test_editor_and_stranger_are_refused(self, alice, bob, charlie, workspace):
        target = url("member_remove", workspace, alice.user.pk)
        assert bob.client.post(target).status_code == 403
        assert charlie.client.post(target).status_code == 404


class TestInvite:
    def test_a_mail_leads_in(self, charlie, workspace, invited):
        path = invited("charlie@example.com", Role.COMMENTER)
        message = mail.outbox[-1]
        assert message.to == ["charlie@example.com"]
        assert "Alice invites you to “Bookshop” on KDAP, as commenter" in message.body
        client = charlie.client
        assert "Join the workspace" in client.get(path).content.decode()
        assert client.post(path).url == url("workspace", workspace)
        assert role_of(charlie, workspace) == "commenter"
        assert client.get(path).url == url("workspace", workspace)

    def test_the_link_is_shown_once(self, alice, workspace):
        client, target = alice.client, url("workspace_members", workspace)
        values = {"email": "dora@example.com", "role": "editor"}
        page = client.post(target, values, follow=True).content.decode()
        assert "/invitations/" in page
        assert "/invitations/" not in re.sub(
            r"/invitations/[0-9a-f-]{36}/withdraw/", "", client.get(target).content.decode()
        )

    def test_signed_out_is_shown_both_ways(self, client, invited):
        page = client.get(invited("dora@example.com"))
        assert page.status_code == 200
        text = page.content.decode()
        assert "/accounts/signup/?email=dora%40example.com" in text
        assert "/accounts/login/?next=%2Finvitations%2F" in text

    def test_signing_up_by_the_link_joins(self, client, workspace, invited):
        path = invited("dora@example.com")
        values = {"name": "Dora", "email": "dora@example.com"}
        values |= {"password1": PASSWORD, "next": path}
        response = client.post(reverse("account_signup"), values)
        assert response.url == path
        assert client.post(path).url == url("workspace", workspace)

    def test_the_wrong_person_is_told(self, charlie, workspace, invited):
        path = invited("dora@example.com")
        page = charlie.client.get(path)
        assert "This invitation is for dora@example.com" in page.content.decode()
        assert charlie.client.post(path).status_code == 403
        assert role_of(charlie, workspace) is None

    def test_used_withdrawn_old_and_invented_ones_are_404(
        self, alice, charlie, workspace, invited, django_user_model
    ):
        path = invited("charlie@example.com")
        charlie.client.post(path)
        assert alice.client.get(path).status_code == 404
        again = invited("dora@example.com")
        with acting_as(Actor.system()):
            last = Invitation.objects.get(email="dora@example.com")
        withdraw = url("invitation_withdraw", workspace, last.pk)
        assert alice.client.post(withdraw).status_code == 302
        assert alice.client.get(again).status_code == 404
        assert alice.client.post(withdraw).status_code == 404
        old = invited("emil@example.com")
        with acting_as(Actor.system()):
            Invitation.objects.filter(email="emil@example.com").update(
                created_at=last.created_at - timedelta(days=15)
            )
        assert alice.client.get(old).status_code == 404
        assert alice.client.get("/invitations/nothing/").status_code == 404

    def test_a_second_one_replaces_the_first(self, charlie, workspace, invited):
        first, second = invited("charlie@example.com"), invited("Charlie@Example.com")
        client = charlie.client
        assert client.get(first).status_code == 404
        assert client.post(second).status_code == 302

    @pytest.mark.parametrize(
        ("email", "sentence"),
        [("bob@example.com", "is a member already"), ("nonsense", "valid email"), ("", "required")],
    )
    def test_bad_input_stays_in_the_form(self, alice, workspace, email, sentence):
        values = {"email": email, "role": "viewer"}
        page = alice.client.post(url("workspace_members", workspace), values)
        assert page.status_code == 422
        assert sentence in page.content.decode()
        assert f'value="{email}"' in page.content.decode() or not email

    def test_editor_and_stranger_are_refused(self, bob, charlie, workspace, invited):
        values = {"email": "dora@example.com", "role": "editor"}
        target = url("workspace_members", workspace)
        assert bob.client.post(target, values).status_code == 403
        assert charlie.client.post(target, values).status_code == 404
        invited("emil@example.com")
        with acting_as(Actor.system()):
            invitation = Invitation.objects.get()
        withdraw = url("invitation_withdraw", workspace, invitation.pk)
        assert bob.client.post(withdraw).status_code == 403
        assert charlie.client.post(withdraw).status_code == 404
