"""Steps that go to other places of a draft, and people who change one draft at the same time."""

import json
from threading import Thread

import pytest
from django.db import connections

from automations import drafts, services
from automations.models import Workflow
from automations.tests.workflows import BUTTON
from kdap.tests.people import give_role
from records.tests.test_answering import wait_for_a_lock
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}
SIDE = HTMX | {"HX-Target": "div#side"}


def keep(id, value="x"):
    return {"id": id, "type": "set", "name": id.title(), "values": {id: value}}


@pytest.fixture
def flow(alice, workspace):
    """first, low (then: inner; otherwise: nothing), loop (each), last, which needs first."""
    comparison = {"value": "{{ steps.first.first }}", "op": "is", "other": "x"}
    low = {"id": "low", "type": "if", "condition": comparison, "then": [keep("inner")]}
    loop = {"id": "loop", "type": "for_each", "items": "{{ trigger.entries }}"}
    loop["steps"] = [keep("each")]
    last = keep("last", "{{ steps.first.first }}")
    definition = {"trigger": BUTTON, "steps": [keep("first"), low, loop, last]}
    with alice.acting() as actor:
        return services.create_workflow(
            workspace=workspace, name="Order", actor=actor, definition=definition
        )


def draft(flow):
    with acting_as(Actor.system()):
        return Workflow.objects.get(pk=flow.pk).structured_definition


def post(person, flow, headers=HTMX, **data):
    return person.client.post(f"/flows/{flow.pk}/steps/", data, headers=headers)


def outline(steps):
    """Return ids, those inside a step in a list after it."""
    made = []
    for step in steps:
        made.append(step["id"])
        for name in drafts.BLOCKS:
            made += [outline(step[name])] if step.get(name) else []
    return made


AT_FIRST = ["first", "low", ["inner"], "loop", ["each"], "last"]


@pytest.mark.parametrize(
    ("id", "place", "after"),
    [
        ("last", "/steps/0", ["last", "first", "low", ["inner"], "loop", ["each"]]),
        ("first", "/steps/4", ["low", ["inner"], "loop", ["each"], "last", "first"]),
        ("first", "/steps/1/then/1", ["low", ["inner", "first"], "loop", ["each"], "last"]),
        ("first", "/steps/1/otherwise/0", ["low", ["first"], ["inner"], "loop", ["each"], "last"]),
        ("inner", "/steps/2/steps/0", ["first", "low", "loop", ["inner", "each"], "last"]),
        ("low", "/steps/2/steps/1", ["first", "loop", ["each", "low", ["inner"]], "last"]),
        ("first", "/steps/0", AT_FIRST),
        ("first", "/steps/1", AT_FIRST),
    ],
)
def test_a_step_goes_anywhere(flow, id, place, after):
    before = draft(flow)
    after = [["first"] if item == ["first"] else item for item in after]
    assert outline(drafts.carry(before, id, place)["steps"]) == after
    assert outline(before["steps"]) == AT_FIRST


@pytest.mark.parametrize(
    ("id", "place", "sentence"),
    [
        ("low", "/steps/1/then/0", "A step can't go inside itself."),
        ("low", "/steps/1/otherwise/0", "A step can't go inside itself."),
        ("each", "/steps/0", "“For each” needs a step inside."),
        ("first", "/steps/9", "no such place"),
        ("first", "/steps/-1", "no such place"),
        ("first", "/steps/1/then/-1", "no such place"),
        ("first", "", "no such place"),
        ("first", "/trigger/0", "no such place"),
        ("first", "/steps/2/values/0", "There is no such option here."),
    ],
)
def test_where_a_step_can_not_go_is_said(alice, flow, id, place, sentence):
    answer = post(alice, flow, verb="move", step=id, to=place)
    assert answer.status_code in (404, 422)
    assert sentence in toast_of(answer)["message"]
    assert outline(draft(flow)["steps"]) == AT_FIRST


def test_a_move_is_told_and_undone_by_its_toast(alice, flow):
    answer = post(alice, flow, verb="move", step="inner", to="/steps/1/otherwise/0", stay="")
    assert answer.status_code == 200
    assert draft(flow)["steps"][1]["otherwise"][0]["id"] == "inner"
    toast = toast_of(answer)
    assert toast["kind"] == "good"
    assert toast["message"] == "“Inner” is moved."
    post(alice, flow, verb="undo", operation=toast["undo"]["operation"])
    assert outline(draft(flow)["steps"]) == AT_FIRST
    again = post(alice, flow, verb="undo", operation=toast["undo"]["operation"])
    assert again.status_code == 422
    assert toast_of(again)["message"] == "There is nothing to undo."


