"""What is documented is what is there."""

from pathlib import Path

import pytest

from records import edits, fields

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("key", sorted(fields.TYPES))
def test_every_field_type_is_documented_with_its_operators(key):
    row = next(
        line
        for line in (DOCS / "fields.md").read_text().splitlines()
        if line.startswith(f"| `{key}` |")
    )
    assert all(f"`{operator.key}`" in row for operator in fields.get(key).operators)
    assert all(f"`{name}`" in row for name in fields.get(key).Options.model_fields)


@pytest.mark.parametrize("change", edits.CHANGES)
def test_every_change_of_a_structure_is_documented(change):
    assert f"`{change}`" in (DOCS / "structures.md").read_text()
