"""What imports added is what their kept files say, whatever became of it since."""

import pytest
from django.core.management import CommandError

from records.entries import delete_entries, update_entries
from records.erasing import Choice, erase
from records.imports import files
from records.imports.proving import check_files
from records.jobs import ImportJob
from records.models import Record
from records.names import history_name
from records.services import change_structure
from records.tests.helpers import sql
from records.tests.imports import bring_in
from records.tests.test_replay import forged, joined, verify  # noqa: F401 - fixtures
from workspaces.access import Actor, acting_as

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "x" * 5000
KINDS = (
    "name,n,price,on,at,ok,colour,tags,id,note\n"
    f'Ann,1,1.50,2024-01-31,2024-01-31T10:00:00Z,true,red,"a, b",1e7-2,{LONG}\n'
    "Bö,,NA,2024-02-01,2024-01-31T11:30:00+02:00,false,blue,a,x,\n"
    'Ann,1,1.50,2024-01-31,2024-01-31T10:00:00Z,true,red,"b, a",1e7-2,short\n'
    + "".join(
        f"P{n},{n},{n}.25,2024-03-0{n % 9 + 1},2024-03-01T0{n % 9}:00:00Z,true,red,a,{n},\n"
        for n in range(40)
    )
)


@pytest.fixture
def brought(alice, workspace, joined):  # noqa: F811
    """The record that a file of many kinds of columns became."""
    job = bring_in(alice, workspace, KINDS)
    assert job.state == ImportJob.State.DONE, job.error
    with alice.acting():
        return Record.objects.get(pk=job.record_id)


def proof_of(record):
    with acting_as(Actor.system()):
        return check_files(Record.objects.get(pk=record.pk))


def test_a_file_agrees_with_what_it_became(brought):
    proof = proof_of(brought)
    assert (proof.files, proof.rows) == (1, 43)
    assert (proof.problems, proof.unproven) == ([], [])
    assert "1 kept file read again, 43 rows" in verify()
    assert "read again" not in verify("--quick")


def test_it_agrees_after_a_busy_life(alice, brought):
    with alice.acting() as actor:
        ids = [id for (id,) in sql(f"SELECT entry_id FROM {brought.table_name} ORDER BY 1")]
        update_entries(record=brought, changes={ids[0]: {"name": "Eve"}}, actor=actor)
        delete_entries(record=brought, ids=ids[1:3], actor=actor)
        change_structure(
            record=brought,
            changes=[
                {"op": "change_field", "field": "n", "type": "text"},
                {"op": "delete_field", "field": "price"},
                {"op": "change_field", "field": "name", "label": "Who"},
            ],
            confirmed=True,
            actor=actor,
        )
    proof = proof_of(brought)
    assert (proof.files, proof.problems, proof.unproven) == (1, [], [])


def test_more_rows_and_refused_ones(alice, workspace, brought):
    more = "name,n\nZoe,7\nYan,many\nXi,9\n"
    job = bring_in(
        alice, workspace, more, name="more.csv", record=brought, mode="append", on_error="skip_bad"
    )
    assert (job.created, job.refused) == (2, 1)
    proof = proof_of(brought)
    assert (proof.files, proof.problems) == (2, [])


@pytest.mark.parametrize("table", ["live", "twin"])
def test_a_forged_entry_is_found(alice, brought, forged, table):  # noqa: F811
    if table == "twin":
        with alice.acting():
            sql(f"UPDATE {brought.table_name} SET name = 'other'")
    name = history_name(brought.table_name) if table == "twin" else None
    forged(brought, "UPDATE {table} SET n = 77 WHERE n = 7", table=name)
    problems = proof_of(brought).problems
    assert [problem.partition("” of ")[0] for problem in problems] == ["Table: “table.csv"] * 2
    assert "The file says a row that the import did not add" in problems[0]
    assert '"n": 77' in problems[1]


def test_a_row_behind_the_back_of_the_log_is_found(brought, forged):  # noqa: F811
    forged(brought, "DELETE FROM {table} WHERE n = 8")
    with pytest.raises(CommandError, match="The file says a row"):
        verify()


def test_another_file_in_its_place_is_found(brought):
    with acting_as(Actor.system()):
        job = ImportJob.objects.get(record=brought)
        job.file = files.keep([KINDS.replace("Ann", "Eve").encode()], "imports/other.zst")[0]
        job.save(update_fields=["file"])
    [problem] = proof_of(brought).problems
    assert "is not the one that was imported" in problem


def test_what_can_not_be_compared_is_said(alice, workspace, make_record):
    record = make_record(
        "People", who={"type": "text", "unique": True, "personal": True}, n="integer"
    )
    bring_in(alice, workspace, "who,n\nAnn,1\nBob,2\n", record=record, mode="append")
    how = {"record": record, "mode": "upsert", "keys": ["who"], "name": "again.csv"}
    bring_in(alice, workspace, "who,n\nAnn,3\nCid,4\n", **how)
    assert ["already" in why for why in proof_of(record).unproven] == [True]
    with alice.acting() as actor:
        [(entry,)] = sql(f"SELECT entry_id FROM {record.table_name} WHERE who = 'Bob'")
        erase(record=record, choice=Choice(ids=(entry,)), actor=actor)
    proof = proof_of(record)
    assert not proof.problems
    assert any("data of people was erased since" in why for why in proof.unproven)
