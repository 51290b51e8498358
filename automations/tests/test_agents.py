"""Agents as definitions: made, changed, taken back; and what they are checked for."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as project
from django.core.exceptions import ImproperlyConfigured

from automations.agents import providers, services
from automations.agents.config import OutputField, answer_model
from automations.agents.models import Agent
from automations.tests.agents import make_agent
from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Forbidden, Invalid, Missing
from workspaces.models import Event, Role
from workspaces.operations import undo


def agents():
    with acting_as(Actor.system()):
        return [(agent.name, agent.deleted_at is None) for agent in Agent.objects.all()]


def last_operation(agent):
    with acting_as(Actor.system()):
        return Event.objects.filter(stream_id=agent.pk).order_by("-id").first().operation_id


def test_an_agent_is_made_by_an_event(alice, workspace):
    agent = make_agent(alice, workspace, prompt="Sort.", tools=["query_entries", "list_records"])
    assert (agent.name, agent.provider, agent.model) == ("Sorter", "offline", "rules")
    assert agent.tools == ["list_records", "query_entries"]
    assert agent.config["writes"] == "ask"
    with acting_as(Actor.system()):
        (event,) = Event.objects.filter(stream_id=agent.pk)
    assert (event.type, event.version) == ("agent.created", 1)


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"provider": "nobody"}, "/provider"),
        ({"model": "gpt"}, "/model"),
        ({"tools": ["rm"]}, "/tools/0"),
        ({"config": {"temperature": 9}}, "/config/temperature"),
        ({"config": {"everything": True}}, "/config/everything"),
        ({"config": {"writes": "always"}}, "/config/writes"),
        ({"status": "flying"}, "/status"),
        ({"prompt": "x" * 20_001}, "/prompt"),
    ],
)
def test_what_is_wrong_is_pointed_at(alice, workspace, values, pointer):
    with pytest.raises(Invalid) as error:
        make_agent(alice, workspace, **values)
    assert error.value.problems[0]["pointer"] == pointer
    assert agents() == []


def test_strangers_and_viewers_make_none(charlie, bob, workspace):
    with pytest.raises(Missing):
        make_agent(charlie, workspace)
    give_role(workspace, bob, Role.VIEWER)
    with pytest.raises(Forbidden):
        make_agent(bob, workspace)


class TestUndo:
    def test_of_a_change_leaves_what_came_later(self, alice, workspace):
        agent = make_agent(alice, workspace, prompt="Old")
        with alice.acting() as actor:
            services.change_agent(agent=agent, actor=actor, prompt="New", name="Asker")
        operation = last_operation(agent)
        with alice.acting() as actor:
            services.change_agent(agent=agent, actor=actor, prompt="Newer")
        outcome = undo(operation_id=operation, actor=alice.actor)
        with alice.acting():
            agent.refresh_from_db()
        assert (agent.name, agent.prompt) == ("Sorter", "Newer")
        assert (outcome.restored, outcome.kept) == (1, 1)

    def test_of_making_and_deleting(self, alice, workspace):
        agent = make_agent(alice, workspace)
        undo(operation_id=last_operation(agent), actor=alice.actor)
        assert agents() == [("Sorter", False)]
        undo(operation_id=last_operation(agent), actor=alice.actor)
        assert agents() == [("Sorter", True)]

    def test_a_deleted_one_is_not_found(self, alice, workspace):
        agent = make_agent(alice, workspace)
        with alice.acting() as actor:
            services.delete_agent(agent=agent, actor=actor)
            with pytest.raises(Missing):
                services.find_agent(actor, agent.pk)
            services.restore_agent(agent=agent, actor=actor)
            with pytest.raises(Conflict):
                services.restore_agent(agent=agent, actor=actor)


class TestProviders:
    def test_the_offline_example_says_what_it_is(self):
        assert "understands nothing" in providers.find("offline", None).note

    @pytest.mark.parametrize(
        "wrong",
        [
            [],
            {"x": 5},
            {"x": {"api": "magic"}},
            {"offline": {"api": "openai"}},
            {"x": {"api": "openai", "secret": "abc"}},
        ],
    )
    def test_wrong_settings_are_told(self, wrong):
        with pytest.raises(ImproperlyConfigured, match="AUTOMATIONS_MODELS"):
            providers.read(wrong)

    def test_a_missing_key_is_told_by_its_name_alone(self, monkeypatch):
        found = providers.read({"x": {"api": "anthropic", "key": "SOME_KEY"}})["x"]
        monkeypatch.delenv("SOME_KEY", raising=False)
        with pytest.raises(Conflict, match="SOME_KEY"):
            found.secret()
        monkeypatch.setenv("SOME_KEY", "s3cret")
        assert found.secret() == "s3cret"
        assert "s3cret" not in repr(found)

    def test_what_tokens_cost(self):
        options = {"api": "openai", "models": ["m"], "prices": {"m": [2, 10]}}
        found = providers.read({"x": options})["x"]
        assert str(found.cost("m", 1000, 100)) == "0.003"
        assert found.cost("other", 1000, 100) is None


def test_answers_may_have_any_names():
    names = ("json", "copy", "model_config", "schema", "class", "validate")
    kind = answer_model([OutputField(name=name, type="integer") for name in names])
    made = kind.model_validate(dict.fromkeys(names, 7)).model_dump(by_alias=True)
    assert made == dict.fromkeys(names, 7)
    assert set(kind.model_json_schema()["properties"]) == set(names)


@pytest.mark.parametrize(
    ("type", "good", "bad"),
    [
        ("number", 2.5, "inf"),
        ("integer", 3, 3.5),
        ("boolean", True, "perhaps"),
        ("date", "2026-02-28", "2026-02-31"),
        ("choice", "red", "blue"),
        ("text", "x", None),
    ],
)
def test_answers_have_the_types_that_are_asked_for(type, good, bad):
    kind = answer_model([OutputField(name="a", type=type, choices=["red"])])
    assert kind.model_validate({"a": good}).model_dump(mode="json", by_alias=True) == {"a": good}
    for wrong in ({"a": bad}, {}, {"a": good, "b": 1}):
        with pytest.raises(ValueError):
            kind.model_validate(wrong)


def test_nothing_loads_the_libraries_of_models_before_they_are_needed():
    code = (
        "import django, sys; django.setup(); import kdap.urls, automations.tasks;"
        "import automations.agents.running;"
        "print([n for n in ('pydantic_ai', 'openai', 'anthropic', 'httpx2') if n in sys.modules])"
    )
    made = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "kdap.settings"},
        cwd=project.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.strip() == "[]"
