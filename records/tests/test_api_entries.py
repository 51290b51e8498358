"""Entries in the API: what works, who may, and what is said to bad input."""

import pytest

from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.models import Role


@pytest.fixture
def books(make_record):
    return make_record(
        "Books",
        title={"type": "text", "required": True},
        price={"type": "decimal", "options": {"minimum": "0"}},
        quantity="integer",
        kind={"type": "choice", "options": {"choices": ["Novel", "Poem"]}},
        isbn={"type": "text", "unique": True},
        extra="json",
        spent="duration",
        number="autonumber",
    )


@pytest.fixture
def api(alice, books):
    return Api(alice)


@pytest.fixture
def url(books):
    return f"records/{books.pk}/entries/"


def make(api, url, count=3):
    rows = [{"title": f"Book {n}", "quantity": n, "price": f"{n}.50"} for n in range(count)]
    answer = api.post(url, rows)
    assert answer.status_code == 201, answer.content
    return [item["entry_id"] for item in answer.data["results"]]


JSON_TEXTS = ["Emma", "5", "null", "", " ", '{"a": 1}', '"quoted"', "null \\ é"]


@pytest.mark.parametrize("text", JSON_TEXTS)
def test_a_text_in_a_json_field_comes_back_as_it_was(api, url, text):
    made = api.post(url, {"title": "Emma", "extra": text})
    assert made.data["extra"] == text
    where = f"{url}{made.data['entry_id']}/"
    body = api.get(where).data
    for answer in (api.put(where, body), api.patch(where, {"extra": text})):
        assert answer.data["extra"] == text
        assert answer.data["_version"] == body["_version"]
    many = [{"entry_id": body["entry_id"], "title": "Emma", "extra": text}]
    assert api.put(url, many).status_code == 200
    upsert = api.post(f"{url}upsert/", {"keys": ["title"], "rows": [{"title": "E", "extra": text}]})
    other = f"{url}{upsert.data['results'][0]['entry_id']}/"
    assert api.get(where).data["extra"] == api.get(other).data["extra"] == text


def test_json_that_is_refused_is_named(api, url):
    answer = api.post(url, {"title": "Emma", "extra": "\x00"})
    assert answer.status_code == 422
    assert answer.data["problems"][0]["pointer"] == "/extra"


def test_create_read_change_delete(api, url):
    made = api.post(
        url,
        {"title": "Emma", "price": "9.90", "kind": "novel", "extra": {"a": [1]}, "spent": "1:30"},
    )
    assert made.status_code == 201
    assert made.data["price"] == "9.90"
    assert made.data["kind"] == "Novel"
    assert made.data["extra"] == {"a": [1]}
    assert made.data["spent"] == "01:30:00"
    assert made.data["number"] == 1
    assert made.headers["ETag"] == f'"{made.data["_version"]}"'
    where = made.headers["Location"]
    assert api.get(where).data == made.data
    changed = api.patch(where, {"quantity": 3})
    assert changed.data == made.data | {
        "quantity": 3,
        "_version": changed.data["_version"],
        "updated_at": changed.data["updated_at"],
    }
    assert changed.data["_version"] > made.data["_version"]
    replaced = api.put(where, {"title": "Emma"})
    assert (replaced.data["price"], replaced.data["quantity"]) == (None, None)
    assert api.delete(where).status_code == 204
    assert api.get(where).status_code == 404


def test_what_was_read_can_be_sent_back(api, url):
    made = api.post(url, {"title": "Emma", "price": "9.90", "spent": "2 01:30:00"})
    same = api.put(made.headers["Location"], made.data)
    assert same.status_code == 200, same.content
    assert same.data == made.data


def test_etags(api, url):
    made = api.post(url, {"title": "Emma"})
    where, tag = made.headers["Location"], made.headers["ETag"]
    assert api.get(where, **{"If-None-Match": tag}).status_code == 304
    assert api.patch(where, {"quantity": 1}, **{"If-Match": tag}).status_code == 200
    late = api.patch(where, {"quantity": 2}, **{"If-Match": tag})
    assert late.status_code == 412
    assert late.data["current"]["quantity"] == 1
    assert api.put(where, {"title": "x"}, **{"If-Match": '"nonsense"'}).status_code == 412
    assert api.delete(where, **{"If-Match": tag}).status_code == 412
    assert api.patch(where, {"quantity": 2, "_version": 1}).status_code == 412
    assert api.get(where).data["quantity"] == 1
    assert api.delete(where, **{"If-Match": "*"}).status_code == 204
    assert api.patch(where, {"quantity": 2}).status_code == 404
    assert api.patch(where, {}).status_code == 404


