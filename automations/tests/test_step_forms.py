"""Every trigger and step that is registered has a form that shows and keeps all its options."""

from html.parser import HTMLParser

import pytest
from django.http import QueryDict
from django.urls import reverse
from pydantic import ValidationError

from automations import services, step_forms
from automations.agents.services import create_agent
from automations.integrations.services import create_integration
from automations.models import Workflow
from automations.parts import Book
from automations.steps import STEPS
from automations.triggers import TRIGGERS, Trigger
from records.public_forms import create_form
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
CONNECTIONS = {
    "http": {"url": "https://api.example.com"},
    "mcp": {"url": "https://mcp.example.com"},
    "smtp": {"host": "mail.example.com", "sender": "us@example.com"},
}
HTMX = {"HX-Request": "true"}


class Form(HTMLParser):
    """What a browser would post of the panel's form if nobody touched it."""

    def __init__(self, html):
        super().__init__()
        self.data, self.inside, self.select, self.area = QueryDict(mutable=True), False, None, None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.inside = "data-edits" in given
        if not self.inside:
            return
        name, value = given.get("name"), given.get("value") or ""
        if tag == "input" and given.get("type") in ("checkbox", "radio"):
            if "checked" in given:
                self.data.appendlist(name, value)
        elif tag == "input":
            self.data.appendlist(name, value)
        elif tag == "select":
            self.select, self.chosen = name, None
        elif tag == "option" and self.select and ("selected" in given or self.chosen is None):
            self.chosen = value
        elif tag == "textarea":
            self.area, self.text = name, ""

    def handle_data(self, data):
        if self.area:
            self.text += data

    def handle_endtag(self, tag):
        if tag == "select" and self.select:
            self.data.appendlist(self.select, self.chosen or "")
            self.select = None
        elif tag == "textarea" and self.area:
            self.data.appendlist(self.area, self.text.removeprefix("\n"))
            self.area = None
        elif tag == "form":
            self.inside = False


@pytest.fixture
def books(make_record):
    state = {"type": "choice", "options": {"choices": [{"label": "In"}, {"label": "Out, sold"}]}}
    return make_record("Books", title="text", stock="integer", state=state)


def written(control, books):
    """Return {name: values} as somebody would fill in a control."""
    name = control.name
    rule = {f"{name}-join": ["and"], f"{name}-0-leaf": ["1"], f"{name}-0-field": ["state"],
            f"{name}-0-op": ["in"], f"{name}-0-value": ["In"]}  # fmt: skip
    compared = {f"{name}-join": ["all"], f"{name}-0-leaf": ["1"], f"{name}-0-op": ["lt"],
                f"{name}-0-value": ["{{ today }}"], f"{name}-0-other": ["5"]}  # fmt: skip
    known = {
        "field": {name: ["title"]},
        "field_list": {name: ["title", "stock"]},
        "fields_values": {f"{name}.title": ["A {{ today }}"], f"{name}.stock.empty": ["1"]},
        "sort": {f"{name}.key": ["stock", "title", ""], f"{name}.down": ["1", "", ""]},
        "pairs": {f"{name}.key": ["a", ""], f"{name}.value": ['{"b": [1]}', ""]},
        "list": {name: ["a@example.com\nb@example.com"]},
        "weekdays": {name: ["1", "4"]},
        "timezone": {name: ["Europe/Berlin"]},
        "condition": rule,
        "comparison": compared,
        "json": {},
        "check": {name: ["1"]},
        "number": {name: ["3"]},
    }
    if control.kind == "pick":
        ids = [key for key, _ in control.choices]
        return {name: [str(books.pk) if str(books.pk) in ids else ids[0]]}
    if control.kind == "choice":
        return {name: [str(control.choices[-1][0])]}
    return known.get(control.kind, {name: ["10:30"]})


def filled(model, book, books, only=None):
    """Return the JSON of a trigger or step whose options were all filled in on its form."""
    data = {"type": model.model_fields["type"].default} | ({"id": "it"} if model in kinds() else {})
    post = QueryDict(mutable=True)
    # A record that is chosen brings the choices of the rest.
    for control in step_forms.controls(model, {"record": str(books.pk)}, book):
        if only is None or control.required or control.name in only:
            fill(post, control, books)
    made = step_forms.read(model, post, data, book)
    return model.completed(made, book) if issubclass(model, Trigger) else made


def fill(post, control, books):
    post[f"has-{control.name}"] = "1"
    if control.kind == "parts":
        post[f"{control.name}.0.was"] = ""
        for _, _, inner in control.more["parts"]:
            for part in inner:
                fill(post, part, books)
        return
    for name, values in written(control, books).items():
        post.setlist(name, values)


def to_pick(workspace, actor):
    """Make what forms let people choose besides records."""
    services.create_workflow(workspace=workspace, name="Other", actor=actor)
    create_agent(workspace=workspace, name="Helper", actor=actor)
    for record in workspace.records.all():
        create_form(record=record, name="Answers", actor=actor)
    for kind, config in CONNECTIONS.items():
        create_integration(
            workspace=workspace, server_name=kind, kind=kind, config=config, actor=actor
        )


def kinds():
    return STEPS.values()


