"""A type is guessed only when every value can be had back from it."""

import pytest

from records.imports.guess import Column


def guess(*cells, repeat=1):
    column = Column()
    column.feed(tuple(cells) * repeat)
    return column.result(len(cells) * repeat)


@pytest.mark.parametrize(
    ("cells", "type"),
    [
        (["1", "-20", "0"], "integer"),
        (["1", "", " 2 "], "integer"),
        (["007", "12"], "text"),
        (["123456789012345678"], "integer"),
        (["1234567890123456789"], "text"),
        (["+49", "12"], "text"),
        (["-0"], "text"),
        (["1.5", "2"], "decimal"),
        (["1.", "2"], "text"),
        (["1e5"], "text"),
        (["1,5"], "text"),
        (["0", "1"], "integer"),
        (["TRUE", "false"], "boolean"),
        (["yes", "No"], "boolean"),
        (["2026-02-28", "2024-02-29"], "date"),
        (["2026-02-30"], "text"),
        (["1996-07-04 00:00:00.000"], "date"),
        (["2026-05-31 10:00"], "datetime"),
        (["2026-05-31T10:00:00Z", "2026-05-31T10:00:00+02:00"], "datetime"),
        (["2026-05-31T10:00:00Z", "2026-05-31T10:00:00"], "text"),
        (["2026-05-31", "2026-05-31 10:00"], "text"),
        (["2026-05-31", "31.5.2026"], "text"),
        (["31.5.2026", "1.6.2026"], "date"),
        (["5/31/2026", "6/1/2026"], "date"),
        (["5/6/2026", "6/1/2026"], "text"),
        (["13/1/2026", "1/13/2026"], "text"),
        (["a@b.de", "c@d.org"], "email"),
        (["https://a.de/x?y", "http://b.org"], "url"),
        (["javascript:alert(1)"], "text"),
        (["01890a5d-ac96-774b-bcce-b302099a8057"], "uuid"),
        (["01890A5D-AC96-774B-BCCE-B302099A8057"], "text"),
        (['{"a": 1}', "[]"], "json"),
        (['{"a": 1, "a": 2}'], "text"),
        (["[1, NaN]"], "text"),
        (["x" * 256], "long_text"),
        (["two\nlines"], "long_text"),
        (["", ""], "text"),
        (["NA", "1"], "integer"),
        (["NA", "NULL"], "text"),
        (["٣", "1"], "text"),
    ],
)
def test_guess(cells, type):
    assert guess(*cells)["type"] == type


def test_forms_of_dates():
    assert guess("31.5.2026")["form"] == "dmy"
    assert guess("5/31/2026")["form"] == "mdy"


def test_marks_of_nothing_are_taken_beside_numbers_only():
    assert guess("NA", "1")["nulls"] == ["NA"]
    assert guess("NA", "DE")["nulls"] == []  # Namibia
    assert guess("NA", "DE")["missing"] == {"NA": 1}


def test_few_labels_of_many_rows_are_a_choice():
    assert guess("red", "blue", repeat=30)["options"] == {"choices": ["blue", "red"]}
    assert guess("red", "blue", repeat=10)["type"] == "text"
    assert guess("red", "Red", repeat=30)["type"] == "text"
    assert guess("01", "02", repeat=30)["type"] == "text"
    assert guess("a ", "b", repeat=30)["type"] == "text"
    assert guess(*(f"l{n}" for n in range(13)), repeat=50)["type"] == "text"


def test_scale_is_the_longest_seen():
    assert guess("1.5", "2.125")["options"]["scale"] == 3


def test_whole_file_counts_not_its_head():
    column = Column()
    column.feed(("1",) * 10_000)
    column.feed(("1", "x"))
    assert column.result(10_002)["type"] == "text"
