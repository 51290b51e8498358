"""Files of every kind become entries, whole or not at all."""

import codecs
import io
import json

import pytest
import xlsxwriter

from records.imports import services
from records.jobs import ImportJob
from records.models import Record
from records.tests.imports import bring_in, refusals_of, rows_of, run, types_of, upload
from workspaces.errors import Conflict, Forbidden, Invalid, Missing
from workspaces.models import Event

PLAIN = [["Ann", "3"], ["Bö", "4"]]


def the(job):
    assert job.state == ImportJob.State.DONE, job.error
    return Record.objects.get(pk=job.record_id)


@pytest.mark.parametrize(
    "data",
    [
        b"name,n\nAnn,3\nB\xc3\xb6,4\n",
        b"name,n\r\nAnn,3\r\nB\xc3\xb6,4",
        b"name,n\rAnn,3\rB\xc3\xb6,4\r",
        b"name,n\r\nAnn,3\nB\xc3\xb6,4\r\n",
        codecs.BOM_UTF8 + b"name,n\nAnn,3\nB\xc3\xb6,4\n",
        "name,n\nAnn,3\nBö,4\n".encode("utf-16"),
        "name,n\nAnn,3\nBö,4\n".encode("utf-16-le"),
        "name,n\nAnn,3\nBö,4\n".encode("utf-32"),
        b"name;n\nAnn;3\nB\xc3\xb6;4\n",
        b"name\tn\nAnn\t3\nB\xc3\xb6\t4\n",
        b"name|n\nAnn|3\nB\xc3\xb6|4\n",
        b'sep=;\r\nname;n\r\nAnn;3\r\n"B\xc3\xb6";4\r\n',
        b'"name","n"\n"Ann","3"\n\n"B\xc3\xb6","4"\n\n\n',
        b"\n\nname,n\nAnn,3\nB\xc3\xb6,4\n",
        b"A list of people\n\nname,n\nAnn,3\nB\xc3\xb6,4\n",
    ],
)
def test_delimited_text_however_it_is_written(alice, workspace, data):
    with alice.acting():
        record = the(bring_in(alice, workspace, data))
        assert [f.label for f in record.structure.fields] == ["name", "n"]
    assert rows_of(alice, record) == PLAIN


def test_legacy_encoding_is_guessed_and_can_be_chosen(alice, workspace):
    data = "name,town\nJosé,Málaga\nÅsa,Göteborg\n".encode("cp1252") * 1
    job = upload(alice, workspace, data, settings={"encoding": "cp1252"})
    assert rows_of(alice, run(alice, job).record)[0] == ["José", "Málaga"]


@pytest.mark.parametrize("mark", ["^", "~", "§", " ", "x"])
def test_any_delimiter(alice, workspace, mark):
    data = f"a{mark}b\n1{mark}2\n".encode()
    job = bring_in(alice, workspace, data, settings={"delimiter": mark})
    assert rows_of(alice, job.record) == [["1", "2"]]


def test_other_quotes_and_escapes(alice, workspace):
    job = bring_in(alice, workspace, "a,b\n'x, y',z\n", settings={"quote": "'"})
    assert rows_of(alice, job.record) == [["x, y", "z"]]
    job = bring_in(alice, workspace, 'a,b\n"x \\"y\\"",z\n', settings={"escape": "\\"})
    assert rows_of(alice, job.record) == [['x "y"', "z"]]


def test_quotes_and_lines_inside_cells_survive(alice, workspace):
    data = 'a,b\n"say ""hi"", you","two\nlines"\nab"c"d,5" disk\n'
    job = bring_in(alice, workspace, data)
    assert rows_of(alice, job.record) == [['say "hi", you', "two\nlines"], ['ab"c"d', '5" disk']]


def test_headers_blank_doubled_and_missing(alice, workspace):
    job = upload(alice, workspace, "name,,Name,id\na,b,c,d\n")
    names = [column["name"] for column in job.analysis["columns"]]
    assert names == ["name", "Column 2", "Name 2", "id"]
    assert len(job.analysis["notices"]) == 2
    run(alice, job)
    job = upload(alice, workspace, "1,2\n3,4\n")
    assert job.settings["header_row"] == 0
    assert rows_of(alice, run(alice, job).record) == [["1", "2"], ["3", "4"]]
    job = upload(alice, workspace, "a,b\n1,x,y\n2,x,y\n")  # as R writes row names
    assert [c["name"] for c in job.analysis["columns"]] == ["a", "b", "Column 3"]


