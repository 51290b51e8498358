"""The pages on which a model drafts: works, teammate, stranger, read-only, without JavaScript."""

import html
import re

import pytest
from django.urls import reverse

from automations import definition as definitions
from automations import services
from automations.agents import running
from automations.agents.models import AgentDrafting
from automations.models import Workflow
from automations.tests.agents import make_agent, model_server
from automations.tests.drafts import TEXT, asking, handed, with_step
from kdap.tests.people import give_role
from workspaces.models import Role

HTMX = {"HX-Request": "true"}


def words(answer):
    return html.unescape(re.sub(r"\s+", " ", answer.content.decode()))


@pytest.fixture
def new(shop, workspace):
    return reverse("workflow_draft_new", args=[workspace.pk])


@pytest.fixture
def agent(fake):
    return fake(name="Drafter")


@pytest.fixture
def asked(settings, bob, new, agent):
    """Return a function: the address of the page on which Bob reads what a model answered."""

    def asked(*answers, url=new, text=TEXT):
        with model_server(settings, *answers):
            answer = bob.client.post(url, {"text": text, "agent": str(agent.pk)})
            assert answer.status_code == 302, words(answer)
            running.work(30)
        return answer.url

    return asked


@pytest.fixture
def flow(alice, workspace, large):
    with alice.acting() as actor:
        return services.create_workflow(
            workspace=workspace, name="Large", actor=actor, definition=large
        )


def test_a_text_becomes_a_draft_by_forms_alone(asked, bob, large):
    page = asked(handed(large))
    shown = words(bob.client.get(page))
    assert TEXT in shown
    assert "set Status to “Done”" in shown
    assert 'value="Large orders"' in shown
    assert "This was not in your words" not in shown
    answer = bob.client.post(f"{page}take/", {"name": "Big ones"})
    with bob.acting():
        made = Workflow.objects.get()
    assert answer.url == f"{reverse('workflow_steps', args=[made.pk])}?step=test"
    assert (made.name, made.state, made.natural_language_description) == ("Big ones", "draft", TEXT)
    assert "It is the draft of “Big ones”" in words(bob.client.get(page))
    assert bob.client.post(f"{page}take/", {"name": "Twice"}).status_code == 422
    with bob.acting():
        assert Workflow.objects.count() == 1


def test_while_the_model_is_asked_the_page_asks_again(settings, bob, new, agent):
    settings.AUTOMATIONS_MODELS = {"fake": {"api": "openai", "models": ["tiny"]}}
    page = bob.client.post(new, {"text": TEXT, "agent": str(agent.pk)}).url
    whole = bob.client.get(page).content.decode()
    assert 'hx-trigger="every 2s"' in whole
    assert '<meta http-equiv="refresh"' in whole
    part = bob.client.get(page, headers=HTMX).content.decode()
    assert part.lstrip().startswith('<div id="drafting"')
    assert "<html" not in part
    assert bob.client.post(f"{page}discard/").status_code == 302
    assert "Discarded" in words(bob.client.get(page))


def test_what_is_marked_has_to_be_looked_at(asked, bob, large):
    evil = {"type": "send_email", "id": "mail", "to": ["evil@example.org"], "subject": "All"}
    page = asked(handed(with_step(large, evil)))
    shown = words(bob.client.get(page))
    assert "This was not in your words:" in shown
    assert re.search(r"<mark[^>]*>evil@example.org</mark>", shown)
    refused = bob.client.post(f"{page}take/", {"name": "Large"})
    assert refused.status_code == 422
    assert "This field is required" in words(refused)
    with bob.acting():
        assert not Workflow.objects.exists()
    assert bob.client.post(f"{page}take/", {"name": "Large", "accepted": "on"}).status_code == 302


def test_a_workflow_in_the_trash_is_changed_by_no_model(asked, bob, agent, flow):
    page = asked(asking("What for?"), url=reverse("workflow_draft", args=[flow.pk]))
    with bob.acting() as actor:
        services.delete_workflow(workflow=flow, actor=actor)
    answer = bob.client.post(f"{page}again/", {"text": "More", "agent": str(agent.pk)})
    assert answer.status_code == 404
    with bob.acting():
        assert AgentDrafting.objects.count() == 1


def test_a_question_is_answered_by_asking_again(settings, asked, bob, agent, large):
    page = asked(asking("How much is large, <b>really</b>?"))
    answer = bob.client.get(page)
    assert "How much is large, <b>really</b>?" in words(answer)
    assert b"<b>" not in answer.content
    with model_server(settings, handed(large)):
        again = bob.client.post(
            f"{page}again/", {"text": f"{TEXT}, over 100", "agent": str(agent.pk)}
        )
        running.work(30)
    assert again.url != page
    assert "over 100" in words(bob.client.get(again.url))
    assert "Discarded" in words(bob.client.get(page))
    empty = bob.client.post(
        f"{again.url}again/", {"text": "", "agent": str(agent.pk)}, headers=HTMX
    )
    assert empty.status_code == 422
    assert "<html" not in empty.content.decode()


