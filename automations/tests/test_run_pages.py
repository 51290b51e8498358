"""The page of a run, what people do about it, and the questions that wait for them."""

import pytest
from django.urls import reverse

from automations import notices
from automations.models import WorkflowStep
from automations.tests.workflows import (
    BUTTON,
    add,
    entries_in,
    make_workflow,
    runs_of,
    settle,
    start,
    steps_of,
)
from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as
from workspaces.models import Member, Role

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text", stock="integer")


@pytest.fixture
def loop(alice, workspace, books):
    """A run with a loop and a branch in it."""
    find = {"id": "find", "type": "find_entries", "record": str(books.pk)}
    branch = {
        "id": "low",
        "type": "if",
        "condition": {"value": "{{ item.stock }}", "op": "lt", "other": 5},
        "then": [{"id": "keep", "type": "set", "values": {"low": "{{ item.title }}"}}],
    }
    each = {
        "id": "each",
        "type": "for_each",
        "items": "{{ steps.find.entries }}",
        "steps": [branch],
    }
    add(alice, books, {"title": "Dune", "stock": 3}, {"title": "Emma", "stock": 9})
    workflow = make_workflow(alice, workspace, BUTTON, find, each)
    (run,) = start(alice, workflow)
    settle()
    return run


def page(person, run, **more):
    return person.client.get(run.get_absolute_url(), **more)


def act(person, run, verb):
    return person.client.post(reverse("run_act", args=[run.pk, verb]))


def test_a_run_shows_its_steps_inside_each_other(alice, loop):
    text = page(alice, loop).content.decode()
    assert text.count("run-step ") == 6  # the trigger, two steps, a branch for each, one value
    assert "Item 1" in text
    assert "If so" in text
    assert "Dune" in text
    assert "low = its title" in text.lower()  # as the item's record calls it, not as a path
    part = page(alice, loop, headers=HTMX).content.decode()
    assert "<html" not in part
    assert "every 1s" not in part


def test_a_loop_that_does_several_at_once_lists_its_items(alice, workspace, books):
    keep = {"id": "keep", "type": "set", "values": {"low": "{{ item }}"}}
    ask = {"id": "ask", "type": "approval", "question": "{{ item }}?"}
    each = {"id": "each", "type": "for_each", "items": ["a", "b", "c"], "at_once": 2}
    workflow = make_workflow(alice, workspace, BUTTON, each | {"steps": [keep, ask]})
    (run,) = start(alice, workflow)
    settle()
    text = page(alice, run).content.decode()
    assert "0 of 3 succeeded, 3 waiting" in text
    assert ">Item 2</a>" in text
    assert ">Item 3</a>" not in text  # it has not begun
    with alice.acting():
        item = run.children.get(position=1)
    text = page(alice, item).content.decode()
    assert ", item 2</h1>" in text
    assert f'href="{run.get_absolute_url()}#step-each"' in text
    act(alice, run, "cancel")
    assert act(alice, item, "retry").url == run.get_absolute_url()


def test_a_run_says_who_pressed_its_button(alice, workspace, books):
    keep = {"id": "keep", "type": "set", "values": {"a": 1}}
    (id,) = add(alice, books, {"title": "Dune"})
    trigger = {"type": "button", "record": str(books.pk)}
    (run,) = start(alice, make_workflow(alice, workspace, trigger, keep), entries=[id])
    assert f"by Alice, on entry {id}" in page(alice, run).content.decode()
    trigger = {"type": "entry_created", "record": str(books.pk)}
    workflow = make_workflow(alice, workspace, trigger, keep)
    (id,) = add(alice, books, {"title": "Emma"})
    settle()
    (run,) = runs_of(workflow)
    assert f"<small>by entry {id}</small>" in page(alice, run).content.decode()


def test_the_page_asks_again_only_while_the_run_goes_on(alice, workspace):
    wait = {"id": "wait", "type": "wait", "amount": 5, "unit": "minutes"}
    workflow = make_workflow(alice, workspace, BUTTON, wait)
    (run,) = start(alice, workflow)
    assert "every 1s" in page(alice, run).content.decode()
    settle()
    assert "Goes on at" in page(alice, run).content.decode()
    act(alice, run, "cancel")
    text = page(alice, run).content.decode()
    assert "every 1s" not in text
    assert "Cancelled by Alice." in text


def test_what_a_cancelled_run_waited_for_is_cancelled_too(alice, workspace):
    wait = {"id": "wait", "type": "wait", "amount": 5, "unit": "minutes"}
    (run,) = start(alice, make_workflow(alice, workspace, BUTTON, wait))
    settle()
    assert "run-waiting" in page(alice, run).content.decode()
    act(alice, run, "cancel")
    text = page(alice, run).content.decode()
    assert 'class="run-step run-cancelled"' in text
    assert "Waiting" not in text
    assert "Goes on at" not in text
    assert "where it failed" not in text
    assert "Go on from here" in text
    answer = alice.client.post(reverse("run_act", args=[run.pk, "retry"]), follow=True)
    assert "It goes on from the step it had come to." in answer.content.decode()


def test_strangers_meet_404_and_viewers_change_nothing(bob, charlie, workspace, loop):
    give_role(workspace, bob, Role.VIEWER)
    assert page(charlie, loop).status_code == 404
    assert page(bob, loop).status_code == 200
    for verb in ("cancel", "retry", "replay"):
        assert act(charlie, loop, verb).status_code == 404
        assert act(bob, loop, verb).status_code == 403
    assert act(bob, loop, "explode").status_code in (403, 404)


