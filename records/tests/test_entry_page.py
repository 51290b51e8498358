"""One entry's page and panel."""

import re

import orjson
import pytest
from django.urls import reverse

from kdap.tests.people import give_role
from records import fields
from records.forms import EntryForm
from records.query import Query
from records.tests.helpers import add, column
from workspaces.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(make_record):
    return make_record(
        title={"type": "text", "required": True}, price="decimal", added="created_at"
    )


def url_of(record, entry_id, name="entry"):
    return reverse(name, args=[record.pk, entry_id])


def form_of(client, url):
    """Return what a browser would post for the page's form, untouched."""
    form = client.get(url).context["form"]
    posted = {}
    for bound in form:
        value = bound.value()
        if value is not None:
            shown = bound.field.widget.format_value(value)
            several = getattr(bound.field.widget, "allow_multiple_selected", False)
            posted[bound.html_name] = shown[0] if isinstance(shown, list) and not several else shown
    return posted


def test_page_and_panel(alice, books):
    (id,) = add(alice, books, {"title": "Emma", "price": "9.90"})
    page = alice.client.get(url_of(books, id)).content.decode()
    assert "<html" in page
    assert 'value="9.90"' in page
    assert "Added" in page
    panel = alice.client.get(url_of(books, id), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in panel
    assert "entry-form" in panel


def test_saving_writes_only_what_changed(alice, bob, books):
    (id,) = add(alice, books, {"title": "Emma", "price": "9.90"})
    client, url = alice.client, url_of(books, id)
    seen = client.get(url).context
    posted = {"title": "Emma", "price": "8", "seen": seen["seen"], "version": seen["row"][1]}
    bob.client.post(url, {"title": "Emma!", "price": "9.90"})
    assert client.post(url, posted).status_code == 302
    with alice.acting():
        assert column(books, "title") == ["Emma!"]
        assert column(books, "price") == ["8.00"]


def test_the_same_field_changed_by_two_is_asked_about(alice, bob, books):
    (id,) = add(alice, books, {"title": "Emma", "price": "1"})
    client, url = alice.client, url_of(books, id)
    seen = client.get(url).context
    bob.client.post(url, {"title": "Emma", "price": "2"})
    posted = {"title": "Emma", "price": "3", "seen": seen["seen"], "version": seen["row"][1]}
    answer = client.post(url, posted, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "Somebody made this “2.00” in the meantime" in answer.content.decode()
    again = {"title": "Emma", "price": "3", "seen": answer.context["seen"]}
    again["version"] = answer.context["row"][1]
    done = client.post(url, again, headers={"HX-Request": "true"})
    assert orjson.loads(done.headers["HX-Trigger"])["entry:saved"] == {"id": id}


def test_bad_input_stays_in_the_form(alice, books):
    (id,) = add(alice, books, {"title": "Emma"})
    answer = alice.client.post(url_of(books, id), {"title": "Emma", "price": "dear"})
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "“dear” is no number." in html
    assert 'value="dear"' in html


def test_new_entry(alice, books):
    url = reverse("entry_new", args=[books.pk])
    assert alice.client.post(url, {"price": "1"}).status_code == 422
    assert alice.client.post(url, {"title": "Emma", "price": "1"}).status_code == 302
    with alice.acting():
        assert column(books, "title") == ["Emma"]


def test_deleting(alice, books):
    (id,) = add(alice, books, {"title": "Emma"})
    assert alice.client.get(url_of(books, id, "entry_delete")).status_code == 405
    assert alice.client.post(url_of(books, id, "entry_delete")).status_code == 302
    assert alice.client.get(url_of(books, id)).status_code == 404


def test_readers_see_values_and_no_form(workspace, alice, bob, books):
    (id,) = add(alice, books, {"title": "Emma"})
    give_role(workspace, bob, Role.VIEWER)
    page = bob.client.get(url_of(books, id)).content.decode()
    assert "Emma" in page
    assert 'name="title"' not in page
    assert bob.client.post(url_of(books, id), {"title": "X"}).status_code == 403


def test_strangers_find_nothing(alice, charlie, books):
    (id,) = add(alice, books, {"title": "Emma"})
    assert charlie.client.get(url_of(books, id)).status_code == 404
    assert charlie.client.post(url_of(books, id), {"title": "X"}).status_code == 404


def test_a_form_sent_back_untouched_changes_nothing(alice, make_record):
    """For every field type: the form reads back what it showed."""
    values = {
        "text": " two  spaces ", "long_text": "one\ntwo", "integer": 7, "decimal": "1.50",
        "currency": "2.00", "percent": "0.125", "rating": 3, "boolean": False,
        "date": "2026-05-31", "datetime": "2026-05-31T14:30:00Z", "duration": "1:30:00",
        "choice": "b", "choices": ["a", "b"], "email": "a@b.co", "url": "https://b.co/",
        "phone": "+49 30 1", "json": {"a": [1, "é"]}, "uuid": "a" * 32, "user": str(alice.user.pk),
    }  # fmt: skip
    choices = {"options": {"choices": ["a", "b", "c"]}}
    specs = {
        f"a_{key}": {"type": key} | (choices if key in ("choice", "choices") else {})
        for key in fields.TYPES
    }
    record = make_record("Everything", **specs)
    add(alice, record, {f"a_{key}": value for key, value in values.items()})
    client = alice.client
    with alice.acting():
        id = Query(record).rows()[0][0]
    url = url_of(record, id)
    posted = form_of(client, url)
    seen = client.get(url).context["seen"]
    with alice.acting():
        form = EntryForm(record, posted, orjson.loads(seen))
        assert form.is_valid(), form.errors
        assert form.changed_values == {}
    assert client.post(url, posted | {"seen": seen}).status_code == 302


@pytest.mark.parametrize("text", ["Emma", "5", ""])
def test_a_text_in_a_json_field_is_shown_and_kept(alice, make_record, text):
    record = make_record("Notes", data="json", title="text")
    add(alice, record, {"data": orjson.dumps(text).decode()})
    with alice.acting():
        id = Query(record).rows()[0][0]
    url = url_of(record, id)
    posted = form_of(alice.client, url)
    seen = alice.client.get(url).context["seen"]
    assert alice.client.post(url, posted | {"seen": seen, "title": "Emma"}).status_code == 302
    with alice.acting():
        assert (column(record, "data"), column(record, "title")) == ([text], ["Emma"])


def test_without_a_script_what_was_done_can_be_undone_from_its_sentence(alice, books):
    (id,) = add(alice, books, {"title": "Emma"})
    page = alice.client.post(url_of(books, id, "entry_delete"), follow=True).content.decode()
    (undo,) = re.findall(r'The entry is deleted\. <a href="([^"]+)">Undo…</a>', page)
    assert alice.client.get(undo).status_code == 200
    alice.client.post(undo)
    with alice.acting():
        assert column(books, "title") == ["Emma"]


def test_saving_nothing_offers_no_undo(alice, books):
    (id,) = add(alice, books, {"title": "Emma", "price": "9.90"})
    url = url_of(books, id)
    page = alice.client.post(url, form_of(alice.client, url), follow=True).content.decode()
    assert "The entry is saved." in page
    assert "Undo…" not in page


def test_personal_data_is_erased_from_where_the_entry_is_seen(alice, bob, make_record):
    people = make_record("People", email={"type": "email", "personal": True})
    (id,) = add(alice, people, {"email": "emma@example.com"})
    link = f"{reverse('record_erase', args=[people.pk])}?entries={id}"
    assert link in alice.client.get(url_of(people, id)).content.decode()
    assert link not in bob.client.get(url_of(people, id)).content.decode()


def test_where_nothing_is_personal_nothing_is_offered_to_erase(alice, books):
    (id,) = add(alice, books, {"title": "Emma"})
    assert "Erase" not in alice.client.get(url_of(books, id)).content.decode()
