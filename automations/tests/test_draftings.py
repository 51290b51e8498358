"""A model drafts a workflow: what it says is checked, sent back, read, and only then taken."""

import datetime as dt

import orjson
import pytest
from django.utils import timezone

from automations import definition as definitions
from automations import services
from automations.agents import draftings, running, tasks
from automations.agents.draftings import seen_of, task_of
from automations.agents.models import AgentDrafting, AgentTask
from automations.models import Workflow
from automations.tests.agents import bodies, model_server, said
from automations.tests.drafts import TEXT, asking, handed, sent_back, start, take, with_step, worked
from automations.trimming import trim_agent_tasks
from workspaces.access import Actor, acting_as
from workspaces.errors import Conflict
from workspaces.models import Event
from workspaces.operations import undo


class TestRounds:
    def test_a_right_answer_is_ready_and_nothing_is_written(self, alice, drafted, large):
        _drafting, status, task, _server = drafted(handed(large))
        assert status == "ready", task.error_message
        assert task.task_output["title"] == "Large orders"
        assert task.task_output["definition"] == definitions.parse(large).model_dump(mode="json")
        assert (task.steps, task.input_tokens, task.output_tokens) == (1, 10, 5)
        with alice.acting():
            assert not Workflow.objects.exists()

    def test_the_model_is_given_two_ways_to_answer_and_the_schema(self, drafted, large):
        _, _, _, server = drafted(handed(large))
        (asked,) = bodies(server)
        tools = {tool["function"]["name"]: tool["function"] for tool in asked["tools"]}
        assert list(tools) == ["draft_workflow", "ask_person"]
        parts = tools["draft_workflow"]["parameters"]["$defs"]
        assert len(parts["AnyStep"]["oneOf"]) == len(definitions.STEPS)
        assert (
            asked["max_completion_tokens" if "max_completion_tokens" in asked else "max_tokens"]
            == 8000
        )

    def test_what_was_wrong_goes_back_and_is_put_right(self, alice, drafted, large):
        wrong = with_step(
            large,
            {
                "type": "update_entry",
                "id": "more",
                "record": large["trigger"]["record"],
                "values": {"totl": 1},
            },
        )
        _drafting, status, task, server = drafted(handed(wrong), handed(large))
        assert status == "ready"
        assert task.steps == 2
        told = sent_back(server)
        assert told["problems"] == [
            {
                "pointer": "/steps/1/values/totl",
                "detail": "“Orders” has no field “totl” (any more).",
            }
        ]

    def test_three_wrong_answers_end_it_in_words(self, alice, drafted, large):
        wrong = large | {"steps": [large["steps"][0] | {"values": {"status": "Finished"}}]}
        drafting, status, task, server = drafted(
            handed(wrong), handed(wrong), handed(wrong), handed(large)
        )
        assert (status, task.status, task.steps) == ("failed", "failed", 3)
        assert len(server.requests) == 3
        assert "in 3 rounds" in task.error_message
        assert "Step 1: Status: “Finished” is none of the choices" in task.error_message
        with pytest.raises(Conflict):
            take(alice, drafting)

    def test_a_question_is_for_the_person(self, alice, drafted):
        drafting, status, task, _ = drafted(asking("Which Anna do you mean?"))
        assert (status, task.task_output) == ("question", {"question": "Which Anna do you mean?"})
        with pytest.raises(Conflict):
            take(alice, drafting)

    def test_talk_is_sent_back_once_and_again(self, drafted, large):
        _drafting, status, task, server = drafted(said("Sure, I can help!"), handed(large))
        assert status == "ready"
        assert "not with a text" in orjson.dumps(sent_back(server)).decode()
        _, status, task, _ = drafted(said("Sure, I can help!"))
        assert status == "failed"
        assert "only talked, in 3 rounds" in task.error_message
        assert "Sure, I can help!" in task.error_message

    def test_a_draft_within_talk_counts(self, drafted, large):
        text = f"Here you are:\n```json\n{orjson.dumps(large).decode()}\n```\nEnjoy!"
        assert drafted(said(text))[1] == "ready"
        assert drafted(said(orjson.dumps({"definition": large}).decode()))[1] == "ready"

    def test_arguments_that_are_no_json(self, drafted, large):
        broken = said(None, ("draft_workflow", '{"definition": {"trigger"'))
        _drafting, status, task, server = drafted(broken, handed(large))
        assert (status, task.steps) == ("ready", 2)
        _, status, task, server = drafted(broken)
        assert status == "failed"
        assert "no usable answer, 2 corrections included" in task.error_message
        assert len(server.requests) == 3

    @pytest.mark.parametrize(
        "definition", [None, [], 5, "nonsense", {}, {"trigger": {"type": "x"}}]
    )
    def test_what_is_no_definition(self, drafted, definition):
        _, status, task, _ = drafted(handed(definition))
        assert status == "failed"
        assert "Still wrong was:" in task.error_message

    def test_several_calls_at_once(self, drafted, large):
        both = said(None, ("draft_workflow", {"definition": {}}), ("ask_person", {"question": "?"}))
        _drafting, status, _task, server = drafted(both, handed(large))
        assert status == "ready"
        told = [m["content"] for m in bodies(server)[1]["messages"] if m["role"] == "tool"]
        assert "This is missing." in told[0]
        assert "the first was looked at" in told[1]

    def test_ten_thousand_steps_and_a_megabyte(self, drafted, large):
        many = large | {"steps": [{"type": "stop", "id": f"s{n}"} for n in range(10_000)]}
        _, status, task, server = drafted(handed(many))
        assert status == "failed"
        assert "At most 200 fit" in sent_back(server)["problems"][0]["detail"]
        deep = {"type": "stop", "id": "end"}
        for number in range(60):
            deep = {"type": "for_each", "id": f"s{number}", "items": [], "steps": [deep]}
        _, status, task, _ = drafted(handed(large | {"steps": [deep]}))
        assert "steps go 12 deep" in task.error_message
        abyss = '{"title": "x", "definition": ' + '{"a": ' * 5000 + "1" + "}" * 5001
        _, status, task, _ = drafted(said(None, ("draft_workflow", abyss)))
        assert status == "failed"
        _, status, task, _ = drafted(said("x" * 1_100_000))
        assert status == "failed"
        assert "more than 1,048,576 bytes" in task.error_message

    def test_a_model_that_hangs(self, settings, drafted, large):
        import time

        def slow(_):
            time.sleep(6)
            return handed(large)

        _, status, task, _ = drafted(slow, seconds=5)
        assert status == "failed"
        assert "longer than its 5 seconds" in task.error_message

    def test_limits_of_the_agent_hold(self, drafted, large):
        wrong = handed({})
        _, status, task, server = drafted(wrong, handed(large), most_steps=1)
        assert (status, len(server.requests)) == ("failed", 1)
        assert (
            "in 1 round. Still wrong was:\n– What starts it: This is missing." in task.error_message
        )
        costly = said(None, ("draft_workflow", {"definition": {}}), tokens=(900, 200))
        _, status, task, server = drafted(costly, handed(large), most_tokens=1000)
        assert (status, len(server.requests)) == ("failed", 1)
        assert "tokens" in task.error_message


