"""The pages of workflows: works, teammate, stranger, read-only, bad input kept."""

import pytest
from django.urls import reverse

from automations import definition as definitions
from automations import services
from automations.differing import compare
from automations.english import understand
from automations.models import Workflow
from automations.parts import Book
from automations.starters import STARTERS, starters_for
from automations.tests.workflows import BUTTON, add, make_workflow, runs_of, settle, start
from kdap.tests.people import give_role
from workspaces.models import Role

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text", stock="integer")


@pytest.fixture
def flow(alice, workspace, books):
    """A published workflow: added books get a note in capitals."""
    change = {
        "id": "shout",
        "type": "update_entry",
        "record": str(books.pk),
        "values": {"title": "{{ trigger.entry.title | upper }}"},
    }
    trigger = {"type": "entry_created", "record": str(books.pk)}
    return make_workflow(alice, workspace, trigger, change, name="Shout")


def of(flow, name="workflow"):
    return reverse(name, args=[flow.pk])


def fresh(person, flow):
    with person.acting():
        return Workflow.objects.get(pk=flow.pk)


def test_the_list_says_what_each_does_and_how_it_went(alice, workspace, books, flow):
    add(alice, books, {"title": "Dune"})
    settle()
    page = alice.client.get(reverse("workflows", args=[workspace.pk]))
    text = page.content.decode()
    assert "Shout" in text
    assert "When an entry is added to “Books”" in text
    assert "1 run in 7 days" in text
    assert "Last 1 run: 1 succeeded" in text
    part = alice.client.get(reverse("workflows", args=[workspace.pk]), headers=HTMX)
    assert "<html" not in part.content.decode()


def test_the_list_takes_no_more_questions_for_more_workflows(
    alice, workspace, books, django_assert_max_num_queries
):
    for number in range(12):
        make_workflow(alice, workspace, BUTTON, {"id": "s", "type": "stop"}, name=f"W{number}")
    client, url = alice.client, reverse("workflows", args=[workspace.pk])
    client.get(url)
    with django_assert_max_num_queries(30):
        assert client.get(url).status_code == 200


def test_a_share_is_told_only_of_failures(alice, workspace):
    for failed, shown in ((False, False), (True, True)):
        stop = {"id": "s", "type": "stop", "failed": failed, "reason": "No paper"}
        workflow = make_workflow(alice, workspace, BUTTON, stop)
        start(alice, workflow)
        settle()
        page = alice.client.get(of(workflow)).content.decode()
        assert ("<small>100 %</small>" in page) is shown
        assert "<small>0 %</small>" not in page


def starters_of(alice, workspace):
    with alice.acting():
        records = list(workspace.records.order_by("position", "id"))
        return starters_for(records, alice.user.email)


def test_nothing_is_made_of_keys_and_numbers_of_things(alice, workspace, make_record):
    assert starters_of(alice, workspace) == []
    make_record("Orders", **{"Order ID": "integer", "Ship via": "integer", "Order date": "date",
                             "Customer ID": "text", "Freight": "currency", "Required date": "date",
                             "Ship name": "text"})  # fmt: skip
    made = {starter.key: starter.label for starter in starters_of(alice, workspace)}
    assert made == {
        "ask_before_large": "Ask before Freight above 500 in Orders",
        "remind": "Remind three days before Required date of Orders",
        "every_monday": "Send Orders as a file every Monday",
        "by_hand": "A button that sends chosen Orders by e-mail",
    }


def test_every_starter_makes_a_draft_that_can_be_published(alice, workspace, make_record):
    make_record("Orders", what="text", total="decimal", due="date", mail="email", state={
        "type": "choice", "options": {"choices": [{"label": "New"}, {"label": "Done"}]},
    })  # fmt: skip
    make_record("Shelves", title="text", stock="integer")
    make_record("Tasks", what="text")
    starters = starters_of(alice, workspace)
    assert len(starters) == len(STARTERS)
    book = Book(workspace.pk)
    with alice.acting():
        said = [definitions.parse(starter.definition).sentence(book) for starter in starters]
        for sentence in said:
            assert understand(sentence, Book(workspace.pk)).definition is not None, sentence
    new = reverse("workflow_new", args=[workspace.pk])
    assert all(starter.label in alice.client.get(new).content.decode() for starter in starters)
    for starter in starters:
        made = alice.client.post(new, {"starter": starter.key})
        assert made.status_code == 302
        answer = alice.client.post(made.url.replace("/steps/", "/publish/"))
        assert answer.status_code == 302, answer.content.decode()


