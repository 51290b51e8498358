"""The founding document's example: an Inventory Record with two entries."""

from django.db import connection

from records.tests.helpers import add, sql

INVENTORY = {
    "ItemID": "integer",
    "Item name": "text",
    "Quantity": "integer",
    "Price": {"type": "decimal", "options": {"precision": 10, "scale": 2}},
}


def test_tables_and_columns_are_those_of_the_document(alice, workspace, make_record):
    specs = {
        label: spec if isinstance(spec, dict) else {"type": spec}
        for label, spec in INVENTORY.items()
    }
    record = make_record(
        "Inventory Record", **{label: spec | {"label": label} for label, spec in specs.items()}
    )
    add(
        alice,
        record,
        {"item_id": 1001, "item_name": "Apple", "quantity": 50, "price": "0.99"},
        {"item_id": 1002, "item_name": "Banana", "quantity": 75, "price": "0.79"},
    )
    assert record.table_name == f"inventory_record_{record.number}_entries"
    with connection.cursor() as cursor:

        def columns(table):
            return {c.name for c in connection.introspection.get_table_description(cursor, table)}

        assert {"workspace_id", "workspace_name", "created_at", "updated_at"} <= columns(
            "workspaces"
        )
        assert {
            "record_id",
            "workspace_id",
            "record_name",
            "table_name",
            "created_at",
            "updated_at",
        } <= columns("records")
        assert {"structure_id", "structure", "version", "created_at", "updated_at"} <= columns(
            "record_structures"
        )
        assert {
            "entry_id",
            "item_id",
            "item_name",
            "quantity",
            "price",
            "created_at",
            "updated_at",
        } <= columns(record.table_name)
    with alice.acting():
        rows = sql(
            f"SELECT item_id, item_name, quantity, price::text FROM {record.table_name} ORDER BY entry_id"
        )
        assert rows == [(1001, "Apple", 50, "0.99"), (1002, "Banana", 75, "0.79")]
        assert sql("SELECT structure_id, version FROM record_structures") == [(record.pk, 1)]
        apples = record.model.objects.filter(price__gt="0.80").values_list("item_name", flat=True)
        assert list(apples) == ["Apple"]