class TestOnce:
    def test_a_death_between_answer_and_check_asks_nobody_twice(
        self, settings, alice, fake, large, monkeypatch
    ):
        judged = running.judged
        with model_server(settings, handed({}), handed(large)) as server:
            drafting = start(alice, fake())

            def dies(task, rounds):
                if task.calls:
                    raise SystemExit
                return judged(task, rounds)

            monkeypatch.setattr(running, "judged", dies)
            first = running.claim()
            with pytest.raises(SystemExit):
                running.execute(first)
            monkeypatch.setattr(running, "judged", judged)
            with acting_as(Actor.system()):
                past = timezone.now() - dt.timedelta(seconds=1)
                AgentTask.objects.filter(pk=first.pk).update(lease=past)
            status, task = worked(drafting)
            running.execute(first)  # it was only thought dead
        assert (status, task.steps, len(server.requests)) == ("ready", 2, 2)
        with acting_as(Actor.system()):
            assert Event.objects.filter(type="agent.executed").count() == 1

    def test_cancelled_while_the_model_answers(self, settings, alice, fake, large, monkeypatch):
        ask = running.asking.ask

        def cancels(*args, **left):
            answer = ask(*args, **left)
            with alice.acting() as actor:
                tasks.cancel(task=task_of(drafting), actor=actor)
            return answer

        monkeypatch.setattr(running.asking, "ask", cancels)
        with model_server(settings, handed(large)):
            drafting = start(alice, fake())
            status, task = worked(drafting)
        assert (status, task.task_output) == ("stopped", None)

    def test_discarded_it_is_over_and_its_task_with_it(self, alice, fake):
        drafting = start(alice, fake())
        with alice.acting() as actor:
            draftings.discard(drafting=drafting, actor=actor)
            with pytest.raises(Conflict):
                draftings.discard(drafting=drafting, actor=actor)
        status, task = worked(drafting)
        assert (status, task.status) == ("discarded", "cancelled")

    def test_it_goes_when_tasks_do(self, alice, drafted, large):
        _drafting, *_ = drafted(handed(large))
        with acting_as(Actor.system()):
            before = timezone.now() - dt.timedelta(days=40)
            AgentTask.objects.update(completed_at=before)
            AgentDrafting.objects.update(created_at=before)
        trim_agent_tasks(30)
        with acting_as(Actor.system()):
            assert not AgentDrafting.objects.exists()
            assert not AgentTask.objects.exists()


