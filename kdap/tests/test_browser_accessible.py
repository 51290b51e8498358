"""Every page, looked at by axe: light and dark, on a desk and on a phone, without a complaint.

A page that somebody adds has to be listed here, or a test fails.
"""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from automations import engine
from automations.agents.draftings import start_drafting
from automations.agents.fillings import start_filling
from automations.tests.agents import fresh, give, make_agent, work_apart
from automations.tests.mcp_servers import connect
from automations.tests.workflows import BUTTON, make_workflow, start
from kdap.tests.test_addresses import ROUTES, fill
from records.entries import delete_entries, update_entries
from records.models import Record
from records.public_forms import create_form
from records.saved_views import create_view
from records.tests.helpers import add, events
from records.tests.samples import SAMPLES

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# What axe calls serious or critical keeps somebody out.
GRAVE = ("serious", "critical")
RULES = {"resultTypes": ["violations"]}
CONTRAST = RULES | {"runOnly": ["color-contrast"]}

# Colours on their way from one theme to the other are none that anybody reads.
STILL = "*, ::before, ::after { transition: none !important; animation: none !important }"

SIGNED_OUT = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]
# Pages of allauth that are ours to dress.
OF_ALLAUTH = [
    "/accounts/sessions/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/logout/",
]
# Addresses that answer with a page only in some state, as tests of their own bring it about.
IN_SOME_STATE = {
    "imports/<uuid:job_id>/",
    "r/<uuid:id>/history/<uuid:operation_id>/",
    "w/<uuid:id>/activity/<uuid:operation_id>/",
}
PAGES = [
    "accounts/profile/",
    "accounts/tokens/",
    "accounts/tokens/new/",
    "agent-tasks/<uuid:id>/",
    "agents/<uuid:id>/",
    "agents/<uuid:id>/delete/",
    "agents/<uuid:id>/edit/",
    "connections/<uuid:id>/",
    "connections/<uuid:id>/delete/",
    "connections/<uuid:id>/edit/",
    "draftings/<uuid:id>/",
    "fillings/<uuid:id>/",
    "flows/<uuid:id>/",
    "flows/<uuid:id>/draft/",
    "flows/<uuid:id>/duplicate/",
    "flows/<uuid:id>/edit/",
    "flows/<uuid:id>/move/",
    "flows/<uuid:id>/publish/",
    "flows/<uuid:id>/run/",
    "flows/<uuid:id>/sentence/",
    "flows/<uuid:id>/signing/",
    "flows/<uuid:id>/steps/",
    "flows/<uuid:id>/steps/json/",
    "flows/<uuid:id>/versions/",
    "flows/<uuid:id>/webhook/",
    "r/<uuid:id>/",
    "r/<uuid:id>/api/",
    "r/<uuid:id>/delete/",
    "r/<uuid:id>/e/<int:entry_id>/",
    "r/<uuid:id>/e/<int:entry_id>/history/",
    "r/<uuid:id>/e/new/",
    "r/<uuid:id>/erase/",
    "r/<uuid:id>/fill/",
    "r/<uuid:id>/forms/",
    "r/<uuid:id>/forms/new/",
    "r/<uuid:id>/history/",
    "r/<uuid:id>/settings/",
    "r/<uuid:id>/structure/",
    "r/<uuid:id>/structure/<str:name>/",
    "r/<uuid:id>/structure/<str:name>/delete/",
    "r/<uuid:id>/structure/new/",
    "r/<uuid:id>/structure/versions/",
    "r/<uuid:id>/views/new/",
    "r/<uuid:id>/webhooks/",
    "r/<uuid:id>/webhooks/new/",
    "r/<uuid:record_id>/export/",
    "r/<uuid:record_id>/import/",
    "runs/<uuid:id>/",
    "w/<uuid:id>/activity/",
    "w/<uuid:id>/agents/",
    "w/<uuid:id>/agents/new/",
    "w/<uuid:id>/approvals/",
    "w/<uuid:id>/connections/",
    "w/<uuid:id>/connections/new/",
    "w/<uuid:id>/mails/",
    "w/<uuid:id>/new/",
    "w/<uuid:id>/runs/",
    "w/<uuid:id>/trash/",
    "w/<uuid:id>/workflows/",
    "w/<uuid:id>/workflows/draft/",
    "w/<uuid:id>/workflows/new/",
    "w/<uuid:id>/workflows/sentence/",
    "w/<uuid:id>/workflows/trash/",
    "w/<uuid:id>/workflows/upload/",
    "w/<uuid:workspace_id>/",
    "w/<uuid:workspace_id>/delete/",
    "w/<uuid:workspace_id>/import/",
    "w/<uuid:workspace_id>/leave/",
    "w/<uuid:workspace_id>/members/",
    "w/<uuid:workspace_id>/retention/",
    "w/<uuid:workspace_id>/settings/",
    "w/new/",
    "workspaces/trash/",
]

