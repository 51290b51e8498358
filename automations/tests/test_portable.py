"""Workflows that leave their workspace: copies, moves, and files that anybody may have written."""

import copy
import json
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from automations import definition as definitions
from automations import portable, services
from automations.models import Workflow
from automations.tests.workflows import BUTTON, entries_in, make_workflow, runs_of, settle, start
from kdap.tests.people import give_role
from records.services import create_record
from records.tests.api import Api
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Invalid
from workspaces.models import Role
from workspaces.operations import undo
from workspaces.services import create_workspace

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def elsewhere(alice):
    """Another workspace of Alice's with Books, whose title has another key, and Tasks."""
    with alice.acting() as actor:
        room = create_workspace(name="Elsewhere", actor=actor)
        title = {"label": "Title", "type": "text", "key": "book_title"}
        stock = {"label": "Stock", "type": "integer"}
        what = {"label": "What", "type": "text"}
        room.books = create_record(workspace=room, name="Books", fields=[title, stock], actor=actor)
        room.tasks = create_record(workspace=room, name="Tasks", fields=[what], actor=actor)
    return room


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text", stock="integer")


@pytest.fixture
def flow(alice, workspace, books, make_record):
    tasks = make_record("Tasks", what="text")
    where = {"field": "title", "op": "contains", "value": "D"}
    find = {
        "id": "find",
        "type": "find_entries",
        "record": str(books.pk),
        "where": where,
        "sort": ["-title"],
    }
    note = {"id": "note", "type": "create_entry", "record": str(tasks.pk)}
    note |= {"values": {"what": "{{ trigger.entry.title }}: {{ item.title | upper }}"}}
    loop = {"id": "each", "type": "for_each", "items": "{{ steps.find.entries }}", "steps": [note]}
    trigger = {"type": "field_changed", "record": str(books.pk), "field": "title", "where": where}
    return make_workflow(alice, workspace, trigger, find, loop, name="Watch titles")


def drafts(workspace):
    with acting_as(Actor.system()):
        return list(Workflow.objects.filter(workspace=workspace.pk).order_by("id"))


def problems(workflow):
    with acting_as(Actor.system()):
        parsed = definitions.parse(workflow.structured_definition)
        return definitions.problems_of(parsed, workflow.workspace_id)


def test_a_move_finds_records_and_fields_by_their_names(alice, workspace, books, flow, elsewhere):
    with alice.acting() as actor:
        made = portable.move(workflow=flow, actor=actor, workspace=elsewhere)
    told = made.structured_definition
    assert (made.name, made.state) == ("Watch titles", "draft")
    assert (told["trigger"]["record"], told["trigger"]["field"]) == (
        str(elsewhere.books.pk),
        "book_title",
    )
    assert told["trigger"]["where"]["field"] == told["steps"][0]["where"]["field"] == "book_title"
    assert told["steps"][0]["sort"] == ["-book_title"]
    note = told["steps"][1]["steps"][0]
    assert note["record"] == str(elsewhere.tasks.pk)
    assert note["values"]["what"] == "{{ trigger.entry.book_title }}: {{ item.book_title | upper }}"
    assert problems(made) == []
    (original,) = drafts(workspace)
    assert (original.deleted_at is not None, original.published) == (True, 1)
    with alice.acting() as actor:
        services.publish(workflow=made, actor=actor)
    settle()


def test_a_move_is_taken_back_as_one_and_leaves_runs_where_they_were(
    alice, workspace, elsewhere, make_record
):
    tasks = make_record("Tasks", what="text")
    note = {"id": "note", "type": "create_entry", "record": str(tasks.pk), "values": {"what": "x"}}
    flow = make_workflow(alice, workspace, BUTTON, note)
    start(alice, flow)
    settle()
    moved = Api(alice).post(f"workflows/{flow.pk}/move/", {"workspace_id": str(elsewhere.pk)})
    assert (moved.status_code, moved.data["workspace_id"]) == (201, str(elsewhere.pk))
    assert len(runs_of(flow)) == 1
    with alice.acting() as actor:
        undo(operation_id=moved.headers["Operation-Id"], actor=actor)
    assert drafts(workspace)[0].deleted_at is None
    assert drafts(elsewhere)[0].deleted_at is not None
    assert entries_in(alice, tasks, "what") == [("x",)]


