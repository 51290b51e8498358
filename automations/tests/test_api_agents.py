"""Agents and tasks over the API."""

import pytest

from accounts.models import ApiToken
from automations.agents import running
from automations.tests.agents import make_agent
from automations.tests.workflows import entries_in
from records.tests.helpers import add

ADD = 'use create_entries {"record": "Tasks", "entries": [{"what": "$subject"}]}'


@pytest.fixture
def api(alice, workspace):
    """Return a function that calls the API with a token of Alice's."""
    from django.test import Client

    _, secret = ApiToken.objects.issue(user=alice.user, name="t", verbs=["read", "write"])
    client = Client(headers={"Authorization": f"Bearer {secret}"})

    def call(method, path, body=None, **headers):
        kind = {"content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/v1/{path}", body, headers=headers, **kind)

    return call


def test_the_life_of_an_agent(api, workspace):
    made = api("post", f"workspaces/{workspace.pk}/agents/", {"name": "Sorter"})
    assert made.status_code == 201
    home = f"agents/{made.json()['id']}/"
    assert made.json()["config"]["writes"] == "ask"
    stale = api("patch", home, {"prompt": "x"}, **{"If-Match": '"7"'})
    assert stale.status_code == 412
    changed = api("patch", home, {"prompt": "Sort."}, **{"If-Match": made["ETag"]})
    assert (changed.status_code, changed.json()["prompt"]) == (200, "Sort.")
    assert api("delete", home).status_code == 204
    assert api("get", home).status_code == 404
    assert api("post", f"{home}restore/").status_code == 200
    listed = api("get", f"workspaces/{workspace.pk}/agents/").json()["results"]
    assert [agent["name"] for agent in listed] == ["Sorter"]


def test_what_is_wrong_is_pointed_at(api, workspace):
    body = {"name": "x", "config": {"writes": "always"}}
    answer = api("post", f"workspaces/{workspace.pk}/agents/", body)
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["pointer"] == "/config/writes"


def test_what_agents_are_made_of(api):
    parts = api("get", "agent-parts/").json()
    assert parts["providers"][0]["name"] == "offline"
    assert "understands nothing" in parts["providers"][0]["note"]
    assert {tool["name"] for tool in parts["tools"] if tool["writes"]} == {
        "create_entries",
        "update_entries",
        "upsert_entries",
        "delete_entries",
        "run_workflow",
    }


def test_a_task_is_given_allowed_and_read(api, alice, workspace, record):
    agent = make_agent(alice, workspace, prompt=ADD, tools=["create_entries"])
    given = api("post", f"agents/{agent.pk}/tasks/", {"input": {"subject": "Call"}})
    assert given.status_code == 202
    home = f"agent-tasks/{given.json()['id']}/"
    running.work(30)
    waiting = api("get", home).json()
    assert waiting["status"] == "waiting"
    assert waiting["calls"][0]["tool"] == "create_entries"
    answer = {"answer": "approved"}
    assert api("post", f"{home}decide/", answer).status_code == 422
    assert api("post", f"{home}decide/", answer | {"seen": "other"}).status_code == 409
    answer["seen"] = waiting["seen"]
    assert api("post", f"{home}decide/", answer).status_code == 200
    running.work(30)
    done = api("get", home).json()
    assert (done["status"], done["writes"]) == ("succeeded", 1)
    assert entries_in(alice, record, "what") == [("Call",)]
    undone = api("post", f"operations/{done['operation_id']}/undo/", {})
    assert undone.status_code == 200
    assert entries_in(alice, record, "what") == []
    listed = api("get", f"agents/{agent.pk}/tasks/?status=succeeded").json()["results"]
    assert [task["id"] for task in listed] == [done["id"]]
    assert api("post", f"{home}cancel/").status_code == 409


def test_a_reading_token_gives_no_tasks(alice, charlie, workspace):
    from django.test import Client

    agent = make_agent(alice, workspace)
    _, secret = ApiToken.objects.issue(user=alice.user, name="r", verbs=["read"])
    reads = Client(headers={"Authorization": f"Bearer {secret}"})
    body, kind = {"input": {}}, "application/json"
    url = f"/api/v1/agents/{agent.pk}/tasks/"
    assert reads.get(url).status_code == 200
    assert reads.post(url, body, content_type=kind).status_code == 403
    assert charlie.client.get(url).status_code == 404


def test_filling_in_a_field(api, alice, workspace, make_record):
    urgency = {"type": "choice", "options": {"choices": ["Low", "High"]}}
    record = make_record("Tickets", subject="text", urgency=urgency)
    ids = add(alice, record, {"subject": "High smoke"}, {"subject": "Nothing"})
    agent = make_agent(alice, workspace)
    asked = {"agent": str(agent.pk), "field": "urgency", "entries": ids}
    made = api("post", f"records/{record.pk}/fillings/", asked)
    assert (made.status_code, made.json()["status"]) == (202, "running")
    home = f"fillings/{made.json()['id']}/"
    assert api("post", f"{home}apply/", {}).status_code == 409
    running.work(30)
    read = api("get", home).json()
    assert read["status"] == "ready"
    assert [(p["entry_id"], p["state"], p["value"]) for p in read["proposals"]] == [
        (ids[0], "proposed", "High"),
        (ids[1], "nothing", None),
    ]
    assert api("post", f"{home}apply/", {"entries": [ids[1]]}).status_code == 422
    applied = api("post", f"{home}apply/", {}).json()
    assert (applied["status"], applied["proposals"][0]["state"]) == ("applied", "written")
    assert entries_in(alice, record, "urgency") == [(2,), (None,)]
    assert api("post", f"{home}cancel/").status_code == 409
    listed = api("get", f"records/{record.pk}/fillings/").json()["results"]
    assert [item["closed"] for item in listed] == ["applied"]
    again = api("post", f"records/{record.pk}/fillings/", asked).json()["id"]
    assert api("post", f"fillings/{again}/stop/").json()["status"] == "ready"
    assert api("post", f"fillings/{again}/cancel/").json()["status"] == "cancelled"
    wrong = api("post", f"records/{record.pk}/fillings/", asked | {"field": "nope"})
    assert wrong.json()["problems"][0]["pointer"] == "/field"


def test_an_input_of_large_numbers_is_read_and_a_deep_one_refused(api, alice, workspace):
    agent = make_agent(alice, workspace)
    home = f"agents/{agent.pk}/tasks/"
    given = api("post", home, '{"input": {"n": 1e30}}')
    assert given.status_code == 202
    (task,) = api("get", home).json()["results"]
    assert task["task_input"] == {"n": 10**30}
    page = alice.client.get(f"/agent-tasks/{task['id']}/")
    assert page.status_code == 200
    for depth in (300, 700):
        deep = api("post", home, f'{{"input": {"[" * depth}1{"]" * depth}}}')
        assert deep.status_code == 422
        assert "nested too deep" in deep.json()["detail"]
