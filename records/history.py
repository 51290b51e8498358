"""The SQL by which a record's table keeps every superseded image and logs every statement.

Measured against triggers per row and events written by Python: docs/architecture.md, "Writing".
Each statement takes a tag (the id of the event it will write) before its first row; rows carry
the tag of the event that wrote them in `_ev`, and the twin table keeps what they were, with the
half-open span of tags [_ev, _ev_to) during which they were so.
"""

from records.names import SYSTEM_COLUMNS

# A statement of more rows is planned anew with true numbers: a plan kept from single-row ones
# joins the transition tables by nested loops (300 s for 50,000 rows). Its event names the first
# and last entry instead of all; the tag finds the rest.
FEW = 200

BEFORE = """
CREATE OR REPLACE FUNCTION kdap_take_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config(TG_ARGV[0], nextval('events_event_id_seq')::text, true);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION kdap_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tag bigint := current_setting(TG_ARGV[0])::bigint;
BEGIN
    IF NEW.entry_id <> OLD.entry_id THEN
        RAISE EXCEPTION 'entry_id can''t be changed' USING ERRCODE = 'check_violation';
    END IF;
    -- A statement that waited for another's row lock can hold the older tag. Time must not run
    -- backwards in a row's history, so this statement goes on under a newer one.
    IF OLD._ev >= tag THEN
        tag := nextval('events_event_id_seq');
        PERFORM set_config(TG_ARGV[0], tag::text, true);
    END IF;
    NEW._ev := tag;
    NEW.created_at := OLD.created_at;
    NEW.created_by := OLD.created_by;
    NEW.updated_at := statement_timestamp();
    -- Not kdap_setting: a function in SQL is not inlined here, and would cost half of the trigger.
    NEW.updated_by := NULLIF(current_setting('kdap.user', true), '')::uuid;
    RETURN NEW;
END $$;
"""

AFTER = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    rows bigint;
    latest bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT count(*) INTO rows FROM (SELECT FROM fresh LIMIT {few} + 1) AS sample;
        IF rows <= {few} THEN
            {insert_few};
        ELSE
            {insert_many};
        END IF;
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT count(*) INTO rows FROM (SELECT FROM fresh LIMIT {few} + 1) AS sample;
        IF rows = 0 THEN
            RETURN NULL;
        ELSIF rows <= {few} THEN
            {update_few};
        ELSE
            EXECUTE $sql${update_many}$sql$;
        END IF;
    ELSE
        SELECT max(_ev), count(*) INTO latest, rows FROM stale;
        IF rows = 0 THEN
            RETURN NULL;
        END IF;
        IF latest >= current_setting('kdap.tag_d{number}')::bigint THEN
            PERFORM set_config('kdap.tag_d{number}', nextval('events_event_id_seq')::text, true);
        END IF;
        INSERT INTO {twin} ({columns}, _ev_to, _op)
        SELECT {columns}, current_setting('kdap.tag_d{number}')::bigint, 'D' FROM stale;
        IF rows <= {few} THEN
            {delete_few};
        ELSE
            {delete_many};
        END IF;
    END IF;
    RETURN NULL;
