"""Columns that COPY parses by itself; the others come by way of text."""

import pytest

from records.imports import staging
from records.tests.imports import bring_in, rows_of


@pytest.fixture
def staged(monkeypatch):
    """Collect the types that staging tables were made with, one dict a table."""
    seen, create = [], staging.create

    def note(width, types):
        seen.append(types)
        create(width, types)

    monkeypatch.setattr(staging, "create", note)
    return seen


def test_na_is_nothing_among_numbers_and_namibia_among_texts(alice, workspace, staged):
    data = "country,n,day\nNA,1,2026-01-31\nDE,NA,NA\n,3,2026-02-01\n"
    job = bring_in(alice, workspace, data)
    assert staged == [{1: "bigint", 2: "date"}]
    expected = [["NA", "1", "2026-01-31"], ["DE", None, None], [None, "3", "2026-02-01"]]
    assert rows_of(alice, job.record) == expected


def test_the_mark_that_most_columns_have_is_taken(alice, workspace, staged):
    data = "a,b,c,d\n1,NA,NULL,1\n2,2,2,\nNA,3,3,NA\n"
    job = bring_in(alice, workspace, data)
    assert staged == [{0: "bigint", 1: "bigint"}]
    assert rows_of(alice, job.record) == [
        ["1", None, None, "1"],
        ["2", "2", "2", None],
        [None, "3", "3", None],
    ]


def test_a_quoted_mark_is_nothing_all_the_same(alice, workspace, staged):
    job = bring_in(alice, workspace, 'a,b\n1,NA\n2,"NA"\n3,4\n')
    assert rows_of(alice, job.record) == [["1", None], ["2", None], ["3", "4"]]


def test_entries_say_whose_import_made_them(alice, workspace):
    job = bring_in(alice, workspace, "a,b\n1,2\n")
    made_by = rows_of(alice, job.record, "created_by", "updated_by")
    assert made_by == [[str(alice.user.pk)] * 2]
