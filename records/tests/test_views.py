"""Views: a question and a look under a name, shared or for oneself, over pages and as events."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from kdap.tests.people import give_role
from records import entries, purging, saved_views, services
from records.models import GridState, RecordView
from records.tests.api import Api
from workspaces import operations
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Forbidden, Invalid, Missing

CHEAP = {"field": "price", "op": "lt", "value": "10"}


@pytest.fixture
def goods(make_record):
    return make_record(title="text", price={"type": "decimal"}, stock="integer")


@pytest.fixture
def stocked(alice, goods):
    """Goods with three entries, of which two are cheap."""
    rows = [
        {"title": "Tea", "price": "4", "stock": 1},
        {"title": "Wine", "price": "30", "stock": 2},
        {"title": "Salt", "price": "1", "stock": 3},
    ]
    with alice.acting() as actor:
        entries.create_entries(record=goods, rows=rows, actor=actor)
    return goods


def make(person, record, name="Cheap", **values):
    """Make a view as a person; a question that asks for cheap things unless another is given."""
    values.setdefault("question", {"where": CHEAP, "sort": ["-price"]})
    with person.acting() as actor:
        return saved_views.create_view(record=record, name=name, actor=actor, **values)


def fresh(view):
    """Return the view as it is stored now, None when it is gone."""
    with acting_as(Actor.system()):
        return RecordView.objects.filter(pk=view.pk).first()


def shown(client, record, **asked):
    """Return the titles that the record's page shows, as the grid gets them."""
    page = client.get(reverse("record", args=[record.pk]), asked)
    assert page.status_code == 200, page.content
    text = page.content.decode().partition('id="grid-data">')[2].partition("</script>")[0]
    return [row[2] for row in json.loads(text)["rows"]]


class TestAView:
    def test_shows_what_it_asks_for_in_its_order(self, alice, stocked):
        view = make(alice, stocked)
        assert shown(alice.client, stocked, view=view.pk) == ["Tea", "Salt"]

    def test_is_one_question_of_what_the_address_does_not_name(self, alice, stocked):
        view = make(alice, stocked)
        assert shown(alice.client, stocked, view=view.pk, sort="price") == ["Salt", "Tea"]
        assert shown(alice.client, stocked, view=view.pk, where="") == ["Wine", "Tea", "Salt"]

    def test_its_question_may_have_a_number_of_any_length(self, alice, stocked):
        where = {"field": "price", "op": "lt", "value": 1e30}
        view = make(alice, stocked, question={"where": where, "sort": ["price"]})
        asked = {"view": str(view.pk)}
        assert shown(alice.client, stocked, **asked) == ["Salt", "Tea", "Wine"]
        rows = alice.client.get(reverse("record_rows", args=[stocked.pk]), asked | {"block": 0})
        assert rows.status_code == 200

    def test_works_without_scripts(self, alice, stocked):
        view = make(alice, stocked)
        page = alice.client.get(view.get_absolute_url() + "&page=1").content.decode()
        assert '<td class="">Wine' not in page
        assert ">Tea<" in page

    def test_tries_its_question_when_it_is_saved(self, alice, stocked):
        with pytest.raises(Invalid, match="no field “colour”"):
            make(alice, stocked, question={"where": {"field": "colour", "op": "is", "value": 1}})
        with pytest.raises(Invalid):
            make(alice, stocked, question={"sort": ["price"] * 11})
        with pytest.raises(Invalid, match="where, sort and search"):
            make(alice, stocked, question={"drop": 1})

    def test_keeps_only_what_a_layout_can_be(self, alice, stocked):
        price = stocked.structure.field("price").id
        layout = {"hidden": [price, "x", 3], "widths": {price: 90, "y": "z"}, "height": "tall"}
        view = make(alice, stocked, layout=layout | {"script": "alert(1)"})
        assert view.layout == {"hidden": [price], "widths": {price: 90}, "height": "tall"}

    def test_shows_at_least_one_field(self, alice, stocked):
        with pytest.raises(Invalid, match="at least one field"):
            make(alice, stocked, layout={"hidden": [f.id for f in stocked.structure.fields]})