def test_a_workflow_without_a_name_is_refused_and_the_rest_kept(alice, workspace):
    answer = alice.client.post(reverse("workflow_new", args=[workspace.pk]), {"name": "x" * 121})
    assert answer.status_code == 422
    assert "x" * 121 in answer.content.decode()


def test_the_page_shows_what_it_does_and_finds_runs(alice, books, flow):
    add(alice, books, {"title": "Dune"}, {"title": "Emma"})
    settle()
    first, second = runs_of(flow)
    page = alice.client.get(of(flow)).content.decode()
    assert page.count("run-item") == 2
    found = {
        "q=Dune": {first.pk},
        f"q={second.entry_id}": {second.pk},
        "q=Ulysses": set(),
        "status=failed": set(),
        "status=succeeded&since=2000-01-01": {first.pk, second.pk},
        "until=2000-01-01": set(),
        f"before={second.pk}": {first.pk},
    }
    for query, runs in found.items():
        text = alice.client.get(f"{of(flow)}?{query}", headers=HTMX).content.decode()
        shown = {run.pk for run in (first, second) if run.get_absolute_url() in text}
        assert shown == runs, query


@pytest.mark.parametrize("query", ["status=odd", "since=tomorrow", "before=x", "until=9999-12-31"])
def test_odd_filters_are_no_mistake_of_ours(alice, flow, query):
    assert alice.client.get(f"{of(flow)}?{query}").status_code in (200, 422)


def test_a_stranger_meets_404_and_a_viewer_only_reads(bob, charlie, workspace, flow):
    give_role(workspace, bob, Role.VIEWER)
    reading = ["workflow", "workflow_versions", "workflow_steps"]
    writing = ["workflow_edit", "workflow_publish", "workflow_run", "workflow_delete",
               "workflow_switch", "workflow_restore", "workflow_steps", "workflow_json",
               "workflow_try"]  # fmt: skip
    for name in reading:
        assert charlie.client.get(of(flow, name)).status_code == 404
        assert bob.client.get(of(flow, name)).status_code == 200
    for name in writing:
        assert charlie.client.post(of(flow, name)).status_code == 404
        assert bob.client.post(of(flow, name)).status_code == 403
    assert fresh(bob, flow).state == "active"


def test_switching_off_and_on_says_who_did_it(alice, bob, flow):
    bob.client.post(of(flow, "workflow_switch"))
    assert "Bob switched it off." in alice.client.get(of(flow)).content.decode()
    alice.client.post(of(flow, "workflow_switch"))
    assert fresh(alice, flow).state == "active"


def test_publishing_shows_what_changes_first(alice, flow):
    with alice.acting() as actor:
        draft = flow.structured_definition | {"pause_after": 3}
        draft["steps"] = [*draft["steps"], {"id": "end", "type": "stop", "reason": "Done"}]
        services.change_workflow(workflow=flow, actor=actor, structured_definition=draft)
    page = alice.client.get(of(flow, "workflow_publish")).content.decode()
    assert "Publish version 2?" in page
    assert "diff-added" in page
    assert "Pause after so many failures in a row" in page
    alice.client.post(of(flow, "workflow_publish"))
    assert fresh(alice, flow).published == 2
    versions = alice.client.get(of(flow, "workflow_versions") + "?old=1&new=2").content.decode()
    assert "diff-added" in versions


def test_a_draft_with_problems_is_not_published(alice, workspace):
    with alice.acting() as actor:
        empty = services.create_workflow(workspace=workspace, name="Empty", actor=actor)
    answer = alice.client.post(of(empty, "workflow_publish"))
    assert answer.status_code == 422
    assert "Add at least one step." in answer.content.decode()


def test_duplicating_into_another_workspace(alice, flow):
    made = alice.client.post(reverse("workspace_new"), {"name": "Branch"})
    room = made.url.strip("/").split("/")[1]
    answer = alice.client.post(of(flow, "workflow_duplicate"), {"name": "Again", "workspace": room})
    assert answer.status_code == 302
    with alice.acting():
        assert str(Workflow.objects.get(name="Again").workspace_id) == room


def test_nobody_duplicates_into_a_workspace_that_is_not_theirs(alice, charlie, flow):
    made = charlie.client.post(reverse("workspace_new"), {"name": "Elsewhere"})
    room = made.url.strip("/").split("/")[1]
    answer = alice.client.post(of(flow, "workflow_duplicate"), {"name": "A", "workspace": room})
    assert answer.status_code == 422