def test_what_has_no_namesake_is_said_by_the_draft(alice, flow, elsewhere):
    from records.services import delete_record

    with alice.acting() as actor:
        delete_record(record=elsewhere.tasks, actor=actor)
        made = portable.duplicate(workflow=flow, actor=actor, workspace=elsewhere)
    assert [
        "This record is not in this workspace (any more)." in p["detail"] for p in problems(made)
    ] == [True]


@pytest.fixture
def by_people(alice, bob, workspace, make_record, elsewhere):
    """A workflow of fields of people that name Bob, and Errands with such a field elsewhere."""
    owner = {"label": "Owner", "type": "user"}
    record = make_record("Errands", owner="user")
    with alice.acting() as actor:
        there = create_record(workspace=elsewhere, name="Errands", fields=[owner], actor=actor)
    bobs = str(bob.user.pk)
    is_bob, among = (
        {"field": "owner", "op": op, "value": v} for op, v in (("is", bobs), ("in", [bobs]))
    )
    whole = {"record": str(record.pk)}
    find = {"id": "find", "type": "find_entries", **whole, "where": {"not": {"and": [among]}}}
    note = {"id": "note", "type": "create_entry", **whole, "values": {"owner": bobs}}
    trigger = {"type": "field_changed", **whole, "field": "owner", "now": bobs, "where": is_bob}
    return make_workflow(alice, workspace, trigger, find, note), there


def test_people_elsewhere_are_members_or_named(alice, bob, by_people, elsewhere):
    flow, _ = by_people
    with alice.acting() as actor:
        made = portable.duplicate(workflow=flow, actor=actor, workspace=elsewhere)
    nobody = "“Owner” names somebody who is no member of this workspace."
    assert [(one["pointer"], one["detail"]) for one in problems(made)] == [
        ("/trigger/where/value", nobody),
        ("/trigger/now/value", nobody),
        ("/steps/0/where/not/and/0/value", nobody),
        ("/steps/1/values/owner", nobody),
    ]
    give_role(elsewhere, bob, Role.VIEWER)
    assert problems(made) == []


def test_people_of_another_installation_are_found_by_their_addresses(
    alice, bob, by_people, elsewhere
):
    flow, there = by_people
    with alice.acting() as actor:
        document = portable.exported(workflow=flow, actor=actor)
    assert document["names"]["person"] == {str(bob.user.pk): "bob@example.com"}
    text = json.dumps(document).replace(str(bob.user.pk), str(uuid4()))
    document = json.loads(text.replace("bob@example.com", "Alice@Example.com"))
    with alice.acting() as actor:
        made = portable.imported(document=document, workspace=elsewhere, actor=actor)
    told = made.structured_definition
    assert told["trigger"]["now"] == told["trigger"]["where"]["value"] == str(alice.user.pk)
    assert told["steps"][0]["where"]["not"]["and"][0]["value"] == [str(alice.user.pk)]
    assert told["steps"][1]["values"] == {"owner": str(alice.user.pk)}
    assert told["steps"][1]["record"] == str(there.pk)
    assert problems(made) == []


def test_who_may_move(alice, bob, charlie, workspace, flow, elsewhere):
    url, body = f"workflows/{flow.pk}/move/", {"workspace_id": str(elsewhere.pk)}
    assert Api(bob).post(url, body).status_code == 404  # he is not there
    assert Api(charlie).post(url, body).status_code == 404
    give_role(elsewhere, bob, Role.VIEWER)
    assert Api(bob).post(url, body).status_code == 403
    assert Api(alice, ["read"]).post(url, body).status_code == 403
    assert Api(alice).post(url, {"workspace_id": str(workspace.pk)}).status_code == 409
    give_role(elsewhere, bob, Role.EDITOR)
    give_role(workspace, bob, Role.VIEWER)
    assert Api(bob).post(url, body).status_code == 403
    with alice.acting() as actor, pytest.raises(Conflict):
        portable.move(workflow=flow, actor=actor, workspace=workspace)


