"""Entries of any record in Django admin, for the structure as it is at the moment."""

import json

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from records import entries, services
from workspaces.access import Actor, acting_as
from workspaces.models import Event

CHOICES = {"type": "choice", "options": {"choices": ["Novel", "Poems"]}}
TAGS = {"type": "choices", "options": {"choices": ["New", "Old"]}}


def staff(name="staff", *permissions, superuser=False):
    """Return (user, client) of somebody who may enter Django admin."""
    user = User.objects.create_user(f"{name}@example.com", is_staff=True, is_superuser=superuser)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return user, client


@pytest.fixture
def root(db):
    return staff("root", superuser=True)[1]


@pytest.fixture
def books(make_record):
    return make_record(
        title={"type": "text", "required": True, "unique": True},
        price="decimal",
        kind=CHOICES,
        tags=TAGS,
        read="boolean",
        out="date",
        owner="user",
        data="json",
        number="autonumber",
    )


def url(record, page, *args):
    return reverse(f"entries_{page}", args=[record.pk, *args])


def add(person, record, *rows):
    with person.acting() as actor:
        return entries.create_entries(record=record, rows=list(rows), actor=actor).ids


def rows(record):
    with acting_as(Actor.system()):
        return list(record.model.objects.order_by("pk"))


class TestWho:
    def test_nobody_but_staff(self, alice, books):
        (id,) = add(alice, books, {"title": "Emma"})
        for page, args in {"changelist": [], "add": [], "change": [id], "history": [id]}.items():
            response = alice.client.get(url(books, page, *args))
            assert response.status_code == 302
            assert alice.client.get(response.url).status_code == 403
            assert "/accounts/login/" in Client().get(response.url).url

    def test_staff_need_rights_on_records(self, alice, books):
        (id,) = add(alice, books, {"title": "Emma"})
        _, none = staff("none")
        _, viewer = staff("viewer", "view_record")
        for page, args in {"changelist": [], "change": [id], "history": [id]}.items():
            assert none.get(url(books, page, *args)).status_code == 403
            assert viewer.get(url(books, page, *args)).status_code == 200
        for page, args in {"add": [], "change": [id], "delete": [id]}.items():
            values = {"title": "Mine", "post": "yes"}
            assert viewer.post(url(books, page, *args), values).status_code == 403
        assert [entry.title for entry in rows(books)] == ["Emma"]

    def test_an_unknown_record_is_404(self, root, workspace):
        assert root.get(reverse("entries_changelist", args=[workspace.pk])).status_code == 404


class TestList:
    def test_shows_values_as_people_read_them(self, alice, root, books):
        add(alice, books, {"title": "Emma", "kind": "Novel", "tags": ["New", "Old"]})
        page = root.get(url(books, "changelist")).content.decode()
        assert "Emma" in page
        assert ">Novel</td>" in page
        assert ">New, Old</td>" in page

    def test_searches(self, alice, root, books):
        add(alice, books, {"title": "Emma"}, {"title": "Persuasion 50%"})
        page = root.get(url(books, "changelist"), {"q": "0%"}).content.decode()
        assert "Persuasion" in page
        assert "Emma" not in page

    @pytest.mark.parametrize(
        "wanted",
        [{"kind__is": "1"}, {"tags__is": "1"}, {"read__exact": "1"}, {"owner__is": "alice"}],
    )
    def test_filters(self, alice, root, books, wanted):
        wanted = {k: str(alice.user.pk) if v == "alice" else v for k, v in wanted.items()}
        full = {"kind": "Novel", "tags": ["New"], "read": True, "owner": str(alice.user.pk)}
        add(alice, books, {"title": "Emma"} | full, {"title": "Other"})
        page = root.get(url(books, "changelist"), wanted).content.decode()
        assert "Emma" in page
        assert "Other</" not in page

    @pytest.mark.parametrize("wanted", [{"kind__is": "x"}, {"owner__is": "x"}, {"tags__is": "9"}])
    def test_nonsense_in_a_filter_finds_nothing(self, root, books, wanted):
        assert root.get(url(books, "changelist"), wanted).status_code == 200

    def test_queries_do_not_grow_with_rows(self, alice, root, books):
        owner = {"owner": str(alice.user.pk)}
        add(alice, books, {"title": "One"} | owner)
        root.get(url(books, "changelist"))
        with CaptureQueriesContext(connection) as one:
            root.get(url(books, "changelist"))
        add(alice, books, *[{"title": f"Book {n}"} | owner for n in range(49)])
        with CaptureQueriesContext(connection) as fifty:
            assert b"Book 48" in root.get(url(books, "changelist")).content
        assert len(fifty) == len(one)

    def test_a_changed_structure_shows_at_once(self, alice, root, books):
        add(alice, books, {"title": "Emma"})
        root.get(url(books, "changelist"))
        with alice.acting() as actor:
            add_shelf = {"op": "add_field", "field": {"label": "Shelf", "type": "text"}}
            services.change_structure(record=books, changes=[add_shelf], actor=actor)
        assert b'name="shelf"' in root.get(url(books, "add")).content


