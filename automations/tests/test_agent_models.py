"""Models of a workspace's own: connections that agents ask."""

import orjson
import pytest

from automations.agents import draftings, providers, services
from automations.agents.models import Agent
from automations.integrations import looking
from automations.integrations import services as integrations
from automations.integrations.kinds import config_of
from automations.integrations.models import Integration
from automations.tests.agents import done, fresh, give, make_agent, said
from automations.tests.mcp_servers import connect
from automations.tests.receivers import ok, receiving
from workspaces.access import Actor, acting_as
from workspaces.errors import Invalid
from workspaces.services import create_workspace

KEY = "sk-very-s3cret-indeed"
LIMITS = {"writes": "ask", "max_tokens": 100, "most_steps": 2, "most_tokens": 1000, "seconds": 30}
LIST = orjson.dumps({"data": [{"id": "tiny"}, {"id": "huge"}]})


@pytest.fixture
def server(settings):
    """A model server; `answer` is what it says next, `asked` what it was sent."""

    def respond(connection, request):
        connection.sendall(receiver.answer_next(request))

    with receiving(respond) as receiver:
        receiver.answer_next = lambda request: ok(said("It is."), b"Content-Type: application/json")
        settings.AUTOMATIONS_ALLOWED_HOSTS = [receiver.here]
        yield receiver


@pytest.fixture
def model(alice, workspace, server):
    """A connection to the server's models."""
    return connect(
        alice, workspace, "model", "Our model", KEY, url=server.url("/v1"), models=["tiny"]
    )


@pytest.fixture
def agent(alice, workspace, model):
    """An agent that asks it."""
    return make_agent(alice, workspace, provider=str(model.pk))


def looked(integration):
    looking.look(integration.pk)
    with acting_as(Actor.system()):
        integration.refresh_from_db()
    return integration.works, integration.said


class TestAsking:
    def test_it_is_asked_with_its_key(self, alice, agent, server):
        task = done(give(alice, agent, {"a": 1}))
        assert (task.status, task.task_output, task.model) == ("succeeded", "It is.", "tiny")
        assert f"authorization: bearer {KEY}" in server.requests[-1].decode().lower()

    def test_nobody_reads_the_key_in_an_answer(self, alice, agent, server):
        server.answer_next = lambda request: ok(said(f"Your key is {KEY}."))
        task = done(give(alice, agent, {}))
        assert task.task_output == "Your key is •••."
        assert KEY not in str(task.messages)

    def test_a_stand_in_for_a_key_changes_nothing_of_an_answer(self, alice, workspace, server):
        """“stop” is a word of the protocol: hidden, it would be no answer any more."""
        local = connect(
            alice, workspace, "model", "Local", "stop", url=server.url("/v1"), models=["tiny"]
        )
        task = done(give(alice, make_agent(alice, workspace, provider=str(local.pk)), {}))
        assert (task.status, task.tokens) == ("succeeded", 15)

    def test_nothing_of_the_servers_environment_is_sent(self, alice, agent, server, monkeypatch):
        for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
            monkeypatch.setenv(name, "of-the-administrator")
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway-Key: of-the-administrator")
        assert done(give(alice, agent, {})).status == "succeeded"
        assert b"of-the-administrator" not in server.requests[-1]

    def test_prices_make_a_cost(self, alice, workspace, agent, model):
        config = model.config | {"input_price": 2, "output_price": 10}
        with alice.acting() as actor:
            integrations.change_integration(integration=model, actor=actor, config=config)
        assert float(done(give(alice, agent, {})).cost) == pytest.approx((10 * 2 + 5 * 10) / 1e6)

    def test_another_address_gets_no_key(self, alice, agent, model, server):
        config = model.config | {"url": "https://elsewhere.example.com/v1"}
        with alice.acting() as actor:
            integrations.change_integration(integration=model, actor=actor, config=config)
        task = done(give(alice, agent, {}))
        assert task.status == "failed"
        assert "Its secret was given for another address" in task.error_message
        assert not server.requests

    def test_one_that_was_deleted_is_told(self, alice, agent, model):
        task = give(alice, agent, {})
        with alice.acting() as actor:
            integrations.delete_integration(integration=model, actor=actor)
        done(task)
        assert "was deleted" in fresh(task).error_message
        page = alice.client.get(agent.get_absolute_url())
        assert "a connection that is gone" in page.content.decode()
        with alice.acting() as actor:
            integrations.restore_integration(integration=model, actor=actor)
        assert done(give(alice, agent, {})).status == "succeeded"

    def test_a_key_with_letters_that_none_has_is_told(self, alice, agent, model):
        with alice.acting() as actor:
            integrations.set_secret(integration=model, secret="ключ-от-модели", actor=actor)
        assert "letters that no key can have" in done(give(alice, agent, {})).error_message

    def test_an_address_that_may_not_be_called_any_more_is_told(self, alice, agent, model):
        with acting_as(Actor.system()):
            rows = Integration.objects.filter(pk=model.pk)
            rows.update(config=model.config | {"url": "nowhere"})
        task = done(give(alice, agent, {}))
        assert task.status == "failed"
        assert "deleted" not in task.error_message

    def test_it_drafts_workflows(self, alice, workspace, agent):
        with alice.acting():
            assert draftings.agents_for(workspace.pk) == [agent]