def test_short_rows_are_filled_and_long_ones_refused(alice, workspace):
    data = "a,b,c\n1,2,3\n4\n5,6,7,8\n9,10,11\n"
    job = bring_in(alice, workspace, data, on_error="skip_bad")
    assert rows_of(alice, job.record) == [["1", "2", "3"], ["4", None, None], ["9", "10", "11"]]
    (refusal,) = refusals_of(alice, job)
    assert (refusal.row, refusal.value) == (4, "8")
    assert "4 cells" in refusal.reason


def test_end_of_data_mark_does_not_end_the_data(alice, workspace):
    job = bring_in(alice, workspace, "a,b\n1,2\n\\.\n3,4\n", on_error="skip_bad")
    assert rows_of(alice, job.record) == [["1", "2"], ["\\.", None], ["3", "4"]]


def test_nul_is_refused_and_not_dropped(alice, workspace):
    job = bring_in(alice, workspace, b"a,b\nx,1\ny\x00z,2\n", on_error="skip_bad")
    assert rows_of(alice, job.record) == [["x", "1"]]
    assert "NUL" in refusals_of(alice, job)[0].reason


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"\n\n \n"),
        ("a.csv", b"\xef\xbb\xbf"),
        ("a.xlsx", b"not a workbook"),
        ("a.xlsx", b"PK\x03\x04 cut off"),
        ("a.json", b'[{"a": 1}, {"a"'),
        ("a.json", b"[1, 2]"),
        ("a.json", b'"text"'),
        ("a.json", b"[" * 100_000),
        ("a.ndjson", b'{"a": 1}\n{"a": '),
        ("a.ndjson", b'{"a": 1}\n[1]'),
        ("a.pdf", b"%PDF-1.7"),
        ("a.csv", b"a," * 600 + b"b\n"),
        ("a.csv", b'a,b\n"' + b"x" * 11_000_000),
    ],
)
def test_what_is_no_table_is_told_in_a_sentence(alice, workspace, name, data):
    with pytest.raises(Invalid) as error:
        upload(alice, workspace, data, name=name)
    assert error.value.detail.endswith((".", "closed."))


def test_size_limit(alice, workspace, settings):
    settings.MAX_UPLOAD_BYTES = 10
    with pytest.raises(Invalid, match="larger"):
        upload(alice, workspace, "a,b\n1,2\n3,4\n")


def test_json_keeps_every_digit(alice, workspace):
    data = '[{"a": 1.10, "b": 12345678901234567890, "c": null, "d": [1.50, {"e": true}], "f": false}, {"g": "x"}]'
    job = upload(alice, workspace, data, name="x.json")
    assert types_of(job) == ["decimal", "text", "text", "json", "boolean", "text"]
    job = run(alice, job)
    assert rows_of(alice, job.record)[0] == [
        "1.10",
        "12345678901234567890",
        None,
        '[1.50, {"e": true}]',
        "false",
        None,
    ]


def test_json_in_a_wrapper_and_lines(alice, workspace):
    job = bring_in(alice, workspace, '{"data": [{"a": 1}, {"a": 2}], "next": null}', name="x.json")
    assert rows_of(alice, job.record) == [["1"], ["2"]]
    job = bring_in(alice, workspace, '{"a": 1}\n\n{"a": 2, "b": "\\ud800"}\n', name="x.jsonl")
    assert rows_of(alice, job.record)[0] == ["1", None]


def workbook(epoch_1904=False):
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"date_1904": epoch_1904})
    book.add_worksheet("Nothing")
    sheet, other = book.add_worksheet("People"), book.add_worksheet("Other")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, ["code", "born", "share", "ok"])
    sheet.write_string(1, 0, "007")
    sheet.write_datetime(1, 1, __import__("datetime").datetime(1999, 12, 31), day)
    sheet.write_number(1, 2, 0.1 + 0.2)
    sheet.write_boolean(1, 3, True)
    sheet.write_row(3, 0, ["=1+1"])
    other.write_row(0, 0, ["x"])
    other.write_row(1, 0, [5])
    book.close()
    return file.getvalue()