def test_list_pages_in_any_order(api, url):
    ids = make(api, url, 25)
    first = api.get(f"{url}?limit=10&sort=-quantity,title&fields=title,quantity&count=exact")
    assert list(first.data["results"][0]) == ["entry_id", "_version", "title", "quantity"]
    assert first.data["count"] == 25
    second = api.get(first.data["next"])
    third = api.get(second.data["next"])
    assert third.data["next"] is None
    seen = [row for page in (first, second, third) for row in page.data["results"]]
    assert [row["entry_id"] for row in seen] == ids[::-1]
    assert "count" in api.get(f"{url}?count=estimated").data
    for sort in ("kind", "-price", "spent", "created_at", "-entry_id", "isbn"):
        rows, page = [], {"next": f"{url}?limit=7&sort={sort}"}
        while page["next"]:
            page = api.get(page["next"]).data
            rows += page["results"]
        assert sorted(row["entry_id"] for row in rows) == ids, sort


def test_filters(api, url):
    ids = make(api, url, 5)

    def found(query):
        answer = api.get(f"{url}?{query}")
        assert answer.status_code == 200, answer.content
        return [row["entry_id"] for row in answer.data["results"]]

    assert found("quantity__lt=2") == ids[:2]
    assert found("quantity=3") == [ids[3]]
    assert found("quantity__in=1,4&title__contains=book") == [ids[1], ids[4]]
    assert found("price__between=1,3") == ids[1:3]
    assert found("isbn__filled=") == []
    assert found("search=book+4") == [ids[4]]
    assert found('where={"or":[{"field":"quantity","op":"is","value":0},{"not":{"field":"price","op":"lt","value":4}}]}') == [ids[0], ids[4]]  # fmt: skip
    assert found("created_at__gt=2020-01-01") == ids
    assert found(f"entry_id__in={ids[0]},{ids[2]}") == [ids[0], ids[2]]


def test_aggregates(api, url):
    make(api, url, 5)
    answer = api.get(f"{url}aggregate/?aggregate=count,sum:price,max:quantity&quantity__gte=1")
    assert answer.data == {"results": [{"count": 4, "sum_price": "12.00", "max_quantity": 4}]}
    grouped = api.get(f"{url}aggregate/?group_by=kind")
    assert grouped.data == {"results": [{"kind": None, "count": 5}]}
    for bad in ("aggregate=sum", "aggregate=sum:title", "aggregate=drop:price", "group_by=none"):
        assert api.get(f"{url}aggregate/?{bad}").status_code == 422


def test_ndjson(api, url, monkeypatch):
    ids = make(api, url, 25)
    monkeypatch.setattr("records.api_stream.ROWS_AT_ONCE", 10)
    answer = api.get(f"{url}?sort=-quantity", Accept="application/x-ndjson")
    lines = b"".join(answer.streaming_content).splitlines()
    assert len(lines) == 25
    assert b'"entry_id":%d' % ids[-1] in lines[0]
    assert b"".join(api.get(f"{url}?format=ndjson&quantity__gt=99").streaming_content) == b""


def test_bulk(api, url):
    ids = make(api, url)
    changes = [{"entry_id": id, "quantity": 10 + id} for id in reversed(ids)]
    answer = api.patch(url, changes)
    assert [item["entry_id"] for item in answer.data["results"]] == ids[::-1]
    assert [row["quantity"] for row in api.get(url).data["results"]] == [10 + id for id in ids]
    assert api.put(url, [{"entry_id": ids[0], "title": "New"}]).status_code == 200
    assert api.get(f"{url}{ids[0]}/").data["quantity"] is None
    stale = api.patch(url, [{"entry_id": ids[0], "quantity": 1, "_version": 1}])
    assert stale.status_code == 412
    assert api.delete(url, {"ids": ids[:2]}).data == {"deleted": 2}
    assert len(api.get(url).data["results"]) == 1
    assert api.delete(url, {"ids": ids}).status_code == 404
    assert len(api.get(url).data["results"]) == 1


def test_bulk_is_whole_or_nothing_and_points_at_the_cell(api, url):
    rows = [{"title": "ok"}, {"title": "bad", "quantity": "many"}, {"quantity": 1, "x/y": 2}]
    answer = api.post(url, rows)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    places = {item["pointer"] for item in answer.data["problems"]}
    assert places == {"/1/quantity", "/2/x~1y", "/2/title"}
    assert api.get(url).data["results"] == []
    ids = make(api, url)
    changes = [{"entry_id": ids[2], "quantity": "x"}, {"entry_id": ids[0], "quantity": 1}]
    assert api.patch(url, changes).data["problems"][0]["pointer"] == "/0/quantity"
    single = api.patch(f"{url}{ids[0]}/", {"quantity": "x"})
    assert single.data["problems"][0]["pointer"] == "/quantity"


