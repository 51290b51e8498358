"""Runs over the API: started, found, watched, cancelled, repeated, answered."""

import pytest
from django.utils import timezone

from automations import services
from automations.models import WorkflowRun, WorkflowStep
from automations.tests.workflows import BUTTON, add, make_workflow, runs_of, settle
from kdap.tests.people import give_role
from records.tests.api import Api
from workspaces.access import Actor, acting_as
from workspaces.models import Role


@pytest.fixture
def books(make_record):
    return make_record("Books", title="text", stock="integer")


@pytest.fixture
def api(alice):
    return Api(alice)


def stocking(alice, workspace, books, trigger):
    """Publish a workflow that adds a book with the stock given; it fails when that is no number."""
    step = {
        "id": "stock",
        "type": "create_entry",
        "record": str(books.pk),
        "values": {"title": "made", "stock": "{{ trigger.input.stock }}"},
    }
    return make_workflow(alice, workspace, trigger, step, name="Stock")


@pytest.fixture
def workflow(alice, workspace, books):
    return stocking(alice, workspace, books, BUTTON)


@pytest.fixture
def on_books(alice, workspace, books):
    return stocking(alice, workspace, books, BUTTON | {"record": str(books.pk)})


@pytest.fixture
def asking(alice, bob, workspace):
    """Asks Bob, and does nothing more."""
    step = {
        "id": "ask",
        "type": "approval",
        "question": "May we?",
        "people": [bob.user.email],
    }
    return make_workflow(alice, workspace, BUTTON, step, name="Ask")


def run_it(api, workflow, **body):
    answer = api.post(f"workflows/{workflow.pk}/run/", body)
    assert answer.status_code == 202, answer.data
    settle()
    return [item["id"] for item in answer.data["results"]]


def test_a_run_is_read_with_its_steps(api, workflow):
    (id,) = run_it(api, workflow, input={"stock": 3})
    run = api.get(f"runs/{id}/").data
    assert (run["status"], run["workflow"], run["version"]) == ("succeeded", "Stock", 1)
    assert run["trigger_data"]["input"] == {"stock": 3}
    assert run["output_data"]["entry"]["stock"] == 3
    assert [(step["path"], step["status"]) for step in run["steps"]] == [("stock", "succeeded")]
    undone = api.post(f"operations/{run['operation_id']}/undo/", {})
    assert undone.data["restored"] == 1


def test_each_chosen_entry_makes_a_run(alice, api, on_books, books):
    ids = add(alice, books, {"title": "Dune"}, {"title": "Emma"})
    assert len(run_it(api, on_books, entries=ids, input={"stock": 1})) == 2
    url = f"workflows/{on_books.pk}/run/"
    assert api.post(url, {"entries": [10**9]}).status_code == 404
    assert api.post(url, {"entries": ["x"]}).data["problems"][0]["pointer"] == "/entries/0"
    assert api.post(url, {"input": 3}).status_code == 422
    for without in ({}, {"entries": []}, {"input": {"stock": 1}}):
        refused = api.post(url, without)
        assert (refused.status_code, refused.data["problems"][0]["pointer"]) == (422, "/entries")


def test_what_is_paused_is_not_started_by_hand(alice, api, workflow):
    (id,) = run_it(api, workflow, input={"stock": 1})
    with alice.acting() as actor:
        workflow.refresh_from_db()
        services.pause(workflow=workflow, actor=actor, because="Enough.")
    for path, body in ((f"workflows/{workflow.pk}/run/", {}), (f"runs/{id}/replay/", None)):
        refused = api.post(path, body)
        assert refused.status_code == 409, path
        assert "is paused and starts nothing. Switch it on first." in refused.data["detail"]
    assert len(runs_of(workflow)) == 1
    api.post(f"workflows/{workflow.pk}/resume/", None)
    assert api.post(f"workflows/{workflow.pk}/run/", {"input": {"stock": 1}}).status_code == 202


def test_a_repeated_call_starts_one_run(api, workflow):
    url = f"workflows/{workflow.pk}/run/"
    for _ in range(2):
        api.post(url, {"input": {"stock": 1}}, **{"Idempotency-Key": "once"})
    assert len(runs_of(workflow)) == 1


