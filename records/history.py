"""The SQL by which a record's table keeps every superseded image and logs every statement.

Measured against triggers per row and events written by Python: docs/architecture.md, "Writing".
Each statement takes a tag (the id of the event it will write) before its first row; rows carry
the tag of the event that wrote them in `_ev`, and the twin table keeps what they were, with the
half-open span of tags [_ev, _ev_to) during which they were so.
"""

from records.names import SYSTEM_COLUMNS

# Rows beyond this are planned anew with true numbers: a plan kept from single-row statements
# joins the transition tables by nested loops (300 s for 50,000 rows).
REPLAN_ABOVE = 200
# An event names the entries it touched up to this many; beyond, the tag finds them.
IDS_INLINE = 1000

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
    NEW.updated_by := kdap_setting('kdap.user')::uuid;
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
        INSERT INTO events (event_id, type, payload, stream_id, workspace_id, count, digest)
        SELECT _ev, 'entries.created', {ids_new}, '{record}', '{workspace}', count(*), {digest_new}
        FROM fresh GROUP BY _ev;
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT count(*) INTO rows FROM (SELECT FROM fresh LIMIT {replan} + 1) AS sample;
        IF rows = 0 THEN
            RETURN NULL;
        ELSIF rows <= {replan} THEN
            {update};
        ELSE
            EXECUTE $sql${update}$sql$;
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
        INSERT INTO events (event_id, type, payload, stream_id, workspace_id, count, digest)
        SELECT current_setting('kdap.tag_d{number}')::bigint, 'entries.deleted', {ids_old},
               '{record}', '{workspace}', count(*), {digest_old}
        FROM stale;
    END IF;
    RETURN NULL;
END $body$;
"""

UPDATE = """WITH kept AS (
                INSERT INTO {twin} ({columns}, _ev_to, _op)
                SELECT {stale_columns}, fresh._ev, 'U'
                FROM stale JOIN fresh USING (entry_id) WHERE fresh._ev <> stale._ev
            )
            INSERT INTO events
                (event_id, type, payload, stream_id, workspace_id, changed, count, digest)
            SELECT fresh._ev, 'entries.updated', {ids_joined}, '{record}', '{workspace}',
                   to_jsonb(array_remove(ARRAY[{changed}]::text[], NULL)), count(*), {digest_joined}
            FROM stale JOIN fresh USING (entry_id)
            WHERE fresh._ev <> stale._ev GROUP BY fresh._ev"""

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


def _ids(expression):
    return (
        f"CASE WHEN count(*) <= {IDS_INLINE} "
        f"THEN jsonb_build_object('ids', jsonb_agg({expression})) "
        f"ELSE jsonb_build_object('first', min({expression}), 'last', max({expression})) END"
    )


def _digest(row, columns):
    listed = ", ".join(f"{row}.{quoted(column)}" for column in columns)
    return f"sum(hash_record_extended(ROW({listed}), 0)::numeric)"


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
    }
    update = UPDATE.format(
        **common,
        stale_columns=", ".join(f"stale.{quoted(column)}" for column in everything),
        changed=changed or "NULL",
        ids_joined=_ids("entry_id"),
        digest_joined=_digest("fresh", everything),
    )
    return AFTER.format(
        **common,
        function=quoted(f"log_{table}"),
        number=number,
        replan=REPLAN_ABOVE,
        update=update,
        ids_new=_ids("entry_id"),
        ids_old=_ids("entry_id"),
        digest_new=_digest("fresh", everything),
        digest_old=_digest("stale", everything),
    )


def triggers_sql(*, table, twin, number):
    """Return the SQL that hangs the triggers on a table and its twin."""
    return TRIGGERS.format(
        table=quoted(table), twin=quoted(twin), number=number, function=quoted(f"log_{table}")
    )