def test_upsert(api, url):
    api.post(url, [{"title": "A", "isbn": "1"}, {"title": "B", "isbn": "2"}])
    rows = [{"isbn": "2", "title": "B2"}, {"isbn": "1", "title": "A"}, {"isbn": "3", "title": "C"}]
    answer = api.post(f"{url}upsert/", {"keys": ["isbn"], "rows": rows})
    assert answer.status_code == 200, answer.content
    counts = {key: answer.data[key] for key in ("created", "updated", "unchanged")}
    assert counts == {"created": 1, "updated": 1, "unchanged": 1}
    wrong = api.post(f"{url}upsert/", {"keys": ["isbn"], "rows": [{"isbn": "9", "quantity": "x"}]})
    assert wrong.data["problems"][0]["pointer"] == "/rows/0/quantity"
    mixed = [{"isbn": "1", "title": "A"}, {"isbn": "8"}]
    missing = api.post(f"{url}upsert/", {"keys": ["isbn"], "rows": mixed})
    assert missing.data["problems"][0]["pointer"] == "/rows/1/title"
    for bad in ({}, [], {"keys": "isbn", "rows": rows}, {"keys": ["isbn"], "rows": []}):
        assert api.post(f"{url}upsert/", bad).status_code == 422


def test_unique_points_at_the_field(api, url):
    api.post(url, {"title": "A", "isbn": "1"})
    twice = api.post(url, {"title": "B", "isbn": "1"})
    assert twice.status_code == 422
    assert twice.data["problems"][0]["pointer"] == "/isbn"


def test_idempotency(api, url):
    once = api.post(url, {"title": "Emma"}, **{"Idempotency-Key": "k1"})
    again = api.post(url, {"title": "Emma"}, **{"Idempotency-Key": "k1"})
    assert once.data == again.data
    assert (again.status_code, again.headers["ETag"]) == (201, once.headers["ETag"])
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(api.get(url).data["results"]) == 1
    other = api.post(url, {"title": "Other"}, **{"Idempotency-Key": "k1"})
    assert other.status_code == 422
    refused = api.post(url, {"quantity": 1}, **{"Idempotency-Key": "k2"})
    assert refused.status_code == 422
    assert api.post(url, {"title": "Now"}, **{"Idempotency-Key": "k2"}).status_code == 201
    gone = f"{url}{once.data['entry_id']}/"
    assert api.delete(gone, **{"Idempotency-Key": "k3"}).status_code == 204
    assert api.delete(gone, **{"Idempotency-Key": "k3"}).status_code == 204
    assert api.delete(gone).status_code == 404
    assert api.post(url, {"title": "x"}, **{"Idempotency-Key": "x" * 300}).status_code == 400