# What opens beside the picture of a workflow.
PANELS = [
    *("trigger", "ask", "find", "new&at=/steps/0", "words", "settings", "test"),
    "to-move&of=ask",
]


@pytest.fixture
def room(settings, alice, bob, workspace, make_record):
    """A workspace in which something has happened; returns (ids by prefix, further paths)."""
    specs = {
        "title": "text",
        **{f"a_{key}": {"type": key, "options": item.options} for key, item in SAMPLES.items()},
    }
    record = make_record(**specs)
    full = {f"a_{key}": item.good[0][0] for key, item in SAMPLES.items() if item.good}
    known = {field.key for field in record.structure.columns if not field.kind.computed}
    values = {key: value for key, value in full.items() if key in known and key != "a_user"}
    ids = add(alice, record, values | {"title": "Emma"}, {"title": "Lady Susan"}, {})
    with bob.acting() as actor:
        update_entries(record=record, changes={ids[0]: {"title": "Emma!"}}, actor=actor)
        delete_entries(record=record, ids=ids[1:2], actor=actor)
    thrown = make_record("Old", title="text")
    client = alice.client
    client.post(reverse("record_delete", args=[thrown.pk]), {"name": "Old"})
    client.post(reverse("token_new"), {"name": "Robot", "verbs": ["read"], "lifetime": "30"})
    file = SimpleUploadedFile("stock.csv", b"name,price\nPen,1\nInk,x\n")
    imported = client.post(reverse("import", args=[workspace.pk]), {"file": file})
    with alice.acting():
        made, *_, latest = events(Record.objects.get(pk=record.pk))
    flow, run = a_workflow(alice, workspace, record)
    with alice.acting() as actor:
        view = create_view(record=record, name="Hers", actor=actor, layout={"height": "tall"})
        form = create_form(record=record, name="Tell us", actor=actor, intro="What do you read?")
    further = [
        *(f"/r/{record.pk}/forms/{form.pk}/{page}" for page in ("", "delete/", "preview/")),
        reverse("public_form", args=[form.address]),
        reverse("public_form_sent", args=[form.address]),
        view.get_absolute_url(),
        reverse("view_edit", args=[record.pk, view.pk]),
        reverse("view_delete", args=[record.pk, view.pk]),
        imported.url,
        *(f"/flows/{flow.pk}/steps/?step={panel}" for panel in PANELS),
        reverse("record_operation", args=[record.pk, latest.operation_id]),
        f"/r/{record.pk}/?as_of={latest.id}",
        f"{reverse('record_past', args=[record.pk])}?as_of={made.id}",
        f'/r/{record.pk}/?where={{"field":"title","op":"contains","value":"E"}}&sort=title',
    ]
    agent, task = an_agent(alice, workspace, record)
    with alice.acting() as actor:
        now = Record.objects.get(pk=record.pk)
        asked = {"agent": agent, "field": "title", "entries": [ids[0], ids[2]]}
        filling = start_filling(record=now, actor=actor, **asked)
        answered = {"status": "succeeded", "completed_at": timezone.now()}
        filling.tasks.update(task_output={"title": "Emma, " * 30}, **answered)
    drafting, *more = draftings(settings, alice, workspace, record, flow)
    further += [item.get_absolute_url() for item in more]
    far = f"https://shop.example/{'long' * 40}"
    shop = connect(alice, workspace, "http", "Shop", url=far, auth="bearer")
    new = reverse("integration_new", args=[workspace.pk])
    further += [f"{new}?kind={kind}" for kind in ("mcp", "http", "smtp")]
    rooms = {
        "w/": [workspace.pk],
        "r/": [record.pk],
        "flows/": [flow.pk],
        "runs/": [run.pk],
        "agents/": [agent.pk],
        "agent-tasks/": [task.pk],
        "draftings/": [drafting.pk],
        "fillings/": [filling.pk],
        "connections/": [shop.pk],
    }
    return rooms, further


