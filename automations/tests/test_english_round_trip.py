"""Whatever a definition is, what it says of itself is read back as the same definition."""

import datetime as dt
import os

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from automations.comparing import ALONE, OPERATORS
from automations.definition import parse, problems_of
from automations.english import understand
from automations.parts import Book
from automations.saying import NUMBERS
from workspaces.access import acting_as

# KDAP_ROUND_TRIPS=2000 tries so many definitions, different ones each time.
WANTED = int(os.environ.get("KDAP_ROUND_TRIPS", 0))
CHANCE = settings(
    max_examples=WANTED or 150,
    derandomize=not WANTED,
    phases=[Phase.generate],  # making a failure smaller takes minutes and tells little more
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
# Texts that look like other things: quotation marks, braces, words of the grammar.
ODD = st.text(alphabet="ab ,.:;and()“”\"'{}\\|=%ü\n–-1", max_size=20)
TEXTS = st.one_of(
    st.sampled_from(["x", "and then stop", "{Total}", "otherwise", "10", "today", "New", "a@b.cd"]),
    ODD.filter(lambda text: "{{" not in text),
)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
COUNTS = st.integers(1, 1000)
MONEY = st.one_of(st.integers(-50, 5000), st.decimals(0, 900, places=2).map(float))


def literals(field):
    """Values that a condition or a cell of a field can have."""
    if field.options.get("choices"):
        return st.sampled_from([item["label"] for item in field.options["choices"]])
    if field.type == "percent":
        return st.integers(0, 99).map(lambda n: n / 100)
    if field.type == "integer":
        return st.integers(-9, 9999)
    if field.type in NUMBERS:
        return MONEY
    if field.type == "boolean":
        return st.booleans()
    if field.type == "date":
        return st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)).map(str)
    if field.type == "datetime":
        return st.just("2026-05-31 14:30")
    if field.type == "email":
        return st.sampled_from(["a@example.com", "{ü}@example.com"][:1])
    return TEXTS.filter(str.strip)


@st.composite
def conditions(draw, record, depth=2):
    """A condition tree on a record."""
    if depth and draw(st.integers(0, 3)) == 0:
        word = draw(st.sampled_from(["and", "or", "not"]))
        below = conditions(record, depth - 1)
        if word == "not":
            return {"not": draw(below)}
        return {word: draw(st.lists(below, min_size=2, max_size=3))}
    field = draw(st.sampled_from([f for f in record.structure.fields if f.type != "user"]))
    operator = draw(st.sampled_from(field.kind.operators))
    made = {"field": field.key, "op": operator.key}
    one = literals(field)
    values = {
        "nothing": st.none(),
        "one": one,
        "text": TEXTS,
        "number": st.integers(0, 400),
        "two": st.lists(one, min_size=2, max_size=2),
        "many": st.lists(one, min_size=1, max_size=3),
    }[operator.takes]
    return made if operator.takes == "nothing" else made | {"value": draw(values)}


@st.composite
def triggers(draw, records, form):
    """Anything that can start a workflow."""
    record = draw(st.sampled_from(records))
    field = draw(st.sampled_from(record.structure.fields))
    about = {"record": str(record.pk)}
    where = draw(st.one_of(st.none(), conditions(record)))
    filtered = about | ({"where": where} if where else {})
    each = draw(st.sampled_from([{}, {"each": "operation"}]))
    kinds = [
        {"type": "entry_created", **filtered, **each},
        {"type": "entry_updated", **filtered, **each, "fields": draw(keys_of(record, 0))},
        {"type": "entry_deleted", **filtered, **each},
        {"type": "enters_filter", **about, **each, "where": where or draw(conditions(record))},
        {"type": "leaves_filter", **about, **each, "where": where or draw(conditions(record))},
        {"type": "button"},
        {"type": "button", **filtered},
        {"type": "webhook", "signed": draw(st.booleans())},
        {"type": "webhook", "answer": "result"},
        {"type": "run_failed"},
        {"type": "called"},
        draw(schedules()),
    ]
    if record.pk == form.record_id:
        kinds.append({"type": "form_received", **filtered, "form": str(form.pk)})
    if field.type != "user":
        ends = {"now": draw(literals(field)), "was": draw(literals(field))}
        kept = {key: ends[key] for key in draw(st.sets(st.sampled_from(["now", "was"])))}
        kinds.append({"type": "field_changed", **filtered, **each, "field": field.key, **kept})
    if field.type in ("date", "datetime"):
        offset = draw(st.integers(-40, 40))
        unit = draw(st.sampled_from(["minutes", "hours", "days"])) if offset else "days"
        at = {"at": draw(times()), "timezone": draw(ZONES)}
        reached = {"type": "date_reached", **filtered, "field": field.key}
        kinds.append(reached | {"offset": offset, "unit": unit, **at})
    return draw(st.sampled_from(kinds))


