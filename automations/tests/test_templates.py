"""What may stand between {{ and }}, what comes of it, and what is refused."""

import datetime as dt
import re
import time
import uuid
from decimal import Decimal

import pytest
from django.conf import settings

from automations import templates
from automations.template_filters import FILTERS
from automations.templates import TemplateError, check, describe, references, render

NOW = dt.datetime(2026, 3, 29, 9, 30, tzinfo=dt.UTC)
ID = uuid.UUID(int=7)
KEYED = ["map", "where", "sort"]
CONTEXT = {
    "trigger": {
        "entry": {
            "name": "Chai",
            "quantity": 3,
            "price": Decimal("18.50"),
            "author": None,
            "tags": ["tea", "hot"],
            "due": "2026-04-02",
            "id": ID,
            "paid": False,
            "odd key": 1,
        },
        "at": NOW,
    },
    "steps": {
        "s2": {
            "entries": [{"name": "A", "n": 2}, {"name": "B", "n": 10}, {"name": "A", "n": 1}],
            "none": [],
        }
    },
    "item": {"name": "one"},
    "vars": {"total": "12.10"},
    "now": NOW,
    "today": NOW.date(),
}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        # A placeholder alone keeps its type.
        ("{{ trigger.entry.quantity }}", 3),
        ("{{trigger.entry.price}}", Decimal("18.50")),
        ("{{ trigger.entry.author }}", None),
        ("{{ trigger.entry.author.name }}", None),
        ("{{ trigger.entry.tags }}", ["tea", "hot"]),
        ("{{ trigger.entry.paid }}", False),
        ("{{ steps.s2.entries.1.name }}", "B"),
        ("{{ steps.s2.entries[1].name }}", "B"),
        ('{{ trigger.entry["odd key"] }}', 1),
        ("{{ now }}", NOW),
        # Otherwise it is text.
        ("{{ trigger.entry.quantity }} × {{ trigger.entry.name }}", "3 × Chai"),
        (" {{ trigger.entry.quantity }}", " 3"),
        ("Tags: {{ trigger.entry.tags }}.", "Tags: tea, hot."),
        ("by {{ trigger.entry.author }}", "by "),
        ("at {{ now }} / {{ today }}", "at 2026-03-29T09:30:00+00:00 / 2026-03-29"),
        ("id {{ trigger.entry.id }}", f"id {ID}"),
        ("{{ trigger.entry.paid }}!", "false!"),
        ("{{ item }}!", '{"name":"one"}!'),
        # Nothing to fill in, and braces as such.
        ("plain }} text { } %s {% if %}", "plain }} text { } %s {% if %}"),
        ("", ""),
        ('{{ "{{" }}x', "{{x"),
        ("{{ 5 | plus: 1.5 }}", Decimal("6.5")),
    ],
)
def test_values(template, value):
    assert render(template, CONTEXT) == value
    assert type(render(template, CONTEXT)) is type(value)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('trigger.entry.author | default: "nobody"', "nobody"),
        ('steps.s2.none.0.name | default: "nobody"', "nobody"),
        ("trigger.entry.name | default: item.name", "Chai"),
        ("trigger.entry.name | upper", "CHAI"),
        ("trigger.entry.name | lower", "chai"),
        ('" a " | trim', "a"),
        ('"two words" | title', "Two Words"),
        ('"Großer Ärger!" | slug', "groer-arger"),
        ('"a-b-c" | replace: "-", "+"', "a+b+c"),
        ('"a-b" | replace: "-"', "ab"),
        ('"abcdef" | truncate: 4', "abc…"),
        ("2.345 | round: 2", Decimal("2.35")),
        ("-2.5 | round", -3),
        ("1234 | round: -2", 1200),
        ("-3 | abs", 3),
        ("trigger.entry.price | plus: vars.total", Decimal("30.60")),
        ("0.1 | plus: 0.2", Decimal("0.3")),
        ("10 | minus: 4 | times: 2", 12),
        ("1 | divided_by: 4", Decimal("0.25")),
        ("8 | divided_by: 4", 2),
        ('" 7 " | number', 7),
        ("trigger.entry.quantity | text", "3"),
        ('trigger.entry.due | date: "%d %b %Y"', "02 Apr 2026"),
        ('now | date: "%H:%M, 100%%"', "09:30, 100%"),
        ("now | date", "2026-03-29T09:30:00+00:00"),
        ("trigger.entry.due | add_days: -2 | date", "2026-03-31"),
        ('now | add_hours: 1.5 | date: "%H:%M"', "11:00"),
        ("trigger.entry.due | days_until", 4),
        ('now | timezone: "Asia/Tokyo" | date: "%d. %H:%M"', "29. 18:30"),
        ("trigger.entry.tags | count", 2),
        ("trigger.entry.author | count", 0),
        ("trigger.entry.tags | first", "tea"),
        ("trigger.entry.tags | last", "hot"),
        ("steps.s2.none | first", None),
        ('trigger.entry.tags | join: " and "', "tea and hot"),
        ('steps.s2.entries | map: "n" | sum', 13),
        ('steps.s2.entries | map: "n" | max', 10),
        ('steps.s2.entries | map: "n" | min', 1),
        ('steps.s2.entries | sort: "n" | map: "n"', [1, 2, 10]),
        ('steps.s2.entries | where: "name", "A" | map: "n"', [2, 1]),
        ('steps.s2.entries | map: "name" | unique', ["A", "B"]),
        ("item | json", '{"name":"one"}'),
        ('"a b&c/d" | urlencode', "a%20b%26c%2Fd"),
        ('"<b>" | escape', "&lt;b&gt;"),
        ('"a\nb" | lines', ["a", "b"]),
        ('"a, b" | split', ["a", "b"]),
        ("trigger.entry.paid | yes_no", "no"),
        ('trigger.entry.quantity | yes_no: "da", "weg"', "da"),
    ],
)
def test_filters(expression, value):
    assert render(f"{{{{ {expression} }}}}", CONTEXT) == value