@pytest.mark.parametrize("epoch", [False, True])
def test_workbook_with_either_epoch(alice, workspace, epoch):
    job = upload(alice, workspace, workbook(epoch), name="book.xlsx")
    assert job.settings["sheets"] == ["Nothing", "People", "Other"]
    assert (job.settings["sheet"], types_of(job)[:2]) == ("People", ["text", "date"])
    job = run(alice, job)
    assert rows_of(alice, job.record)[0][:3] == ["007", "1999-12-31", "0.3"]


def test_another_sheet(alice, workspace):
    job = upload(alice, workspace, workbook(), name="book.xlsx")
    with alice.acting() as actor:
        job = services.change(job=job, actor=actor, settings={"sheet": "Other"})
    assert rows_of(alice, run(alice, job).record) == [["5"]]
    with alice.acting() as actor, pytest.raises(Invalid, match="no sheet"):
        job = upload(alice, workspace, workbook(), name="book.xlsx", settings={"sheet": "Gone"})


def test_zip_bomb_is_refused(alice, workspace):
    import zipfile

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * (501 * 1024**2))
    with pytest.raises(Invalid, match="unpacks to"):
        upload(alice, workspace, file.getvalue(), name="bomb.xlsx")


def test_refused_cells_stop_everything_or_only_their_rows(alice, workspace, make_record):
    record = make_record("Stock", item="text", amount="integer", day="date")
    data = "item,amount,day\nnut,1,2026-01-31\nbolt,many,2026-02-30\nnail,3,\n"
    job = bring_in(alice, workspace, data, record=record)
    assert (job.state, job.refused, job.created) == ("failed", 1, 0)
    assert rows_of(alice, record) == []
    told = [(r.row, r.column, r.value) for r in refusals_of(alice, job)]
    assert told == [(3, "amount", "many"), (3, "day", "2026-02-30")]
    assert all(r.reason for r in refusals_of(alice, job))
    job = bring_in(alice, workspace, data, record=record, on_error="skip_bad")
    assert (job.state, job.refused, job.created) == ("done", 1, 2)
    assert rows_of(alice, record) == [["nut", "1", "2026-01-31"], ["nail", "3", None]]


def test_required_and_unique_are_refusals(alice, workspace, make_record):
    record = make_record(
        "Stock", code={"type": "text", "required": True, "unique": True}, n="integer"
    )
    bring_in(alice, workspace, "code,n\na,1\n", record=record)
    data = "code,n\nb,1\n,2\na,3\nb,4\nc,5\n"
    job = bring_in(alice, workspace, data, record=record, on_error="skip_bad")
    assert [row[0] for row in rows_of(alice, record)] == ["a", "b", "c"]
    reasons = {r.row: r.reason for r in refusals_of(alice, job)}
    assert set(reasons) == {3, 4, 5}
    assert "required" in reasons[3]
    assert "already" in reasons[4]
    assert "earlier row" in reasons[5]


def test_required_field_without_a_column_is_told_before(alice, workspace, make_record):
    record = make_record("Stock", code={"type": "text", "required": True}, n="integer")
    job = upload(alice, workspace, "n\n1\n", record=record)
    with pytest.raises(Invalid, match="required"):
        run(alice, job)


def test_upsert_updates_adds_and_leaves_alone(alice, workspace, make_record):
    record = make_record("Stock", code="text", n="integer", note="text")
    bring_in(alice, workspace, "code,n,note\na,1,x\nb,2,y\nc,3,z\n", record=record)
    data = "code,n\na,1\nb,20\nd,4\n,5\nd,6\n"
    how = {"record": record, "mode": "upsert", "keys": ["code"], "on_error": "skip_bad"}
    job = upload(alice, workspace, data, record=record)
    with alice.acting() as actor:
        job = services.change(
            job=job, actor=actor, mode="upsert", keys=["code"], on_error="skip_bad"
        )
        tried = services.start(job=job, actor=actor, rehearse=True)
    wanted = {"created": 1, "updated": 1, "unchanged": 1, "refused": 2, "error": ""}
    assert tried.preview == wanted
    assert len(rows_of(alice, record)) == 3
    job = bring_in(alice, workspace, data, **how)
    assert {key: getattr(job, key) for key in wanted} == wanted
    assert rows_of(alice, record) == [
        ["a", "1", "x"],
        ["b", "20", "y"],
        ["c", "3", "z"],
        ["d", "4", None],
    ]