def ids_for(route, rooms):
    """Return the ids that a route is filled with: those of the room that its beginning names."""
    return rooms.get(route.partition("<")[0], [])


def an_agent(alice, workspace, record):
    """An agent, and a task of it that waits until somebody allows what it wants to write."""
    ask = f'use create_entries {{"record": "{record.name}", "entries": [{{"title": "$task"}}]}}'
    agent = make_agent(alice, workspace, prompt=ask, tools=["create_entries"])
    give(alice, agent, {"task": "Persuasion"})
    task = give(alice, agent, {"task": "Sanditon"}, name="Add a novel")
    work_apart()
    task = fresh(task)
    assert task.status == "waiting"
    return agent, task


def draftings(settings, alice, workspace, record, flow):
    """What models drafted: a workflow with an address that nobody named, a change, a question, nothing."""
    settings.AUTOMATIONS_MODELS = {"house": {"api": "openai", "models": ["small"]}}
    agent = make_agent(alice, workspace, name="Drafter", provider="house", model="small")
    far = f"{'long.' * 30}evil@example.org"
    mail = {"id": "tell", "type": "send_email", "to": [far], "subject": "News " * 30}
    new = {"trigger": {"type": "entry_created", "record": str(record.pk)}, "steps": [mail]}
    changed = flow.structured_definition | {"steps": [mail]}
    ends = [
        (None, {"title": "News", "definition": new}, ""),
        (flow, {"definition": changed}, ""),
        (None, {"question": "Which Anna do you mean? " * 10}, ""),
        (None, None, "The model drafted nothing that works.\n– Step 1: This is missing."),
    ]
    made = []
    for workflow, output, error in ends:
        with alice.acting() as actor:
            asked = start_drafting(agent=agent, actor=actor, text="Tell Anna", workflow=workflow)
            status = "failed" if error else "succeeded"
            asked.tasks.update(
                status=status,
                task_output=output,
                error_message=error,
                completed_at=timezone.now(),
            )
        made.append(asked)
    return made


def a_workflow(alice, workspace, record):
    """A workflow with branches that waits for Alice's answer; return it and its run."""
    found = {"id": "find", "type": "find_entries", "record": str(record.pk)}
    ask = {
        "id": "ask",
        "type": "approval",
        "question": "Shall we?",
        "approved": [{"id": "end", "type": "stop", "reason": "Done"}],
    }
    flow = make_workflow(alice, workspace, BUTTON, found, ask, name="Ask")
    make_workflow(alice, workspace, BUTTON, found, name="Quiet")
    make_workflow(alice, workspace, BUTTON | {"record": str(record.pk)}, found, name="Look")
    (run,) = start(alice, flow)
    engine.work(10)
    old = make_workflow(alice, workspace, BUTTON, found, name="Old")
    alice.client.post(reverse("workflow_delete", args=[old.pk]))
    return flow, run


def is_page(answer):
    """Whether an answer is a page of its own."""
    return answer.status_code == 200 and b"<html" in answer.content