class TestTaking:
    def test_it_becomes_a_draft_of_the_person(self, alice, bob, workspace, drafted, large):
        drafting, *_ = drafted(handed(large), person=bob)
        made = take(bob, drafting)
        assert (made.name, made.state, made.published) == ("Large orders", "draft", None)
        assert made.owner == bob.user
        assert made.natural_language_description == TEXT
        assert made.structured_definition == definitions.parse(large).model_dump(mode="json")
        with acting_as(Actor.system()):
            event = Event.objects.get(stream_id=made.pk, type="workflow.created")
        assert event.user_id == bob.user.pk
        assert event.cause["agent_name"] == "Sorter"
        assert event.cause["drafting"] == str(drafting.pk)
        with pytest.raises(Conflict):
            take(bob, drafting)

    def test_a_change_of_a_draft_is_undone_like_any(self, alice, workspace, drafted, large, shop):
        with alice.acting() as actor:
            flow = services.create_workflow(
                workspace=workspace, name="Large", actor=actor, definition=large, sentence=TEXT
            )
        was = flow.structured_definition
        more = with_step(
            was,
            {"type": "send_email", "id": "tell", "to": ["alice@example.com"], "subject": "Large"},
        )
        drafting, _status, _task, server = drafted(
            handed(more), text="also send a mail to Alice", workflow=flow
        )
        given = orjson.loads(
            bodies(server)[0]["messages"][-1]["content"].split("\n", 1)[1].rsplit("\n", 1)[0]
        )
        assert given["draft"] == was
        assert given["request"] == "also send a mail to Alice"
        changed = take(alice, drafting)
        assert len(changed.structured_definition["steps"]) == 2
        assert changed.natural_language_description == f"{TEXT}\nalso send a mail to Alice"
        with acting_as(Actor.system()):
            drafting = AgentDrafting.objects.get(pk=drafting.pk)
        undo(operation_id=drafting.operation_id, actor=alice.actor)
        with alice.acting():
            flow.refresh_from_db()
        assert flow.structured_definition == was
        assert flow.natural_language_description == TEXT

    def test_a_draft_that_was_changed_meanwhile_is_not_overwritten_unseen(
        self, alice, workspace, drafted, large
    ):
        with alice.acting() as actor:
            flow = services.create_workflow(
                workspace=workspace, name="Large", actor=actor, definition=large
            )
        drafting, *_ = drafted(
            handed(with_step(large, {"type": "stop", "id": "end"})), workflow=flow
        )
        with alice.acting() as actor:
            services.change_workflow(
                workflow=flow, actor=actor, structured_definition=large | {"pause_after": 3}
            )
        with pytest.raises(Conflict, match="changed meanwhile"):
            take(alice, drafting)
        with alice.acting():
            flow.refresh_from_db()
        taken = take(alice, drafting, seen=seen_of(flow))
        assert taken.structured_definition["steps"][-1]["id"] == "end"

    def test_words_that_were_never_said_are_said(self, alice, workspace, drafted, large):
        with alice.acting() as actor:
            flow = services.create_workflow(
                workspace=workspace, name="Large", actor=actor, definition=large
            )
        drafting, *_ = drafted(
            handed(with_step(large, {"type": "stop", "id": "end"})), text="then stop", workflow=flow
        )
        words = take(alice, drafting).natural_language_description
        assert words.startswith("When an entry is added to “Orders”")
        assert words.endswith("\nthen stop")
