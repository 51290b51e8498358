"""Every address of the product's own pages, found by walking the resolver.

A page that somebody adds is under these rules without anybody thinking of it: signed out leads
to signing in, a stranger meets 404, a wrong id is never our mistake.
"""

import json
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

from automations.models import Workflow, WorkflowRun
from automations.running import start
from automations.services import create_workflow, publish
from kdap.tests.people import give_role
from records import entries
from records.models import Record
from workspaces.access import Actor, acting_as
from workspaces.models import Role

OURS = ("accounts.", "workspaces.", "records.", "automations.", "kdap.")
# The API has its own tests, built from its own schema; invitations are for people without a role.
ELSEWHERE = ("api/", "admin/", "invitations/", "^mcp")
VALUES = {"int": 1, "str": "title", "path": "x", "slug": "x"}


def walk(patterns, before=""):
    """Yield the route of every address of ours below `patterns`."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            if pattern.callback.__module__.startswith(OURS) and not route.startswith(ELSEWHERE):
                yield route
        else:
            yield from walk(pattern.url_patterns, route)


ROUTES = sorted(set(walk(get_resolver().url_patterns)))
OF_A_ROOM = [route for route in ROUTES if route.startswith(("w/<", "r/<", "flows/<", "runs/<"))]


def fill(route, uuids):
    """Return the path of `route`; `uuids` are used up from the left, the rest is random."""
    uuids, parts = list(uuids), []
    for part in route.split("<"):
        spec, closed, rest = part.partition(">")
        if not closed:
            parts.append(part)
            continue
        kind = spec.partition(":")[0] if ":" in spec else "str"
        value = uuids.pop(0) if kind == "uuid" and uuids else VALUES.get(kind, uuid4())
        parts.append(f"{value}{rest}")
    return "/" + "".join(parts)


def ask(client, path):
    """Return the answers to every way of asking: page, form, script, htmx."""
    return [
        client.get(path),
        client.get(path, headers={"HX-Request": "true"}),
        client.post(path, {"name": "Mine", "title": "Mine"}),
        client.post(path, json.dumps({"title": "Mine"}), content_type="application/json"),
        client.delete(path),
    ]


@pytest.fixture
def room(alice, workspace, make_record):
    """Return the ids to fill a route with, by its prefix: of a workspace, of what is in it."""
    record = make_record(title="text")
    with alice.acting() as actor:
        entries.create_entries(record=record, rows=[{"title": "Emma"}], actor=actor)
        keep = {"id": "keep", "type": "set", "values": {"title": "Emma"}}
        definition = {"trigger": {"type": "button"}, "steps": [keep]}
        flow = create_workflow(
            workspace=workspace, name="Emma's", actor=actor, definition=definition
        )
        publish(workflow=flow, actor=actor)
        (run,) = start(workflow=flow, actor=actor, input={"title": "Emma"})
    return {
        "w/": [workspace.pk, record.pk],
        "r/": [record.pk],
        "fl": [flow.pk],
        "ru": [run.pk],
        "record": record,
        "flow": flow,
        "run": run,
    }


def test_there_are_addresses():
    assert len(ROUTES) > 20
    assert len(OF_A_ROOM) > 10


@pytest.mark.parametrize("route", ROUTES)
def test_signed_out_leads_to_signing_in(db, room, route):
    for uuids in ([], room.get(route[:2], [])):
        for answer in ask(Client(), fill(route, uuids)):
            assert answer.status_code in (302, 401, 403, 404, 405)
            if answer.status_code == 302:
                assert answer.url.startswith("/accounts/login/")


@pytest.mark.parametrize("route", OF_A_ROOM)
def test_a_stranger_meets_404(charlie, room, route):
    for answer in ask(charlie.client, fill(route, room[route[:2]])):
        assert answer.status_code in (404, 405)
        assert b"Emma" not in answer.content


@pytest.mark.parametrize("route", OF_A_ROOM)
def test_a_wrong_id_is_never_our_mistake(alice, room, route):
    for uuids in ([], room[route[:2]]):
        for answer in ask(Client(), fill(route, uuids)):
            assert answer.status_code < 500
    for answer in ask(alice.client, fill(route, [])):
        assert answer.status_code in (404, 405)


@pytest.mark.parametrize("route", OF_A_ROOM)
def test_a_viewer_changes_nothing(bob, workspace, room, route):
    give_role(workspace, bob, Role.VIEWER)
    for answer in ask(bob.client, fill(route, room[route[:2]])):
        assert answer.status_code < 500
    with acting_as(Actor.system()):
        record = Record.objects.get(pk=room["record"].pk)
        workspace.refresh_from_db()
        assert (record.name, record.deleted_at, record.version) == ("Books", None, 1)
        assert (workspace.name, workspace.deleted_at) == ("Bookshop", None)
        assert [entry.title for entry in record.model.objects.all()] == ["Emma"]
        assert Workflow.objects.filter(pk=room["flow"].pk, state="active", deleted_at=None).exists()
        assert WorkflowRun.objects.filter(pk=room["run"].pk, status="pending").exists()
