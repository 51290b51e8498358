"""The buttons of workflows on entries: who sees them, what pressing starts, what it says."""

import datetime as dt
import json
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from automations import services
from automations.pressing import press_of
from automations.tests.workflows import add, make_workflow, runs_of, settle
from kdap.tests.people import give_role
from records.tests.helpers import events
from workspaces.models import Role

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}
STOP = {"id": "stop", "type": "stop"}


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text", stock="integer")


@pytest.fixture
def flow(alice, workspace, books):
    """A workflow with a button on books that are in stock: it writes their titles in capitals."""
    where = {"field": "stock", "op": "gt", "value": 0}
    trigger = {"type": "button", "record": str(books.pk), "where": where}
    shout = {
        "id": "shout",
        "type": "update_entry",
        "record": str(books.pk),
        "values": {"title": "{{ trigger.entry.title | upper }}"},
    }
    return make_workflow(alice, workspace, trigger, shout, name="Shout")


@pytest.fixture
def ids(alice, books):
    """Eight books; the first two are out of stock."""
    return add(alice, books, *[{"title": f"Book {n}", "stock": int(n > 1)} for n in range(8)])


def url(flow):
    return reverse("workflow_press", args=[flow.pk])


def press(person, flow, ids, headers=HTMX, **more):
    data = {"entries": ",".join(map(str, ids)), **more}
    return person.client.post(url(flow), data, headers=headers)


def told(answer, event="toast"):
    return json.loads(answer.headers["HX-Trigger"])[event]


def offered(person, record):
    """Return the labels of the buttons that the grid of a record offers."""
    data = person.client.get(reverse("record_shape", args=[record.pk])).json()
    return [button["label"] for button in data["buttons"]]


def test_grid_entry_and_plain_table_offer_it_to_who_may_write(
    alice, bob, workspace, books, flow, ids
):
    assert offered(alice, books) == ["Shout"]
    pages = [books.get_absolute_url(), reverse("entry", args=[books.pk, ids[0]])]
    for page in pages:
        assert url(flow) in alice.client.get(page).content.decode()
    give_role(workspace, bob, Role.VIEWER)
    assert offered(bob, books) == []
    for page in pages:
        assert url(flow) not in bob.client.get(page).content.decode()
    assert press(bob, flow, ids[2:3]).status_code == 403


def test_only_what_is_on_and_has_a_button_here_is_offered(
    alice, workspace, make_record, books, flow
):
    make_workflow(alice, workspace, {"type": "button"}, STOP, name="No record")
    added = {"type": "entry_created", "record": str(books.pk)}
    make_workflow(alice, workspace, added, STOP, name="New")
    other = make_record("Others", what="text")
    assert (offered(alice, books), offered(alice, other)) == (["Shout"], [])
    with alice.acting() as actor:
        services.pause(workflow=flow, actor=actor)
    assert offered(alice, books) == []


def test_the_past_offers_nothing(alice, books, flow, ids):
    with alice.acting():
        now = events(books)[-1].id
    past = alice.client.get(f"{books.get_absolute_url()}?as_of={now}")
    assert past.status_code == 200
    assert url(flow) not in past.content.decode()


def test_a_stranger_meets_404(charlie, flow, ids):
    assert press(charlie, flow, ids[2:3]).status_code == 404


def test_one_entry_runs_at_once_and_the_toast_leads_to_the_run(alice, flow, ids):
    answer = press(alice, flow, ids[2:3])
    (run,) = runs_of(flow)
    assert answer.status_code == 204
    assert told(answer) == {
        "message": f"“Shout” runs on entry {ids[2]}.",
        "link": {"url": run.get_absolute_url(), "label": "Show the run"},
    }
    plain = press(alice, flow, ids[3:4], headers={})
    assert plain.url == runs_of(flow)[-1].get_absolute_url()


