"""Tasks of agents: carried out once, within limits, with nobody's rights but their person's."""

import datetime as dt
import time
from decimal import Decimal

import orjson
import pytest
from django.utils import timezone

from automations import claiming
from automations.agents import running, services, tasks
from automations.agents.models import AgentTask
from automations.tests.agents import (
    FAKE,
    WRITES,
    bodies,
    decide,
    done,
    fresh,
    give,
    make_agent,
    model_server,
    said,
)
from automations.tests.workflows import add, entries_in
from kdap.tests.people import give_role
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict, Forbidden, Invalid
from workspaces.models import Event, Role
from workspaces.operations import undo

ADD = 'use create_entries {"record": "Tasks", "entries": [{"what": "$subject"}]}'
ADDED = ("create_entries", {"record": "Tasks", "entries": [{"what": "Call back"}]})


@pytest.fixture
def meanwhile(monkeypatch):
    """Return a function: what it is given happens while the model answers."""

    def happens(action):
        ask = running.asking.ask

        def asked(*args, **left):
            answer = ask(*args, **left)
            action()
            return answer

        monkeypatch.setattr(running.asking, "ask", asked)

    return happens


def events_of(task):
    with acting_as(Actor.system()):
        return list(
            Event.objects.filter(operation_id=task.operation_id).values_list("type", flat=True)
        )


class TestOffline:
    def test_it_says_what_it_is(self, alice, workspace):
        task = done(give(alice, make_agent(alice, workspace), {"subject": "Hello"}))
        assert task.status == "succeeded"
        assert "understands nothing" in task.task_output
        assert "Hello" in task.task_output
        assert task.steps == 1
        assert task.tokens > 0
        assert task.completed_at is not None

    def test_it_fills_a_form(self, alice, workspace):
        form = [
            {"name": "urgency", "type": "choice", "choices": ["low", "high"]},
            {"name": "amount", "type": "number"},
            {"name": "until", "type": "date"},
        ]
        text = "A high price of 12.5 until 2026-03-01"
        task = done(give(alice, make_agent(alice, workspace), {"text": text}, form=form))
        assert task.task_output == {"urgency": "high", "amount": 12.5, "until": "2026-03-01"}

    def test_that_it_was_done_stands_in_the_log(self, alice, workspace):
        agent = make_agent(alice, workspace)
        task = done(give(alice, agent, {"subject": "Secret words"}))
        with acting_as(Actor.system()):
            event = Event.objects.get(stream_id=agent.pk, type="agent.executed")
        assert event.user_id == alice.user.pk
        assert event.payload["task"] == str(task.pk)
        assert event.payload["tokens"] == task.tokens
        assert "Secret words" not in orjson.dumps(event.payload).decode()