class TestAFieldThatGoes:
    """The part of a view that names it is left out and said, until the field comes back."""

    def delete(self, person, record, key):
        with person.acting() as actor:
            services.change_structure(
                record=record,
                changes=[{"op": "delete_field", "field": record.structure.field(key).id}],
                actor=actor,
                confirmed=True,
            )
            return actor.operation

    def test_is_left_out_and_said(self, alice, stocked):
        both = {"and": [CHEAP, {"field": "stock", "op": "gt", "value": 1}]}
        view = make(alice, stocked, question={"where": both, "sort": ["-price", "title"]})
        self.delete(alice, stocked, "price")
        assert shown(alice.client, stocked, view=view.pk) == ["Salt", "Wine"]
        page = alice.client.get(view.get_absolute_url()).content.decode()
        assert "There is no field “price”" in page

    def test_counts_again_when_its_deleting_is_undone(self, alice, stocked):
        view = make(alice, stocked)
        operation = self.delete(alice, stocked, "price")
        with alice.acting() as actor:
            operations.undo(operation_id=operation, actor=actor)
        assert shown(alice.client, stocked, view=view.pk) == ["Tea", "Salt"]

    def test_is_there_again_in_the_past(self, alice, stocked):
        view = make(alice, stocked)
        with acting_as(alice.actor), connection.cursor() as cursor:
            cursor.execute("SELECT max(event_id) FROM events")
            (before,) = cursor.fetchone()
        self.delete(alice, stocked, "price")
        assert shown(alice.client, stocked, view=view.pk, as_of=before) == ["Tea", "Salt"]


class TestWhoMay:
    def test_viewers_use_views_and_change_none(self, alice, bob, stocked, workspace):
        view = make(alice, stocked)
        give_role(workspace, bob, "viewer")
        assert shown(bob.client, stocked, view=view.pk) == ["Tea", "Salt"]
        with pytest.raises(Forbidden):
            make(bob, stocked, personal=True)
        with bob.acting() as actor, pytest.raises(Forbidden):
            saved_views.change_view(view=view, actor=actor, name="Mine")

    def test_a_personal_view_is_its_owners_alone(self, alice, bob, stocked, workspace):
        give_role(workspace, bob, "admin")
        view = make(alice, stocked, personal=True)
        assert bob.client.get(view.get_absolute_url()).status_code == 404
        with bob.acting() as actor:
            assert saved_views.views_of(stocked, actor) == []
            with pytest.raises(Missing):
                saved_views.find_view(actor, view.pk)
            assert not RecordView.objects.filter(pk=view.pk).exists()  # the database's wall

    def test_the_log_tells_nobody_else_of_a_personal_view(self, alice, bob, stocked, workspace):
        give_role(workspace, bob, "admin")
        make(alice, stocked, name="Layoffs", personal=True)
        make(alice, stocked, name="Bargains")
        activity = reverse("workspace_activity", args=[workspace.pk])
        export = reverse("workspace_log_export", args=[workspace.pk, "ndjson"])
        log = f"workspaces/{workspace.pk}/events/"
        for person, told in ((alice, True), (bob, False)):
            texts = [
                person.client.get(activity).content.decode(),
                b"".join(person.client.get(export).streaming_content).decode(),
                Api(person).get(log).content.decode(),
            ]
            for text in texts:
                assert "Bargains" in text
                assert ("Layoffs" in text) == told

    def test_only_the_owner_takes_a_shared_view_for_themselves(
        self, alice, bob, stocked, workspace
    ):
        give_role(workspace, bob, "admin")
        view = make(alice, stocked)
        with bob.acting() as actor, pytest.raises(Conflict, match="Only the person"):
            saved_views.change_view(view=view, actor=actor, personal=True)

    def test_strangers_find_nothing(self, charlie, alice, stocked):
        view = make(alice, stocked)
        assert charlie.client.get(view.get_absolute_url()).status_code == 404

    def test_of_another_record_it_is_not_there(self, alice, stocked, make_record):
        view, other = make(alice, stocked), make_record(name="Other", title="text")
        page = alice.client.get(reverse("record", args=[other.pk]), {"view": view.pk})
        assert page.status_code == 404
        page = alice.client.get(reverse("record", args=[stocked.pk]), {"view": "nonsense"})
        assert page.status_code == 404