def keys_of(record, least):
    keys = [field.key for field in record.structure.fields]
    return st.lists(st.sampled_from(keys), min_size=least, max_size=3, unique=True)


def times():
    return st.times().map(lambda time: f"{time:%H:%M}")


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Etc/GMT+5", "Asia/Tokyo"])


@st.composite
def schedules(draw):
    """What the clock can do, except for weekdays of “every day”, which are those of a week."""
    rest = {"type": "schedule", "timezone": draw(ZONES)}
    rest |= draw(st.sampled_from([{}, {"missed": "skip"}]))
    at = draw(times().filter(lambda time: time != "00:00"))
    days = draw(st.lists(st.integers(0, 6), unique=True, max_size=7).map(sorted))
    lines = ["*/5 * * * *", "0 9 1,15 * *", "30 18 L * *", "0 8 * * 1-5", "15 7 24 12 *"]
    kinds = [
        {"every": draw(st.integers(1, 59)), "unit": "minutes", "weekdays": days},
        {"every": draw(st.integers(1, 23)), "unit": "hours"},
        {"every": draw(st.integers(1, 30)), "unit": "days", "at": at},
        {"every": draw(st.integers(1, 4)), "unit": "weeks", "at": at, "weekdays": days or [0]},
        {"every": draw(st.integers(1, 12)), "unit": "months", "at": at},
        {"cron": draw(st.sampled_from(lines))},
    ]
    return rest | draw(st.sampled_from(kinds))


@st.composite
def values(draw, known, field=None):
    """A literal, or a template over what is known at this place."""
    if known and draw(st.booleans()):
        path = draw(st.sampled_from(known))
        kind = draw(st.integers(0, 3))
        if kind == 0:
            return f"{draw(TEXTS)}{{{{ {path} }}}}{draw(TEXTS)}"
        if kind == 1:
            filters = ["upper", "round: 2", 'default: "x"', "plus: 3", "add_days: -2", "minus: 1.5"]
            return f"{{{{ {path} | {draw(st.sampled_from(filters))} }}}}"
        return f"{{{{ {path} }}}}"
    moments = ["{{ today }}", "{{ now }}", "{{ today | add_days: 3 }}", "{{ now | add_hours: -1 }}"]
    if field is None:
        json = st.recursive(
            st.one_of(TEXTS, COUNTS, st.booleans()),
            lambda inner: st.one_of(
                st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, max_size=2)
            ),
            max_leaves=4,
        )
        return draw(st.one_of(TEXTS, COUNTS, st.none(), json, st.sampled_from(moments)))
    if field.type in ("date", "datetime") and draw(st.booleans()):
        return draw(st.sampled_from(moments))
    if field.type == "user":
        return None
    if field.type == "choices":
        return draw(
            st.one_of(
                literals(field), st.lists(literals(field), min_size=1, max_size=3, unique=True)
            )
        )
    return draw(st.one_of(literals(field), st.none()))


class Plan:
    """What is known while steps are made one after the other."""

    def __init__(self, records, record, numbers):
        self.records, self.record, self.numbers = records, record, numbers
        self.items, self.found, self.paths, self.variables = [], [], [], []

    def fields(self):
        """Paths of the entry at hand, of the trigger and of steps before."""
        inner = self.items[-1] if self.items else self.record
        made = []
        if inner:
            root = "item" if self.items else "trigger.entry"
            made += [f"{root}.{field.key}" for field in inner.structure.fields] + [root]
        if self.record:
            made += [f"trigger.entry.{field.key}" for field in self.record.structure.fields]
        made += ["item", "index"] if self.items else []
        return made + self.paths + [f"vars.{name}" for name in self.variables]


@st.composite
def rows(draw, plan, record):
    """Values for some fields of a record."""
    fields = draw(
        st.lists(
            st.sampled_from(record.structure.fields),
            min_size=1,
            max_size=3,
            unique_by=lambda f: f.key,
        )
    )
    return {field.key: draw(values(plan.fields(), field)) for field in fields}