class TestWriting:
    def test_waits_until_somebody_allows_it(self, alice, bob, workspace, record):
        agent = make_agent(alice, workspace, prompt=ADD, **WRITES)
        task = done(give(alice, agent, {"subject": "Call back"}))
        assert task.status == "waiting"
        assert entries_in(alice, record, "what") == []
        task = decide(bob, task, "approved")
        assert task.status == "succeeded"
        assert task.writes == 1
        assert entries_in(alice, record, "what") == [("Call back",)]

    def test_an_answer_allows_what_was_shown_and_nothing_else(
        self, settings, alice, bob, record, fake
    ):
        adds = [
            said(None, ("create_entries", {"record": "Tasks", "entries": [{"what": what}]}))
            for what in ("Shown", "Not shown")
        ]
        with model_server(settings, *adds, said("Done")):
            shown = done(give(alice, fake(), "Go"))
            assert decide(bob, shown, "approved").status == "waiting"
            with pytest.raises(Conflict, match="something else by now"):
                decide(alice, shown, "approved")  # her page is older than Bob's answer
            assert done(shown).status == "waiting"
        assert entries_in(alice, record, "what") == [("Shown",)]

    def test_refused_writes_nothing_and_goes_on(self, alice, workspace, record):
        agent = make_agent(alice, workspace, prompt=ADD, **WRITES)
        task = decide(alice, done(give(alice, agent, {"subject": "Call back"})), "rejected")
        assert task.status == "succeeded"
        assert task.writes == 0
        assert entries_in(alice, record, "what") == []
        with pytest.raises(Conflict):
            decide(alice, task, "approved")

    def test_is_done_at_once_where_that_is_allowed_and_undone_as_one(
        self, alice, workspace, record
    ):
        agent = make_agent(
            alice, workspace, prompt=f"{ADD}\n{ADD}", config={"writes": "allowed"}, **WRITES
        )
        task = done(give(alice, agent, {"subject": "Call back"}))
        assert entries_in(alice, record, "what") == [("Call back",)] * 2
        assert events_of(task) == ["entries.created"] * 2
        undo(operation_id=task.operation_id, actor=alice.actor)
        assert entries_in(alice, record, "what") == []

    def test_never_gives_the_model_no_such_tool(self, settings, alice, fake, record):
        with model_server(settings, said(None, ADDED), said("Done")) as server:
            task = done(give(alice, fake(config={"writes": "never"}), {}))
        asked = bodies(server)
        names = [tool["function"]["name"] for tool in asked[0]["tools"]]
        assert names == ["list_records", "query_entries"]
        assert task.status == "succeeded"
        assert entries_in(alice, record, "what") == []

    def test_a_viewer_may_not_and_gives_no_tasks(self, alice, bob, workspace, record):
        agent = make_agent(alice, workspace)
        give_role(workspace, bob, Role.VIEWER)
        with pytest.raises(Forbidden):
            give(bob, agent, {})

    def test_rights_that_were_lost_since_are_gone(
        self, settings, alice, bob, workspace, fake, record, meanwhile
    ):
        agent = fake(config={"writes": "allowed"})
        task = give(bob, agent, {})
        meanwhile(lambda: give_role(workspace, bob, Role.VIEWER))
        with model_server(settings, said(None, ADDED), said("I could not.")) as server:
            task = done(task)
        assert task.status == "succeeded"
        assert entries_in(alice, record, "what") == []
        assert "this needs the role" in bodies(server)[1]["messages"][-1]["content"]

    def test_it_can_do_no_more_than_its_owner(self, settings, alice, bob, workspace, record):
        agent = make_agent(
            bob, workspace, provider="offline", prompt=ADD, config={"writes": "allowed"}, **WRITES
        )
        give_role(workspace, bob, Role.VIEWER)
        task = done(give(alice, agent, {"subject": "Call back"}))
        assert entries_in(alice, record, "what") == []
        assert "Bob, who owns this agent, may not" in orjson.dumps(task.messages).decode()


