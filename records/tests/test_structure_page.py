"""The structure page and the dialogs that change fields."""

import orjson
import pytest
from django.urls import reverse

from kdap.tests.people import give_role
from records.models import Record
from records.tests.helpers import add, column
from workspaces.models import Role

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def books(make_record):
    return make_record(title="text", price="text")


def url(record, name, *args):
    return reverse(name, args=[record.pk, *args])


def field_id(record, key):
    return Record.objects.get(pk=record.pk).structure.field(key).id


def spec(**values):
    return {
        "label": "Price",
        "type": "decimal",
        "option_precision": "19",
        "option_scale": "2",
    } | values


def structure(person, record):
    with person.acting():
        return Record.objects.get(pk=record.pk).structure


def test_page_lists_fields_and_versions(alice, books):
    page = alice.client.get(url(books, "record_structure")).content.decode()
    assert "Title" in page
    assert "Made the record." in page


def test_adding_a_field_at_a_place(alice, books):
    add_url = url(books, "field_new") + "?position=0"
    answer = alice.client.post(add_url, {"label": "Shelf", "type": "integer"})
    assert answer.status_code == 302
    assert [f.key for f in structure(alice, books).fields] == ["shelf", "title", "price"]


def test_dialog_says_what_it_did(alice, books):
    answer = alice.client.post(
        url(books, "field_new"), {"label": "Shelf", "type": "integer"}, headers=HTMX
    )
    assert answer.status_code == 204
    assert "structure:changed" in answer.headers["HX-Trigger"]
    assert "Add the field" in answer.headers["HX-Trigger"]


def test_options_of_a_type_are_asked_for(alice, books):
    answer = alice.client.post(
        url(books, "field_new"), {"type": "currency", "part": "options"}, headers=HTMX
    )
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "option_currency" in html
    assert "<html" not in html


def test_values_are_offered_as_choices(alice, books):
    add(alice, books, {"price": "cheap"}, {"price": "dear"}, {"price": "cheap"})
    with alice.acting():
        edit = url(books, "field", field_id(books, "price"))
    answer = alice.client.post(edit, {"type": "choice", "part": "options"}, headers=HTMX)
    assert "cheap\ndear" in answer.content.decode()


def test_losing_cells_must_be_agreed_to(alice, books):
    add(alice, books, {"price": "9.90"}, {"price": "dear"})
    with alice.acting():
        edit = url(books, "field", field_id(books, "price"))
    plan = alice.client.post(edit, spec(part="plan"), headers=HTMX).content.decode()
    assert "Convert “Price” from Text to Decimal." in plan
    answer = alice.client.post(edit, spec())
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "1 cell of “Price” can’t become decimal" in html
    assert "dear" in html
    assert alice.client.post(edit, spec(confirmed="1")).status_code == 302
    with alice.acting():
        assert column(Record.objects.get(pk=books.pk), "price") == ["9.90", None]


def test_blocked_changes_say_why(alice, books):
    add(alice, books, {"price": "1"}, {"title": "Emma"})
    with alice.acting():
        edit = url(books, "field", field_id(books, "price"))
    data = {"label": "Price", "type": "text", "option_max_length": "255", "required": "on"}
    answer = alice.client.post(edit, data)
    assert answer.status_code == 422
    assert "1 cell of “Price” are empty." in answer.content.decode()


def test_bad_input_stays_in_the_form(alice, books):
    answer = alice.client.post(url(books, "field_new"), {"label": "", "type": "integer"})
    assert answer.status_code == 422
    bad = {"label": "Pay", "type": "currency", "option_currency": "euro", "option_scale": "2"}
    answer = alice.client.post(url(books, "field_new"), bad)
    assert answer.status_code == 422
    assert "three capital letters" in answer.content.decode()


def test_somebody_else_was_faster(alice, books):
    alice.client.post(url(books, "field_new"), {"label": "Shelf", "type": "integer"})
    late = {"label": "Room", "type": "integer", "version": "1"}
    answer = alice.client.post(url(books, "field_new"), late)
    assert answer.status_code == 422
    assert "Add the field “Shelf”" in answer.content.decode()


def test_deleting_and_bringing_back(alice, books):
    add(alice, books, {"price": "9"})
    with alice.acting():
        name = field_id(books, "price")
    ask = alice.client.get(url(books, "field_delete", name)).content.decode()
    assert "1 cell leave the table with it." in ask
    assert (
        alice.client.post(url(books, "field_delete", name), {"confirmed": "1"}).status_code == 302
    )
    page = alice.client.get(url(books, "record_structure")).content.decode()
    assert "Deleted fields" in page
    assert alice.client.post(url(books, "field_restore", name)).status_code == 302
    with alice.acting():
        assert column(Record.objects.get(pk=books.pk), "price") == ["9"]