def samples(model, book, books):
    """Return what a model takes: all options at once, or one after the other."""
    options = step_forms.options_of(model)
    for chosen in (None, *([name] for name in options), []):
        data = filled(model, book, books, chosen)
        for name in model.model_fields:
            if name in getattr(model, "blocks", ()) and model.model_fields[name].is_required():
                data.setdefault(name, [{"id": "inner", "type": "stop"}])
        try:
            yield model.model_validate(data).model_dump(mode="json")
        except ValidationError:
            continue
        if chosen is None:
            return


def saved(workflow):
    with acting_as(Actor.system()):
        return Workflow.objects.get(pk=workflow.pk).structured_definition


@pytest.fixture
def posted_untouched(alice, workspace):
    """Return a function: what becomes of a definition when a panel is saved as it opens."""

    def save(definition, panel):
        with alice.acting() as actor:
            flow = services.create_workflow(
                workspace=workspace, name="Same", actor=actor, definition=definition
            )
        url, before = reverse("workflow_steps", args=[flow.pk]), saved(flow)
        page = alice.client.get(url, {"step": panel}, headers=HTMX).content.decode()
        for verb in ("refresh", "save"):  # shown again, as when a record is chosen, then saved
            form = Form(page).data
            form["verb"] = verb
            answer = alice.client.post(url, form.urlencode(), headers=HTMX,
                                       content_type="application/x-www-form-urlencoded")  # fmt: skip
            page = answer.content.decode()
            assert answer.status_code == 200, page
        return before, saved(flow)

    return save


@pytest.mark.parametrize("type", sorted(STEPS))
def test_nobody_has_to_type_an_id(alice, workspace, books, type):
    with alice.acting() as actor:
        to_pick(workspace, actor)
        shown = step_forms.controls(STEPS[type], {}, Book(workspace.pk))
    for control in shown:
        if "UUID" in str(STEPS[type].model_fields[control.name].annotation):
            assert control.kind == "pick"
            assert control.choices


@pytest.mark.parametrize("type", sorted(STEPS))
def test_a_step_is_what_its_form_says(alice, workspace, books, posted_untouched, type):
    with alice.acting() as actor:
        to_pick(workspace, actor)
        found = list(samples(STEPS[type], Book(workspace.pk), books))
    assert found
    for step in found:
        definition = {"trigger": {"type": "button"}, "steps": [step]}
        before, after = posted_untouched(definition, "it")
        assert after == before


@pytest.mark.parametrize("type", sorted(TRIGGERS))
def test_a_trigger_is_what_its_form_says(alice, workspace, books, posted_untouched, type):
    with alice.acting() as actor:
        to_pick(workspace, actor)
        found = list(samples(TRIGGERS[type], Book(workspace.pk), books))
    assert found
    for trigger in found:
        before, after = posted_untouched({"trigger": trigger, "steps": []}, "trigger")
        assert after == before


def test_what_a_box_can_not_show_as_text_is_kept(posted_untouched):
    body = {"deep": [1, {"a": None}], "text": "two\nlines"}
    step = {"id": "it", "type": "http_request", "url": "https://example.com", "body": body}
    before, after = posted_untouched({"trigger": {"type": "button"}, "steps": [step]}, "it")
    assert after == before


NESTED = {
    "and": [
        {"field": "stock", "op": "lt", "value": 5},
        {"or": [{"field": "state", "op": "in", "value": ["In", "Out, sold"]},
                {"not": {"field": "title", "op": "empty"}}]},
        {"not": {"or": [{"field": "title", "op": "is", "value": "007"},
                        {"field": "stock", "op": "between", "value": [1, 2]}]}},
    ]
}  # fmt: skip


def test_groups_inside_groups_are_kept(workspace, books, posted_untouched):
    trigger = {"type": "enters_filter", "record": str(books.pk), "where": NESTED}
    before, after = posted_untouched({"trigger": trigger, "steps": []}, "trigger")
    assert after == before
    assert after["trigger"]["where"] == NESTED


def test_nested_comparisons_keep_their_values(workspace, books, posted_untouched):
    condition = {
        "any": [
            {"value": "{{ today }}", "op": "in", "other": ["a, b", "c"]},
            {"all": [{"value": True, "op": "yes"}, {"value": "007", "op": "is", "other": 7.5}]},
            {"record": str(books.pk), "where": NESTED},
        ]
    }
    step = {"id": "it", "type": "if", "condition": condition}
    before, after = posted_untouched({"trigger": {"type": "button"}, "steps": [step]}, "it")
    assert after == before


@pytest.mark.parametrize("word", ["and", "or", "not"])
def test_a_rule_of_its_own_is_not_put_into_a_group(workspace, books, posted_untouched, word):
    rule = {"field": "stock", "op": "lt", "value": 5}
    for where in (rule, {word: rule if word == "not" else [rule]}):
        trigger = {"type": "enters_filter", "record": str(books.pk), "where": where}
        _, after = posted_untouched({"trigger": trigger, "steps": []}, "trigger")
        assert after["trigger"]["where"] == where


def test_cases_keep_the_steps_inside(workspace, books, posted_untouched):
    cases = [
        {
            "condition": {"value": n, "op": "is", "other": n},
            "steps": [{"id": f"s{n}", "type": "stop"}],
        }
        for n in range(3)
    ]
    step = {"id": "it", "type": "switch", "cases": cases}
    before, after = posted_untouched({"trigger": {"type": "button"}, "steps": [step]}, "it")
    assert after == before
