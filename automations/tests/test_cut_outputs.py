"""Answers and outputs that are too large or not whole: they fail, or say so; nothing is silent."""

import time

import pytest

from automations.finishing import LONGEST_OUTPUT, json_text
from automations.tests.receivers import ok, receiving
from automations.tests.workflows import (
    BUTTON,
    add,
    entries_in,
    make_workflow,
    runs_of,
    settle,
    start,
    steps_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


def endless(connection, request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 5000)
    for _ in range(200):
        time.sleep(0.1)
        connection.sendall(b"x")


def called(alice, workspace, settings, answer, *steps, **options):
    """Run a workflow that calls a server; return its run and rows."""
    call = {"id": "call", "type": "http_request", "method": "GET", "timeout": 1, **options}
    with receiving(answer) as server:
        settings.AUTOMATIONS_ALLOWED_HOSTS = [server.here]
        workflow = make_workflow(alice, workspace, BUTTON, call | {"url": server.url("/x")}, *steps)
        start(alice, workflow)
        settle()
    (run,) = runs_of(workflow)
    return run, steps_of(run)


def remember(**values):
    return {"id": "remember", "type": "set", "values": values}


def test_half_an_answer_is_a_failure(alice, workspace, settings):
    run, rows = called(alice, workspace, settings, endless)
    assert run.status == "failed"
    assert "is not whole. It was not whole after 1 s." in run.error_message
    assert rows["call"].output["status"] == 200
    assert rows["call"].output["body"].startswith("xxx")


def test_half_an_answer_is_enough_where_the_step_says_so(alice, workspace, settings):
    run, rows = called(alice, workspace, settings, endless, accept_cut=True)
    assert run.status == "succeeded"
    assert rows["call"].output["cut"] == "It was not whole after 1 s."


@pytest.mark.parametrize(
    "body", [b"x" * 999_990, b"x" * (2**20), b"\x01" * 300_000, b"\xff" * 500_000]
)
def test_of_a_large_answer_the_body_is_cut_and_the_rest_stays(alice, workspace, settings, body):
    status = remember(status="{{ steps.call.status }}")
    run, rows = called(alice, workspace, settings, ok(body), status, accept_cut=True, timeout=20)
    output = rows["call"].output
    assert (run.status, rows["remember"].output) == ("succeeded", {"status": 200})
    assert "larger than 1,000,000 bytes" in output["cut"]
    assert LONGEST_OUTPUT * 0.9 < len(json_text(output)) <= LONGEST_OUTPUT


def test_a_large_answer_fails_without_leave(alice, workspace, settings):
    run, rows = called(alice, workspace, settings, ok(b"x" * (2**20 + 5)), timeout=20)
    assert run.status == "failed"
    assert "It was larger than" in run.error_message
    assert rows["call"].output["status"] == 200


def test_later_steps_see_what_a_failed_call_was_answered(alice, workspace, settings):
    missing = b'HTTP/1.1 404 No\r\nContent-Length: 14\r\nConnection: close\r\n\r\n{"why":"gone"}'
    values = remember(
        why="{{ steps.call.body.why }}",
        status="{{ steps.call.status }}",
        failed="{{ steps.call.failed }}",
        error="{{ steps.call.error }}",
    )
    run, rows = called(alice, workspace, settings, missing, values, on_error="continue")
    kept = rows["remember"].output
    assert run.status == "succeeded"
    assert (kept["why"], kept["status"], kept["failed"]) == ("gone", 404, True)
    assert kept["error"].endswith("answered 404.")


@pytest.fixture
def letters(alice, make_record):
    record = make_record("Letters", title="text", body="long_text")
    add(alice, record, *[{"title": f"n{number}", "body": "x" * 90_000} for number in range(12)])
    return record


def test_entries_that_are_too_much_are_told_of(alice, workspace, letters):
    find = {"id": "find", "type": "find_entries", "record": str(letters.pk)}
    each = {
        "id": "each",
        "type": "for_each",
        "items": "{{ steps.find }}",
        "steps": [remember(x="{{ item.title }}")],
    }
    workflow = make_workflow(alice, workspace, BUTTON, find, each)
    start(alice, workflow)
    settle()
    (run,) = runs_of(workflow)
    assert run.status == "failed"
    assert "The 12 entries that were found are 1.2 MB together" in run.error_message
    assert "at most about 9" in run.error_message


def test_changing_much_works_and_a_reference_to_it_is_told_of(alice, workspace, letters):
    with alice.acting():
        ids = list(letters.model.objects.values_list("entry_id", flat=True))
    update = {
        "id": "change",
        "type": "update_entry",
        "record": str(letters.pk),
        "entry": ids,
        "values": {"title": "new"},
    }
    workflow = make_workflow(
        alice, workspace, BUTTON, update, remember(x="{{ steps.change.entries }}")
    )
    start(alice, workflow)
    settle()
    (run,) = runs_of(workflow)
    assert set(entries_in(alice, letters, "title")) == {("new",)}
    assert steps_of(run)["change"].output == {"count": 12, "cut": True}
    assert "was larger than a megabyte and could not be kept" in run.error_message