CALLS = [
    ("GET", "", None),
    ("GET", "1/", None),
    ("GET", "aggregate/", None),
    ("POST", "", {"title": "x"}),
    ("POST", "", [{"title": "x"}]),
    ("PATCH", "", [{"entry_id": 1, "quantity": 1}]),
    ("PUT", "", [{"entry_id": 1, "title": "x"}]),
    ("DELETE", "", {"ids": [1]}),
    ("PATCH", "1/", {"quantity": 1}),
    ("PUT", "1/", {"title": "x"}),
    ("DELETE", "1/", None),
    ("POST", "upsert/", {"keys": ["isbn"], "rows": [{"isbn": "1", "title": "x"}]}),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_who_may(api, url, workspace, bob, charlie, method, path, body):
    make(api, url)
    assert Api(charlie)(method, url + path, body).status_code == 404
    give_role(workspace, bob, Role.VIEWER)
    expected = 200 if method == "GET" else 403
    assert Api(bob)(method, url + path, body).status_code == expected
    give_role(workspace, bob, Role.EDITOR)
    assert Api(bob, ["read"])(method, url + path, body).status_code == expected
    elsewhere = Api(bob, workspaces=[charlie.user.pk])
    assert elsewhere(method, url + path, body).status_code == 404
    assert Api(bob)(method, url + path, body).status_code in (200, 201, 204)


BAD_BODIES = [
    b"",
    b"{",
    b"[" * 5000,
    b'{"title": NaN}',
    b'{"title": Infinity}',
    b'{"title": "\\ud800"}',
    b'{"title": "a\\u0000b"}',
    b'{"quantity": 99999999999999999999999999}',
    b'{"price": 1e999}',
    b"null",
    b"3",
    b'"text"',
    b"[]",
    b"[[]]",
    b"[null]",
    b'{"title": {"a": 1}}',
    b'{"title": ["a"]}',
    b'{"\'; DROP TABLE records; --": 1}',
    b'{"entry_id); DELETE FROM users; --": "x", "title": "y"}',
    b'{"title": "' + b"x" * 10_000_000 + b'"}',
    b"{" + b",".join(b'"c%d": 1' % n for n in range(5000)) + b"}",
    b'{"extra": ' + b"[" * 100 + b"]" * 100 + b', "title": "x"}',
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_bad_bodies_change_nothing(api, url, body):
    (first, *_) = make(api, url)
    before = api.get(url).data
    for method, path in [
        ("POST", ""),
        ("PATCH", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("PATCH", f"{first}/"),
        ("PUT", f"{first}/"),
        ("POST", "upsert/"),
    ]:
        answer = api(method, url + path, body)
        assert 400 <= answer.status_code < 500, (method, path, answer.content[:300])
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.data["detail"]
        assert len(answer.content) < 40_000
    assert api.get(url).data == before


@pytest.mark.parametrize(
    "query",
    [
        "nothing=1",
        "title__like=1",
        "quantity=many",
        "quantity__lt=%00",
        "title=%00",
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=%C2%B2",
        "cursor=x",
        "cursor=%FF",
        "cursor=WyJ4Il0",
        "cursor=W251bGwsIDFd",
        "sort=nothing",
        "sort=extra",
        "sort=title%3B--",
        "fields=nothing",
        "count=all",
        "where={",
        "where=[]",
        "where=7",
        'where={"field":"title"}',
        'where={"field":["title"],"op":"is","value":1}',
        'where={"field":"title","op":"is","value":{"a":1}}',
        'where={"and":7}',
        "where=" + '{"not":' * 30 + "{}" + "}" * 30,
        "format=xml",
        "title%22%20OR%201=1",
        "%00=1",
    ],
)
def test_bad_questions(api, url, query):
    answer = api.get(f"{url}?{query}")
    assert 400 <= answer.status_code < 500, answer.content
    assert answer.data["status"] == answer.status_code


def test_a_list_of_no_choices_is_refused_by_all_that_asks(api, make_record):
    record = make_record("Notes", tags={"type": "choices", "options": {"choices": ["a", "b"]}})
    base = f"records/{record.pk}/"
    none = '{"field":"tags","op":"has","value":[]}'
    for where in (none, '{"not":{"field":"tags","op":"has_any","value":[[]]}}'):
        for path in ("entries/?", "entries/?format=ndjson&", "entries/aggregate/?", "export/?"):
            answer = api.get(f"{base}{path}where={where}")
            assert answer.status_code == 422, path
            assert answer.data["problems"][0]["pointer"].endswith("/value")


def test_odd_questions_are_answered(api, url):
    make(api, url)
    for query in ("search=%00", "search=%ED%A0%80", "title__contains=%25'--", "sort=", "fields="):
        assert api.get(f"{url}?{query}").status_code == 200


def test_odd_addresses(api, url, books):
    for path in (
        f"{url}0/",
        f"{url}{10**30}/",
        f"{url}1%00/",
        f"{url}x/",
        "records/0/entries/",
        f"records/{books.pk}/entries",
        "records/00000000-0000-0000-0000-000000000000/entries/",
        "nothing",
        "%00",
        "",
    ):
        answer = api.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert api("POST", url, b"<a/>", **{"Content-Type": "application/xml"}).status_code in (
        400,
        415,
    )
    answer = api.client.post(f"/api/v1/{url}", "a=b", content_type="text/plain")
    assert (answer.status_code, answer.json()["title"]) == (415, "Unsupported media type")
    assert answer.json()["detail"] == 'Unsupported media type "text/plain" in request.'
    assert api.put(f"{url}upsert/", {}).status_code == 405


def test_queries_per_call(api, url, django_assert_num_queries):
    make(api, url, 50)
    one = make(api, url, 1)[0]
    # A test's own transaction adds one: the outer actor is bound again at the end.
    with django_assert_num_queries(7):  # token, begin, bind, find, list, commit
        api.get(url)
    with django_assert_num_queries(7):
        api.get(f"{url}{one}/")
    with django_assert_num_queries(10):  # and a savepoint of two, the insert
        api.post(url, {"title": "x"})
    with django_assert_num_queries(10):
        api.patch(f"{url}{one}/", {"title": "y"})