def test_every_filter_has_words_for_sentences():
    assert [name for name, one in FILTERS.items() if not one.words] == []


def test_every_filter_is_in_the_documentation():
    page = (settings.BASE_DIR / "docs" / "templates.md").read_text()
    assert [name for name in FILTERS if not re.search(rf"`{name}[`:]", page)] == []


def test_definitions_are_filled_in_whole():
    definition = {
        "values": {"name": "{{ item.name }}", "count": 3, "on": True},
        "to": ["{{ trigger.entry.name }}", None],
    }
    assert render(definition, CONTEXT) == {
        "values": {"name": "one", "count": 3, "on": True},
        "to": ["Chai", None],
    }
    assert definition["to"] == ["{{ trigger.entry.name }}", None]


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        (
            "{{ trigger.entry.quantty }}",
            "“trigger.entry” has no “quantty”. Did you mean “quantity”?",
        ),
        ("{{ triger.entry }}", "the data has no “triger”. Did you mean “trigger”?"),
        ("{{ item.zzz }}", "It has “name”."),
        ("{{ steps.s2.entries.9.name }}", "“steps.s2.entries” has 3 items, and “9” is none."),
        ("{{ trigger.entry.name.first }}", "“trigger.entry.name” has nothing inside."),
        ("{{ item.name | uper }}", "no filter “uper” (did you mean “upper”?)"),
        ("{{ item.name | replace }}", "The filter “replace” takes 1 to 2 arguments"),
        ("{{ item.name | upper: 1 }}", "The filter “upper” takes no argument"),
        ("{{ item.name | times: 2 }}", "Filter “times” (item.name): “one” is not a number."),
        ("{{ trigger.entry.author | plus: 1 }}", "The value is empty where a number is needed."),
        ("{{ item.name | date }}", "“one” is not a date."),
        ("{{ 1 | divided_by: 0 }}", "Nothing can be divided by zero."),
        ('{{ now | timezone: "Mars/Olympus" }}', "“Mars/Olympus” is not a time zone."),
        ("{{ item.name", "is not closed by }}"),
        ("Dear {{ }}", "The placeholder ends where a value should be, at character"),
        ("{{ item.name item.name }}", "“item” is not expected here"),
        ("{{ item. }}", "A name is missing after the dot"),
        ("{{ 1 + 1 }}", "“+ 1 }}” can't be read"),
        ("{{ f(x) }}", "“(x) }}” can't be read"),
    ],
)
def test_mistakes_are_named(template, sentence):
    with pytest.raises(TemplateError) as caught:
        render({"steps": [template]}, CONTEXT)
    assert sentence in caught.value.detail
    assert caught.value.problems == [{"pointer": "/steps/0", "detail": caught.value.detail}]


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("late | days_until", "This date is out of the calendar."),
        ("early | days_until", "This date is out of the calendar."),
        *((f"all | {name}: list", "A name is needed, and this is a list.") for name in KEYED),
        *((f"all | {name}: all.0", "and this is a group of values.") for name in KEYED),
        ("all | where: list, 1", "A name is needed, and this is a list."),
        ("half | urlencode", "This text has half a character, which no address can have."),
    ],
)
def test_what_no_filter_can_take_is_a_sentence(expression, sentence):
    context = {"late": "9999-12-31T23:59:59-10:00", "early": "0001-01-01T00:00:00+10:00"}
    context |= {"half": "\ud800", "list": ["a"], "all": [{"a": 1}], "now": NOW}
    with pytest.raises(TemplateError) as caught:
        render(f"{{{{ {expression} }}}}", context)
    assert sentence in caught.value.detail


class Secretive:
    """An object with something that no template may reach."""

    secret = "the secret"

    def __str__(self):
        return self.secret


