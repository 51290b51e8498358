"""Versions, differences and figures of workflows in the API; what was deleted comes back by it too."""

import pytest

from automations import services
from automations.tests.mcp_servers import connect
from automations.tests.workflows import BUTTON, make_workflow, settle, start
from kdap.tests.people import give_role
from workspaces.models import Role

pytestmark = pytest.mark.django_db(transaction=True)
FAIL = {"id": "no", "type": "stop", "failed": True, "reason": "There is no paper."}
KEEP = {"id": "keep", "type": "set", "values": {"a": "b"}}


@pytest.fixture
def flow(alice, workspace):
    """A workflow whose second version, and draft, do one thing more each."""
    made = make_workflow(alice, workspace, BUTTON, KEEP, name="Tidy")
    with alice.acting() as actor:
        for steps in ([KEEP, FAIL], [KEEP, {**FAIL, "reason": "Another one."}]):
            definition = {"trigger": BUTTON, "steps": steps}
            services.change_workflow(workflow=made, actor=actor, structured_definition=definition)
            if steps[1] is FAIL:
                services.publish(workflow=made, actor=actor)
    return made


def get(person, path, **asked):
    answer = person.client.get(f"/api/v1/{path}", asked)
    return answer.status_code, answer.json()


def test_a_version_comes_with_its_definition_and_its_sentence(alice, bob, charlie, workspace, flow):
    code, found = get(alice, f"workflows/{flow.pk}/versions/1/")
    assert code == 200
    assert found["number"] == 1
    assert [step["id"] for step in found["structured_definition"]["steps"]] == ["keep"]
    assert found["sentence"].startswith("When somebody presses its button")
    assert get(alice, f"workflows/{flow.pk}/versions/9/")[0] == 404
    give_role(workspace, bob, Role.VIEWER)
    for path in ("versions/1/", "compare/", "figures/"):
        assert get(bob, f"workflows/{flow.pk}/{path}")[0] == 200
        assert get(charlie, f"workflows/{flow.pk}/{path}")[0] == 404


def test_two_versions_are_compared(alice, workspace, flow):
    code, found = get(alice, f"workflows/{flow.pk}/compare/", old="1", new="2")
    assert code == 200
    assert found["differs"] is True
    assert [part["kind"] for part in found["parts"]] == ["same", "same", "added"]
    draft = get(alice, f"workflows/{flow.pk}/compare/")[1]
    assert (draft["old"], draft["new"]) == ("2", "draft")
    changed = draft["parts"][2]
    assert changed["kind"] == "changed"
    assert changed["options"] == [
        {"name": "reason", "before": "There is no paper.", "after": "Another one."}
    ]
    assert get(alice, f"workflows/{flow.pk}/compare/", old="2", new="2")[1]["differs"] is False
    assert get(alice, f"workflows/{flow.pk}/compare/", old="x")[0] == 400
    assert get(alice, f"workflows/{flow.pk}/compare/", old="7")[0] == 404
    with alice.acting() as actor:
        new = services.create_workflow(workspace=workspace, name="New", actor=actor)
    assert get(alice, f"workflows/{new.pk}/compare/")[0] == 404


def test_figures_count_runs_and_the_rate_of_failures(alice, workspace, flow):
    empty = get(alice, f"workflows/{flow.pk}/figures/")[1]
    assert (empty["runs"], empty["failure_rate"]) == (0, None)
    good = make_workflow(alice, workspace, BUTTON, KEEP, name="Good")
    start(alice, flow)
    start(alice, good)
    settle()
    found = get(alice, f"workflows/{flow.pk}/figures/")[1]
    assert (found["days"], found["runs"], found["failure_rate"]) == (7, 1, 100)
    assert found["by_status"]["failed"] == 1
    assert found["by_status"]["pending"] == 0
    assert get(alice, f"workflows/{good.pk}/figures/")[1]["failure_rate"] == 0


def test_connections_and_webhooks_come_back(alice, bob, workspace, make_record):
    shop = connect(alice, workspace, "http", "Shop", url="https://shop.example/", auth="none")
    books = make_record("Books", title="text")
    asked = {"url": "https://example.com/a", "events": ["entries.created"]}
    client = alice.client
    post = {"content_type": "application/json"}
    hook = client.post(f"/api/v1/records/{books.pk}/webhooks/", asked, **post).json()
    give_role(workspace, bob, Role.VIEWER)
    for path in (f"integrations/{shop.pk}/", f"webhooks/{hook['id']}/"):
        assert client.post(f"/api/v1/{path}restore/", **post).status_code == 409
        assert client.delete(f"/api/v1/{path}").status_code == 204
        assert client.get(f"/api/v1/{path}").status_code == 404
        assert bob.client.post(f"/api/v1/{path}restore/", **post).status_code == 403
        back = client.post(f"/api/v1/{path}restore/", **post)
        assert back.status_code == 200
        assert back.json()["deleted_at"] is None
        assert client.get(f"/api/v1/{path}").status_code == 200


def test_what_is_not_allowed_has_a_title_for_people(alice, workspace):
    answer = alice.client.delete(f"/api/v1/workspaces/{workspace.pk}/runs/")
    assert answer.status_code == 405
    assert answer.json()["title"] == "This method is not allowed here"
    assert "DELETE" in answer.json()["detail"]