def test_what_a_field_says_of_itself_is_no_html(alice, root, make_record):
    said = "As in “Shop <shop@example.com>”<form action=x>"
    record = make_record(title={"type": "text", "description": said})
    (id,) = add(alice, record, {"title": "Emma"})
    _, viewer = staff("viewer", "view_record")
    for client in (root, viewer):
        page = client.get(url(record, "change", id)).content.decode()
        assert "<form action=x>" not in page
        assert "“Shop &lt;shop@example.com&gt;”" in page


class TestWrite:
    def test_adds_through_the_field_types(self, alice, root, books):
        values = {
            "title": "Emma",
            "price": "1,200.50",
            "kind": "1",
            "tags": ["1", "2"],
            "read": "true",
            "out": "2026-05-31",
            "owner": str(alice.user.pk),
            "data": '{"a": 1}',
        }
        response = root.post(url(books, "add"), values)
        assert response.url == url(books, "changelist")
        (made,) = rows(books)
        assert (made.title, made.kind, made.tags, made.read) == ("Emma", 1, [1, 2], True)
        assert (str(made.out), made.owner_id, made.data) == ("2026-05-31", alice.user.pk, {"a": 1})
        with acting_as(Actor.system()):
            event = Event.objects.get(type="entries.created")
        assert event.user.email == "root@example.com"
        assert event.cause == {"door": "admin"}
        assert not ContentType.objects.filter(app_label="generated").exists()

    def test_changes_only_what_was_changed(self, alice, root, books):
        (id,) = add(alice, books, {"title": "Emma", "price": 5, "kind": "Novel"})
        page = root.get(url(books, "change", id))
        form = page.context["adminform"].form
        values = {name: form[name].value() for name in form.fields}
        values = {k: v for k, v in values.items() if v is not None} | {"title": "Emma II"}
        values.pop("data", None)
        assert root.post(url(books, "change", id), values).status_code == 302
        with acting_as(Actor.system()):
            assert Event.objects.get(type="entries.updated").changed == ["title"]
        assert rows(books)[0].price == 5

    def test_nobodys_change_is_overwritten(self, alice, root, books):
        (id,) = add(alice, books, {"title": "Emma"})
        seen = rows(books)[0]._ev
        with alice.acting() as actor:
            entries.update_entries(record=books, changes={id: {"title": "Hers"}}, actor=actor)
        page = root.post(url(books, "change", id), {"title": "Mine", "_ev": seen})
        assert page.status_code == 200
        assert "changed since you read it" in page.content.decode()
        assert rows(books)[0].title == "Hers"

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"title": "Emma"}, "must be unique"),
            ({"title": ""}, "This field is required"),
            ({"title": "x", "price": "many"}, "many"),
            ({"title": "x", "kind": "7"}, "Select a valid choice"),
            ({"title": "x" * 300}, "at most 255"),
            ({"title": "x", "data": "{"}, "is no JSON"),
        ],
    )
    def test_bad_values_stay_in_the_form(self, alice, root, books, values, sentence):
        add(alice, books, {"title": "Emma"})
        page = root.post(url(books, "add"), values)
        assert page.status_code == 200
        assert sentence in page.content.decode()
        assert len(rows(books)) == 1

    def test_deletes(self, alice, root, books):
        one, two, three = add(alice, books, *[{"title": title} for title in "abc"])
        assert b"Its history stays" in root.get(url(books, "delete", one)).content
        assert root.post(url(books, "delete", one), {"post": "yes"}).status_code == 302
        chosen = {"action": "delete_selected", "_selected_action": [two, three]}
        page = root.post(url(books, "changelist"), chosen).content.decode()
        assert "Delete <strong>2</strong> entries?" in page
        assert len(rows(books)) == 2
        answer = root.post(url(books, "changelist"), chosen | {"post": "yes"}, follow=True)
        assert b"2 entries were deleted" in answer.content
        assert rows(books) == []

    def test_deletes_all_that_a_filter_finds_in_one_go(self, alice, root, books):
        add(alice, books, *[{"title": f"Novel {n}", "kind": "Novel"} for n in range(120)])
        add(alice, books, {"title": "Stays", "kind": "Poems"}, {"title": "Too"})
        address = f"{url(books, 'changelist')}?kind__is=1&q=ovel"
        (first,) = [entry.pk for entry in rows(books) if entry.title == "Novel 0"]
        chosen = {"action": "delete_selected", "select_across": "1", "_selected_action": [first]}
        page = root.post(address, chosen).content.decode()
        assert "Delete <strong>120</strong> entries?" in page
        assert "and 100 more" in page
        assert page.count('name="_selected_action"') == 1
        with CaptureQueriesContext(connection) as queries:
            answer = root.post(address, chosen | {"post": "yes"})
        assert answer.status_code == 302
        reads = [q["sql"] for q in queries if q["sql"].startswith('SELECT "')]
        assert all("LIMIT" in sql for sql in reads if books.table_name in sql)
        assert [entry.title for entry in rows(books)] == ["Stays", "Too"]
        with acting_as(Actor.system()):
            (event,) = Event.objects.filter(type="entries.deleted")
        assert (event.count, event.user.email) == (120, "root@example.com")

    def test_who_may_not_delete_is_offered_and_allowed_nothing(self, alice, books):
        (id,) = add(alice, books, {"title": "Emma"})
        viewer = staff("viewer", "view_record", "change_record")[1]
        assert b"delete_selected" not in viewer.get(url(books, "changelist")).content
        chosen = {"action": "delete_selected", "_selected_action": [id], "post": "yes"}
        viewer.post(url(books, "changelist"), chosen)
        assert len(rows(books)) == 1

    @pytest.mark.parametrize("value", ["hello", "", "5", 5, None, True, ["a"], {"b": "c"}, "“é”"])
    def test_json_of_any_kind_round_trips(self, root, books, value):
        typed = "" if value is None else json.dumps(value)
        root.post(url(books, "add"), {"title": "Emma", "data": typed})
        (entry,) = rows(books)
        assert entry.data == value
        address = url(books, "change", entry.pk)
        form = root.get(address).context["adminform"].form
        assert json.loads(form["data"].value()) == value
        root.post(address, {"title": "Emma II", "data": typed, "_ev": entry._ev})
        assert [(entry.title, entry.data) for entry in rows(books)] == [("Emma II", value)]
        with acting_as(Actor.system()):
            assert Event.objects.get(type="entries.updated").changed == ["title"]

    @pytest.mark.parametrize("id", [99, 10**30])
    def test_an_entry_that_is_not_there_is_404(self, root, books, id):
        for page in ("change", "delete", "history"):
            assert root.get(url(books, page, id)).status_code == 404