class TestChoosing:
    def test_other_workspaces_have_it_not(self, charlie, model):
        with charlie.acting() as actor:
            other = create_workspace(name="Other", actor=actor)
        with pytest.raises(Invalid, match="not in this workspace"):
            make_agent(charlie, other, provider=str(model.pk))
        with charlie.acting():
            assert str(model.pk) not in providers.offered(other.pk)

    def test_only_models_can_be_chosen(self, alice, workspace):
        web = connect(alice, workspace, "http", "Web", url="https://api.example.com")
        with pytest.raises(Invalid, match="not in this workspace"):
            make_agent(alice, workspace, provider=str(web.pk))

    def test_where_any_will_do_one_has_to_be_named(self, alice, workspace):
        open_one = connect(alice, workspace, "model", "Any", auth="none")
        with pytest.raises(Invalid, match="Name one of the models that “Any” knows"):
            make_agent(alice, workspace, provider=str(open_one.pk))
        assert make_agent(alice, workspace, provider=str(open_one.pk), model="x").model == "x"

    def test_steps_of_workflows_have_it_not(self, alice, workspace, model):
        with alice.acting():
            assert list(integrations.usable_in_steps(workspace.pk)) == []

    def test_the_api_lists_it(self, alice, charlie, workspace, model):
        place = f"/api/v1/workspaces/{workspace.pk}/agent-parts/"
        offered = alice.client.get(place).json()["providers"]
        assert offered[-1] == {
            "name": str(model.pk),
            "label": "Our model",
            "models": ["tiny"],
            "note": "",
        }
        assert charlie.client.get(place).status_code == 404

    def test_pages_offer_it(self, alice, workspace, model):
        place = f"/w/{workspace.pk}/agents/new/"
        page = alice.client.get(place).content.decode()
        assert "Our model (tiny)" in page
        assert '<option value="tiny">Our model</option>' in page
        form = LIMITS | {"name": "Mine", "provider": str(model.pk)}
        assert alice.client.post(place, form).status_code in (200, 302)
        with alice.acting():
            made = Agent.objects.get(name="Mine")
        assert (made.provider, made.model) == (str(model.pk), "tiny")


class TestLooking:
    def test_it_tells_the_models_there_are(self, model, server):
        server.answer_next = lambda request: ok(LIST)
        assert looked(model) == (True, "It answers. Its models: tiny, huge.")
        assert server.requests[-1].startswith(b"GET /v1/models ")

    @pytest.mark.parametrize(
        ("answer", "told"),
        [
            (b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "did not accept the key"),
            (ok(b"[1]"), "lists no models at /models"),
            (ok(b'{"data": 5}'), "lists no models at /models"),
        ],
    )
    def test_what_is_wrong_is_told(self, model, server, answer, told):
        server.answer_next = lambda request: answer
        works, sentence = looked(model)
        assert works is False
        assert told in sentence

    def test_names_that_are_not_listed_are_for_people_to_judge(self, model, server):
        """Some servers answer to shorter names than those they list."""
        server.answer_next = lambda request: ok(b'{"data": [{"id": "huge"}, 7]}')
        assert looked(model) == (True, "It answers. Its models: huge. It does not list “tiny”.")
        server.answer_next = lambda request: ok(b'{"data": [{"id": "tiny:latest"}]}')
        assert looked(model) == (True, "It answers. Its models: tiny:latest.")


class TestFillingIn:
    def test_names_are_given_with_commas(self, alice, workspace):
        place = f"/w/{workspace.pk}/connections/new/?kind=model"
        form = {"server_name": "M", "api": "openai", "auth": "none", "models": "a, b ,"}
        assert alice.client.post(place, form).status_code in (200, 302)
        with alice.acting():
            made = integrations.usable(workspace.pk, ["model"]).get()
        assert made.config["models"] == ["a", "b"]
        edit = alice.client.get(f"/connections/{made.pk}/edit/").content.decode()
        assert 'value="a, b"' in edit

    @pytest.mark.parametrize(
        ("config", "told"),
        [
            ({"models": ["a,b"]}, "without commas"),
            ({"models": "a"}, "has to be a list"),
            ({"api": "magic"}, "openai"),
            ({"input_price": 1}, "Give both prices, or none"),
            ({"input_price": -1, "output_price": 1}, "0 or more"),
            ({"url": "ftp://x"}, "http"),
            ({"url": "https://h/v1?api-version=1"}, "no “\\?”"),
        ],
    )
    def test_what_can_not_be_is_refused(self, config, told):
        with pytest.raises(Invalid, match=told):
            config_of("model", config)

    def test_without_an_address_it_is_the_makers_own(self):
        assert config_of("model", {}).hosts == ["https://api.openai.com:443"]
        assert config_of("model", {"api": "anthropic"}).where == "https://api.anthropic.com"


def test_an_agent_can_be_edited_when_its_connection_is_gone(alice, agent, model):
    with alice.acting() as actor:
        integrations.delete_integration(integration=model, actor=actor)
        changed = services.change_agent(agent=agent, actor=actor, description="Other words.")
    assert changed.description == "Other words."
    place = f"{agent.get_absolute_url()}edit/"
    page = alice.client.get(place).content.decode()
    assert f'<option value="{model.pk}" selected>a connection that is gone' in page
    form = LIMITS | {"name": "Sorter", "prompt": "Sort.", "provider": str(model.pk)}
    assert alice.client.post(place, form | {"model": "tiny"}).status_code == 302
    with alice.acting():
        assert Agent.objects.get().prompt == "Sort."


def test_history_says_that_another_answers(alice, workspace, agent):
    other = connect(alice, workspace, "model", "Other", auth="none", models=["tiny"])
    with alice.acting() as actor:
        services.change_agent(agent=agent, actor=actor, provider=str(other.pk))
    page = alice.client.get(f"/w/{workspace.pk}/activity/").content.decode()
    assert "Changed who answers for the agent" in page
