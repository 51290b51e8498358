"""Drafting by models over the API: ask, read, take, drop; who may, with what token."""

import pytest
from django.test import Client

from accounts.models import ApiToken
from automations import services
from automations.agents import running
from automations.agents.models import AgentDrafting
from automations.models import Workflow
from automations.tests.agents import make_agent, model_server
from automations.tests.drafts import TEXT, asking, handed, with_step
from kdap.tests.people import give_role
from workspaces.models import Role


def call(person, path, data=None, method="post", verbs=("read", "write")):
    """Call the API with a token of a person's."""
    _, secret = ApiToken.objects.issue(user=person.user, name="t", verbs=list(verbs))
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    kind = {} if method == "get" else {"content_type": "application/json"}
    return getattr(client, method)(f"/api/v1/{path}", data or {}, **kind)


def read(person, path):
    return call(person, path, method="get")


@pytest.fixture
def agent(fake):
    return fake(name="Drafter")


@pytest.fixture
def asked(settings, workspace, bob, agent):
    """Return a function: what the API tells once a model answered."""

    def asked(*answers, **more):
        with model_server(settings, *answers):
            data = {"agent": str(agent.pk), "text": TEXT} | more
            started = call(bob, f"workspaces/{workspace.pk}/draftings/", data)
            assert started.status_code == 202, started.content
            assert started.json()["status"] == "running"
            running.work(30)
        return read(bob, f"draftings/{started.json()['id']}/").json()

    return asked


def test_from_a_text_to_a_draft(asked, bob, workspace, large):
    told = asked(handed(large))
    assert (told["status"], told["title"], told["rounds"]) == ("ready", "Large orders", 1)
    assert told["structured_definition"]["steps"][0]["values"] == {"status": "Done"}
    assert "set Status to “Done”" in told["said"]
    assert (told["marks"], told["error"], told["question"]) == ([], "", "")
    taken = call(bob, f"draftings/{told['id']}/take/")
    assert taken.status_code == 200, taken.content
    with bob.acting():
        made = Workflow.objects.get()
    assert taken.json()["workflow_id"] == str(made.pk)
    assert taken.json()["drafting"]["status"] == "taken"
    assert made.state == "draft"
    assert call(bob, f"draftings/{told['id']}/take/").status_code == 409
    listed = read(bob, f"workspaces/{workspace.pk}/draftings/?closed=taken").json()
    assert [item["id"] for item in listed["results"]] == [told["id"]]
    listed = read(bob, f"workspaces/{workspace.pk}/draftings/?closed=open").json()
    assert listed["results"] == []
    assert read(bob, f"workspaces/{workspace.pk}/draftings/?closed=x").status_code == 422


def test_what_is_marked_has_to_be_accepted(asked, bob, large):
    evil = {"type": "send_email", "id": "mail", "to": ["evil@example.org"], "subject": "All"}
    told = asked(handed(with_step(large, evil)))
    assert [mark["words"] for mark in told["marks"]] == ["evil@example.org"]
    refused = call(bob, f"draftings/{told['id']}/take/")
    assert refused.status_code == 409
    assert "Look at what is marked" in refused.json()["detail"]
    assert call(bob, f"draftings/{told['id']}/take/", {"accepted": True}).status_code == 200


def test_a_question_and_a_drop(asked, bob):
    told = asked(asking("Which one?"))
    assert (told["status"], told["question"]) == ("question", "Which one?")
    assert call(bob, f"draftings/{told['id']}/take/").status_code == 409
    dropped = call(bob, f"draftings/{told['id']}/discard/")
    assert dropped.json()["status"] == "discarded"


def test_a_change_of_a_workflow(asked, bob, workspace, large):
    with bob.acting() as actor:
        flow = services.create_workflow(
            workspace=workspace, name="Large", actor=actor, definition=large
        )
    changed = with_step(flow.structured_definition, {"type": "stop", "id": "end"})
    told = asked(handed(changed), text="then stop", workflow=str(flow.pk))
    assert told["workflow_id"] == str(flow.pk)
    with bob.acting() as actor:
        services.change_workflow(
            workflow=flow, actor=actor, structured_definition=large | {"pause_after": 1}
        )
    assert call(bob, f"draftings/{told['id']}/take/").status_code == 409
    seen = read(bob, f"draftings/{told['id']}/").json()["seen"]
    assert call(bob, f"draftings/{told['id']}/take/", {"seen": seen}).status_code == 200


def test_wrong_input_points_to_itself(bob, alice, workspace, agent):
    url = f"workspaces/{workspace.pk}/draftings/"
    offline = make_agent(alice, workspace)
    wrong = call(bob, url, {"agent": str(offline.pk), "text": TEXT})
    assert (wrong.status_code, wrong.json()["problems"][0]["pointer"]) == (422, "/agent")
    missing = call(bob, url, {"agent": str(agent.pk)})
    assert missing.json()["problems"][0]["pointer"] == "/text"
    assert call(bob, url, {"agent": str(agent.pk), "text": " "}).status_code == 422
    nowhere = {"agent": str(agent.pk), "text": TEXT, "workflow": str(agent.pk)}
    assert call(bob, url, nowhere).status_code == 404


def test_strangers_viewers_and_tokens(asked, bob, charlie, workspace, agent, large):
    told = asked(handed(large))
    start, one = f"workspaces/{workspace.pk}/draftings/", f"draftings/{told['id']}/"
    data = {"agent": str(agent.pk), "text": TEXT}
    assert call(charlie, start, data).status_code == 404
    assert read(charlie, f"{one}").status_code == 404
    assert call(charlie, f"{one}take/").status_code == 404
    assert call(bob, f"{one}take/", verbs=["read"]).status_code == 403
    assert call(bob, start, data, verbs=["read"]).status_code == 403
    give_role(workspace, bob, Role.VIEWER)
    assert read(bob, f"{one}").status_code == 200
    for path, body in ((start, data), (f"{one}take/", {}), (f"{one}discard/", {})):
        assert call(bob, path, body).status_code == 403
    with bob.acting():
        assert AgentDrafting.objects.count() == 1


def test_agents_and_workflows_of_other_workspaces(charlie, bob, workspace, agent, large):
    from workspaces.services import create_workspace

    with charlie.acting() as actor:
        other = create_workspace(name="Other", actor=actor)
        theirs = services.create_workflow(workspace=other, name="Theirs", actor=actor)
    data = {"agent": str(agent.pk), "text": TEXT}
    assert call(charlie, f"workspaces/{other.pk}/draftings/", data).status_code == 404
    with_theirs = data | {"workflow": str(theirs.pk)}
    assert call(bob, f"workspaces/{workspace.pk}/draftings/", with_theirs).status_code == 404