class TestHistory:
    def test_tells_every_step(self, alice, root, books):
        (id,) = add(alice, books, {"title": "Emma", "owner": str(alice.user.pk)})
        root.post(url(books, "change", id), {"title": "Emma II", "kind": "2"})
        root.post(url(books, "delete", id), {"post": "yes"})
        page = root.get(url(books, "history", id))
        assert [step.what for step in page.context["steps"]] == ["Deleted", "Changed", "Added"]
        text = page.content.decode()
        assert "<del>Emma</del> → Emma II" in text
        assert "<strong>Kind</strong>: <del>empty</del> → Poems" in text
        assert "<strong>Owner</strong>: <del>Alice</del> → empty" in text
        assert "root@example.com" in text


def test_every_type_of_field_has_a_form(alice, root, make_record):
    from records.fields import TYPES

    options = {"choice": CHOICES, "choices": TAGS}
    record = make_record("All", **{f"a_{key}": options.get(key, key) for key in TYPES})
    add(alice, record, {})
    assert root.get(url(record, "add")).status_code == 200
    assert root.post(url(record, "add"), {}).status_code == 302
    (first, second) = rows(record)
    assert root.get(url(record, "change", first.pk)).status_code == 200
    assert root.get(url(record, "changelist")).status_code == 200
    assert root.post(url(record, "change", second.pk), {"_ev": second._ev}).status_code == 302
    assert rows(record)[1]._ev == second._ev


def test_the_start_page_lists_records(root, books):
    page = root.get("/admin/").content.decode()
    assert url(books, "changelist") in page
