"""One contract for every field type."""

import orjson
import pytest
from django import forms
from django.db import DataError, IntegrityError, connection, transaction
from rest_framework import serializers

from records import fields
from records.entries import create_entries
from records.fields import Refused
from records.query import Query
from records.services import change_structure, preview_structure
from records.structure import make_field
from records.tests.helpers import add, column, sql
from records.tests.samples import SAMPLES
from workspaces.errors import Invalid, KdapError

TYPES = sorted(fields.TYPES)
STORED = [key for key in TYPES if not fields.TYPES[key].virtual]


def spec(type, **more):
    return {"type": type, "options": SAMPLES[type].options} | more


def test_every_type_has_a_sample():
    assert set(SAMPLES) == set(fields.TYPES)


@pytest.mark.parametrize("type", TYPES)
class TestEveryType:
    def test_says_what_it_is(self, type):
        kind = fields.get(type)
        assert kind.key == type
        assert all([kind.label, kind.icon, kind.hint, kind.editor])
        assert len({operator.key for operator in kind.operators}) == len(kind.operators)

    def test_good_values_come_back(self, type, alice, make_record):
        record = make_record(x=spec(type))
        for value, _ in SAMPLES[type].good:
            add(alice, record, {"x": value})
        with alice.acting():
            assert column(record, "x") == [read for _, read in SAMPLES[type].good]

    def test_bad_values_are_refused_with_their_place(self, type, alice, make_record):
        record = make_record(x=spec(type))
        for value in SAMPLES[type].bad:
            with alice.acting() as actor, pytest.raises(Invalid) as error:
                create_entries(record=record, rows=[{"x": value}], actor=actor)
            assert error.value.problems[0]["pointer"] == "/0/x"
            assert error.value.detail.endswith((".", "?"))

    def test_the_database_refuses_them_too(self, type, alice, make_record):
        record = make_record(x=spec(type))
        for literal in SAMPLES[type].refused:
            with alice.acting(), pytest.raises((IntegrityError, DataError)), transaction.atomic():
                sql(f"INSERT INTO {record.table_name} (x) VALUES ({literal})")

    def test_text_reads_back_as_the_same_value(self, type, alice, make_record):
        """What conversion writes as text, its cast understands: nothing is lost on the way."""
        kind = fields.get(type)
        if kind.computed or not SAMPLES[type].good:
            return
        record = make_record(x=spec(type))
        for value, _ in SAMPLES[type].good:
            add(alice, record, {"x": value})
        field = record.structure.field("x")
        cast = kind.cast(field, kind.text(field, "x"))
        with alice.acting():
            assert sql(
                f"SELECT count(*) FROM {record.table_name} WHERE ({cast}) IS DISTINCT FROM x"
            ) == [(0,)]

    def test_every_operator_makes_sql_that_runs(self, type, alice, make_record):
        record = make_record(x=spec(type))
        value = SAMPLES[type].good[0][0] if SAMPLES[type].good else None
        value = value[0] if isinstance(value, list) else value
        if type in ("created_at", "updated_at"):
            value = "2026-01-01"
        elif type in ("created_by", "updated_by", "user"):
            value = alice.user.email
        elif type == "autonumber":
            value = 1
        shapes = {"one": value, "two": [value, value], "many": [value], "text": "a", "number": 3}
        with alice.acting():
            for operator in fields.get(type).operators:
                where = {"field": "x", "op": operator.key, "value": shapes.get(operator.takes)}
                Query(record, where=where).rows()

    def test_every_aggregate_runs(self, type, alice, make_record):
        record = make_record(x=spec(type))
        wanted = [(name, "x") for name in fields.get(type).aggregates]
        with alice.acting():
            answer = Query(record).aggregate(wanted)
        assert orjson.dumps(answer)

    def test_forms_and_api_know_it(self, type):
        field = make_field(label="X", **spec(type))
        assert isinstance(field.kind.api_field(field, required=False), serializers.Field)
        assert isinstance(field.kind.api_field(field), serializers.Field)
        if not field.kind.computed and type != "user":
            assert isinstance(field.kind.form_field(field, required=False), forms.Field)

    def test_converts_to_every_other_or_says_why_not(self, type, alice, make_record):
        refusals = []
        for target in TYPES:
            record = make_record(f"{type} to {target}", x=spec(type))
            if SAMPLES[type].good:
                add(alice, record, {"x": SAMPLES[type].good[0][0]})
            change = {"op": "change_field", "field": "x", "type": target}
            if SAMPLES[target].options:
                change["options"] = SAMPLES[target].options
            with alice.acting() as actor:
                try:
                    preview = preview_structure(record=record, changes=[dict(change)], actor=actor)
                    change_structure(record=record, changes=[change], actor=actor, confirmed=True)
                except KdapError as error:
                    refusals.append(error.detail)
                    continue
                lost = sum(impact["lost"] for impact in preview["impact"])
                kept = [value for value in column(record, "x") if value is not None]
                if (
                    type != target
                    and not fields.get(target).computed
                    and not fields.get(type).virtual
                ):
                    assert len(kept) == (1 if SAMPLES[type].good else 0) - lost
        assert all(refusal.endswith(".") for refusal in refusals)