def test_a_file_goes_out_and_comes_in_elsewhere(alice, flow, elsewhere):
    answer = alice.client.get(reverse("workflow_download", args=[flow.pk]))
    assert answer["Content-Disposition"] == 'attachment; filename="Watch titles.json"'
    document = json.loads(answer.content)
    assert document == Api(alice).get(f"workflows/{flow.pk}/export/").data
    file = SimpleUploadedFile("x.json", answer.content, "application/json")
    url = reverse("workflow_upload", args=[elsewhere.pk])
    assert "A file" in alice.client.get(url).content.decode()
    page = alice.client.post(url, {"file": file})
    (made,) = drafts(elsewhere)
    assert page.url == made.get_absolute_url()
    assert problems(made) == []
    again = Api(alice).post(f"workspaces/{elsewhere.pk}/workflows/import/", document)
    assert again.status_code == 201
    assert again.data["structured_definition"] == made.structured_definition


DOCUMENT = {
    "kdap": "workflow",
    "version": 1,
    "name": "A",
    "definition": {"trigger": {"type": "button"}, "steps": []},
}
DEEP = {"a": None}
for _ in range(200):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kdap": "record"}, "no workflow"),
        ({"version": 2}, "another version"),
        ({"moon": 1}, "“moon”"),
        ({"name": ["x"]}, "texts"),
        ({"name": ""}, "name"),
        ({"definition": []}, "no JSON object"),
        ({"definition": DEEP}, "nested too deep"),
        (
            {"definition": {"trigger": {"type": "button"}, "steps": [{"id": "x", "type": "moon"}]}},
            "",
        ),
        (
            {
                "definition": {
                    "trigger": {"type": "button"},
                    "steps": [{"id": "x", "type": "stop"}] * 900,
                }
            },
            "",
        ),
        ({"names": {"moon": {}}}, "names"),
        ({"names": {"record": {"x": 1}}}, "names"),
        ({"names": {"fields": {"x": "y"}}}, "names"),
        ({"names": []}, "names"),
    ],
)
def test_bad_files_are_refused_in_words(alice, workspace, change, said):
    document = copy.deepcopy(DOCUMENT) | change
    with alice.acting() as actor, pytest.raises(Invalid) as refused:
        portable.imported(document=document, workspace=workspace, actor=actor)
    assert said in str(refused.value.detail)
    assert drafts(workspace) == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"a": 1e999}', b"x" * 1_100_000]
)
def test_files_that_are_none_keep_the_form(alice, workspace, content):
    file = SimpleUploadedFile("x.json", content)
    answer = alice.client.post(reverse("workflow_upload", args=[workspace.pk]), {"file": file})
    assert answer.status_code == 422
    assert b"field-error" in answer.content or b"note-bad" in answer.content


def test_steps_are_counted_before_anything_looks_at_each(alice, flow, elsewhere, monkeypatch):
    monkeypatch.setattr(portable, "fitted", None)
    document = Api(alice).get(f"workflows/{flow.pk}/export/").data
    (find, _), many = document["definition"]["steps"], range(4000)
    document["definition"]["steps"] = [find | {"id": f"find{n}"} for n in many]
    with alice.acting() as actor, pytest.raises(Invalid):
        portable.imported(document=document, workspace=elsewhere, actor=actor)


def test_a_body_larger_than_a_file_is_refused(alice, workspace):
    document = DOCUMENT | {"definition": {"trigger": {"type": "button"}, "note": "x" * 1_100_000}}
    answer = Api(alice).post(f"workspaces/{workspace.pk}/workflows/import/", document)
    assert (answer.status_code, answer.data["detail"]) == (
        413,
        "A workflow is no larger than 1 MB.",
    )
    assert drafts(workspace) == []


