"""The pages of agents: list, make, change, try; and a task with what it did."""

import re

import pytest

from automations.agents.models import Agent, AgentTask
from automations.tests.agents import done, fresh, give, make_agent
from automations.tests.workflows import BUTTON, entries_in, make_workflow
from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as
from workspaces.models import Role

ADD = 'use create_entries {"record": "Tasks", "entries": [{"what": "$task"}]}'
FORM = {
    "name": "Sorter",
    "prompt": "Sort.",
    "provider": "offline",
    "tools": ["list_records"],
    "writes": "ask",
    "max_tokens": "1000",
    "most_steps": "5",
    "most_tokens": "9000",
    "seconds": "60",
}


@pytest.fixture
def agent(alice, workspace, record):
    return make_agent(alice, workspace, prompt=ADD, tools=["create_entries"])


def only(model):
    with acting_as(Actor.system()):
        return model.objects.get()


def test_the_list(alice, charlie, workspace, agent):
    page = alice.client.get(f"/w/{workspace.pk}/agents/").content.decode()
    assert "Sorter" in page
    assert charlie.client.get(f"/w/{workspace.pk}/agents/").status_code == 404
    assert "/agents/" in alice.client.get(f"/w/{workspace.pk}/workflows/").content.decode()


def test_making_one(alice, workspace, record):
    url = f"/w/{workspace.pk}/agents/new/"
    assert "Offline example" in alice.client.get(url).content.decode()
    answer = alice.client.post(url, FORM | {"records": [str(record.pk)], "temperature": "0.5"})
    made = only(Agent)
    assert answer.url == f"/agents/{made.pk}/"
    assert made.config["records"] == [str(record.pk)]
    assert (made.config["temperature"], made.config["most_cost"]) == (0.5, None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "required"),
        ({"temperature": "9"}, "has to be 2 or less"),
        ({"model": "gpt"}, "has no model"),
        ({"most_steps": "99"}, "has to be 20 or less"),
    ],
)
def test_what_is_wrong_stays_in_the_form(alice, workspace, wrong, said):
    answer = alice.client.post(f"/w/{workspace.pk}/agents/new/", FORM | wrong)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert "Sort." in page


def test_changing_pausing_deleting_and_bringing_back(alice, workspace, agent):
    home = f"/agents/{agent.pk}/"
    answer = alice.client.post(f"{home}edit/", FORM | {"name": "Asker", "writes": "never"})
    assert answer.url == home
    assert (only(Agent).name, only(Agent).config["writes"]) == ("Asker", "never")
    alice.client.post(f"{home}switch/")
    assert "takes no tasks" in alice.client.get(home).content.decode()
    alice.client.post(f"{home}switch/")
    alice.client.post(f"{home}delete/")
    assert alice.client.get(home).status_code == 404
    assert "Bring back" in alice.client.get(f"/w/{workspace.pk}/agents/").content.decode()
    alice.client.post(f"{home}restore/")
    assert alice.client.get(home).status_code == 200