def test_moving(alice, books):
    with alice.acting():
        name = field_id(books, "price")
    alice.client.post(url(books, "field_move", name), {"position": "0"})
    assert [f.key for f in structure(alice, books).fields] == ["price", "title"]


@pytest.mark.parametrize("position", ["²", "9" * 5000, "-1", "x", ""])
def test_a_place_that_is_none(alice, books, position):
    with alice.acting():
        name = field_id(books, "price")
    moved = alice.client.post(url(books, "field_move", name), {"position": position})
    assert moved.status_code < 500
    dialog = alice.client.get(url(books, "field_new"), {"position": position})
    assert dialog.status_code < 500


def test_versions_stand_side_by_side(workspace, alice, bob, charlie, books):
    client, versions = alice.client, url(books, "record_versions")
    assert "one and the same" in client.get(versions).content.decode()
    client.post(url(books, "field_new"), {"label": "Shelf", "type": "integer"})
    with alice.acting():
        title, price = field_id(books, "title"), field_id(books, "price")
    client.post(url(books, "field", title), spec(label="Name", type="text"))
    client.post(url(books, "field_delete", price), {"confirmed": "1"})
    assert versions in client.get(url(books, "record_structure")).content.decode()
    page = client.get(versions, {"from": "4", "to": "1"})
    states = {row.field.label: row.state for row in page.context["rows"]}
    assert states == {"Name": "changed", "Price": "removed", "Shelf": "added"}
    html = page.content.decode()
    assert "<del>Price</del>" in html
    assert "<ins>Shelf</ins>" in html
    assert client.get(versions).context["older"] == 3
    for wrong in ({"from": "9"}, {"to": "²"}, {"from": "x"}, {"to": "99999999999"}):
        assert client.get(versions, wrong).status_code == 404
    give_role(workspace, bob, Role.VIEWER)
    assert bob.client.get(versions).status_code == 200
    assert charlie.client.get(versions).status_code == 404


def test_only_admins_change_fields(workspace, alice, bob, charlie, books):
    with alice.acting():
        name = field_id(books, "price")
    give_role(workspace, bob, Role.EDITOR)
    for person, status in ((bob, 403), (charlie, 404)):
        assert person.client.post(url(books, "field_new"), spec()).status_code == status
        assert person.client.post(url(books, "field", name), spec()).status_code == status
        assert person.client.post(url(books, "field_delete", name)).status_code == status
        assert person.client.post(url(books, "field_move", name)).status_code == status
    assert bob.client.get(url(books, "record_structure")).status_code == 200
    assert charlie.client.get(url(books, "record_structure")).status_code == 404


def test_a_new_record(alice, workspace):
    new = reverse("record_new", args=[workspace.pk])
    assert "New record" in alice.client.get(new).content.decode()
    assert alice.client.post(new, {"name": ""}).status_code == 422
    answer = alice.client.post(new, {"name": "Authors", "icon": "users", "color": "teal"})
    assert answer.status_code == 302
    page = alice.client.get(answer.headers["Location"]).content.decode()
    assert "Nothing in “Authors” yet" in page


def test_settings_and_the_trash(alice, bob, books):
    settings = url(books, "record_settings")
    answer = alice.client.post(settings, {"name": "Novels", "icon": "book", "color": "red"})
    assert answer.status_code == 302
    assert bob.client.get(settings).status_code == 403
    delete = url(books, "record_delete")
    assert alice.client.post(delete, {"name": "wrong"}).status_code == 422
    assert alice.client.post(delete, {"name": "Novels"}).status_code == 302
    assert alice.client.get(url(books, "record")).status_code == 404


def test_choices_keep_their_cells_however_they_are_written(alice, make_record):
    genres = {"type": "choice", "options": {"choices": ["Novel", "Poetry", "Travel"]}}
    books = make_record(genre=genres)
    add(alice, books, {"genre": "Novel"}, {"genre": "Travel"})
    with alice.acting():
        edit = url(books, "field", field_id(books, "genre"))
    lines = {"label": "Genre", "type": "choice", "option_choices": "New\ntravel\nNovel"}
    assert alice.client.post(edit, lines).status_code == 302
    with alice.acting():
        assert column(Record.objects.get(pk=books.pk), "genre") == ["Novel", "travel"]
    items = [
        {"id": 1, "label": "Prose", "color": "red"},
        {"id": 3, "label": "Trips"},
        {"label": "X"},
        {"id": 4, "label": "New"},
    ]
    lines["option_choices"] = orjson.dumps(items).decode()
    assert alice.client.post(edit, lines).status_code == 302
    with alice.acting():
        assert column(Record.objects.get(pk=books.pk), "genre") == ["Prose", "Trips"]
    lines["option_choices"] = "Prose\nOther"
    answer = alice.client.post(edit, lines)
    assert answer.status_code == 422
    assert "1 cell of “Genre” would lose what the new settings leave out" in answer.content.decode()