class TestHowOneLooksAtIt:
    def put(self, client, record, view, **state):
        url = reverse("record_state", args=[record.pk])
        answer = client.post(f"{url}?view={view.pk}", state, content_type="application/json")
        assert answer.status_code == 200

    def state(self, client, view):
        page = client.get(view.get_absolute_url()).content.decode()
        text = page.partition('id="grid-data">')[2].partition("</script>")[0]
        return json.loads(text)["state"]

    def test_is_each_persons_own_until_the_view_is_saved_anew(self, alice, bob, stocked, workspace):
        give_role(workspace, bob, "editor")
        view = make(alice, stocked, layout={"height": "tall"})
        self.put(bob.client, stocked, view, height="short")
        assert self.state(bob.client, view) == {"height": "short"}
        assert self.state(alice.client, view) == {"height": "tall"}
        with alice.acting() as actor:
            saved_views.change_view(view=view, actor=actor, layout={"height": "extra"})
        assert self.state(bob.client, view) == {"height": "extra"}

    def test_outside_of_views_it_stays_as_it_was(self, alice, stocked):
        view = make(alice, stocked)
        with alice.acting():
            GridState.objects.create(record=stocked, user=alice.user, state={"height": "tall"})
        self.put(alice.client, stocked, view, height="short")
        with alice.acting():
            kept = GridState.objects.filter(user=alice.user)
            assert sorted(item.state["height"] for item in kept) == ["short", "tall"]


class TestPages:
    def test_a_view_is_made_of_what_the_address_asks(self, alice, stocked):
        url = reverse("view_new", args=[stocked.pk])
        asked = {"where": json.dumps(CHEAP), "sort": "-price"}
        page = alice.client.get(url, asked)
        assert page.status_code == 200
        answer = alice.client.post(
            f"{url}?{page.wsgi_request.GET.urlencode()}",
            {"name": "Cheap", "layout": '{"height": "tall"}'},
        )
        with alice.acting() as actor:
            (view,) = saved_views.views_of(stocked, actor)
        assert answer.url == view.get_absolute_url()
        assert view.question == {"where": CHEAP, "sort": ["-price"], "search": ""}
        assert view.layout == {"height": "tall"}
        assert not view.personal

    def test_a_name_is_asked_for(self, alice, stocked):
        answer = alice.client.post(reverse("view_new", args=[stocked.pk]), {"name": " "})
        assert answer.status_code == 422

    def test_saving_renaming_and_deleting(self, alice, stocked):
        view = make(alice, stocked)
        ids = [stocked.pk, view.pk]
        data = {"question": {"where": None, "sort": [], "search": "tea"}, "layout": {}}
        answer = alice.client.post(reverse("view_save", args=ids), data, "application/json")
        assert answer.json()["version"] == 2
        assert alice.client.post(answer.json()["undo"]).status_code == 302
        view = fresh(view)
        assert view.question["where"] == CHEAP
        alice.client.post(reverse("view_edit", args=ids), {"name": "Bargains", "personal": "on"})
        view = fresh(view)
        assert (view.name, view.personal) == ("Bargains", True)
        alice.client.post(reverse("view_delete", args=ids))
        assert alice.client.get(view.get_absolute_url()).status_code == 404
        trash = alice.client.get(reverse("record_trash", args=[stocked.workspace_id]))
        assert "Bargains" in trash.content.decode()
        alice.client.post(reverse("view_restore", args=ids))
        assert alice.client.get(view.get_absolute_url()).status_code == 200

    def test_exports_have_what_the_view_shows(self, alice, stocked):
        view = make(alice, stocked)
        url = reverse("record-export", args=[stocked.pk, "csv"])
        answer = alice.client.get(url, {"view": view.pk})
        lines = b"".join(answer.streaming_content).decode().splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == ["Tea", "Salt"]