def test_a_task_is_given_allowed_and_shown(alice, bob, workspace, record, agent):
    home = f"/agents/{agent.pk}/"
    assert alice.client.post(home, {"task": ""}).status_code == 422
    answer = alice.client.post(home, {"task": "Call back <b>"})
    task = only(AgentTask)
    assert answer.url == f"/agent-tasks/{task.pk}/"
    assert "Waiting for a worker" in alice.client.get(answer.url).content.decode()
    done(task)
    page = bob.client.get(answer.url).content.decode()
    assert "Add an entry to “Tasks”: What = “Call back &lt;b&gt;”" in page
    assert "understands nothing" in page
    assert answer.url in bob.client.get(f"/w/{agent.workspace_id}/agents/").content.decode()
    bob.client.post(f"{answer.url}approved/", {"seen": seen_in(page)})
    done(task)
    assert entries_in(alice, record, "what") == [("Call back <b>",)]
    page = alice.client.get(answer.url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in page
    assert "Undo…" in page
    assert "Call back &lt;b&gt;" in alice.client.get(home).content.decode()
    again = alice.client.post(f"{answer.url}again/")
    assert again.url != answer.url


def test_an_answer_with_a_form_is_shown_field_by_field(alice, workspace):
    form = [{"name": "stars", "type": "integer"}]
    task = done(give(alice, make_agent(alice, workspace), {"stars": 4}, form=form))
    page = alice.client.get(task.get_absolute_url()).content.decode()
    assert '<dt>stars</dt><dd class="said">4</dd>' in page


def test_a_viewer_reads_and_changes_nothing(alice, bob, workspace, agent):
    task = done(give(alice, agent, {"task": "Call back"}))
    give_role(workspace, bob, Role.VIEWER)
    page = bob.client.get(f"/agent-tasks/{task.pk}/").content.decode()
    assert "Call back" in page
    assert "Allow" not in page
    for verb in ("approved", "rejected", "cancel", "again"):
        assert bob.client.post(f"/agent-tasks/{task.pk}/{verb}/").status_code == 403
    assert bob.client.post(f"/agents/{agent.pk}/", {"task": "x"}).status_code == 403
    assert fresh(task).status == "waiting"


def test_what_waits_is_among_the_approvals(alice, bob, workspace, record, agent):
    inbox = f"/w/{workspace.pk}/approvals/"
    assert 'aria-current="page"' in current(alice.client.get(inbox), "Automations")
    task = done(give(alice, agent, {"task": "Call back <b>"}, name="Call"))
    answer = alice.client.get(inbox)
    page = answer.content.decode()
    assert 'Approvals <span class="count count-due">1</span>' in page
    assert "Add an entry to “Tasks”: What = “Call back &lt;b&gt;”" in page
    assert task.get_absolute_url() in page
    assert "aria-current" in current(answer, "Approvals")
    assert "aria-current" not in current(answer, "Automations")
    assert "Nothing waits for you" in bob.client.get(inbox).content.decode()
    shown = {"at": "inbox", "seen": seen_in(page)}
    answer = alice.client.post(f"/agent-tasks/{task.pk}/approved/", shown)
    assert answer.url == inbox
    done(task)
    assert entries_in(alice, record, "what") == [("Call back <b>",)]
    assert "Nothing waits for you" in alice.client.get(inbox).content.decode()


def test_who_may_not_write_any_more_is_asked_nothing(alice, bob, workspace, agent):
    done(give(bob, agent, {"task": "Call back"}))
    inbox = f"/w/{workspace.pk}/approvals/"
    assert "Call back" in bob.client.get(inbox).content.decode()
    give_role(workspace, bob, Role.VIEWER)
    page = bob.client.get(inbox).content.decode()
    assert "Call back" not in page
    assert "count-due" not in page


@pytest.mark.parametrize("path", ["agents/", "connections/", "mails/", "workflows/"])
def test_the_menu_shows_that_it_belongs_to_automations(alice, workspace, path):
    answer = alice.client.get(f"/w/{workspace.pk}/{path}")
    assert "aria-current" in current(answer, "Automations")
    assert "aria-current" not in current(alice.client.get(f"/w/{workspace.pk}/"), "Automations")


def seen_in(page):
    """Return what the buttons of a page say that the person saw."""
    return re.search(r'name="seen" value="(\w+)"', page)[1]


def current(answer, label):
    """Return the link of the menu with that label."""
    links = re.findall(r'<a class="nav-link".*?</a>', answer.content.decode(), re.S)
    return next(link for link in links if f"</svg> {label}" in link)


def test_strangers_meet_404(alice, charlie, workspace, agent):
    task = give(alice, agent, {"task": "x"})
    for url in (f"/agents/{agent.pk}/", f"/agents/{agent.pk}/edit/", f"/agent-tasks/{task.pk}/"):
        assert charlie.client.get(url).status_code == 404
    assert charlie.client.post(f"/agent-tasks/{task.pk}/cancel/").status_code == 404


def test_an_unknown_verb_is_no_page(alice, agent):
    task = give(alice, agent, {"task": "x"})
    assert alice.client.post(f"/agent-tasks/{task.pk}/fly/").status_code == 404


def test_admin_shows_agents_and_tasks_to_look_at(admin_client, alice, agent):
    task = give(alice, agent, {"task": "Call back <b>"}, name="Call")
    admin = "/admin/automations"
    assert "Sorter" in admin_client.get(f"{admin}/agent/?q=sort").content.decode()
    assert "Sorter" not in admin_client.get(f"{admin}/agent/?status__exact=paused").content.decode()
    page = admin_client.get(f"{admin}/agent/{agent.pk}/change/").content.decode()
    assert "create_entries" in page
    assert 'name="_save"' not in page
    assert "Call" in admin_client.get(f"{admin}/agenttask/?q=Call").content.decode()
    page = admin_client.get(f"{admin}/agenttask/{task.pk}/change/").content.decode()
    assert "Call back &lt;b&gt;" in page
    for path in (f"agent/{agent.pk}/delete/", f"agenttask/{task.pk}/delete/", "agent/add/"):
        assert admin_client.get(f"{admin}/{path}").status_code == 403


def test_deleting_says_what_would_fail(alice, workspace, agent):
    ask = {"id": "ask", "type": "agent", "agent": str(agent.pk)}
    make_workflow(alice, workspace, BUTTON, ask, name="Sort the mail")
    page = alice.client.get(f"/agents/{agent.pk}/delete/").content.decode()
    assert "The workflow “Sort the mail” uses it and would fail." in page
    assert only(Agent).deleted_at is None


def test_what_a_task_changed_is_undone_and_done_again_from_its_page(alice, workspace, record):
    allowed = {"tools": ["create_entries"], "config": {"writes": "allowed"}}
    task = done(give(alice, make_agent(alice, workspace, prompt=ADD, **allowed), {"task": "Emma"}))
    url = task.get_absolute_url()
    assert "Undo…" in alice.client.get(url).content.decode()
    alice.client.post(f"/w/{workspace.pk}/activity/{task.operation_id}/undo/")
    page = alice.client.get(url).content.decode()
    assert "Undone</span> by Alice" in page
    assert "Redo…" in page
    assert "Undo…" not in page