class TestOnce:
    def test_a_worker_that_was_thought_dead_writes_nothing(self, alice, workspace, record):
        agent = make_agent(alice, workspace, prompt=ADD, config={"writes": "allowed"}, **WRITES)
        task = give(alice, agent, {"subject": "Call back"})
        first = running.claim()
        with acting_as(Actor.system()):
            past = timezone.now() - dt.timedelta(seconds=1)
            AgentTask.objects.filter(pk=task.pk).update(lease=past)
        assert done(task).status == "succeeded"
        running.execute(first)
        assert entries_in(alice, record, "what") == [("Call back",)]
        assert (fresh(task).fence, fresh(task).deaths) == (
            2,
            0,
        )  # it got on, which makes good a death

    @pytest.mark.django_db(transaction=True)
    def test_a_slow_model_keeps_its_task(self, monkeypatch, alice, workspace, record):
        task = give(alice, make_agent(alice, workspace), {"subject": "Call back"})
        monkeypatch.setattr(claiming, "RENEW_SECONDS", 0.01)
        ask, renewed = running.asking.ask, []

        def slow(*args, **left):
            with acting_as(Actor.system()):
                AgentTask.objects.filter(pk=task.pk).update(lease=timezone.now())
            end = time.monotonic() + 5
            while not renewed and time.monotonic() < end:
                renewed.extend([1] * (fresh(task).lease > timezone.now()))
            return ask(*args, **left)

        monkeypatch.setattr(running.asking, "ask", slow)
        assert done(task).status == "succeeded"
        assert renewed

    def test_a_death_after_the_answer_repeats_no_tool(self, monkeypatch, alice, workspace, record):
        agent = make_agent(alice, workspace, prompt=ADD, config={"writes": "allowed"}, **WRITES)
        task = give(alice, agent, {"subject": "Call back"})
        ask, asked = running.asking.ask, []

        def dies_at_the_second(*args, **left):
            asked.append(left)
            if len(asked) == 2:
                raise SystemExit  # the tool was done, what came of it was not told yet
            return ask(*args, **left)

        monkeypatch.setattr(running.asking, "ask", dies_at_the_second)
        with pytest.raises(SystemExit):
            running.execute(running.claim())
        with acting_as(Actor.system()):
            past = timezone.now() - dt.timedelta(seconds=1)
            AgentTask.objects.filter(pk=task.pk).update(lease=past)
        task = done(task)
        assert task.status == "succeeded"
        assert len(asked) == 3
        assert entries_in(alice, record, "what") == [("Call back",)]

    def test_every_worker_dying_of_it_ends_it(self, alice, workspace):
        task = give(alice, make_agent(alice, workspace), {})
        for _ in range(6):
            with acting_as(Actor.system()):
                past = timezone.now() - dt.timedelta(seconds=1)
                AgentTask.objects.filter(pk=task.pk).update(lease=past)
            claimed = running.claim()
        running.execute(claimed)
        assert fresh(task).error_message == "The worker died 5 times while this was done."

    def test_one_at_a_time_workspaces_in_turn(self, alice, workspace):
        from workspaces.services import create_workspace

        with alice.acting() as actor:
            other = create_workspace(name="Other", actor=actor)
        many, one = make_agent(alice, workspace), make_agent(alice, other)
        # How much something matters says nothing to others.
        given = [give(alice, many, {"n": n}, priority=1) for n in range(3)]
        given.append(give(alice, one, {}, priority=3))
        order = []
        while (claimed := running.claim()) is not None:
            assert running.claim() is None
            order.append(given.index(claimed))
            running.execute(claimed)
        assert order == [0, 3, 1, 2]

    def test_cancelled_while_the_model_answers(self, settings, alice, fake, record, meanwhile):
        def cancel():
            with alice.acting() as actor:
                tasks.cancel(task=task, actor=actor)

        meanwhile(cancel)
        task = give(alice, fake(config={"writes": "allowed"}), {})
        with model_server(settings, said(None, ADDED)):
            done(task)
        assert entries_in(alice, record, "what") == []
        assert fresh(task).status == "cancelled"
        assert fresh(task).error_message == "Cancelled by Alice."


