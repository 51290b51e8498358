"""Workflows over the API: made, read, changed, published, switched; and who may."""

import pytest

from automations.tests.workflows import BUTTON
from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.models import Role


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text", stock="integer")


@pytest.fixture
def definition(books):
    step = {"id": "note", "type": "create_entry", "record": str(books.pk), "values": {"title": "x"}}
    return {"trigger": BUTTON, "steps": [step]}


@pytest.fixture
def api(alice):
    return Api(alice)


@pytest.fixture
def made(api, workspace, definition):
    body = {"name": "Note", "structured_definition": definition}
    return api.post(f"workspaces/{workspace.pk}/workflows/", body).data


def test_the_life_of_a_workflow(api, workspace, made):
    url = f"workflows/{made['id']}/"
    assert (made["state"], made["published"], made["name"]) == ("draft", None, "Note")
    listed = api.get(f"workspaces/{workspace.pk}/workflows/").data["results"]
    assert [item["id"] for item in listed] == [made["id"]]
    assert api.post(f"{url}publish/", None).data["published"] == 1
    paused = api.post(f"{url}pause/", {"because": "Holidays."}).data
    assert (paused["state"], paused["paused_because"]) == ("paused", "Holidays.")
    assert api.post(f"{url}pause/", None).status_code == 409
    assert api.post(f"{url}resume/", None).data["state"] == "active"
    assert api.patch(url, {"name": "Noted"}).data["name"] == "Noted"
    api.post(f"{url}publish/", None)
    numbers = [item["number"] for item in api.get(f"{url}versions/").data["results"]]
    assert sorted(numbers) == [1, 2]
    copy = api.post(f"{url}duplicate/", {"name": "Another"})
    assert (copy.status_code, copy.data["state"]) == (201, "draft")
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404
    assert api.post(f"{url}restore/", None).data["state"] == "paused"


def test_lists_are_filtered_by_state(api, workspace, made):
    url = f"workspaces/{workspace.pk}/workflows/"
    assert len(api.get(f"{url}?state=draft").data["results"]) == 1
    assert api.get(f"{url}?state=active").data["results"] == []
    assert api.get(f"{url}?state=asleep").status_code == 400


def test_a_change_of_an_older_version_is_refused(api, made):
    url = f"workflows/{made['id']}/"
    tag = api.get(url).headers["ETag"]
    assert api.get(url, **{"If-None-Match": tag}).status_code == 304
    assert api.patch(url, {"name": "Second"}, **{"If-Match": tag}).status_code == 200
    late = api.patch(url, {"name": "Third"}, **{"If-Match": tag})
    assert (late.status_code, late.data["current"]["name"]) == (412, "Second")
    assert api.post(f"{url}publish/", None, **{"If-Match": tag}).status_code == 412


def test_a_repeated_call_makes_one_workflow(api, workspace, definition):
    url = f"workspaces/{workspace.pk}/workflows/"
    body = {"name": "Once", "structured_definition": definition}
    first, second = (api.post(url, body, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert first.data["id"] == second.data["id"]
    assert second.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"trigger": {"type": "moon"}}, "/trigger"),
        ({"trigger": BUTTON, "steps": [{"type": "stop"}]}, "/steps/0/id"),
        ({"trigger": BUTTON, "steps": [{"id": "a", "type": "nothing"}]}, "/steps/0"),
        ({"trigger": BUTTON, "steps": [{"id": "a", "type": "stop", "x": 1}]}, "/steps/0/x"),
        ({"trigger": BUTTON, "steps": [{"id": "a", "type": "stop"}] * 2}, "/steps/1/id"),
        ({"trigger": BUTTON, "more": 1}, "/more"),
    ],
)
def test_mistakes_in_a_definition_are_pointed_at(api, workspace, made, wrong, pointer):
    pointer = f"/structured_definition{pointer}"
    body = {"name": "Wrong", "structured_definition": wrong}
    for answer in (
        api.post(f"workspaces/{workspace.pk}/workflows/", body),
        api.patch(f"workflows/{made['id']}/", {"structured_definition": wrong}),
    ):
        assert answer.status_code == 422
        assert answer.data["problems"][0]["pointer"] == pointer