def test_deleting_offers_the_way_back(alice, workspace, flow):
    answer = alice.client.post(of(flow, "workflow_delete"), {"at": "list"}, headers=HTMX)
    assert answer.status_code == 204
    assert of(flow, "workflow_restore") in answer.headers["HX-Trigger"]
    assert alice.client.get(of(flow)).status_code == 404
    trash = alice.client.get(reverse("workflow_trash", args=[workspace.pk]))
    assert "Shout" in trash.content.decode()
    alice.client.post(of(flow, "workflow_restore"))
    assert fresh(alice, flow).deleted_at is None


def test_running_by_hand_on_entries(alice, books, flow):
    ids = add(alice, books, {"title": "Dune"}, {"title": "Emma"})
    settle()
    said = ", ".join(map(str, ids))
    answer = alice.client.post(of(flow, "workflow_run"), {"entries": said, "input": '{"a": 1}'})
    assert answer.status_code == 302
    assert [run.trigger_data["input"] for run in runs_of(flow)[2:]] == [{"a": 1}] * 2


def test_running_by_hand_what_is_paused_asks_to_switch_it_on(alice, books, flow):
    (id,) = add(alice, books, {"title": "Dune"})
    settle()
    alice.client.post(of(flow, "workflow_switch"))
    url, before = of(flow, "workflow_run"), len(runs_of(flow))
    assert "Switch on and run" in alice.client.get(url).content.decode()
    refused = alice.client.post(url, {"entries": str(id)})
    assert refused.status_code == 422
    assert "is paused and starts nothing" in refused.content.decode()
    assert len(runs_of(flow)) == before
    assert alice.client.post(url, {"entries": str(id), "switch": "on"}).status_code == 302
    assert len(runs_of(flow)) == before + 1
    assert fresh(alice, flow).state == "active"


@pytest.mark.parametrize(
    "bad", [{}, {"entries": "x"}, {"input": "{"}, {"input": "[1]"}, {"entries": "99"}]
)
def test_running_by_hand_refuses_what_it_can_not_read(alice, flow, bad):
    answer = alice.client.post(of(flow, "workflow_run"), bad)
    assert answer.status_code == 422
    assert runs_of(flow) == []


def test_running_by_hand_on_an_entry_that_is_not_there_keeps_what_was_typed(alice, flow):
    given = {"entries": "999999", "input": '{"a": 1}'}
    answer = alice.client.post(of(flow, "workflow_run"), given, headers=HTMX)
    assert answer.status_code == 422
    form = answer.context["form"]
    assert form.errors == {"entries": ["These entries are not there (any more)."]}
    assert 'value="999999"' in answer.content.decode()


def test_the_draft_as_json(alice, flow):
    url = of(flow, "workflow_json")
    assert "shout" in alice.client.get(url).content.decode()
    for bad in ("{", "[]", '{"trigger": {"type": "odd"}}', "[" * 5000):
        answer = alice.client.post(url, {"definition": bad})
        assert answer.status_code == 422
    answer = alice.client.post(url, {"definition": '{"trigger": {"type": "called"}, "steps": []}'})
    assert answer.status_code == 302
    assert fresh(alice, flow).structured_definition["trigger"] == {"type": "called"}


def test_a_question_makes_a_count_in_the_sidebar(alice, workspace):
    ask = {"id": "ask", "type": "approval", "question": "Shall we?"}
    workflow = make_workflow(alice, workspace, BUTTON, ask)
    inbox = reverse("approvals", args=[workspace.pk])
    assert inbox not in alice.client.get("/", follow=True).content.decode()
    start(alice, workflow)
    settle()
    assert inbox in alice.client.get("/", follow=True).content.decode()


def test_a_difference_is_said_as_forms_and_sentences_say_it(alice, workspace, books):
    """People read no names of options, no ids and no JSON of conditions."""
    low = {"field": "stock", "op": "lt", "value": 5}
    find = {"id": "find", "type": "find_entries", "record": str(books.pk)}
    with alice.acting():
        before = {"trigger": BUTTON, "steps": [find]}
        after = {"trigger": BUTTON, "steps": [find | {"where": low, "on_error": "continue"}]}
        lines = compare(before, after, Book(workspace.pk))
    assert {name: (was, now) for name, was, now in lines[1].worded} == {
        "Only entries that match": ("", "Stock is less than 5"),
        "When it fails": ("the run fails", "go on with the next step"),
    }