def toast_of(answer):
    return json.loads(answer.headers["HX-Trigger"])["toast"]


def test_what_a_move_breaks_is_said_with_it(alice, flow):
    toast = toast_of(post(alice, flow, verb="move", step="first", to="/steps/4"))
    assert toast["kind"] == "warn"
    assert "“Last”: “steps.first.first” refers to no step before this one" in toast["message"]
    assert "One more" in toast["message"]


def test_a_copy_stands_at_another_place(alice, flow):
    toast = toast_of(post(alice, flow, verb="copy", step="low", to="/steps/0"))
    assert "A copy of “If … otherwise” is there." in toast["message"]
    assert outline(draft(flow)["steps"]) == ["low_2", ["inner_2"], *AT_FIRST]


def test_the_list_of_places_works_without_a_script(alice, flow):
    page = alice.client.get(f"/flows/{flow.pk}/steps/?step=to-move&of=first").content.decode()
    assert page.count('class="place"') == 8  # ten places; two would leave it where it is
    assert "Here, in “Otherwise” of “If … otherwise”" in page
    assert "Here, before “Inner”, in “If so” of “If … otherwise”" in page
    client, url = alice.client, f"/flows/{flow.pk}/steps/"
    data = {"verb": "move", "step": "first", "to": "/steps/1/otherwise/0"}
    page = client.post(url, data, follow=True).content.decode()
    assert "“First” is moved." in page
    assert outline(draft(flow)["steps"])[:3] == ["low", ["first"], ["inner"]]
    data = {"verb": "move", "step": "each", "to": "/steps/0"}
    assert "“For each” needs a step inside." in client.post(url, data, follow=True).content.decode()


def test_who_may_only_read_moves_nothing(alice, bob, charlie, workspace, flow):
    give_role(workspace, bob, "viewer")
    data = {"verb": "move", "step": "first", "to": "/steps/4"}
    assert post(bob, flow, **data).status_code == 403
    assert post(charlie, flow, **data).status_code == 404
    page = bob.client.get(f"/flows/{flow.pk}/steps/").content.decode()
    assert "data-place" not in page
    assert outline(draft(flow)["steps"]) == AT_FIRST


# The panel alone


def test_choosing_a_step_draws_no_picture(alice, flow):
    answer = alice.client.get(f"/flows/{flow.pk}/steps/?step=last", headers=SIDE)
    page = answer.content.decode()
    assert 'id="panel-title"' in page
    assert "node-first" not in page
    assert answer["HX-Retarget"] == "#side"
    closed = alice.client.get(f"/flows/{flow.pk}/steps/", headers=SIDE)
    assert closed.content.decode().strip() == ""


def test_choosing_a_step_that_is_gone_shows_the_draft_as_it_is(alice, flow):
    answer = alice.client.get(f"/flows/{flow.pk}/steps/?step=gone", headers=SIDE)
    assert answer.status_code == 200
    assert answer["HX-Retarget"] == "#builder"
    assert "node-first" in answer.content.decode()
    assert "no such step" in toast_of(answer)["message"]


# Two people


def seen_in(person, flow, query):
    page = person.client.get(f"/flows/{flow.pk}/steps/?{query}").content.decode()
    return page.partition('class="panel')[2].partition('name="seen" value="')[2].split('"')[0]


def written(name):
    return {"has-name": 1, "name": name}


