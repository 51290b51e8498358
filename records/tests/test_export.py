"""What goes out comes back as the same data, and runs nowhere on the way."""

import asyncio
import csv
import io
import json

import pytest
from django.urls import reverse

from records import export_views
from records.entries import create_entries
from records.models import Record
from records.query import Query
from records.tests.imports import bring_in, rows_of, types_of, upload

NASTY = [
    "=1+1",
    "+49 30",
    "-x",
    "@x",
    "\ttab",
    "'=quoted",
    "''=x",
    "'tis",
    "-5",
    'a "b", c',
    "%s 100%",
]


@pytest.fixture
def all_kinds(make_record, alice):
    record = make_record(
        "All, kinds",
        t="text",
        long="long_text",
        i="integer",
        d={"type": "decimal", "options": {"scale": 3}},
        m={"type": "currency", "options": {"currency": "USD"}},
        p={"type": "percent", "options": {"scale": 1}},
        b="boolean",
        day="date",
        at="datetime",
        span="duration",
        c={"type": "choice", "options": {"choices": ["=Red", "100% Blue"]}},
        cs={"type": "choices", "options": {"choices": ["One", "Two"]}},
        e="email",
        u="url",
        j="json",
        x="uuid",
        who="user",
        made="created_at",
    )
    full = {
        "t": "=1+1",
        "long": 'two\nlines, and "quotes"',
        "i": -5,
        "d": "-1.125",
        "m": "1234.50",
        "p": "0.125",
        "b": False,
        "day": "1905-02-28",
        "at": "2026-05-31T10:00:00.5Z",
        "span": "-1:30:00",
        "c": "=Red",
        "cs": ["Two", "One"],
        "e": "a@b.de",
        "u": "https://a.de/?x=1",
        "j": {"a": [1.5, "=x", None]},
        "x": "01890a5d-ac96-774b-bcce-b302099a8057",
        "who": str(alice.user.pk),
    }
    with alice.acting() as actor:
        rows = [full, {}, *({"t": text} for text in NASTY)]
        create_entries(record=record, rows=rows, actor=actor)
    return record


def download(person, record, form, **params):
    response = person.client.get(reverse("record-export", args=[record.pk, form]), params)
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


@pytest.mark.parametrize("form", ["csv", "json", "ndjson", "xlsx"])
def test_round_trip(alice, workspace, all_kinds, form):
    data = download(alice, all_kinds, form)
    with alice.acting():
        keys = [f.key for f in all_kinds.structure.columns]
    before = rows_of(alice, all_kinds, *keys)
    job = bring_in(alice, workspace, data, name=f"x.{form}", record=all_kinds)
    assert job.state == "done", job.error
    after = rows_of(alice, all_kinds, *keys)
    assert len(after) == 2 * len(before)
    assert after[len(before) :] == before


def test_a_new_record_of_an_export_has_the_same_types(alice, workspace, make_record):
    record = make_record("Kinds", t="text", i="integer", day="date", b="boolean", e="email")
    with alice.acting() as actor:
        row = {"t": "007", "i": 5, "day": "2026-05-31", "b": True, "e": "a@b.de"}
        create_entries(record=record, rows=[row], actor=actor)
    for form in ("csv", "json", "ndjson", "xlsx"):
        data = download(alice, record, form)
        job = upload(alice, workspace, data, name=f"x.{form}")
        assert types_of(job) == ["text", "integer", "date", "boolean", "email"], form


def test_csv_is_safe_in_spreadsheets(alice, all_kinds):
    text = download(alice, all_kinds, "csv").decode()
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            assert cell[:1] not in ("=", "+", "@", "\t", "\r"), cell
            assert cell[:1] != "-" or cell[1:2].isdigit()


def test_one_column_with_empty_cells(alice, workspace, make_record):
    record = make_record("One", t="text")
    with alice.acting() as actor:
        create_entries(record=record, rows=[{"t": "a"}, {}, {"t": "b"}], actor=actor)
    data = download(alice, record, "csv")
    job = bring_in(alice, workspace, data, record=record)
    assert rows_of(alice, job.record)[3:] == [["a"], [None], ["b"]]


def test_a_view_is_exported_as_it_is_shown(alice, make_record):
    record = make_record("Stock", code="text", n="integer")
    with alice.acting() as actor:
        rows = [{"code": f"c{n}", "n": n} for n in range(10)]
        create_entries(record=record, rows=rows, actor=actor)
    where = json.dumps({"field": "n", "op": "gt", "value": 6})
    data = download(alice, record, "csv", where=where, sort="-n", fields="n")
    assert data.decode() == "N\n9\n8\n7\n"
    data = download(alice, record, "json", search="c3", fields="code,n")
    assert json.loads(data) == [{"code": "c3", "n": 3}]
    assert json.loads(download(alice, record, "json", search="zzz")) == []
    assert download(alice, record, "csv", bom=1).startswith(b"\xef\xbb\xbfCode,N\n")


def test_wrong_questions_are_told(alice, make_record):
    record = make_record("Stock", code="text")
    url = reverse("record-export", args=[record.pk, "csv"])
    assert alice.client.get(url, {"where": "{"}).status_code == 422
    assert alice.client.get(url, {"fields": "gone"}).status_code == 422
    assert alice.client.get(url.replace(".csv", ".exe")).status_code == 404


@pytest.mark.parametrize("form", export_views.TYPES)
def test_what_the_database_refuses_is_told_before_the_first_byte(
    alice, make_record, form, monkeypatch
):
    """Where a condition passes that no value of its field can meet."""
    record = make_record("Stock", at="datetime")
    monkeypatch.setattr(Query, "_value", lambda self, value, *about: value)
    where = {"where": '{"field":"at","op":"lt","value":"2026-01-01T00:00:00+23:59"}'}
    page = alice.client.get(reverse("record-export", args=[record.pk, form]), where)
    assert page.status_code == 422
    home = f"/api/v1/records/{record.pk}/"
    for path, asked in (("export/", form), ("entries/", "ndjson")):
        answer = alice.client.get(home + path, where | {"format": asked})
        assert answer.status_code == 422, path
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_dialog_and_progress(alice, make_record):
    record = make_record("Stock", code="text")
    url = reverse("record-export-choose", args=[record.pk])
    page = alice.client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in page
    assert "NDJSON" in page
    assert alice.client.get(url, {"token": "t1"}).json() == {"done": 0, "over": False}
    download(alice, record, "csv", token="t1")
    assert alice.client.get(url, {"token": "t1"}).json() == {"done": 0, "over": True}


def test_a_stream_of_a_thread_gives_all_and_passes_errors_on():
    def chunks():
        yield from (b"a", b"b")
        raise ValueError("broken")

    got = []

    async def read():
        async for chunk in export_views.from_thread(chunks()):
            got.append(chunk)

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(read())
    assert got == [b"a", b"b"]


def test_records_of_others_are_not_exported(charlie, make_record):
    record = make_record("Stock", code="text")
    assert isinstance(record, Record)
    url = reverse("record-export", args=[record.pk, "csv"])
    assert charlie.client.get(url).status_code == 404
