"""What publishing refuses of literals: whatever could only fail once it runs."""

import pytest

from automations import definition as definitions
from automations import services
from automations.tests.mcp_servers import connect
from automations.tests.workflows import BUTTON, make_workflow
from workspaces.errors import Invalid


def problems(workspace, *steps, about=None):
    parsed = definitions.parse({"trigger": BUTTON, "steps": list(steps)})
    found = definitions.problems_of(parsed, workspace.pk, about=about)
    return {item["pointer"].removeprefix("/steps/0"): item["detail"] for item in found}


def step(type, **options):
    return {"id": "one", "type": type, **options}


@pytest.fixture
def books(make_record):
    return make_record(
        "Books",
        title={"type": "text", "required": True},
        status={"type": "choice", "options": {"choices": [{"id": 1, "label": "New"}]}},
        stock="integer",
        kind={"type": "text", "required": True, "default": "book"},
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://x", "begins with https"),
        ("/orders", "begins with https"),
        ("orders/{{ run.id }}", "begins with https"),
        ("https://", "names no host"),
        ("https://a b/", "spaces"),
        ("https://u:p@example.com/", "name or password"),
        ("https://example.com/{{ run.id }}", None),
        ("{{ run.id }}", None),
        ("http{{ run.id }}://x", None),
        ("http://127.0.0.1:9/", None),  # who may be called is asked when it is
    ],
)
def test_addresses(alice, workspace, url, said):
    with alice.acting():
        found = problems(workspace, step("http_request", url=url))
    assert list(found) == ([] if said is None else ["/url"])
    assert said is None or said in found["/url"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/orders", None),
        ("orders?x=1", None),
        ("/{{ run.id }}", None),
        ("../x", "leads out of it"),
        ("https://evil.example/", "no other host"),
        ("/x#y", "no “#”"),
    ],
)
def test_addresses_through_a_connection(alice, workspace, url, said):
    made = connect(alice, workspace, "http", "S", "x", url="https://api.example.com/o")
    with alice.acting():
        found = problems(workspace, step("http_request", url=url, connection=str(made.pk)))
    assert list(found) == ([] if said is None else ["/url"])
    assert said is None or said in found["/url"]


def test_headers(alice, workspace):
    headers = {"X-A": "ok", "X-B": "a\nb", "Host": "x", "X-C": "{{ run.id }}", "a b": "x"}
    with alice.acting():
        found = problems(workspace, step("http_request", url="https://x.example", headers=headers))
    assert list(found) == ["/headers/X-B", "/headers/Host", "/headers/a b"]


def test_recipients_and_attachments(alice, workspace, books):
    mail = step(
        "send_email",
        subject="x",
        to=["nobody", "Ann <ann@example.com>", "{{ run.id }}"],
        cc=["a@"],
        reply_to="me",
        attachments=[{"record": str(books.pk), "sort": ["nofield", "-title", "-entry_id"]}],
    )
    with alice.acting():
        found = problems(workspace, mail)
        empty = problems(workspace, step("send_email", subject="x", to=[" "]))
    assert list(found) == ["/to/0", "/cc/0", "/reply_to/0", "/attachments/0/sort/0"]
    assert found["/to/0"] == "“nobody” is not an e-mail address."
    assert next(iter(empty)).startswith("/to")


@pytest.mark.parametrize(
    ("type", "values", "expected"),
    [
        ("create_entry", {"title": "x", "status": "Odd"}, {"/values/status": "Status: "}),
        ("create_entry", {"title": "x", "stock": "many"}, {"/values/stock": "Stock: "}),
        ("create_entry", {"stock": 3}, {"/values": "“Title” is required."}),
        ("create_entry", {"title": " "}, {"/values/title": "“Title” is required."}),
        ("create_entry", {"title": "{{ run.id }}", "status": "{{ run.id }}"}, {}),
        ("create_entry", {"title": "x", "status": "New", "stock": None}, {}),
        ("update_entry", {"stock": "many"}, {"/values/stock": "Stock: "}),
        ("update_entry", {"title": None}, {"/values/title": "“Title” is required."}),
        ("update_entry", {"stock": 3}, {}),
        ("upsert_entry", {"stock": "3"}, {}),
        ("upsert_entry", {"stock": "x"}, {"/values/stock": "Stock: "}),
    ],
)
def test_values_of_fields(alice, workspace, books, type, values, expected):
    more = {"keys": ["stock"]} if type == "upsert_entry" else {}
    with alice.acting():
        found = problems(workspace, step(type, record=str(books.pk), values=values, **more))
    assert list(found) == list(expected)
    for pointer, said in expected.items():
        assert said in found[pointer]