class TestHistory:
    def test_every_change_is_an_event_that_can_be_undone(self, alice, stocked):
        view = make(alice, stocked)
        with alice.acting() as actor:
            saved_views.change_view(view=view, actor=actor, name="Bargains")
            renamed = actor.operation
        with alice.acting() as actor:
            saved_views.delete_view(view=view, actor=actor)
            deleted = actor.operation
        for operation in (deleted, renamed):
            with alice.acting() as actor:
                operations.undo(operation_id=operation, actor=actor)
        view = fresh(view)
        assert (view.name, view.deleted_at) == ("Cheap", None)
        page = alice.client.get(reverse("workspace_activity", args=[stocked.workspace_id]))
        assert "Renamed the view “Cheap” to “Bargains”" in page.content.decode()

    def test_one_that_lay_in_the_trash_too_long_is_removed(self, alice, stocked, monkeypatch):
        view = make(alice, stocked)
        with alice.acting() as actor:
            saved_views.delete_view(view=view, actor=actor)
        assert purging.purge_overdue()["views"] == 0
        later = timezone.now() + timedelta(days=91)
        monkeypatch.setattr(purging.timezone, "now", lambda: later)
        assert purging.purge_overdue()["views"] == 1
        assert fresh(view) is None


class TestTheApi:
    def test_makes_reads_changes_deletes_and_restores(self, alice, stocked):
        api, base = Api(alice), f"records/{stocked.pk}/views/"
        made = api.post(base, {"name": "Cheap", "question": {"where": CHEAP}})
        assert made.status_code == 201, made.content
        one, seen = f"views/{made.json()['id']}/", {"If-Match": made.headers["ETag"]}
        assert api.get(base).json()["results"] == [made.json()]
        assert api.get(one).headers["ETag"] == made.headers["ETag"]
        assert api.patch(one, {"name": "Bargains"}, **seen).json()["name"] == "Bargains"
        assert api.patch(one, {"name": "Late"}, **seen).status_code == 412
        assert api.delete(one).status_code == 204
        assert api.get(one).status_code == 404
        assert api.post(f"{one}restore/", {}).status_code == 200

    def test_a_view_narrows_a_list_and_everything_else_that_asks(self, alice, stocked):
        price = stocked.structure.field("price").id
        view = make(alice, stocked, layout={"hidden": [price]})
        api, base = Api(alice), f"records/{stocked.pk}/entries/"
        found = api.get(f"{base}?view={view.pk}").json()["results"]
        assert [entry["title"] for entry in found] == ["Tea", "Salt"]
        assert "price" not in found[0]
        found = api.get(f"{base}?view={view.pk}&stock=3&sort=price").json()["results"]
        assert [entry["title"] for entry in found] == ["Salt"]
        summed = api.get(f"{base}aggregate/?view={view.pk}&aggregate=count").json()
        assert summed["results"][0]["count"] == 2

    def test_a_view_that_is_not_whole_is_refused(self, alice, stocked):
        view = make(alice, stocked)
        TestAFieldThatGoes().delete(alice, stocked, "price")
        answer = Api(alice).get(f"records/{stocked.pk}/entries/?view={view.pk}")
        assert answer.status_code == 409
        assert "can't be read whole" in answer.json()["detail"]

    @pytest.mark.parametrize("view", ["nonsense", "01900000-0000-7000-8000-000000000000"])
    def test_a_view_that_is_not_there(self, alice, stocked, view):
        answer = Api(alice).get(f"records/{stocked.pk}/entries/?view={view}")
        assert answer.status_code == 404