@st.composite
def comparisons(draw, plan, depth=1):
    """What an “if” asks."""
    inner = plan.items[-1] if plan.items else plan.record
    root = "{{ item }}" if plan.items else "{{ trigger.entry }}"
    kind = draw(st.integers(0, 4))
    if kind == 0 and depth:
        below = comparisons(plan, depth - 1)
        word = draw(st.sampled_from(["all", "any"]))
        return {word: draw(st.lists(below, min_size=1, max_size=3))}
    if inner and kind < 3:
        return {"record": str(inner.pk), "entry": root, "where": draw(conditions(inner))}
    if plan.found and kind == 3:
        id, record = plan.found[-1]
        entry = f"{{{{ steps.{id}.entry }}}}"
        return {"record": str(record.pk), "entry": entry, "where": draw(conditions(record))}
    op = draw(st.sampled_from(list(OPERATORS)))
    made = {"value": draw(values(plan.fields())), "op": op}
    if op in ALONE:
        return made
    if op in ("in", "not_in"):
        return made | {"other": draw(st.lists(st.one_of(TEXTS, COUNTS), min_size=1, max_size=3))}
    return made | {"other": draw(values(plan.fields()))}


@st.composite
def steps(draw, plan, depth=2):
    """Some steps, one after the other."""
    made = []
    for _ in range(draw(st.integers(1, 3))):
        made.append(draw(step(plan, depth)))
    return made


@st.composite
def step(draw, plan, depth):
    """One step of any kind, with what every step can have."""
    record = draw(st.sampled_from(plan.records))
    inner = plan.items[-1] if plan.items else plan.record
    root = "{{ item }}" if plan.items else "{{ trigger.entry }}"
    about, known = {"record": str(record.pk)}, plan.fields()
    kinds = [
        "create",
        "find",
        "http",
        "mail",
        "wait",
        "until",
        "call",
        "set",
        "stop",
        "upsert",
        "code",
    ]
    kinds += ["update", "delete"] if inner or plan.found else []
    kinds += ["if", "switch", "approval", *(["each"] if plan.found else [])] if depth else []
    kind = draw(st.sampled_from(kinds))
    plan.numbers[0] += 1
    id = f"s{plan.numbers[0]}"
    named = draw(
        st.sampled_from([{}, {"name": "A “step”"}, {"retries": 2, "on_error": "continue"}])
    )
    made = {"id": id, **named}
    if kind == "create":
        made |= {"type": "create_entry", **about, "values": draw(rows(plan, record))}
        plan.paths += [f"steps.{id}.entry", f"steps.{id}.entry.{record.structure.fields[0].key}"]
    elif kind == "upsert":
        values_ = draw(rows(plan, record))
        made |= {"type": "upsert_entry", **about, "values": values_, "keys": [next(iter(values_))]}
    elif kind in ("update", "delete"):
        entry, target = draw(entries(plan, inner, root))
        made |= {"type": f"{kind}_entry", "record": str(target.pk), "entry": entry}
        made |= {"values": draw(rows(plan, target))} if kind == "update" else {}
    elif kind == "find":
        made |= {
            "type": "find_entries",
            **about,
            "where": draw(st.one_of(st.none(), conditions(record))),
        }
        sort = draw(keys_of(record, 0))
        made |= {
            "sort": [draw(st.sampled_from(["", "-"])) + key for key in sort],
            "limit": draw(st.sampled_from([100, 7])),
        }
        plan.found.append((id, record))
        plan.paths += [f"steps.{id}.entries", f"steps.{id}.count"]
    elif kind == "http":
        made |= {"type": "http_request", "url": "https://example.com/{{ now }}/x?y=1"}
        made |= {"method": draw(st.sampled_from(["GET", "POST"])), "body": draw(values(known))}
        made |= draw(
            st.sampled_from(
                [
                    {},
                    {
                        "headers": {"X-A": "b"},
                        "any_status": True,
                        "accept_cut": True,
                        "timeout": 5,
                        "when_unknown": "again",
                    },
                ]
            )
        )
        plan.paths.append(f"steps.{id}.body.name")
    elif kind == "mail":
        made |= {
            "type": "send_email",
            "to": ["a@example.com", *([f"{{{{ {known[0]} }}}}"] if known else [])],
        }
        made |= {"subject": draw(TEXTS.filter(bool)), "body": draw(TEXTS)}
        made |= draw(
            st.sampled_from(
                [
                    {},
                    {"cc": ["b@example.com"], "reply_to": "c@example.com", "when_unknown": "again"},
                ]
            )
        )
        where = draw(st.one_of(st.none(), conditions(record)))
        file = {
            **about,
            "format": draw(st.sampled_from(["csv", "xlsx", "json"])),
            "where": where,
            "sort": draw(keys_of(record, 0)),
            "name": draw(st.sampled_from(["", "list"])),
        }
        made |= {"attachments": draw(st.lists(st.just(file), max_size=2))}
    elif kind == "wait":
        moments = st.one_of(
            st.just("2026-12-24"),
            *([st.sampled_from(known).map(lambda path: f"{{{{ {path} }}}}")] if known else []),
        )
        until = draw(st.one_of(st.none(), moments))
        made |= (
            {"type": "wait", "until": until}
            if until
            else {
                "type": "wait",
                "amount": draw(COUNTS),
                "unit": draw(st.sampled_from(["seconds", "hours", "weeks"])),
            }
        )
    elif kind == "call":
        made |= {"type": "wait_for_call"}
        made |= draw(st.sampled_from([{}, {"most": 20, "unit": "minutes", "silence": "fail"}]))
        plan.paths += [f"steps.{id}.met", f"steps.{id}.body.name", "run.call_url"]
    elif kind == "until":
        entry, target = (
            draw(entries(plan, inner, root))
            if inner or plan.record or plan.found
            else ("7", record)
        )
        made |= {"type": "wait_until", "record": str(target.pk), "entry": entry}
        made |= {"where": draw(conditions(target))}
        made |= draw(
            st.sampled_from([{}, {"most": 1, "unit": "hours"}, {"most": 9, "silence": "fail"}])
        )
        plan.paths += [f"steps.{id}.met", f"steps.{id}.entry.{target.structure.fields[0].key}"]
    elif kind == "set":
        names = draw(st.lists(NAMES, min_size=1, max_size=2, unique=True))
        made |= {"type": "set", "values": {name: draw(values(known)) for name in names}}
        plan.variables += names
    elif kind == "code":
        made |= {
            "type": "code",
            "code": draw(TEXTS.filter(bool)),
            "input": {"x": draw(values(known))},
        }
    elif kind == "stop":
        made |= {
            "type": "stop",
            "failed": draw(st.booleans()),
            "reason": draw(TEXTS),
            "output": draw(values(known)),
        }
    elif kind == "if":
        made |= {
            "type": "if",
            "condition": draw(comparisons(plan)),
            "then": draw(steps(plan, depth - 1)),
        }
        made |= {"otherwise": draw(st.one_of(st.just([]), steps(plan, depth - 1)))}
    elif kind == "switch":
        cases = [
            {
                "condition": draw(comparisons(plan)),
                "steps": draw(st.one_of(st.just([]), steps(plan, depth - 1))),
            }
            for _ in range(draw(st.integers(1, 2)))
        ]
        made |= {
            "type": "switch",
            "cases": cases,
            "otherwise": draw(st.one_of(st.just([]), steps(plan, depth - 1))),
        }
    elif kind == "approval":
        made |= {
            "type": "approval",
            "question": draw(TEXTS.filter(bool)),
            "people": draw(st.sampled_from([[], ["bob@example.com", "alice@example.com"]])),
        }
        made |= draw(st.sampled_from([{}, {"days": 1, "silence": "fail"}, {"silence": "approved"}]))
        made |= {
            "approved": draw(st.one_of(st.just([]), steps(plan, depth - 1))),
            "rejected": draw(st.one_of(st.just([]), steps(plan, depth - 1))),
        }
    else:
        found, target = plan.found[-1]
        made |= {
            "type": "for_each",
            "items": f"{{{{ steps.{found}.entries }}}}",
            "limit": draw(st.sampled_from([1000, 5])),
            "at_once": draw(st.sampled_from([1, 7])),
        }
        plan.items.append(target)
        made["steps"] = draw(steps(plan, depth - 1))
        plan.items.pop()
    return made