class TestServer:
    def test_an_answer_with_what_it_cost(self, settings, alice, fake):
        prices = {"tiny": [1, 2]}
        with model_server(settings, said("It is sunny."), prices=prices) as server:
            task = done(give(alice, fake(prompt="Say the weather."), {"city": "Lyon"}))
        assert (task.status, task.task_output) == ("succeeded", "It is sunny.")
        assert (task.input_tokens, task.output_tokens, task.cost) == (10, 5, Decimal("0.00002"))
        (asked,) = bodies(server)
        assert "Say the weather." in asked["messages"][0]["content"]
        assert "Lyon" not in asked["messages"][0]["content"]
        assert "Lyon" in asked["messages"][1]["content"]

    def test_a_form_is_asked_for_and_corrected(self, settings, alice, fake):
        form = [{"name": "stars", "type": "integer"}]

        def answered(stars):
            return lambda request: said(
                None, (request["tools"][-1]["function"]["name"], {"stars": stars})
            )

        with model_server(settings, answered("many"), answered(4)) as server:
            task = done(give(alice, fake(), {}, form=form))
        assert task.task_output == {"stars": 4}
        assert task.steps == 2
        assert len(server.requests) == 2

    def test_tools_and_their_results(self, settings, alice, fake, record):
        add(alice, record, {"what": "Feed the cat"})
        query = ("query_entries", {"record": "Tasks"})
        with model_server(settings, said(None, query), said("One task.")) as server:
            task = done(give(alice, fake(), {}))
        assert (task.status, task.steps, task.tokens) == ("succeeded", 2, 30)
        result = orjson.loads(bodies(server)[1]["messages"][-1]["content"])
        assert [entry["what"] for entry in result["data"]["entries"]] == ["Feed the cat"]

    def test_a_server_that_fails_for_a_moment_is_asked_again(self, settings, alice, fake):
        broken = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
        with model_server(settings, broken, said("Here I am.")):
            task = done(give(alice, fake(), {}))
            assert (task.status, task.attempts) == ("pending", 1)
            assert task.not_before > timezone.now()
            with acting_as(Actor.system()):
                AgentTask.objects.filter(pk=task.pk).update(not_before=timezone.now())
            assert done(task).task_output == "Here I am."

    def test_a_server_that_says_no_is_not(self, settings, alice, fake):
        refuses = b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"
        with model_server(settings, refuses, label="Local models"):
            task = done(give(alice, fake(), {}))
        assert (task.status, task.error_message) == ("failed", "“Local models” answered 401.")

    def test_a_private_server_that_nobody_allowed_is_not_asked(self, settings, alice, fake):
        with model_server(settings, said("x")) as server:
            settings.AUTOMATIONS_ALLOWED_HOSTS = []
            task = done(give(alice, fake(), {}))
            assert task.status == "failed"
            assert "private" in task.error_message
            assert server.requests == []


def test_a_paused_agent_takes_no_tasks(alice, workspace):
    agent = make_agent(alice, workspace)
    task = give(alice, agent, {})
    with alice.acting() as actor:
        services.change_agent(agent=agent, actor=actor, status="paused")
    assert done(task).error_message == "The agent “Sorter” was paused or deleted."
    with pytest.raises(Conflict):
        give(alice, agent, {})


@pytest.mark.parametrize("length", [200_000, 2_000_000])
def test_a_long_input_is_refused_however_long(alice, workspace, length):
    with pytest.raises(Invalid, match="longer than 200,000"):
        give(alice, make_agent(alice, workspace), "x" * length)


def test_again_is_a_new_task(alice, workspace):
    task = done(give(alice, make_agent(alice, workspace), {"n": 1}, name="Try"))
    with alice.acting() as actor:
        new = tasks.again(task=task, actor=actor)
    assert (new.task_name, new.task_input, new.status) == ("Try", {"n": 1}, "pending")
    assert new.pk != task.pk


def test_an_anthropic_server_is_asked_the_same_way(settings, alice, fake):
    answer = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "tiny",
        "content": [{"type": "text", "text": "Bonjour."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    with model_server(settings, orjson.dumps(answer), api="anthropic") as server:
        settings.AUTOMATIONS_MODELS[FAKE]["base_url"] = server.url("")
        task = done(give(alice, fake(), {}))
    assert (task.task_output, task.tokens) == ("Bonjour.", 5)
    assert server.requests[0].startswith(b"POST /v1/messages")


def test_an_anthropic_server_gets_its_key_as_it_is_tested(settings, monkeypatch, alice, fake):
    monkeypatch.setenv("MODEL_KEY", "sk-ant")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "Authorization: Bearer of-the-administrator")
    with model_server(settings, b"{}", api="anthropic", key="MODEL_KEY") as server:
        settings.AUTOMATIONS_MODELS[FAKE]["base_url"] = server.url("")
        done(give(alice, fake(), {}))
    head = server.requests[0].lower()
    assert b"x-api-key: sk-ant" in head
    assert b"authorization" not in head
