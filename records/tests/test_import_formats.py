"""Every format of files: what a good one gives, and that a bad one is told in a sentence.

A new ending in records.imports.sources needs a sample here; all tests then run on it.
"""

import datetime as dt
import json
import re
import tempfile
from pathlib import Path

import pytest
from django.conf import settings

from records.imports import services, sources
from records.jobs import ImportJob
from records.models import Record
from records.tests import workbooks
from records.tests.imports import bring_in, refusals_of, rows_of, run, types_of, upload
from workspaces.errors import Invalid

DAY = dt.date(1999, 12, 31)
ROWS = [["code", "born", "share", "ok"], ["007", DAY, 0.1 + 0.2, True], ["Bö", None, 5, False]]
SEEN = [["007", "1999-12-31", "0.3", "true"], ["Bö", None, "5.0", "false"]]
OBJECTS = [
    {"code": "007", "born": "1999-12-31", "share": 0.3, "ok": True},
    {"code": "Bö", "born": None, "share": 5.0, "ok": False},
]
BOOK = {"Nothing": [], "People": ROWS, "Other": [["x"], [5]]}


def delimited(mark):
    lines = ["code,born,share,ok", "007,1999-12-31,0.3,true", "Bö,,5.0,false", ""]
    return "\n".join(lines).replace(",", mark).encode()


SAMPLES = {
    ".csv": delimited(","),
    ".tsv": delimited("\t"),
    ".tab": delimited("\t"),
    ".txt": delimited(";"),
    ".psv": delimited("|"),
    ".xlsx": workbooks.xlsx(BOOK),
    ".xlsm": workbooks.xlsx(BOOK),
    ".xls": workbooks.xls(BOOK),
    ".xlsb": workbooks.xlsb(BOOK),
    ".ods": workbooks.ods(BOOK),
    ".json": json.dumps(OBJECTS).encode(),
    ".ndjson": "\n".join(map(json.dumps, OBJECTS)).encode(),
    ".jsonl": "\r\n".join(map(json.dumps, OBJECTS)).encode(),
}
BOOKS = [".xlsx", ".xls", ".xlsb", ".ods"]


