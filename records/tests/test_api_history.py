"""The log of a workspace and the history of an entry over the API."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kdap.tests.people import give_role
from records.entries import delete_entries, update_entries
from records.tests.api import Api
from records.tests.helpers import add
from workspaces.models import Role
from workspaces.services import invite


@pytest.fixture
def books(make_record):
    return make_record(title="text", price={"type": "decimal", "options": {"scale": 2}})


@pytest.fixture
def emma(alice, bob, books):
    [id] = add(alice, books, {"title": "Emma", "price": "5"})
    for price in ("6", "7.50"):
        with bob.acting() as actor:
            update_entries(record=books, changes={id: {"price": price}}, actor=actor)
    return id


def events(workspace, query=""):
    return f"workspaces/{workspace.pk}/events/{query}"


class TestEvents:
    def test_newest_first_with_sentences(self, bob, workspace, books, emma):
        answer = Api(bob).get(events(workspace))
        assert answer.status_code == 200
        found = answer.data["results"]
        assert [item["event_id"] for item in found] == sorted(
            (item["event_id"] for item in found), reverse=True
        )
        assert found[0]["sentence"] == "Changed Price of 1 entry"
        assert found[0]["user_id"] == str(bob.user.pk)
        assert found[0]["ip"] is None
        assert "structure" not in found[-3]["payload"]
        assert answer.data["next"] is None

    def test_pages(self, bob, workspace, books, emma):
        api, found, address = Api(bob), [], events(workspace, "?limit=2")
        while address:
            answer = api.get(address)
            found += [item["event_id"] for item in answer.data["results"]]
            address = answer.data["next"]
        whole = [item["event_id"] for item in api.get(events(workspace)).data["results"]]
        assert found == whole

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("?kind=added", 1),
            ("?field=price", 2),
            ("?person=system", 0),
            ("?since=2100-01-01", 0),
            ("?until=2100-01-01T00:00:00Z&kind=changed", 2),
        ],
    )
    def test_filters(self, bob, workspace, books, emma, query, count):
        assert len(Api(bob).get(events(workspace, query)).data["results"]) == count

    def test_filters_by_record_and_person(self, bob, workspace, books, emma):
        api = Api(bob)
        assert len(api.get(events(workspace, f"?record={books.pk}")).data["results"]) == 4
        assert len(api.get(events(workspace, f"?person={bob.user.pk}")).data["results"]) == 2

    @pytest.mark.parametrize(
        "query",
        [
            "?kind=x",
            "?person=x",
            "?record=x",
            "?since=x",
            "?cursor=x",
            "?cursor=-1",
            "?wrong=1",
            "?limit=0",
            "?cursor=99999999999999999999",
            "?field=%00",
        ],
    )
    def test_bad_parameters_are_said(self, bob, workspace, query):
        assert Api(bob).get(events(workspace, query)).status_code == 400

    def test_who_may(self, alice, bob, charlie, workspace, books):
        with alice.acting() as actor:
            invite(workspace=workspace, email="dora@example.com", role="viewer", actor=actor)
        give_role(workspace, bob, Role.VIEWER)
        assert "dora" not in Api(bob).get(events(workspace)).content.decode()
        assert "dora" in Api(alice).get(events(workspace)).content.decode()
        assert Api(charlie).get(events(workspace)).status_code == 404
        assert Api(alice, verbs=("write",)).get(events(workspace)).status_code == 403

    def test_questions_do_not_grow(self, bob, workspace, books, emma):
        api = Api(bob)
        api.get(events(workspace))
        with CaptureQueriesContext(connection) as few:
            api.get(events(workspace, "?limit=1"))
        for number in range(50):
            add(bob, books, {"title": str(number)})
        with CaptureQueriesContext(connection) as many:
            api.get(events(workspace, "?limit=50"))
        assert len(many) <= len(few)


class TestEntry:
    def test_each_step_with_values(self, alice, bob, books, emma):
        address = f"records/{books.pk}/entries/{emma}/history/"
        answer = Api(bob).get(address).data
        found = answer["results"]
        assert answer["note"] is None
        assert [step["what"] for step in found] == ["changed", "changed", "added"]
        [change] = found[0]["changes"]
        assert (change["field"], change["old"], change["new"]) == ("price", "6.00", "7.50")
        assert found[0]["user_id"] == str(bob.user.pk)
        with alice.acting() as actor:
            delete_entries(record=books, ids=[emma], actor=actor)
        assert Api(bob).get(address).data["results"][0]["what"] == "deleted"

    def test_pages(self, bob, books, emma):
        api, address, found = Api(bob), f"records/{books.pk}/entries/{emma}/history/?limit=1", []
        while address:
            answer = api.get(address)
            found += [step["what"] for step in answer.data["results"]]
            address = answer.data["next"]
        assert found == ["changed", "changed", "added"]

    def test_who_may(self, bob, charlie, books, emma):
        address = f"records/{books.pk}/entries/{emma}/history/"
        assert Api(charlie).get(address).status_code == 404
        assert Api(bob).get(f"records/{books.pk}/entries/{emma + 999}/history/").status_code == 404
        assert Api(bob).get(f"records/{books.pk}/entries/{10**25}/history/").status_code == 404
        assert Api(bob).get(address + "?cursor=x").status_code == 400
