"""Records and structures in the API."""

import pytest

from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.models import Role


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text", price="text")


@pytest.fixture
def api(alice, books):
    return Api(alice)


def test_records(api, workspace, books):
    url = f"workspaces/{workspace.pk}/records/"
    made = api.post(
        url,
        {"name": "Authors", "fields": [{"label": "Name", "type": "text", "required": True}]},
    )
    assert made.status_code == 201, made.content
    where = f"records/{made.data['id']}/"
    assert api.post(f"{where}entries/", {"name": "Austen"}).status_code == 201
    names = [item["name"] for item in api.get(url).data["results"]]
    assert names == ["Books", "Authors"]
    first = api.get(f"{url}?limit=1").data
    assert api.get(first["next"]).data["results"][0]["name"] == "Authors"
    assert api.patch(where, {"name": "Writers"}).data["name"] == "Writers"
    assert api.delete(where).status_code == 204
    assert api.get(where).status_code == 404
    assert api.get(f"{where}entries/").status_code == 404
    assert api.post(f"{where}restore/", None).data["name"] == "Writers"
    assert api.get(where).status_code == 200


def test_structure(api, books):
    url = f"records/{books.pk}/structure/"
    now = api.get(url)
    assert [field["key"] for field in now.data["fields"]] == ["title", "price"]
    assert now.headers["ETag"] == '"1"'
    api.post(f"records/{books.pk}/entries/", [{"price": "12"}, {"price": "cheap"}])
    changes = [{"op": "change_field", "field": "price", "type": "decimal"}]
    plan = api.post(f"{url}preview/", {"changes": changes}).data
    assert plan["destructive"]
    assert plan["impact"][0]["lost"] == 1
    assert plan["impact"][0]["examples"][0]["value"] == "cheap"
    refused = api.patch(url, {"changes": changes})
    assert refused.status_code == 409
    assert refused.data["impact"][0]["lost"] == 1
    done = api.patch(url, {"changes": changes, "confirm": True}, **{"If-Match": '"1"'})
    assert (done.status_code, done.data["version"]) == (200, 2)
    late = api.patch(
        url, {"changes": [{"op": "delete_field", "field": "title"}]}, **{"If-Match": '"1"'}
    )
    assert late.status_code == 412
    assert late.data["current"]["version"] == 2
    assert [item["version"] for item in api.get(f"{url}versions/").data["results"]] == [1, 2]
    assert api.get(f"{url}versions/1/").data["fields"][1]["type"] == "text"
    prices = [row["price"] for row in api.get(f"records/{books.pk}/entries/").data["results"]]
    assert prices == ["12.00", None]
    assert api.get(f"{url}versions/{10**12}/").status_code == 404


def test_field_types(api):
    types = {item["type"]: item for item in api.get("field-types/").data["results"]}
    assert "lt" in types["integer"]["operators"]
    assert "choices" in types["choice"]["options"]["properties"]


CALLS = [
    ("GET", "{record}", None),
    ("PATCH", "{record}", {"name": "x"}),
    ("DELETE", "{record}", None),
    ("POST", "{record}restore/", None),
    ("GET", "{record}structure/", None),
    ("GET", "{record}structure/versions/", None),
    ("GET", "{record}structure/versions/1/", None),
    ("POST", "{record}structure/preview/", {"changes": [{"op": "delete_field", "field": "price"}]}),
    ("PATCH", "{record}structure/", {"changes": [{"op": "delete_field", "field": "price"}]}),
    ("GET", "{workspace}records/", None),
    ("POST", "{workspace}records/", {"name": "x", "fields": []}),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_who_may(api, books, workspace, bob, charlie, method, path, body):
    path = path.format(record=f"records/{books.pk}/", workspace=f"workspaces/{workspace.pk}/")
    assert Api(charlie)(method, path, body).status_code == 404
    give_role(workspace, bob, Role.EDITOR)
    assert Api(bob)(method, path, body).status_code == (200 if method == "GET" else 403)
    give_role(workspace, bob, Role.ADMIN)
    assert Api(bob)(method, path, body).status_code in (200, 201, 204)


SQL = "'; DROP TABLE records; --"
BAD = [
    b"",
    b"{",
    b"[]",
    b"null",
    {"name": "a\x00b"},
    {"name": ["x"]},
    {"name": ""},
    {SQL: SQL},
    {"changes": {}},
    {"changes": []},
    {"changes": [7]},
    {"changes": [{"op": "drop_table"}]},
    {"changes": [{"op": "delete_field"}]},
    {"changes": [{"op": "delete_field", "field": SQL}]},
    {"changes": [{"op": "delete_field", "field": {"a": 1}}]},
    {"changes": [{"op": "change_field", "field": "price", "type": ["text"]}]},
    {"changes": [{"op": "change_field", "field": "price", "type": "nonsense"}]},
    {"changes": [{"op": "change_field", "field": "price", "id": "x"}]},
    {"changes": [{"op": "change_field", "field": "price", "options": [1]}]},
    {"changes": [{"op": "change_field", "field": "price", "default": {"a": 1}}]},
    {"changes": [{"op": "move_field", "field": "price", "position": "x"}]},
    {"changes": [{"op": "add_field", "field": {"label": "x", "type": SQL}}]},
    {"changes": [{"op": "add_field", "field": {"label": {"a": 1}, "type": {"b": 1}}}]},
    {"changes": [{"op": "add_field", "field": {"label": "x", "type": "text", "key": "y"}}]},
    {"name": "x", "fields": 7},
    {"name": "x", "fields": [{"label": "y"}]},
    {"name": "x", "fields": [{"label": "y", "type": "text", "options": {"max_length": 10**9}}]},
    {"name": "x", "fields": [{"label": f"c{n}", "type": "text"} for n in range(5000)]},
    b'{"name": "\\ud800"}',
    b'{"name": "' + b"x" * 10_000_000 + b'"}',
    b'{"name": NaN}',
    b'{"name": ' + b"[" * 3000 + b"]" * 3000 + b"}",
]


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_bad_bodies_change_nothing(api, books, workspace, body):
    for method, path in [
        ("POST", f"workspaces/{workspace.pk}/records/"),
        ("PATCH", f"records/{books.pk}/"),
        ("PATCH", f"records/{books.pk}/structure/"),
        ("POST", f"records/{books.pk}/structure/preview/"),
    ]:
        answer = api(method, path, body)
        assert 400 <= answer.status_code < 500, (method, path, answer.content[:300])
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert api.get(f"records/{books.pk}/structure/").data["version"] == 1
    assert len(api.get(f"workspaces/{workspace.pk}/records/").data["results"]) == 1


def test_names_may_contain_sql(api, workspace):
    made = api.post(
        f"workspaces/{workspace.pk}/records/",
        {"name": SQL, "fields": [{"label": SQL, "type": "text"}, {"label": "%s", "type": "text"}]},
    )
    assert made.status_code == 201, made.content
    url = f"records/{made.data['id']}/"
    first, second = (f["key"] for f in api.get(f"{url}structure/").data["fields"])
    entry = api.post(f"{url}entries/", {first: SQL, second: "100%"})
    assert entry.data[first] == SQL
    assert api.get(f"{url}entries/?{first}__contains=%25&search=%27").status_code == 200