@st.composite
def entries(draw, plan, inner, root):
    """(template of entries, their record)."""
    known = [(root, inner)] if inner else []
    known += [("{{ trigger.entry }}", plan.record)] if plan.record else []
    known += [(f"{{{{ steps.{id}.entries }}}}", record) for id, record in plan.found]
    return draw(st.sampled_from(known))


@st.composite
def definitions(draw, records, form):
    """A whole definition."""
    trigger = draw(triggers(records, form))
    record = next((r for r in records if str(r.pk) == trigger.get("record")), None)
    made = {"trigger": trigger, "steps": draw(steps(Plan(records, record, [0])))}
    made["concurrency"] = draw(
        st.sampled_from([None, {"policy": "skip"}, {"policy": "cancel_previous", "key": "x"}])
    )
    return made | {"pause_after": draw(st.sampled_from([10, 0, 3]))}


def test_a_definition_is_read_back_as_it_was(shop, contact, workspace, alice, bob):
    @CHANCE
    @given(definitions(list(shop.values()), contact))
    def round_trip(data):
        with acting_as(alice.actor):
            definition = parse(data)
            if problems_of(definition, workspace.pk):
                return
            said = definition.sentence(Book(workspace.pk))
            if len(said) > 5000:
                return
            understood = understand(said, Book(workspace.pk))
            assert not understood.problems, f"{said}\n{understood.problems}"
            assert understood.definition == definition.model_dump(mode="json"), said

    round_trip()