def test_a_draft_that_cannot_run_says_all_that_it_lacks(api, workspace):
    steps = [
        {"id": "a", "type": "create_entry", "record": str(workspace.pk), "values": {"x": 1}},
        {"id": "b", "type": "set", "values": {"y": "{{ steps.c.z }}"}},
    ]
    body = {"name": "x", "structured_definition": {"trigger": BUTTON, "steps": steps}}
    made = api.post(f"workspaces/{workspace.pk}/workflows/", body).data
    check = api.get(f"workflows/{made['id']}/problems/").data
    pointers = [problem["pointer"] for problem in check["problems"]]
    assert pointers == ["/steps/0/record", "/steps/1"]
    assert check["sentence"].startswith("When somebody presses its button")
    refused = api.post(f"workflows/{made['id']}/publish/", None)
    assert refused.status_code == 422
    assert [problem["pointer"] for problem in refused.data["problems"]] == pointers


def test_the_catalogue_has_a_schema_for_every_part(api):
    found = api.get("workflow-parts/").data
    types = {(part["kind"], part["type"]) for part in found["parts"]}
    assert {("trigger", "webhook"), ("step", "if")} <= types
    for part in found["parts"]:
        assert {"properties", "$ref"} & set(part["schema"]), part["type"]
    assert found["schema"]["properties"]["trigger"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        {},
        {"name": ""},
        {"name": 7, "structured_definition": []},
        {"name": "x", "structured_definition": {"trigger": None, "steps": "x"}},
        {"name": "x", "description": "x" * 30_000},
        {"name": "x", "owner_id": "me"},
    ],
    ids=range(9),
)
def test_bad_bodies_make_nothing(api, workspace, body):
    url = f"workspaces/{workspace.pk}/workflows/"
    answer = api.post(url, body)
    assert answer.status_code in (400, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert api.get(url).data["results"] == []


CALLS = [
    ("GET", "", None, False),
    ("GET", "versions/", None, False),
    ("GET", "problems/", None, False),
    ("PATCH", "", {"name": "x"}, True),
    ("POST", "publish/", None, True),
    ("POST", "run/", {}, True),
    ("POST", "pause/", None, True),
    ("POST", "resume/", None, True),
    ("POST", "duplicate/", None, True),
    ("DELETE", "", None, True),
    ("POST", "restore/", None, True),
]


def test_who_may(alice, bob, charlie, workspace, api, made):
    give_role(workspace, bob, Role.VIEWER)
    url = f"workflows/{made['id']}/"
    for method, path, body, writes in CALLS:
        assert Api(charlie)(method, url + path, body).status_code == 404, path
        if writes:
            assert Api(bob)(method, url + path, body).status_code == 403, path
            assert Api(alice, ["read"])(method, url + path, body).status_code == 403, path
        assert api(method, url + path, body).status_code < 400, path
    assert Api(charlie).get(f"workspaces/{workspace.pk}/workflows/").status_code == 404
    assert Api(charlie).get(f"workspaces/{workspace.pk}/runs/").status_code == 404
    body = {"name": "x"}
    assert Api(bob).post(f"workspaces/{workspace.pk}/workflows/", body).status_code == 403
    assert Api(bob).get(f"workspaces/{workspace.pk}/workflows/").status_code == 200


def test_a_copy_goes_only_where_one_may_write(alice, bob, api, made):
    other = Api(bob).post("workspaces/", {"name": "Bob's"}).data["id"]
    url = f"workflows/{made['id']}/duplicate/"
    assert api.post(url, {"workspace_id": other}).status_code == 404
    copy = Api(bob).post(url, {"workspace_id": other})
    assert (copy.status_code, copy.data["workspace_id"]) == (201, other)


def test_a_starter_becomes_a_workflow(
    api, workspace, books, make_record, django_assert_max_num_queries
):
    place = f"workspaces/{workspace.pk}/workflows/"
    for number in range(8):
        make_record(f"Others {number}", n="integer")
    api.get(place)
    with django_assert_max_num_queries(11):
        starters = api.get(f"{place}starters/").data
    first = starters[0]
    assert (first["key"], first["label"]) == ("low_stock", "Tell when Stock of Books runs low")
    assert first["said"].startswith("When Stock of an entry of “Books” falls below 10")
    made = {"name": "Low", "structured_definition": first["structured_definition"]}
    made = api.post(place, made).data
    assert api.post(f"workflows/{made['id']}/publish/", None).data["published"] == 1
