"""Several agents are asked at once by one worker; none waits for another's slow model."""

import threading
import time

import pytest

from automations.agents import running
from automations.tests.agents import (  # noqa: F401 - a fixture
    fake,
    fresh,
    give,
    make_agent,
    model_server,
    said,
)
from workspaces.services import create_workspace

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def three_at_once(settings):
    settings.AUTOMATIONS_AGENTS_AT_ONCE = 3


def test_two_models_answer_at_the_same_time(settings, alice, workspace, fake):  # noqa: F811
    both = threading.Barrier(2, timeout=10)

    def answer(_):
        both.wait()
        return said("Done")

    agent = fake()
    tasks = [give(alice, agent, {"task": str(number)}) for number in range(4)]
    with model_server(settings, answer):
        assert running.work() == 4
    assert [fresh(task).status for task in tasks] == ["succeeded"] * 4


def test_a_model_that_hangs_leaves_a_place_for_other_workspaces(
    settings,
    alice,
    workspace,
    fake,  # noqa: F811
):
    hanging, others_done = threading.Semaphore(0), threading.Event()

    def answer(asked):
        if "hang" in str(asked):
            hanging.release()
            assert others_done.wait(10)
        return said("Done")

    with alice.acting() as actor:
        elsewhere = create_workspace(name="Other", actor=actor)
    agent = fake()
    slow = [give(alice, agent, {"task": f"hang {number}"}) for number in range(3)]
    other = make_agent(alice, elsewhere, provider="fake", model="tiny")
    with model_server(settings, answer):
        worker = threading.Thread(target=running.work)
        worker.start()
        for _ in range(2):
            assert hanging.acquire(timeout=10)
        assert fresh(slow[2]).status == "pending"
        quick = give(alice, other, {"task": "quick"})
        end = time.monotonic() + 10
        while fresh(quick).status != "succeeded" and time.monotonic() < end:
            time.sleep(0.05)
        assert fresh(quick).status == "succeeded"
        # While one worker is at it, another has nothing to do with agents.
        assert running.work() == 0
        others_done.set()
        worker.join(20)
    assert [fresh(task).status for task in slow] == ["succeeded"] * 3