def test_a_step_that_somebody_else_changed_is_not_overwritten_unasked(alice, bob, flow):
    seen = seen_in(alice, flow, "step=last")
    assert post(bob, flow, verb="save", step="last", **written("His")).status_code == 200
    answer = post(alice, flow, verb="save", step="last", seen=seen, **written("Hers"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Somebody changed this in the meantime" in page
    assert 'value="Hers"' in page
    assert "<strong>His</strong>" in page
    assert draft(flow)["steps"][3]["name"] == "His"
    seen = page.partition('class="panel')[2].partition('name="seen" value="')[2].split('"')[0]
    assert (
        post(alice, flow, verb="save", step="last", seen=seen, **written("Hers")).status_code == 200
    )
    assert draft(flow)["steps"][3]["name"] == "Hers"


def test_two_people_change_two_steps(alice, bob, flow):
    seen = seen_in(alice, flow, "step=low")
    post(bob, flow, verb="save", step="inner", **written("His"))  # inside of hers
    post(bob, flow, verb="move", step="last", to="/steps/0")
    answer = post(alice, flow, verb="save", step="low", seen=seen, **written("Hers"))
    assert answer.status_code == 200
    low = draft(flow)["steps"][2]
    assert (low["name"], low["then"][0]["name"]) == ("Hers", "His")


def test_showing_more_rows_does_not_hide_a_conflict(alice, bob, flow):
    seen = seen_in(alice, flow, "step=last")
    post(bob, flow, verb="save", step="last", **written("His"))
    page = post(alice, flow, verb="refresh", step="last", seen=seen, **written("Hers"))
    assert f'name="seen" value="{seen}"' in page.content.decode()


def test_a_place_in_an_older_draft_is_asked_for_again(alice, bob, flow):
    seen = seen_in(alice, flow, "step=to-move&of=last")
    new = seen_in(alice, flow, "step=new&at=/steps/4&type=stop")
    post(bob, flow, verb="delete", step="first")
    moved = post(alice, flow, verb="move", step="last", to="/steps/1", seen=seen, stay="")
    assert moved.status_code == 422
    assert "choose the place again" in toast_of(moved)["message"]
    added = post(alice, flow, verb="save", step="new", at="/steps/1", type="stop", seen=new)
    assert added.status_code == 422
    assert "Somebody moved steps in the meantime" in added.content.decode()
    assert outline(draft(flow)["steps"]) == ["low", ["inner"], "loop", ["each"], "last"]


def test_of_two_who_save_at_once_neither_is_lost(transactional_db, alice, bob, flow):
    answers = []

    def save():
        answers.append(post(alice, flow, verb="save", step="last", **written("Hers")))
        connections.close_all()

    thread = Thread(target=save)
    with bob.acting() as actor:
        first = drafts.replace(draft(flow), "first", keep("first") | {"name": "His"})
        services.change_workflow(workflow=flow, actor=actor, structured_definition=first)
        thread.start()
        wait_for_a_lock(thread)
    thread.join()
    assert answers[0].status_code == 200
    steps = draft(flow)["steps"]
    assert (steps[0]["name"], steps[3]["name"]) == ("His", "Hers")


def test_an_undo_of_what_somebody_changed_since_is_refused(alice, bob, flow):
    post(alice, flow, verb="save", step="last", **written("Hers"))
    post(bob, flow, verb="save", step="first", **written("His"))
    answer = post(alice, flow, verb="undo")
    assert answer.status_code == 422
    assert "changed again since" in toast_of(answer)["message"]
    assert draft(flow)["steps"][3]["name"] == "Hers"


def test_what_was_written_is_saved_before_a_button_of_its_panel_works(alice, flow):
    answer = post(alice, flow, verb="up", step="last", **written("Hers"))
    assert answer.status_code == 200
    step = draft(flow)["steps"][2]
    assert (step["id"], step["name"]) == ("last", "Hers")
    post(alice, flow, verb="undo")
    assert draft(flow)["steps"][3]["name"] == "Last"


def test_a_step_that_is_not_known_any_more_can_be_deleted(alice, flow):
    with acting_as(Actor.system()):
        row = Workflow.objects.get(pk=flow.pk)
        row.structured_definition["steps"][3]["type"] = "gone_from_kdap"
        row.save()
    answer = post(alice, flow, verb="delete", step="last")
    assert answer.status_code == 200
    assert outline(draft(flow)["steps"]) == AT_FIRST[:-1]


@pytest.mark.parametrize(
    "value", ['["\\ud800"]', "[123456789012345678901234567890]", '["\\u0000"]', '{"\\u0000": 1}']
)
def test_json_that_can_not_be_kept_is_refused(alice, flow, value):
    more = {"type": "set", "has-values": "", "values.key": "x", "values.value": value}
    answer = post(alice, flow, verb="save", step="last", **more)
    assert answer.status_code == 422
    assert "can&#x27;t be kept" in answer.content.decode()
    steps = [keep("last") | {"values": {"x": json.loads(value)}}]
    api = f"/api/v1/workflows/{flow.pk}/"
    body = {"structured_definition": {"trigger": BUTTON, "steps": steps}}
    answer = alice.client.patch(api, json.dumps(body), content_type="application/json")
    assert answer.status_code in (400, 422), answer.content
    assert draft(flow)["steps"][3]["values"] == {"last": "{{ steps.first.first }}"}


def test_an_undo_leaves_the_panel_open_if_its_step_is_there(alice, flow):
    post(alice, flow, verb="duplicate", step="last")
    page = post(alice, flow, verb="undo", stay="step=first")
    assert 'id="panel-title"' in page.content.decode()
    post(alice, flow, verb="redo")
    page = post(alice, flow, verb="undo", stay="step=last_2")
    assert 'id="panel-title"' not in page.content.decode()