@pytest.mark.parametrize(
    "expression",
    [
        "thing.secret",
        "thing.__class__",
        "thing.__class__.__mro__",
        "text.upper",
        "text.__class__",
        "number.real",
        "list.__len__",
        "list.append",
        "dict.items",
        "dict.__class__",
        'dict["__class__"]',
        "text.0",
        "thing",
        "thing | text",
        "thing | json",
        "thing | default: 1",
        'things | join: ","',
        "list.-1",
    ],
)
def test_objects_stay_closed(expression):
    context = {"thing": Secretive(), "things": [Secretive()], "text": "abc", "number": 1}
    context |= {"list": [1], "dict": {"a": 1}}
    for template in (f"{{{{ {expression} }}}}", f"x {{{{ {expression} }}}}"):
        with pytest.raises(TemplateError) as caught:
            render(template, context)
        assert "the secret" not in caught.value.detail


@pytest.mark.parametrize(
    "template",
    [
        '{{ big | replace: "a", big }}',
        "{{ many | join: big }}",
        "{{ big }}{{ big }}",
        ["{{ big }}", "{{ big }}"],
        ["{{ many }}"] * 40,
        "{{ wide | urlencode | urlencode }}",
        '{{ now | date: "%999999999Y" }}',
        '{{ now | date: "%" }}',
        "{{ now | add_days: 999999999999 }}",
        '{{ "1e999999999" | number | text }}',
        '{{ "1e150" | times: 1e10 }}',
        '{{ "1e150" | number | times: "1e150" }}',
        '{{ "nan" | number }}',
        '{{ "9" | number | round: 999999 }}',
        "{{ huge | text }}",
        "{{ huge | plus: 1 }}",
        "{{ huge | json }}",
        "{{ deep }}",
        "{{ deep | json }}",
        "{{ x" + ".x" * 50 + " }}",
        "{{ text" + " | trim" * 50 + " }}",
        "{{ text }}" * 1001,
        ["{{ text }}"] * 1001,
        '{{ text | split: "" }}',
        '{{ text | replace: "" }}',
        '{{ "' + "\\" * 100_000,
        "{{" + " " * 100_000,
        "{{" * 100_000,
        "{{ " + "1" * 100_000 + " }}",
        '{{ now | timezone: "../../etc/passwd" }}',
        '{{ now | timezone: "" }}',
        "{{ item | abs }}",
    ],
)
def test_hostile_templates_are_refused_at_once(template):
    deep = []
    for _ in range(2000):
        deep = [deep]
    context = {"big": "a" * 700_000, "many": ["a"] * 30_000, "huge": 10**6000, "deep": deep}
    context |= {"wide": "ä" * 150_000, "text": " x", "now": NOW, "item": {}, "x": {}}
    start = time.perf_counter()
    with pytest.raises(TemplateError):
        render(template, context)
    assert time.perf_counter() - start < 10


def test_deeply_nested_definitions_are_refused():
    deep = "x"
    for _ in range(500):
        deep = [deep]
    for function in (check, references, lambda value: render(value, {})):
        with pytest.raises(TemplateError, match="nested more than 50"):
            function(deep)


def test_values_are_not_templates_themselves():
    context = {"evil": "{{ secret }}", "secret": "x"}
    assert render("{{ evil }} and {{ evil | upper }}", context) == "{{ secret }} and {{ SECRET }}"


def test_a_definition_is_checked_without_data():
    check({"a": "{{ anything.at.all | upper }}", "b": [1, None, "text"]})
    with pytest.raises(TemplateError) as caught:
        check({"a/b": "{{ x | nope }}", "c": ["fine", "{{ x"]})
    assert [problem["pointer"] for problem in caught.value.problems] == ["/a~1b", "/c/1"]


def test_references_are_all_that_is_read():
    value = {
        "to": "{{ trigger.entry.email | default: vars.fallback }}",
        "text": ['{{ steps.s1["odd key"].0 }} {{ trigger.entry.email }}', "none", 3],
    }
    assert references(value) == [
        "trigger.entry.email",
        "vars.fallback",
        'steps.s1["odd key"].0',
    ]
    assert references("{{ " + references(value)[2] + " }}") == ['steps.s1["odd key"].0']


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{{ trigger.entry.quantity }}", "Quantity"),
        (
            "{{ trigger.entry.quantity | plus: 1 | round: 2 }}",
            "Quantity, plus 1, rounded to 2 places",
        ),
        ('{{ trigger.entry.quantity | default: "?" }}', "Quantity, or “?” when empty"),
        ("{{ trigger.entry.quantity | truncate }}", "Quantity, truncate"),
        ("Low: {{ trigger.entry.quantity }}!", "“Low: [Quantity]!”"),
        ("text", "“text”"),
        ("", "“”"),
        (None, "nothing"),
        (True, "yes"),
        (3, "3"),
        (["a", 1], "“a”, 1"),
        ({"a": 1}, "a: 1"),
    ],
)
def test_in_words(value, words):
    assert describe(value, {"trigger.entry.quantity": "Quantity"}.get) == words


def test_without_a_clock_in_the_context_it_is_now():
    assert abs(render("{{ now }}", {}) - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=10)
    assert isinstance(render("{{ today }}", {}), dt.date)


def test_long_texts_take_linear_time():
    text = "{{ item.name }} " * 900 + "x" * 900_000
    start = time.perf_counter()
    assert len(templates.render(text, CONTEXT)) == 900 * 4 + 900_000
    assert time.perf_counter() - start < 5