@pytest.mark.parametrize(
    ("op", "value"), [("has", []), ("has_any", [[]]), ("has", "x"), ("has", "{{ run.id }}")]
)
def test_conditions_on_choices(alice, workspace, make_record, op, value):
    notes = make_record("Notes", tags={"type": "choices", "options": {"choices": ["a"]}})
    where = {"and": [{"field": "tags", "op": op, "value": value}]}
    with alice.acting():
        found = problems(workspace, step("find_entries", record=str(notes.pk), where=where))
    assert list(found) == ([] if "{{" in value else ["/where/and/0/value"])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("result = 1", None),
        ("result = [\n  1,\n", "Line 1: this is no Python"),
        ("x = 1\ndef (", "Line 2: this is no Python"),
        ("return 1", "outside function"),
        ("x = '\\d'", None),
        ("(" * 5000, "no Python"),
        ("-" * 40_000 + "1", "no Python"),
        ("x = 9 ** 9 ** 9", None),
    ],
)
def test_python(alice, workspace, code, said):
    with alice.acting():
        found = problems(workspace, step("code", code=code))
    assert ("/code" in found) == (said is not None)
    assert said is None or said in found["/code"]


@pytest.mark.parametrize(
    ("until", "right"),
    [("Status", False), ("2027-02-30", False), ("", False), ("2027-03-29", True),
     ("2027-03-29 09:00", True), ("2027-03-29T09:00Z", True), ("{{ today }}", True)],
)  # fmt: skip
def test_moments_to_wait_for(alice, workspace, until, right):
    with alice.acting():
        found = problems(workspace, step("wait", until=until))
    assert list(found) == ([] if right else ["/until"])


def calling(workflow):
    return step("run_workflow", workflow=str(workflow.pk))


def test_workflows_that_call_each_other_in_a_circle(alice, workspace):
    keep = step("set", values={"x": 1})
    first = make_workflow(alice, workspace, {"type": "called"}, keep, name="First")
    second = make_workflow(alice, workspace, {"type": "called"}, calling(first), name="Second")
    third = make_workflow(alice, workspace, {"type": "called"}, calling(second), name="Third")
    with alice.acting() as actor:
        for called, said in (
            (first, "A workflow can't run itself"),
            (second, "“First” → “Second” → “First”"),
            (third, "“First” → “Third” → “Second” → “First”"),
        ):
            first.refresh_from_db()
            draft = {"trigger": {"type": "called"}, "steps": [calling(called)]}
            services.change_workflow(workflow=first, actor=actor, structured_definition=draft)
            with pytest.raises(Invalid) as refused:
                services.publish(workflow=first, actor=actor)
            assert said in refused.value.detail
            assert refused.value.problems[0]["pointer"] == "/steps/0/workflow"
        assert problems(workspace, calling(third)) == {}


class TestValuesOfEntries:
    """What an entry has no field for can only fail."""

    def problems(self, workspace, books, text, **trigger):
        find = {"id": "find", "type": "find_entries", "record": str(books.pk)}
        keep = {"id": "keep", "type": "set", "values": {"x": text}}
        trigger = {"type": "entry_updated", "record": str(books.pk)} | trigger
        made = definitions.parse({"trigger": trigger, "steps": [find, keep]})
        return [item["detail"] for item in definitions.problems_of(made, workspace.pk)]

    @pytest.mark.parametrize("place", ["trigger.entry", "trigger.before", "steps.find.entry"])
    def test_of_a_record_that_is_known(self, alice, workspace, books, place):
        with alice.acting():
            for key in ("title", "entry_id"):
                assert self.problems(workspace, books, f"{{{{ {place}.{key} | upper }}}}") == []
            said = f"“{place}.nope”: “Books” has no field “nope” (any more)."
            assert self.problems(workspace, books, f"{{{{ {place}.nope }}}}") == [said]

    def test_every_value_that_is_offered_is_taken(self, alice, workspace, books):
        with alice.acting():
            for field in books.structure.fields:
                text = f"{{{{ trigger.entry.{field.key} }}}}"
                assert self.problems(workspace, books, text) == []