def test_what_a_run_changed_can_be_undone_from_its_page(alice, workspace, books):
    note = {
        "id": "note",
        "type": "create_entry",
        "record": str(books.pk),
        "values": {"title": "Made"},
    }
    workflow = make_workflow(alice, workspace, BUTTON, note)
    (run,) = start(alice, workflow)
    settle()
    undo = reverse("workspace_undo", args=[workspace.pk, run.operation_id])
    assert undo in page(alice, run).content.decode()
    answer = alice.client.post(undo, headers=HTMX)
    assert "1 taken back." in answer["HX-Trigger"]
    assert entries_in(alice, books, "title") == []
    shown = page(alice, run)
    back = shown.context["operation"].back
    text = shown.content.decode()
    assert 'hx-trigger="history:changed from:body"' in text
    assert "Undone</span> by Alice" in text
    assert undo not in text
    redo = reverse("workspace_undo", args=[workspace.pk, back.id])
    assert f'href="{redo}"' in text
    assert "1 done again." in alice.client.post(redo, headers=HTMX)["HX-Trigger"]
    assert entries_in(alice, books, "title") == [("Made",)]
    text = page(alice, run).content.decode()
    assert undo in text
    assert "Undone</span>" not in text


def test_undo_is_offered_only_to_who_may(alice, bob, workspace, books):
    note = {"id": "note", "type": "create_entry", "record": str(books.pk), "values": {"title": "A"}}
    workflow = make_workflow(alice, workspace, BUTTON, note)
    (run,) = start(alice, workflow)
    settle()
    give_role(workspace, bob, Role.EDITOR)
    text = page(bob, run).content.decode()
    assert "What it changed" in text
    assert "Undo…" not in text


def test_trying_again_from_the_step_that_failed(alice, workspace, books):
    fail = {"id": "end", "type": "stop", "failed": True, "reason": "Out of paper"}
    workflow = make_workflow(alice, workspace, BUTTON, fail)
    (run,) = start(alice, workflow)
    settle()
    text = page(alice, run).content.decode()
    assert "Out of paper" in text
    assert act(alice, run, "retry").status_code == 302
    settle()
    assert act(alice, run, "replay").status_code == 302
    settle()
    assert [run.status for run in runs_of(workflow)] == ["failed", "failed"]
    assert act(alice, run, "cancel").status_code == 409


@pytest.fixture
def asked(alice, bob, workspace):
    """A run that waits for Bob."""
    ask = {
        "id": "ask",
        "type": "approval",
        "question": "Shall we pay 1,200?",
        "people": [bob.user.email],
    }
    workflow = make_workflow(alice, workspace, BUTTON, ask)
    (run,) = start(alice, workflow)
    settle()
    return run


def question(run):
    return steps_of(run)["ask"]


def test_who_is_asked_answers_in_the_inbox(alice, bob, workspace, asked):
    inbox = reverse("approvals", args=[workspace.pk])
    assert "Nothing waits for you" in alice.client.get(inbox).content.decode()
    assert "Shall we pay 1,200?" in bob.client.get(inbox).content.decode()
    url = reverse("step_act", args=[asked.pk, question(asked).pk])
    assert alice.client.post(url, {"answer": "approved"}).status_code == 422
    assert bob.client.post(url, {"answer": "perhaps"}).status_code == 422
    answer = bob.client.post(url, {"answer": "rejected", "comment": "Too much", "at": "inbox"})
    assert answer.url == inbox
    settle()
    assert question(asked).output["comment"] == "Too much"
    assert "Too much" in bob.client.get(inbox).content.decode()


def test_who_is_asked_may_answer_without_any_right_to_write(bob, workspace, asked):
    give_role(workspace, bob, Role.VIEWER)
    url = reverse("step_act", args=[asked.pk, question(asked).pk])
    assert bob.client.post(url, {"answer": "approved"}).status_code == 302


def test_the_link_of_the_mail_asks_and_thanks(client, bob, asked):
    url = reverse("approval", args=[notices.token_for(question(asked).pk, bob.user.email)])
    assert "Shall we pay 1,200?" in client.get(url).content.decode()
    assert "Thank you" in client.post(url, {"answer": "approved"}).content.decode()
    assert "Thank you" in client.post(url, {"answer": "approved"}).content.decode()
    late = client.post(url, {"answer": "rejected"})
    assert late.status_code == 409
    text = late.content.decode()
    assert "answered already (approved, by you); your answer was not taken." in text
    assert "Thank you" not in text
    assert "note-good" not in text
    assert "Approved by you." in client.get(url).content.decode()
    assert client.get(url + "x").status_code == 404


def test_the_link_ends_with_the_membership(client, bob, workspace, asked):
    url = reverse("approval", args=[notices.token_for(question(asked).pk, bob.user.email)])
    with acting_as(Actor.system()):
        Member.objects.filter(workspace=workspace, user=bob.user).delete()
    answer = client.post(url, {"answer": "approved"})
    assert answer.status_code == 404
    assert "who is none any more" in answer.content.decode()
    assert question(asked).answer is None


def test_a_person_says_what_became_of_a_step_nobody_can_tell_about(alice, asked):
    with acting_as(Actor.system()):
        WorkflowStep.objects.filter(run=asked).update(status="unknown", error="Nobody knows.")
    assert "Did it take effect?" in page(alice, asked).content.decode()
    url = reverse("step_act", args=[asked.pk, question(asked).pk])
    assert alice.client.post(url, {"decision": "perhaps"}).status_code == 422
    assert alice.client.post(url, {"decision": "failed"}).status_code == 302
    assert "Alice said that" in page(alice, asked).content.decode()