@pytest.mark.parametrize("type", STORED)
def test_required_unique_and_default_hold_in_the_database(type, alice, make_record):
    kind = fields.get(type)
    if kind.computed:
        return
    record = make_record(x=spec(type, required=True))
    with alice.acting(), pytest.raises(IntegrityError), transaction.atomic():
        sql(f"INSERT INTO {record.table_name} (x) VALUES (NULL)")
    if kind.may_be_unique and SAMPLES[type].good:
        record = make_record("Unique", x=spec(type, unique=True))
        add(alice, record, {"x": SAMPLES[type].good[0][0]})
        with pytest.raises(Invalid, match="unique"):
            add(alice, record, {"x": SAMPLES[type].good[0][0]})
    if SAMPLES[type].good:
        record = make_record("Default", x=spec(type, default=SAMPLES[type].good[0][0]))
        with alice.acting():
            sql(f"INSERT INTO {record.table_name} DEFAULT VALUES")
            assert column(record, "x") == [SAMPLES[type].good[0][1]]


def test_a_default_that_does_not_fit_is_refused():
    with pytest.raises(Invalid, match="default"):
        make_field(label="Count", type="integer", default="many")


def test_renaming_a_choice_touches_no_entry(alice, make_record):
    record = make_record(state=spec("choice"))
    add(alice, record, {"state": "New"})
    choices = record.structure.field("state").options["choices"]
    renamed = [choices[0] | {"label": "Fresh"}, choices[1]]
    change = {"op": "change_field", "field": "state", "options": {"choices": renamed}}
    with alice.acting() as actor:
        before = sql(f"SELECT _ev, xmin::text FROM {record.table_name}")
        change_structure(record=record, changes=[change], actor=actor)
        assert column(record, "state") == ["Fresh"]
        assert sql(f"SELECT _ev, xmin::text FROM {record.table_name}") == before


def test_a_person_must_be_of_the_workspace(alice, charlie, make_record):
    record = make_record(who="user")
    add(alice, record, {"who": alice.user.email})
    with pytest.raises(Invalid, match="no member"):
        add(alice, record, {"who": charlie.user.email})


@pytest.mark.parametrize("text", ["1_000", "0x10", "١٢", "--1", "1,23,4", "1e999", "(", "%"])
def test_odd_numbers_are_refused_alike_by_python_and_sql(text, db):
    try:
        python = fields.numbers.read_number(text)
    except Refused:
        python = None
    assert sql("SELECT kdap_number(%s)", [text]) == [(python,)]


def test_a_pattern_holds_in_forms_and_database_and_never_explodes(alice, make_record):
    pattern = {"type": "text", "options": {"pattern": "^(a+)+$", "max_length": 500}}
    record = make_record(x=pattern)
    with pytest.raises(Invalid, match="does not match"):
        add(alice, record, {"x": "a" * 400 + "b"})
    with alice.acting(), pytest.raises(IntegrityError), transaction.atomic():
        sql(f"INSERT INTO {record.table_name} (x) VALUES ('b')")


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "x" * 501])
def test_a_pattern_that_is_none_is_refused(pattern):
    with pytest.raises(Invalid, match="pattern"):
        make_field(label="X", type="text", options={"pattern": pattern})


@pytest.mark.parametrize("text", [value for value, _ in SAMPLES["datetime"].good])
def test_imports_read_a_moment_as_the_api_does(db, text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT kdap_moment(%s, 'iso', 'UTC')", [text])
        assert cursor.fetchone()[0] == fields.get("datetime").clean(
            text, make_field(label="X", type="datetime")
        )


@pytest.mark.parametrize("text", [*SAMPLES["datetime"].bad, "2026-02-28T10:00:00+24:00"])
def test_imports_refuse_a_moment_as_the_api_does(db, text):
    with connection.cursor() as cursor:
        cursor.execute("SELECT kdap_moment(%s, 'iso', 'UTC')", [text])
        assert cursor.fetchone()[0] is None
