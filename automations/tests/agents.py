"""Helpers of the tests of agents."""

from contextlib import contextmanager
from threading import Thread

import orjson
import pytest
from django.db import connection

from automations.agents import running, services, tasks
from automations.agents.models import AgentTask
from automations.tests.receivers import ok, receiving
from workspaces.access import Actor, acting_as

FAKE = "fake"
WRITES = {"tools": ["create_entries", "query_entries", "update_entries", "list_records"]}


@pytest.fixture
def record(make_record):
    """A record of tasks."""
    return make_record("Tasks", what="text")


@pytest.fixture
def fake(settings, alice, workspace):
    """Return a function that makes an agent which asks the fake server."""
    settings.AUTOMATIONS_MODELS = {FAKE: {"api": "openai", "models": ["tiny"]}}
    return lambda **values: make_agent(
        alice, workspace, **({"provider": FAKE, "model": "tiny"} | WRITES | values)
    )


def make_agent(alice, workspace, **values):
    """Make an agent of Alice that asks the offline example; return it."""
    with alice.acting() as actor:
        return services.create_agent(
            workspace=workspace, actor=actor, **({"name": "Sorter"} | values)
        )


def give(person, agent, input, **more):
    """Give a task; return it."""
    with person.acting() as actor:
        return tasks.give_task(agent=agent, actor=actor, input=input, **more)


def done(task):
    """Let a worker do what is to do; return the task as it is then."""
    running.work(30)
    return fresh(task)


def work_apart():
    """Let a worker do what is to do in a thread: Playwright has an event loop in this one."""

    def work():
        running.work(30)
        connection.close()

    thread = Thread(target=work)
    thread.start()
    thread.join()


def fresh(task):
    """Return the task as the database has it."""
    with acting_as(Actor.system()):
        return AgentTask.objects.select_related("agent", "user", "run").get(pk=task.pk)


def decide(person, task, given):
    """Allow or refuse what the agent wants to write; let it go on."""
    with person.acting() as actor:
        tasks.decide(task=task, actor=actor, given=given, seen=task.seen)
    return done(task)


def said(content=None, *calls, tokens=(10, 5)):
    """Return an answer of an OpenAI-compatible server: a text, or tools as (name, arguments)."""
    message = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = [
            {
                "id": f"call_{number}",
                "type": "function",
                "function": {
                    "name": name,
                    "arguments": args if isinstance(args, str) else orjson.dumps(args).decode(),
                },
            }
            for number, (name, args) in enumerate(calls)
        ]
    asked, answered = tokens
    return orjson.dumps(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": "tiny",
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "finish_reason": "tool_calls" if calls else "stop",
                }
            ],
            "usage": {
                "prompt_tokens": asked,
                "completion_tokens": answered,
                "total_tokens": asked + answered,
            },
        }
    )


@contextmanager
def model_server(settings, *answers, **options):
    """Run an OpenAI-compatible server that gives `answers` in order, then the last one again.

    An answer is the bytes of a body, raw bytes that begin with HTTP, or a function of the request
    (as JSON) that returns either. Agents ask it as the provider “fake”, model “tiny”.
    """
    left = list(answers)

    def answer(connection, request):
        found = left.pop(0) if len(left) > 1 else left[0]
        if callable(found):
            found = found(orjson.loads(request.partition(b"\r\n\r\n")[2]))
        head = b"Content-Type: application/json"
        connection.sendall(found if found.startswith(b"HTTP") else ok(found, head))

    with receiving(answer) as server:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [server.here]
        settings.AUTOMATIONS_MODELS = {
            FAKE: {"api": "openai", "base_url": server.url("/v1"), "models": ["tiny"], **options}
        }
        yield server


def bodies(server):
    """Return what the server was sent, as JSON."""
    return [orjson.loads(sent.partition(b"\r\n\r\n")[2]) for sent in server.requests]