def test_the_filter_is_respected_and_told(alice, flow, ids):
    answer = press(alice, flow, ids[:5])
    assert told(answer)["message"] == (
        "“Shout” runs on 3 of 5 entries; the others do not match its filter, or are gone."
    )
    assert [run.entry_id for run in runs_of(flow)] == ids[2:5]
    none = press(alice, flow, ids[:2])
    assert none.status_code == 409
    assert told(none)["message"] == "None of these entries matches the workflow's filter."


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_today_is_that_of_the_publisher(alice, bob, workspace, make_record, zone):
    with alice.acting():
        alice.user.time_zone = zone
        alice.user.save()
    days = make_record("Days", day="date")
    now = dt.datetime.now(ZoneInfo(zone)).date()
    ids = add(alice, days, *[{"day": str(now + dt.timedelta(days=n))} for n in (-2, -1, 0, 1)])
    where = {"field": "day", "op": "next_days", "value": 0}
    trigger = {"type": "button", "record": str(days.pk), "where": where}
    flow = make_workflow(alice, workspace, trigger, STOP, name="Daily")
    assert press(bob, flow, ids).status_code == 204
    assert [run.entry_id for run in runs_of(flow)] == ids[2:3]


def test_many_are_asked_about_first(alice, flow, ids):
    asked = press(alice, flow, ids)
    text = asked.content.decode()
    assert asked.status_code == 200
    assert "6 of 8 entries" in text
    assert "stock is more than 0" in text.lower() or "stock &gt; 0" in text.lower()
    assert "<html" not in text
    assert runs_of(flow) == []
    answer = press(alice, flow, ids, sure="1")
    runs = runs_of(flow)
    assert len(runs) == 6
    link = told(answer)["link"]
    assert link["url"] == f"{flow.get_absolute_url()}?press={press_of(runs[0])}"
    press(alice, flow, ids[2:3])
    page = alice.client.get(link["url"]).content.decode()
    assert [run.get_absolute_url() in page for run in runs_of(flow)] == [True] * 6 + [False]


def test_what_fails_is_told(alice, workspace, books, ids):
    fail = {"id": "no", "type": "stop", "failed": True, "reason": "There is no paper."}
    trigger = {"type": "button", "record": str(books.pk)}
    flow = make_workflow(alice, workspace, trigger, fail, name="Print")
    started = told(press(alice, flow, ids[:2]), "runs:started")
    assert alice.client.get(started["url"]).json() == {"going": 2, "failed": 0, "said": ""}
    settle()
    answer = alice.client.get(started["url"]).json()
    assert answer["failed"] == 2
    assert answer["said"].startswith("2 of 2 runs of “Print” failed: ")
    assert "There is no paper." in answer["said"]


@pytest.mark.parametrize("entries", ["", "x", "1,-2", "9" * 30])
def test_bad_numbers_are_refused(alice, flow, entries):
    assert alice.client.post(url(flow), {"entries": entries}).status_code == 422


def test_without_javascript_boxes_are_ticked(alice, books, flow, ids):
    answer = alice.client.post(url(flow), {"entries": [str(id) for id in ids[2:4]]})
    assert answer.status_code == 302
    assert len(runs_of(flow)) == 2
    asked = alice.client.post(url(flow), {"entries": [str(id) for id in ids]})
    assert b"<html" in asked.content
    assert asked.status_code == 200


def test_an_entrys_page_names_the_entry_whatever_stands_in_its_form(alice, books, flow, ids):
    answer = alice.client.post(f"{url(flow)}?entries={ids[4]}", {"entries": "1", "title": "x"})
    assert answer.status_code == 302
    assert [run.entry_id for run in runs_of(flow)] == [ids[4]]


def test_a_button_that_is_gone_says_so(alice, books, flow, ids):
    with alice.acting() as actor:
        services.pause(workflow=flow, actor=actor)
    answer = press(alice, flow, ids[2:3])
    assert answer.status_code == 409
    assert told(answer)["message"] == "“Shout” is not switched on."


def test_the_api_lists_the_buttons_of_a_record(alice, workspace, books, flow):
    make_workflow(alice, workspace, {"type": "button"}, STOP, name="No record")
    url = f"/api/v1/workspaces/{workspace.pk}/workflows/"
    found = alice.client.get(url, {"button": str(books.pk)}).json()
    assert [item["name"] for item in found["results"]] == ["Shout"]
    assert alice.client.get(url, {"button": "x"}).status_code == 400


def test_buttons_cost_one_question(alice, workspace, books, flow, django_assert_max_num_queries):
    shape = reverse("record_shape", args=[books.pk])
    alice.client.get(shape)
    with django_assert_max_num_queries(40) as before:
        alice.client.get(shape)
    for number in range(10):
        trigger = {"type": "button", "record": str(books.pk)}
        make_workflow(alice, workspace, trigger, STOP, name=f"W{number}")
    with django_assert_max_num_queries(len(before.captured_queries)):
        assert len(alice.client.get(shape).json()["buttons"]) == 11