def test_runs_are_found(alice, api, workspace, on_books, asking, books):
    workflow, (entry, other) = on_books, add(alice, books, {"title": "Dune"}, {"title": "Emma"})
    (good,) = run_it(api, workflow, entries=[entry], input={"stock": 3})
    (bad,) = run_it(api, workflow, entries=[other], input={"stock": "many"})
    (waits,) = run_it(api, asking)
    url = f"workspaces/{workspace.pk}/runs/"

    def found(query=""):
        return [item["id"] for item in api.get(url + query).data["results"]]

    assert found() == [waits, bad, good]
    assert found("?status=failed") == [bad]
    assert found("?status=failed,waiting") == [waits, bad]
    assert found(f"?workflow={workflow.pk}") == [bad, good]
    assert found(f"?entry={entry}") == [good]
    assert found("?text=dune") == [good]
    assert found("?text=Ask") == [waits]
    assert found("?since=2100-01-01T00:00:00Z") == []
    assert found("?until=2100-01-01T00:00:00Z&limit=10") == [waits, bad, good]
    first = api.get(f"{url}?limit=2").data
    second = api.get(first["next"]).data
    assert [item["id"] for item in [*first["results"], *second["results"]]] == [waits, bad, good]
    assert second["next"] is None
    for wrong in ("status=x", "workflow=x", "entry=x", "since=monday", "until=2026-01-01", "y=1"):
        assert api.get(f"{url}?{wrong}").status_code == 400, wrong


def test_the_list_asks_the_database_as_often_for_many(
    alice, workspace, workflow, django_assert_max_num_queries
):
    api = Api(alice)
    for number in range(12):
        api.post(f"workflows/{workflow.pk}/run/", {"input": {"stock": number}})
    with django_assert_max_num_queries(14):
        assert len(api.get(f"workspaces/{workspace.pk}/runs/").data["results"]) == 12


def test_cancel_retry_and_replay(api, workflow, asking):
    (waits,) = run_it(api, asking)
    assert api.post(f"runs/{waits}/cancel/", None).data["status"] == "cancelled"
    assert api.post(f"runs/{waits}/cancel/", None).status_code == 409
    (bad,) = run_it(api, workflow, input={"stock": "many"})
    assert api.get(f"runs/{bad}/").data["error_message"]
    again = api.post(f"runs/{bad}/retry/", None)
    assert (again.status_code, again.data["id"], again.data["status"]) == (202, bad, "pending")
    settle()
    again = api.post(f"runs/{bad}/retry/", {"latest": True})
    assert (again.status_code, again.data["id"]) == (202, bad)
    anew = api.post(f"runs/{bad}/replay/", None).data
    assert (anew["retry_of_id"], anew["trigger_data"]["input"]) == (bad, {"stock": "many"})
    (good,) = run_it(api, workflow, input={"stock": 1})
    assert api.post(f"runs/{good}/retry/", None).status_code == 409
    assert api.post(f"runs/{good}/replay/", None).data["retry_of_id"] == good


def test_somebody_decides_what_nobody_knows(api, asking):
    (id,) = run_it(api, asking)
    with acting_as(Actor.system()):
        WorkflowStep.objects.update(status="unknown", waits_for="")
        step = WorkflowStep.objects.get().pk
    url = f"runs/{id}/steps/{step}/decide/"
    assert api.post(url, {"decision": "perhaps"}).status_code == 422
    assert api.post(f"runs/{id}/steps/1/decide/", {"decision": "done"}).status_code == 404
    assert api.post(url, {"decision": "failed"}).data["status"] == "failed"
    assert api.post(url, {"decision": "failed"}).status_code == 409


def test_only_who_was_asked_answers(api, bob, charlie, workspace, asking):
    run_it(api, asking)
    url = f"workspaces/{workspace.pk}/approvals/"
    assert api.get(url).data["results"] == []
    (question,) = Api(bob).get(url).data["results"]
    assert (question["question"], question["workflow"]) == ("May we?", "Ask")
    answer = f"approvals/{question['id']}/"
    body = {"answer": "approved", "comment": "Fine."}
    assert api.post(answer, body).status_code == 403
    assert Api(charlie).post(answer, body).status_code == 404
    assert Api(bob, ["read"]).post(answer, body).status_code == 403
    assert Api(bob).post(answer, {"answer": "perhaps"}).status_code == 422
    give_role(workspace, bob, Role.VIEWER)
    assert Api(bob).post(answer, body).status_code == 200
    assert Api(bob).post(answer, body).status_code == 409
    settle()
    (run,) = runs_of(asking)
    assert (run.status, run.output_data["by"]) == ("succeeded", bob.user.email)


def test_who_may(api, bob, charlie, workspace, workflow):
    (id,) = run_it(api, workflow, input={"stock": "many"})
    give_role(workspace, bob, Role.VIEWER)
    calls = [
        ("GET", f"runs/{id}/", None),
        ("POST", f"runs/{id}/cancel/", None),
        ("POST", f"runs/{id}/retry/", {}),
        ("POST", f"runs/{id}/replay/", None),
        ("POST", f"runs/{id}/steps/1/decide/", {"decision": "done"}),
    ]
    for method, path, body in calls:
        assert Api(charlie)(method, path, body).status_code == 404
        expected = 200 if method == "GET" else 403
        assert Api(bob)(method, path, body).status_code == expected
    with acting_as(Actor.system()):
        assert WorkflowRun.objects.get().triggered_at < timezone.now()