@pytest.mark.django_db(transaction=True)
def test_every_page_is_listed(alice, room):
    ids, _ = room
    found = {
        route
        for route in ROUTES
        if is_page(alice.client.get(fill(route, ids_for(route, ids)), follow=False))
    }
    assert sorted(found - IN_SOME_STATE) == sorted(PAGES)


def complaints(page, options):
    """Return what axe finds grave, a line each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{item['id']}: {node['target']} {node['failureSummary'][:300]}"
        for item in found
        if item["impact"] in GRAVE
        for node in item["nodes"][:3]
    ]


def look_at(page, path):
    """Return what is grave about a page, in the light and in the dark."""
    page.emulate_media(color_scheme="light")
    page.goto(path)
    page.add_style_tag(content=STILL)
    if page.locator("#grid").count():
        expect(page.locator("#grid[data-ready]")).to_be_visible()
    found = complaints(page, RULES)
    page.emulate_media(color_scheme="dark")
    found += complaints(page, CONTRAST)
    beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if beyond > 0:
        found.append(f"{beyond} pixels are beyond the edge of the window")
    return found


@pytest.fixture
def tour(alice, room, live_server):
    """Return a function: tour(page) yields each path, signed in from where that is needed."""
    ids, further = room

    def walk(page):
        yield from SIGNED_OUT
        cookie = alice.client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        yield from (fill(route, ids_for(route, ids)) for route in PAGES)
        yield from [*OF_ALLAUTH, *further]

    return walk


@pytest.mark.browser
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["desk", "phone"])
def test_nothing_keeps_people_out_of_pages(tour, visitor, size):
    # Measuring sets styles, which the content security policy would refuse.
    page = visitor(viewport=size, bypass_csp=True)
    found = {path: look_at(page, path) for path in tour(page)}
    assert {path: grave for path, grave in found.items() if grave} == {}


def press(*keys):
    """Return what presses keys while the first cell is active."""
    return lambda page: [page.keyboard.press(key) for key in keys]


def click(selector, **options):
    """Return what clicks an element."""
    return lambda page: page.click(selector, **options)


# What opens over the grid, and how.
OVER_THE_GRID = {
    "views": click("#grid-views > summary"),
    "a new view": lambda page: (
        page.click("#grid-views > summary"),
        page.click("text=Save as a new view…"),
        page.wait_for_selector("dialog[open] [name=name]"),
    ),
    "fields": click("[data-grid=fields]"),
    "filter": click("[data-grid=filter]"),
    "sort": click("[data-grid=sort]"),
    "height": click("[data-grid=height]"),
    "an earlier moment": click(".grid-when > summary"),
    "keys": press("?"),
    "menu of a cell": press("Shift+F10"),
    "menu of a field": press("Alt+ArrowDown"),
    "buttons of workflows": press("Shift+ArrowDown", "Control+Enter"),
    "a new field": lambda page: (
        page.locator(".grid-plus").first.click(),
        page.wait_for_selector("dialog[open] [name=label]"),
    ),
    "an entry": lambda page: (page.keyboard.press("Space"), page.wait_for_selector("#panel form")),
    "an editor": press("F2"),
}


@pytest.mark.browser
@pytest.mark.parametrize("what", OVER_THE_GRID)
def test_nothing_keeps_people_out_of_what_opens_over_the_grid(
    alice, room, visitor, live_server, what
):
    ids, _ = room
    page = visitor(viewport=WIDE, bypass_csp=True)
    cookie = alice.client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page.goto(fill("r/<uuid:id>/", ids["r/"]))
    page.add_style_tag(content=STILL)
    page.wait_for_selector("#grid[data-ready]")
    OVER_THE_GRID[what](page)
    page.wait_for_timeout(300)  # what opens is drawn
    found = complaints(page, RULES)
    page.emulate_media(color_scheme="dark")
    assert found + complaints(page, CONTRAST) == []


@pytest.mark.browser
def test_no_page_complains_in_the_console(tour, visitor):
    page = visitor(viewport=WIDE)
    for path in tour(page):
        assert page.goto(path).status == 200, path