@pytest.fixture
def refused(alice, workspace, tmp_path, monkeypatch):
    """Upload what can't be taken; check that nothing stays of it, and return the sentence."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    def attempt(data, name):
        with pytest.raises(Invalid) as error:
            upload(alice, workspace, data, name=name)
        with alice.acting():
            assert not ImportJob.objects.exists()
            assert not Record.objects.exists()
        assert [p for p in Path(settings.MEDIA_ROOT).rglob("*") if p.is_file()] == []
        assert list(scratch.iterdir()) == []
        sentence = error.value.detail
        assert re.fullmatch(r"[A-Z“].{10,250}\.", sentence, re.DOTALL), sentence
        assert "Error" not in sentence
        assert "Traceback" not in sentence
        return sentence

    return attempt


def test_every_ending_has_a_sample():
    endings = {ending for member in sources.FORMATS.values() for ending in member.endings}
    assert endings == set(SAMPLES)


@pytest.mark.parametrize("ending", SAMPLES)
def test_a_file_of_each_kind_gives_the_same(alice, workspace, ending):
    job = upload(alice, workspace, SAMPLES[ending], name=f"people{ending}")
    assert types_of(job) == ["text", "date", "decimal", "boolean"]
    job = run(alice, job)
    assert job.state == "done", job.error
    assert rows_of(alice, job.record) == SEEN


@pytest.mark.parametrize("ending", SAMPLES)
def test_a_file_with_the_wrong_name_is_known_by_what_it_holds(alice, workspace, ending):
    if ending in (".json", ".jsonl", ".ndjson", *BOOKS):
        job = upload(alice, workspace, SAMPLES[ending], name="people")
        assert [column["name"] for column in job.analysis["columns"]] == ROWS[0]


@pytest.mark.parametrize("ending", [*BOOKS, ".json", ".ndjson", ".jsonl"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6])
def test_a_file_that_was_cut_off(refused, ending, share):
    data = SAMPLES[ending]
    refused(data[: max(5, int(len(data) * share))], f"people{ending}")


@pytest.mark.parametrize("share", [0.5, 0.9, 0.98])
def test_an_old_workbook_that_was_cut_off_loses_no_rows_in_silence(refused, share):
    book = workbooks.xls({"S": [["a"], *([f"row {number}"] for number in range(1500))]})
    assert "damaged" in refused(book[: int(len(book) * share)], "long.xls")


@pytest.mark.parametrize("ending", BOOKS)
def test_another_file_under_a_workbooks_name(refused, ending):
    assert "damaged" in refused(b"code,born\n1,2\n", f"people{ending}")


@pytest.mark.parametrize("ending", BOOKS)
@pytest.mark.parametrize("day", [dt.date(1904, 1, 2), DAY, dt.date(2026, 2, 28)])
def test_days_counted_from_1904(alice, workspace, ending, day):
    book = workbooks.FORMATS[ending[1:]]({"S": [["day"], [day]]}, early=True)
    job = bring_in(alice, workspace, book, name=f"days{ending}")
    assert rows_of(alice, job.record) == [[str(day)]]


@pytest.mark.parametrize("ending", BOOKS)
def test_another_sheet_of_each_kind(alice, workspace, ending):
    job = upload(alice, workspace, SAMPLES[ending], name=f"book{ending}")
    assert job.settings["sheets"] == ["Nothing", "People", "Other"]
    assert job.settings["sheet"] == "People"
    with alice.acting() as actor:
        with pytest.raises(Invalid, match="no sheet “Gone”; there are Nothing, People, Other"):
            services.change(job=job, actor=actor, settings={"sheet": "Gone"})
        job = services.change(job=services.find(job.pk), actor=actor, settings={"sheet": "Other"})
    assert rows_of(alice, run(alice, job).record) == [["5"]]


@pytest.mark.parametrize("ending", BOOKS)
def test_a_workbook_without_cells(refused, ending):
    book = workbooks.FORMATS[ending[1:]]({"S": []})
    assert "no cells" in refused(book, f"empty{ending}")


@pytest.mark.parametrize("name", ["a.xlsx", "a.xlsb", "a.xlsm"])
def test_excel_locked_by_a_password(refused, name):
    book = workbooks.compound({"EncryptionInfo": b"x", "EncryptedPackage": b"y" * 5000})
    assert "locked by a password" in refused(book, name)


def test_old_and_open_workbooks_locked_by_a_password(refused):
    assert "locked by a password" in refused(workbooks.locked_xls(), "a.xls")
    lock = workbooks.ODS_MANIFEST.format(workbooks.ODS_LOCK).encode()
    book = workbooks.repacked(SAMPLES[".ods"], "META-INF/manifest.xml", lambda _: lock)
    assert "locked by a password" in refused(book, "a.ods")


def test_a_sheet_that_claims_to_be_huge_is_as_large_as_its_cells(alice, workspace):
    def claim(xml):
        return re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:XFD1048576"', xml)

    book = workbooks.xlsx({"S": [["a", "b"], ["x", 1]]})
    book = workbooks.repacked(book, "xl/worksheets/sheet1.xml", claim)
    job = bring_in(alice, workspace, book, name="claim.xlsx")
    assert rows_of(alice, job.record) == [["x", "1"]]


def test_two_cells_at_the_far_ends_of_a_sheet(refused):
    def move(xml):
        return xml.replace(b'r="B2"', b'r="XFD1048576"').replace(b'<row r="2"', b'<row r="1048576"')

    book = workbooks.xlsx({"S": [["a"], [None, 7]]})
    book = workbooks.repacked(book, "xl/worksheets/sheet1.xml", move)
    assert "far apart" in refused(book, "far.xlsx")


REPEATED = (
    '<table:table-row table:number-rows-repeated="{}">'
    '<table:table-cell table:number-columns-repeated="{}" office:value-type="string">'
    "<text:p>{}</text:p></table:table-cell></table:table-row>"
)


@pytest.mark.parametrize("times", [(1048576, 16384), (2**31 - 1, 2**31 - 1), (6000, 1000)])
def test_an_open_workbook_that_repeats_one_cell(refused, times):
    book = workbooks.ods({"S": [REPEATED.format(*times, "x")]})
    assert "cells; 5,000,000 is the most" in refused(book, "bomb.ods")


def test_an_open_workbook_filled_up_with_nothing(alice, workspace):
    rest = REPEATED.format(1048574, 16384, "").replace(' office:value-type="string"', "")
    book = workbooks.ods({"S": [["a", "b"], ["x", 1], rest.replace("<text:p></text:p>", "")]})
    job = bring_in(alice, workspace, book, name="filled.ods")
    assert rows_of(alice, job.record) == [["x", "1"]]


def test_a_zip_that_lies_about_its_size(refused):
    import struct

    large = 30 * 1024**2
    book = workbooks.repacked(
        SAMPLES[".xlsx"],
        "xl/sharedStrings.xml",
        lambda xml: xml.replace(b"</sst>", b" " * (large - len(xml)) + b"</sst>"),
    )
    lie = book.replace(struct.pack("<I", large), struct.pack("<I", 1000))
    assert lie != book
    assert "damaged" in refused(lie, "lie.xlsx")


def test_a_workbook_of_too_many_parts(refused):
    book = workbooks.packed({f"xl/{number}.xml": b"" for number in range(10_001)})
    assert "unpacks to" in refused(book, "parts.xlsx")


NAMES = [f"c{number}" for number in range(5000)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("wide.csv", ",".join(NAMES) + "\n" + ",".join(NAMES)),
        ("wide.xlsx", workbooks.xlsx({"S": [NAMES, NAMES]})),
        ("wide.ods", workbooks.ods({"S": [NAMES, NAMES]})),
        ("wide.json", json.dumps([dict.fromkeys(NAMES, 1)])),
        ("wide.ndjson", json.dumps(dict.fromkeys(NAMES, 1))),
        # A key of its own in each of 30,000 lines would be 900 million cells.
        ("sparse.ndjson", "\n".join(f'{{"k{n}": 1}}' for n in range(30_000))),
        ("sparse.json", json.dumps([{f"k{n}": 1} for n in range(30_000)])),
    ],
)
def test_five_thousand_columns(refused, name, data):
    assert "500" in refused(data, name)


@pytest.mark.parametrize("ending", ["csv", "json", "ndjson"])
def test_a_cell_of_ten_megabytes_goes_in_and_a_larger_one_does_not(
    alice, workspace, refused, ending
):
    def written(length):
        text = "x" * length
        if ending == "csv":
            return f"a,b\n{text},1\n"
        row = json.dumps({"a": text, "b": 1})
        return row if ending == "ndjson" else f"[{row}]"

    most = 10 * 1024**2
    assert "10 MB" in refused(written(most + 1), f"large.{ending}")
    job = bring_in(alice, workspace, written(most), name=f"large.{ending}")
    assert job.state == "done", job.error
    assert len(rows_of(alice, job.record)[0][0]) == most


def test_nul_in_json_is_refused_with_its_row(alice, workspace):
    data = '[{"a": "x", "b": 1}, {"a": "y\\u0000z", "b": 2}]'
    job = bring_in(alice, workspace, data, name="x.json", on_error="skip_bad")
    assert rows_of(alice, job.record) == [["x", "1"]]
    assert [(r.row, r.column) for r in refusals_of(alice, job)] == [(3, "a")]


@pytest.mark.parametrize("ending", ["json", "ndjson"])
def test_half_characters_become_question_marks(alice, workspace, ending):
    data = '{"na\\ud800me": "a\\udfffb", "n": {"deep": "\\ud800"}, "z\\u0000": 1}'
    data = data if ending == "ndjson" else f"[{data}]"
    job = upload(alice, workspace, data, name=f"x.{ending}")
    assert [column["name"] for column in job.analysis["columns"]] == ["na?me", "n", "z"]
    job = run(alice, job)
    assert job.state == "done", job.error
    assert rows_of(alice, job.record) == [["a?b", '{"deep": "?"}', "1"]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": ', "no JSON"),
        ('{"a": 1} {"a": 2}', "no JSON"),
        ("a: 1", "no JSON"),
        ("[1, 2]", "no object"),
        ("null", "no object"),
        ('"text"', "no object"),
        ('{"a": "\udcff"}', "not written in UTF-8"),
        ('{"a": ' + "[" * 100_000 + "}", "nests too deep"),
    ],
)
def test_a_broken_line_is_named(refused, line, reason):
    data = f'{{"a": 1}}\n\n{{"a": 2}}\n{line}\n{{"a": 3}}\n'
    sentence = refused(data.encode("utf-8", "surrogateescape"), "x.ndjson")
    assert sentence.startswith("Line 4 is no")
    assert reason in sentence


@pytest.mark.parametrize("depth", [50, 300, 40_000, 1_000_000])
@pytest.mark.parametrize("ending", ["json", "ndjson"])
def test_json_as_deep_as_it_likes(alice, workspace, depth, ending):
    cell = "[" * depth + "]" * depth
    data = f'{{"a": {cell}, "b": 1}}'
    data = data if ending == "ndjson" else f"[{data}]"
    if depth > 300:
        with pytest.raises(Invalid, match="nests too deep"):
            upload(alice, workspace, data, name=f"x.{ending}")
        return
    job = bring_in(alice, workspace, data, name=f"x.{ending}")
    assert job.state == "done", job.error
    assert rows_of(alice, job.record) == [[cell, "1"]]