def test_texts_read_the_fields_of_here_whichever_step_has_them(alice, flow, elsewhere):
    document = Api(alice).get(f"workflows/{flow.pk}/export/").data
    find, loop = document["definition"]["steps"]
    note = loop["steps"][0]
    text = "{{ steps.other.entry.title }} {{ trigger.before.title }} {{ item.title }} trigger.title"
    loop = loop | {"steps": [note | {"values": {"what": text}}]}
    document["definition"]["steps"] = [find, find | {"id": "other"}, loop]
    with alice.acting() as actor:
        made = portable.imported(document=document, workspace=elsewhere, actor=actor)
    told = made.structured_definition["steps"][2]["steps"][0]["values"]["what"]
    assert told == (
        "{{ steps.other.entry.book_title }} {{ trigger.before.book_title }} "
        "{{ item.book_title }} trigger.title"
    )


def test_questions_do_not_grow_with_what_is_named(alice, workspace, elsewhere, make_record):
    def questions(count):
        """Return how many it takes to name and to fit a definition about so many records."""
        records = [make_record(f"Record {count} {n}", title="text") for n in range(count)]
        for n in range(count):
            with alice.acting() as actor:
                title = {"label": "Title", "type": "text", "key": "name"}
                create_record(
                    workspace=elsewhere, name=f"record {count} {n}", fields=[title], actor=actor
                )
        ids = [*(str(record.pk) for record in records), *(str(uuid4()) for _ in range(300))]
        definition = {"trigger": {"type": "button"}, "steps": [{"record": id} for id in ids]}
        with alice.acting(), CaptureQueriesContext(connection) as naming:
            names = portable.names_in(definition, workspace.pk)
        with alice.acting(), CaptureQueriesContext(connection) as fitting:
            made = portable.fitted(definition, names, elsewhere.pk)
        assert set(names["record"]) == set(ids[:count])
        assert not {step["record"] for step in made["steps"]} & set(ids[:count])
        return len(naming), len(fitting)

    assert questions(1) == questions(6) == (7, 2)


def test_a_name_that_two_have_or_that_is_no_text_of_here_means_none(alice, elsewhere):
    with alice.acting() as actor:
        create_record(workspace=elsewhere, name="TASKS", fields=[], actor=actor)
    names = {"record": {"a": "tasks", "b": "BOOKS", "c": "x\x00", "d": "Nothing"}}
    definition = {"steps": [{"record": id} for id in "abcd"]}
    with alice.acting():
        made = portable.fitted(definition, names, elsewhere.pk)
    assert [step["record"] for step in made["steps"]] == ["a", str(elsewhere.books.pk), "c", "d"]


def test_files_and_strangers(bob, charlie, workspace, flow):
    give_role(workspace, bob, Role.VIEWER)
    pages = [
        ("workflow_move", flow.pk, 403),
        ("workflow_upload", workspace.pk, 403),
        ("workflow_download", flow.pk, 200),
    ]
    for name, id, status in pages:
        assert bob.client.get(reverse(name, args=[id])).status_code == status, name
        assert charlie.client.get(reverse(name, args=[id])).status_code == 404, name
    assert (
        Api(bob).post(f"workspaces/{workspace.pk}/workflows/import/", DOCUMENT).status_code == 403
    )
    assert (
        Api(charlie).post(f"workspaces/{workspace.pk}/workflows/import/", DOCUMENT).status_code
        == 404
    )
    assert Api(charlie).get(f"workflows/{flow.pk}/export/").status_code == 404


def test_the_page_says_when_there_is_nowhere_to_move_to(alice, flow):
    page = alice.client.get(reverse("workflow_move", args=[flow.pk])).content.decode()
    assert "There is no other workspace in which you may write." in page
    assert "<select" not in page
    assert "Move</button>" not in page


def test_the_page_moves(alice, flow, elsewhere):
    url = reverse("workflow_move", args=[flow.pk])
    page = alice.client.get(url).content.decode()
    assert "Elsewhere" in page
    answer = alice.client.post(url, {"workspace": str(elsewhere.pk)})
    (made,) = drafts(elsewhere)
    assert answer.url == made.get_absolute_url()
    assert alice.client.post(url, {"workspace": "x"}).status_code in (404, 422)
