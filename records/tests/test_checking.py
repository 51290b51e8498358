"""The checker finds nothing wrong in what the product makes, and finds what is broken by hand."""

import datetime as dt

import pytest
from django.utils import timezone

from records.checking import orphans, problems
from records.entries import delete_entries, update_entries
from records.history import quoted
from records.jobs import ImportJob
from records.names import history_name
from records.services import change_structure, delete_record
from records.structure_jobs import StructureJob
from records.tests.helpers import add, sql
from records.tests.imports import bring_in
from records.tests.samples import SAMPLES
from workspaces.access import Actor, acting_as
from workspaces.checking import chain_problems


@pytest.fixture
def stock(alice, make_record):
    """A record with some history: created, changed and deleted entries."""
    record = make_record(
        "Stock",
        code={"type": "text", "unique": True, "required": True},
        amount={"type": "integer", "default": 3},
        number="autonumber",
    )
    ids = add(alice, record, *({"code": f"c{n}"} for n in range(5)))
    with alice.acting() as actor:
        update_entries(record=record, changes={ids[0]: {"amount": 7}}, actor=actor)
        update_entries(record=record, changes={id: {"amount": 8} for id in ids}, actor=actor)
        delete_entries(record=record, ids=ids[:2], actor=actor)
    return record


def found(record):
    """Everything the checker says, as one text."""
    with acting_as(Actor.system()):
        return "\n".join([*problems(record), *orphans(), *chain_problems()])


def change(person, record, *changes):
    with person.acting() as actor:
        change_structure(record=record, changes=list(changes), actor=actor, confirmed=True)


def broken(record, *statements):
    """Do what no part of the product does, then return what the checker says."""
    names = {"t": quoted(record.table_name), "h": quoted(history_name(record.table_name))}
    with acting_as(Actor.system()):
        for statement in statements:
            sql(statement.format(**names, r=record.pk, n=record.number))
    return found(record)


def test_all_is_well(stock):
    assert found(stock) == ""


@pytest.mark.parametrize("type", SAMPLES)
def test_every_type_made_added_and_converted(alice, make_record, type):
    spec = {"type": type, "options": SAMPLES[type].options}
    record = make_record("All", first="text", plain=spec)
    add(alice, record, {"first": "1"})
    assert found(record) == ""
    change(alice, record, {"op": "add_field", "field": {"label": "Later", **spec}})
    assert found(record) == ""
    key = record.structure.fields[-1].key
    change(alice, record, {"op": "delete_field", "field": key})
    assert found(record) == ""
    change(alice, record, {"op": "restore_field", "field": key})
    assert found(record) == ""


def test_structure_changes_leave_no_difference(alice, stock):
    for op in (
        {"op": "change_field", "field": "amount", "type": "text"},
        {"op": "change_field", "field": "amount", "type": "decimal", "required": True},
        {"op": "move_field", "field": "amount", "position": 0},
        {"op": "change_field", "field": "code", "unique": False, "required": False},
        {"op": "delete_field", "field": "number"},
    ):
        change(alice, stock, op)
        assert found(stock) == "", op


def test_imports_and_the_trash_leave_no_difference(alice, workspace, stock):
    bring_in(alice, workspace, "code,amount\nx,1\ny,2\n", record=stock)
    job = bring_in(alice, workspace, "a,b\n1,2\n")
    with alice.acting() as actor:
        delete_record(record=job.record, actor=actor)
    assert found(stock) == found(job.record) == ""


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("ALTER TABLE {t} DROP COLUMN amount", "the column amount is missing"),
        ("ALTER TABLE {h} DROP COLUMN amount", "the column amount is missing"),
        ("ALTER TABLE {t} ADD COLUMN stray text", "a column stray too many"),
        ("ALTER TABLE {t} ALTER amount TYPE numeric", "amount is numeric"),
        ("ALTER TABLE {t} ALTER amount SET DEFAULT 4", "the column amount is bigint default"),
        ("ALTER TABLE {t} ALTER code DROP NOT NULL", "the column code is"),
        ("ALTER TABLE {t} DISABLE TRIGGER log_insert", "the trigger log_insert is"),
        ("DROP TRIGGER stamp ON {t}", "the trigger stamp is missing"),
        ("DROP POLICY readers ON {h}", "the policy readers is missing"),
        ("ALTER TABLE {t} NO FORCE ROW LEVEL SECURITY", "row security is"),
        ("CREATE INDEX stray ON {t} (code)", "a index stray too many"),
        ("DROP TABLE {h}", "is missing"),
        ("CREATE TABLE books_record_999_entries ()", "belongs to no record"),
        ("CREATE SEQUENCE s999_f123", "belongs to no record"),
        ("UPDATE streams SET version = version + 1 WHERE stream_id = '{r}'", "is broken"),
        ("DELETE FROM record_structure_versions WHERE record_id = '{r}'", "of the versions 1"),
    ],
)
def test_what_is_broken_is_found(stock, statement, said):
    assert said in broken(stock, statement)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE {h} SET _ev_to = _ev_to + 1 WHERE _op = 'U'", "its next image begins"),
        ("DELETE FROM {h} WHERE _op = 'U'", "images name it"),
        ("UPDATE {h} SET _ev = _ev_to + 1", "its next image begins"),
    ],
)
def test_a_torn_history_is_found(stock, statement, said):
    torn = [
        "ALTER TABLE {h} DISABLE TRIGGER USER",
        statement,
        "ALTER TABLE {h} ENABLE TRIGGER USER",
    ]
    assert said in broken(stock, *torn)


def test_entries_written_behind_the_triggers_are_found(stock):
    said = broken(
        stock,
        "ALTER TABLE {t} DISABLE TRIGGER USER",
        "INSERT INTO {t} (code, _ev) VALUES ('stray', 999999999)",
        "ALTER TABLE {t} ENABLE TRIGGER USER",
    )
    assert "event 999999999 (not in the log) counts 0 entries; 1 images name it" in said


def test_a_long_change_under_way_is_no_difference(alice, workspace, stock):
    stray = f'ALTER TABLE {{t}} ADD COLUMN "_n2_{stock.structure.fields[0].id}" text'
    assert "too many" in broken(stock, stray)
    with acting_as(Actor.system()):
        StructureJob.objects.create(workspace=workspace, record=stock, changes=[], version=1)
    assert found(stock) == ""


def test_a_forgotten_import_is_found(alice, workspace, stock):
    job = bring_in(alice, workspace, "code\nx\n", record=stock)
    long_ago = timezone.now() - dt.timedelta(hours=1)
    with acting_as(Actor.system()):
        ImportJob.objects.filter(pk=job.pk).update(state="running", heartbeat=long_ago)
    assert "is running and was last heard of" in found(stock)