def test_a_change_shows_the_difference(asked, bob, flow, large):
    changed = with_step(flow.structured_definition, {"type": "stop", "id": "end"})
    url = reverse("workflow_draft", args=[flow.pk])
    page = asked(handed(changed), url=url, text="then stop")
    shown = words(bob.client.get(page))
    assert "What would change" in shown
    assert re.search(r"diff-added.*Stop", shown)
    seen = re.search(r'name="seen" value="(\w+)"', shown)[1]
    with bob.acting() as actor:
        services.change_workflow(
            workflow=flow, actor=actor, structured_definition=large | {"pause_after": 3}
        )
    refused = bob.client.post(f"{page}take/", {"seen": seen})
    assert refused.status_code == 422
    assert "changed meanwhile" in words(refused)
    seen = re.search(r'name="seen" value="(\w+)"', words(bob.client.get(page)))[1]
    assert bob.client.post(f"{page}take/", {"seen": seen}).status_code == 302
    with bob.acting():
        flow.refresh_from_db()
    assert flow.structured_definition == definitions.parse(changed).model_dump(mode="json")
    both = words(bob.client.get(reverse("workflow_sentence", args=[flow.pk])))
    assert "As it was described" in both
    assert "then stop" in both
    assert "What the draft does" in both


def test_pressing_change_without_changing_keeps_the_words(asked, bob, large):
    page = asked(handed(large))
    bob.client.post(f"{page}take/", {"name": "Large"})
    with bob.acting():
        made = Workflow.objects.get()
    url = reverse("workflow_sentence", args=[made.pk])
    said = html.unescape(
        re.search(r"<textarea[^>]*>([^<]*)", bob.client.get(url).content.decode())[1]
    )
    assert said.startswith("When an entry is added to “Orders”")
    assert bob.client.post(url, {"text": said}).status_code == 302
    with bob.acting():
        made.refresh_from_db()
    assert made.natural_language_description == TEXT


def test_a_failure_is_told_in_words(asked, bob):
    shown = words(bob.client.get(asked(handed({}))))
    assert "The model drafted nothing that works" in shown
    assert "Ask again" in shown


def test_where_no_agent_can_draft_it_says_what_to_do(alice, bob, workspace, new):
    make_agent(alice, workspace)
    for url in (new, reverse("workflow_sentence_new", args=[workspace.pk])):
        shown = words(bob.client.get(url))
        assert "No agent here has a model that could draft" in shown
        assert reverse("agents", args=[workspace.pk]) in shown
        connect = reverse("integration_new", args=[workspace.pk]) + "?kind=model"
        assert f'href="{connect}"' in shown
    assert "Connect: Language model" in words(bob.client.get(connect))
    answer = bob.client.post(new, {"text": TEXT, "agent": ""})
    assert answer.status_code == 422
    assert "Draft it</button>" not in words(answer)


def test_the_ways_there(bob, workspace, agent, flow, new, asked, large):
    sentence = words(bob.client.get(reverse("workflow_sentence_new", args=[workspace.pk])))
    assert f'formaction="{new}"' in sentence
    assert "Drafter (tiny)" in sentence
    assert new in words(bob.client.get(reverse("workflow_new", args=[workspace.pk])))
    change = reverse("workflow_draft", args=[flow.pk])
    assert change in words(bob.client.get(reverse("workflow_sentence", args=[flow.pk])))
    steps = reverse("workflow_steps", args=[flow.pk])
    assert change in words(bob.client.get(f"{steps}?step=words"))
    page = asked(handed(large))
    assert page in words(bob.client.get(reverse("workflows", args=[workspace.pk])))


def test_bad_input_is_kept(bob, new, agent):
    answer = bob.client.post(new, {"text": "x" * 5001, "agent": str(agent.pk)}, headers=HTMX)
    assert answer.status_code == 422
    assert "x" * 5001 in answer.content.decode()
    wrong = bob.client.post(new, {"text": TEXT, "agent": "nobody"}, headers=HTMX)
    assert wrong.status_code == 422
    assert TEXT in words(wrong)


def test_strangers_and_viewers(asked, bob, charlie, workspace, new, flow, large, agent):
    page = asked(handed(large))
    change = reverse("workflow_draft", args=[flow.pk])
    for url in (page, new, change):
        assert charlie.client.get(url).status_code == 404
    for url in (new, change, f"{page}take/", f"{page}discard/", f"{page}again/"):
        assert charlie.client.post(url, {"text": TEXT, "agent": str(agent.pk)}).status_code == 404
    give_role(workspace, bob, Role.VIEWER)
    shown = words(bob.client.get(page))
    assert "set Status to “Done”" in shown
    assert "Make the workflow" not in shown
    assert bob.client.get(new).status_code == 403
    assert bob.client.post(f"{page}take/", {"name": "Mine"}).status_code == 403
    assert bob.client.post(f"{page}nonsense/").status_code == 403
    with bob.acting():
        assert not AgentDrafting.objects.get().closed


def test_the_task_leads_to_the_draft(asked, bob, large):
    page = asked(handed(large))
    with bob.acting():
        task = AgentDrafting.objects.get().tasks.get()
    shown = words(bob.client.get(task.get_absolute_url()))
    assert page in shown
    assert "Do it again" not in shown
    assert "A draft" in shown