def test_upsert_refuses_an_ambiguous_key(alice, workspace, make_record):
    record = make_record("Stock", code="text", n="integer")
    bring_in(alice, workspace, "code,n\na,1\na,2\n", record=record)
    job = bring_in(alice, workspace, "code,n\na,3\n", record=record, mode="upsert", keys=["code"])
    assert job.state == "failed"
    assert "Several entries" in refusals_of(alice, job)[0].reason


def test_mapping_by_name_new_fields_and_memory(alice, workspace, make_record):
    record = make_record("Stock", item_name="text", amount="integer")
    job = upload(alice, workspace, "Item Name,Qty,Extra\nnut,5,x\n", record=record)
    assert [item.get("field") for item in job.mapping] == ["item_name", None, None]
    assert job.mapping[1]["skip"]
    columns = [
        job.mapping[0],
        {"column": 1, "field": "amount"},
        {"column": 2, "label": "Extra", "type": "text"},
    ]
    run(alice, job, columns=columns)
    assert rows_of(alice, record) == [["nut", "5", "x"]]
    job = upload(alice, workspace, "Item Name,Qty,Extra\nbolt,6,y\n", record=record)
    assert [item.get("field") for item in job.mapping] == ["item_name", None, "extra"]
    run(alice, job, columns=[job.mapping[0], {"column": 1, "field": "amount"}, job.mapping[2]])
    job = upload(alice, workspace, "Item Name,Qty,Extra\nbolt,6,y\n", record=record)
    assert [item.get("field") for item in job.mapping] == ["item_name", "amount", "extra"]


def test_import_is_one_operation_that_names_its_file(alice, workspace):
    job = bring_in(alice, workspace, "a,b\n1,2\n")
    with alice.acting():
        events = Event.objects.filter(operation_id=job.operation_id)
        assert {event.type for event in events} == {"record.created", "entries.created"}
        assert events[0].cause["sha256"] == job.sha256
        assert events[0].cause["import"] == str(job.pk)


def test_a_job_runs_once(alice, workspace):
    job = bring_in(alice, workspace, "a,b\n1,2\n")
    with alice.acting() as actor:
        assert services.run_now(job) is None
        with pytest.raises(Conflict):
            services.start(job=job, actor=actor)
    assert len(rows_of(alice, job.record)) == 1


def test_who_may(alice, bob, charlie, workspace, make_record):
    record = make_record("Stock", item="text")
    with pytest.raises(Forbidden):
        upload(bob, workspace, "a\n1\n")  # an editor makes no records
    with pytest.raises(Missing):
        upload(charlie, workspace, "item\n1\n", record=record)
    job = upload(bob, workspace, "item\nnut\n", record=record)
    with pytest.raises(Forbidden):
        run(bob, job, columns=[{"column": 0, "label": "New", "type": "text"}])
    with charlie.acting():
        assert services.find(job.pk) is None
    with bob.acting():
        job = services.find(job.pk)
    assert run(bob, job).state == "done"
    assert rows_of(alice, record) == [["nut"]]


def test_every_type_takes_what_it_can(alice, workspace, make_record):
    record = make_record(
        "All",
        t="text",
        b="boolean",
        d="date",
        m="datetime",
        c={"type": "choice", "options": {"choices": ["Red", "Blue"]}},
        cs={"type": "choices", "options": {"choices": ["Red", "Blue"]}},
        p={"type": "percent", "options": {"scale": 1}},
        u={"type": "currency", "options": {"currency": "USD"}},
        s="duration",
        e="user",
    )
    values = ["x", "Yes", "31.5.2026", "2026-05-31T12:00:00+02:00", "blue", "red,Blue"]
    values += ["12.5%", "$1,234.50", "1:30", "bob@example.com"]
    keys = ["t", "b", "d", "m", "c", "cs", "p", "u", "s", "e"]
    data = json.dumps([dict(zip(keys, values, strict=True))])
    job = upload(alice, workspace, data, name="x.json", record=record)
    assert job.mapping[2]["form"] == "dmy"
    job = run(alice, job)
    row = rows_of(alice, record)[0]
    assert row[:9] == [
        "x",
        "true",
        "2026-05-31",
        "2026-05-31 10:00:00+00",
        "2",
        "{1,2}",
        "0.125",
        "1234.50",
        "01:30:00",
    ]
    assert row[9] is not None
