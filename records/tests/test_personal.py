"""Fields that hold personal data: marked by a plan, on the structure page, over the API."""

import pytest
from django.urls import reverse

from records.entries import create_entries
from records.services import change_structure, preview_structure
from records.tests.api import Api
from records.tests.helpers import add, events
from workspaces.errors import InvalidStructure
from workspaces.operations import undo

MARK = {"op": "change_field", "field": "mail", "personal": True}


@pytest.fixture
def people(alice, make_record):
    record = make_record("People", who="text", mail="email", number="autonumber")
    add(alice, record, {"who": "Dora", "mail": "dora@example.com"})
    return record


def test_a_plan_says_it_and_touches_no_column(alice, people):
    with alice.acting() as actor:
        seen = preview_structure(record=people, changes=[MARK], actor=actor)
        assert seen["sentences"] == ["Mark “Mail” as personal."]
        plan = change_structure(record=people, changes=[MARK], actor=actor)
        assert not plan.touches_columns
        assert [field.personal for field in people.structure.fields] == [False, True, False]
        taken = create_entries(record=people, rows=[{"mail": "emil@example.com"}], actor=actor)
    assert taken.ids


def test_it_is_told_and_taken_back(alice, people):
    with alice.acting() as actor:
        change_structure(record=people, changes=[MARK], actor=actor)
        [event] = events(people, "structure.changed")
    page = alice.client.get(reverse("record_history", args=[people.pk])).content.decode()
    assert "Marked “Mail” as personal" in page
    undo(operation_id=event.operation_id, actor=alice.actor)
    with alice.acting():
        assert not people.reload().field("mail").personal


def test_what_kdap_fills_is_not_personal(alice, people):
    change = {"op": "change_field", "field": "number", "personal": True}
    with alice.acting() as actor, pytest.raises(InvalidStructure, match="filled by KDAP"):
        change_structure(record=people, changes=[change], actor=actor)


def test_the_dialog_marks_and_the_page_shows_it(alice, people):
    with alice.acting():
        field = people.structure.field("mail").id
    address = reverse("field", args=[people.pk, field])
    data = {"label": "Mail", "type": "email", "personal": "on"}
    assert alice.client.post(address, data).status_code == 302
    page = alice.client.get(reverse("record_structure", args=[people.pk])).content.decode()
    assert '<span class="badge">Personal</span>' in page
    assert 'name="personal"' in alice.client.get(address).content.decode()
    alice.client.post(address, {"label": "Mail", "type": "email"})
    with alice.acting():
        assert not people.reload().field("mail").personal


def test_the_api_marks_and_shows_it(alice, people):
    address = f"records/{people.pk}/structure/"
    found = Api(alice).patch(address, {"changes": [MARK]}).data["fields"]
    assert [field["personal"] for field in found] == [False, True, False]