END $body$;
"""

INSERT = """INSERT INTO events (event_id, type, payload, stream_id, workspace_id, count, digest)
            SELECT _ev, 'entries.created', {ids}, '{record}', '{workspace}', count(*), {digest}
            FROM fresh GROUP BY _ev"""

DELETE = """INSERT INTO events (event_id, type, payload, stream_id, workspace_id, count, digest)
            SELECT current_setting('kdap.tag_d{number}')::bigint, 'entries.deleted', {ids},
                   '{record}', '{workspace}', count(*), {digest} FROM stale"""

UPDATE = """WITH kept AS (
                INSERT INTO {twin} ({columns}, _ev_to, _op)
                SELECT {stale_columns}, fresh._ev, 'U'
                FROM stale JOIN fresh USING (entry_id) WHERE fresh._ev <> stale._ev
            )
            INSERT INTO events
                (event_id, type, payload, stream_id, workspace_id, changed, count, digest)
            SELECT fresh._ev, 'entries.updated', {ids}, '{record}', '{workspace}',
                   to_jsonb(array_remove(ARRAY[{changed}]::text[], NULL)), count(*), {digest}
            FROM stale JOIN fresh USING (entry_id)
            WHERE fresh._ev <> stale._ev GROUP BY fresh._ev"""

IDS = {
    "few": "jsonb_build_object('ids', jsonb_agg(entry_id))",
    "many": "jsonb_build_object('first', min(entry_id), 'last', max(entry_id))",
}

TRIGGERS = """
DROP TRIGGER IF EXISTS tag_insert ON {table}; DROP TRIGGER IF EXISTS tag_update ON {table};
DROP TRIGGER IF EXISTS tag_delete ON {table}; DROP TRIGGER IF EXISTS stamp ON {table};
DROP TRIGGER IF EXISTS log_insert ON {table}; DROP TRIGGER IF EXISTS log_update ON {table};
DROP TRIGGER IF EXISTS log_delete ON {table}; DROP TRIGGER IF EXISTS stay ON {table};
DROP TRIGGER IF EXISTS stay ON {twin};
CREATE TRIGGER tag_insert BEFORE INSERT ON {table} FOR EACH STATEMENT
    EXECUTE FUNCTION kdap_take_tag('kdap.tag_i{number}');
CREATE TRIGGER tag_update BEFORE UPDATE ON {table} FOR EACH STATEMENT
    EXECUTE FUNCTION kdap_take_tag('kdap.tag_u{number}');
CREATE TRIGGER tag_delete BEFORE DELETE ON {table} FOR EACH STATEMENT
    EXECUTE FUNCTION kdap_take_tag('kdap.tag_d{number}');
CREATE TRIGGER stamp BEFORE UPDATE ON {table} FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
    EXECUTE FUNCTION kdap_stamp('kdap.tag_u{number}');
CREATE TRIGGER log_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER log_update AFTER UPDATE ON {table}
    REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER log_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER stay BEFORE TRUNCATE ON {table} FOR EACH STATEMENT
    EXECUTE FUNCTION kdap_append_only();
CREATE TRIGGER stay BEFORE UPDATE OR DELETE OR TRUNCATE ON {twin} FOR EACH STATEMENT
    EXECUTE FUNCTION kdap_append_only();
"""


def quoted(name):
    """Return `name` as an SQL identifier."""
    return '"{}"'.format(name.replace('"', '""'))


def _digest(row, columns):
    # An exclusive or is the same in any order; ids tell rows apart, so none cancel out.
    listed = ", ".join(f"{row}.{quoted(column)}" for column in columns)
    return f"bit_xor(hash_record_extended(ROW({listed}), 0))"


def function_sql(*, table, twin, record_id, workspace_id, number, columns):
    """Return the SQL of a table's logging function.

    `columns` are all columns that people fill, shelved ones too, as {name: key for the event's
    list of changed fields}; system columns are added here. Run it after every change of columns.
    """
    everything = [*SYSTEM_COLUMNS, *columns, "_ev"]
    listed = ", ".join(map(quoted, everything))
    changed = ", ".join(
        f"CASE WHEN bool_or(stale.{quoted(column)} IS DISTINCT FROM fresh.{quoted(column)}) "
        f"THEN '{key}' END"
        for column, key in columns.items()
    )
    common = {
        "twin": quoted(twin),
        "columns": listed,
        "record": record_id,
        "workspace": workspace_id,
        "number": number,
    }
    stale = ", ".join(f"stale.{quoted(column)}" for column in everything)
    parts = {}
    for size, ids in IDS.items():
        fresh = common | {"ids": ids, "digest": _digest("fresh", everything)}
        parts[f"insert_{size}"] = INSERT.format(**fresh)
        parts[f"update_{size}"] = UPDATE.format(
            **fresh, stale_columns=stale, changed=changed or "NULL"
        )
        gone = common | {"ids": ids, "digest": _digest("stale", everything)}
        parts[f"delete_{size}"] = DELETE.format(**gone)
    return AFTER.format(**common, **parts, function=quoted(f"log_{table}"), few=FEW)


def triggers_sql(*, table, twin, number):
    """Return the SQL that hangs the triggers on a table and its twin."""
    return TRIGGERS.format(
        table=quoted(table), twin=quoted(twin), number=number, function=quoted(f"log_{table}")
    )
