"""The start page, a workspace's page, its settings and the trash."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as
from workspaces.models import Event, Role, Workspace

HTMX = {"HTTP_HX_REQUEST": "true"}


def url(name, workspace, *args):
    return reverse(name, args=[workspace.pk, *args])


def stored(workspace):
    """Return the workspace as the database has it."""
    with acting_as(Actor.system()):
        return Workspace.objects.get(pk=workspace.pk)


class TestHome:
    def test_signed_out_goes_to_sign_in(self, client, db):
        response = client.get("/")
        assert response.status_code == 302
        assert response.url.startswith("/accounts/login/")

    def test_nobody_meets_a_dead_end(self, charlie):
        page = charlie.client.get("/")
        assert page.status_code == 200
        assert reverse("workspace_new") in page.content.decode()

    def test_goes_to_the_workspace_used_last(self, alice, workspace):
        client = alice.client
        made = client.post(reverse("workspace_new"), {"name": "Archive"})
        assert client.get("/").url == url("workspace", workspace).replace(
            str(workspace.pk), made.url.split("/")[2]
        )
        client.get(url("workspace", workspace))
        assert client.get("/").url == url("workspace", workspace)


class TestNew:
    def test_makes_a_workspace_that_is_mine(self, charlie):
        client = charlie.client
        response = client.post(reverse("workspace_new"), {"name": "  My   room "}, follow=True)
        assert "My room" in response.content.decode()
        with charlie.acting():
            assert Workspace.objects.get().members.get().role == Role.OWNER

    @pytest.mark.parametrize("name", ["", "   ", "\x00", "x" * 121])
    def test_keeps_a_bad_name_in_the_form(self, charlie, name):
        response = charlie.client.post(reverse("workspace_new"), {"name": name})
        assert response.status_code == 422
        assert "field-error" in response.content.decode()

    def test_opens_in_a_dialog(self, charlie):
        client = charlie.client
        assert "<html" not in client.get(reverse("workspace_new"), **HTMX).content.decode()
        made = client.post(reverse("workspace_new"), {"name": "Room"}, **HTMX)
        assert made.headers["HX-Redirect"].startswith("/w/")


class TestPage:
    def test_teammate_reads_it(self, bob, workspace):
        page = bob.client.get(url("workspace", workspace))
        assert page.status_code == 200
        assert "Bookshop" in page.content.decode()

    def test_stranger_gets_404(self, charlie, workspace):
        page = charlie.client.get(url("workspace", workspace))
        assert page.status_code == 404
        assert "Bookshop" not in page.content.decode()

    def test_shows_records_with_their_counts(self, alice, workspace, make_record):
        make_record("Books", title="text")
        page = alice.client.get(url("workspace", workspace)).content.decode()
        assert "Books" in page
        assert "No entries yet" in page

    def test_queries_do_not_grow_with_records(self, alice, workspace, make_record):
        client, target = alice.client, url("workspace", workspace)
        make_record("First", title="text")
        client.get(target)
        with CaptureQueriesContext(connection) as one:
            client.get(target)
        for number in range(8):
            make_record(f"More {number}", title="text")
        with CaptureQueriesContext(connection) as many:
            client.get(target)
        assert len(many) == len(one)

    def test_only_who_may_design_is_offered_to(self, bob, workspace):
        assert "New record" not in bob.client.get(url("workspace", workspace)).content.decode()


class TestSettings:
    def test_renames(self, alice, workspace):
        response = alice.client.post(url("workspace_settings", workspace), {"name": "Library"})
        assert response.status_code == 302
        assert stored(workspace).name == "Library"
        with alice.acting():
            event = Event.objects.filter(type="workspace.renamed").get()
        assert event.user_id == alice.user.pk
        assert event.cause == {"door": "browser"}

    def test_keeps_a_bad_name(self, alice, workspace):
        page = alice.client.post(url("workspace_settings", workspace), {"name": " "})
        assert page.status_code == 422
        assert stored(workspace).name == "Bookshop"

    @pytest.mark.parametrize("role", [Role.EDITOR, Role.COMMENTER, Role.VIEWER])
    def test_others_read_but_are_refused_writing(self, bob, workspace, role):
        give_role(workspace, bob, role)
        client = bob.client
        page = client.get(url("workspace_settings", workspace))
        assert page.status_code == 200
        assert "Rename" not in page.content.decode()
        refused = client.post(url("workspace_settings", workspace), {"name": "Mine"})
        assert refused.status_code == 403
        assert "needs the role admin" in refused.content.decode()
        assert stored(workspace).name == "Bookshop"

    def test_htmx_gets_the_refusal_as_a_toast(self, bob, workspace):
        refused = bob.client.post(url("workspace_settings", workspace), {"name": "M"}, **HTMX)
        assert refused.status_code == 403
        assert refused.content == b""
        assert "needs the role admin" in refused.headers["HX-Trigger"]
        assert refused.headers["HX-Reswap"] == "none"


class TestTrash:
    def test_deleting_asks_for_the_name(self, alice, workspace):
        page = alice.client.post(url("workspace_delete", workspace), {"name": "bookshop"})
        assert page.status_code == 422
        assert stored(workspace).deleted_at is None

    def test_deleting_and_restoring(self, alice, bob, workspace):
        client = alice.client
        client.post(url("workspace_delete", workspace), {"name": "Bookshop"})
        assert stored(workspace).deleted_at
        assert client.get(url("workspace", workspace)).status_code == 404
        assert bob.client.get(url("workspace", workspace)).status_code == 404
        assert "Bookshop" in client.get(reverse("workspaces_trash")).content.decode()
        assert client.post(url("workspace_restore", workspace)).status_code == 302
        assert client.get(url("workspace", workspace)).status_code == 200

    def test_only_owners_delete_and_restore(self, alice, bob, charlie, workspace):
        give_role(workspace, bob, Role.ADMIN)
        name = {"name": "Bookshop"}
        assert bob.client.post(url("workspace_delete", workspace), name).status_code == 403
        assert charlie.client.post(url("workspace_delete", workspace), name).status_code == 404
        alice.client.post(url("workspace_delete", workspace), name)
        for person in (bob, charlie):
            assert "Bookshop" not in person.client.get(reverse("workspaces_trash")).content.decode()
            assert person.client.post(url("workspace_restore", workspace)).status_code == 404

    def test_a_deleted_one_is_no_home(self, alice, workspace):
        client = alice.client
        client.get(url("workspace", workspace))
        client.post(url("workspace_delete", workspace), {"name": "Bookshop"})
        page = client.get("/")
        assert page.status_code == 200
        assert reverse("workspaces_trash") in page.content.decode()


class TestLeave:
    def test_leaving(self, bob, workspace):
        client = bob.client
        assert client.get(url("workspace_leave", workspace)).status_code == 200
        assert client.post(url("workspace_leave", workspace)).url == "/"
        assert client.get(url("workspace", workspace)).status_code == 404

    def test_the_last_owner_stays(self, alice, workspace):
        page = alice.client.post(url("workspace_leave", workspace))
        assert page.status_code == 422
        assert "needs an owner" in page.content.decode()
        assert alice.client.get(url("workspace", workspace)).status_code == 200
