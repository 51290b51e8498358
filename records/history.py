"""The SQL by which the rows of a record's table are stamped, and its triggers.

What is written after each statement is in records/statement_log.py. Measured against triggers per row and events written by Python: docs/architecture.md, "Writing".
Each statement takes a tag (the id of the event it will write) before its first row; rows carry
the tag of the event that wrote them in `_ev`, and the twin table keeps what they were, with the
half-open span of tags [_ev, _ev_to) during which they were so.

A statement may stamp its rows itself (`stamped`, `inserted`), as large ones should; a trigger
stamps what comes unstamped, and the log refuses a stamp that is not right.
"""

from records.names import SYSTEM_COLUMNS

# Who asks, computed once a statement.
WHO = "(SELECT NULLIF(current_setting('kdap.user', true), '')::uuid)"

BEFORE = """
CREATE OR REPLACE FUNCTION kdap_take_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config(TG_ARGV[0], nextval('events_event_id_seq')::text, true),
            set_config(TG_ARGV[0] || '_before', '', true),
            set_config(TG_ARGV[0] || '_sets', '', true);
    RETURN NULL;
END $$;

-- A statement that waited for another's row lock can hold the older tag. Time must not run
-- backwards in a row's history, so the statement goes on under a newer one.
CREATE OR REPLACE FUNCTION kdap_newer_tag(setting text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    earlier text := current_setting(setting) || ' ' || current_setting(setting || '_before');
    tag bigint := nextval('events_event_id_seq');
BEGIN
    PERFORM set_config(setting, tag::text, true), set_config(setting || '_before', earlier, true);
    RETURN tag;
END $$;

-- What large UPDATEs stamp their rows with: the tag. It notes which columns they say they set, and
-- that nobody can say it of a query with several parts that say different things.
CREATE OR REPLACE FUNCTION kdap_stamp(setting text, sets text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    tag text := current_setting(setting);
    told text := tag || ' ' || sets;
    earlier text := COALESCE(NULLIF(current_setting(setting || '_sets', true), ''), told);
BEGIN
    PERFORM set_config(setting || '_sets', CASE WHEN earlier = told THEN told ELSE '?' END, true);
    RETURN tag::bigint;
END $$;

CREATE OR REPLACE FUNCTION kdap_keep_origin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The columns of the system can''t be written'
        USING ERRCODE = 'check_violation';
END $$;

-- Returns `tag` if the running statement took it and its rows are stamped as they must be.
CREATE OR REPLACE FUNCTION kdap_own_tag(tag bigint, setting text, sound boolean) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF sound AND (
        tag::text = current_setting(setting)
        OR tag::text = ANY (string_to_array(current_setting(setting || '_before'), ' '))
    ) THEN
        RETURN tag;
    END IF;
    RAISE EXCEPTION 'The columns of the system can''t be written'
        USING ERRCODE = 'check_violation';
END $$;
"""

# It fires on rows that differ and do not carry a newer tag. Images are compared byte by byte, two
# times as fast as column by column; and each statement reads the condition anew, so it is short.
STAMP_WHEN = "NEW._ev <= OLD._ev AND OLD.* *<> NEW.* OR NEW.entry_id <> OLD.entry_id"
# A whole row is compared with its long values fetched. Where there may be some the function looks.
STAMP_WHEN_LONG = "NEW._ev <= OLD._ev OR NEW.entry_id <> OLD.entry_id"
SAME = """
    IF {same} THEN
        RETURN NEW;
    END IF;"""

# Not kdap_setting and no TG_ARGV: either would cost as much as all the rest.
STAMP = """
CREATE OR REPLACE FUNCTION {stamp}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF NEW.entry_id <> OLD.entry_id THEN
        RAISE EXCEPTION 'entry_id can''t be changed' USING ERRCODE = 'check_violation';
    END IF;{same}
    NEW._ev := current_setting('kdap.tag_u{number}')::bigint;
    IF NEW._ev <= OLD._ev THEN
        NEW._ev := kdap_newer_tag('kdap.tag_u{number}');
    END IF;
    NEW.created_at := OLD.created_at;
    NEW.created_by := OLD.created_by;
    NEW.updated_at := statement_timestamp();
    NEW.updated_by := NULLIF(current_setting('kdap.user', true), '')::uuid;
    IF current_setting('kdap.tag_u{number}_sets', true) <> '?' THEN
        PERFORM set_config('kdap.tag_u{number}_sets', '?', true);  -- this row's part told nothing
    END IF;
    RETURN NEW;
END $body$;
"""

TRIGGERS = """
DROP TRIGGER IF EXISTS tag_insert ON {table}; DROP TRIGGER IF EXISTS tag_update ON {table};
DROP TRIGGER IF EXISTS tag_delete ON {table}; DROP TRIGGER IF EXISTS stamp ON {table};
DROP TRIGGER IF EXISTS log_insert ON {table}; DROP TRIGGER IF EXISTS log_update ON {table};
DROP TRIGGER IF EXISTS log_delete ON {table}; DROP TRIGGER IF EXISTS stay ON {table};
DROP TRIGGER IF EXISTS stay ON {twin}; DROP TRIGGER IF EXISTS stamp_origin ON {table};
CREATE TRIGGER tag_insert BEFORE INSERT ON {table} FOR EACH STATEMENT
    EXECUTE FUNCTION kdap_take_tag('kdap.tag_i{number}');
CREATE TRIGGER tag_update BEFORE UPDATE ON {table} FOR EACH STATEMENT
    EXECUTE FUNCTION kdap_take_tag('kdap.tag_u{number}');
CREATE TRIGGER tag_delete BEFORE DELETE ON {table} FOR EACH STATEMENT
    EXECUTE FUNCTION kdap_take_tag('kdap.tag_d{number}');
CREATE TRIGGER stamp BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({stamp_when})
    EXECUTE FUNCTION {stamp}();
-- After the trigger above, which gives rows their origin back: for those that stamped themselves.
CREATE TRIGGER stamp_origin BEFORE UPDATE OF created_at, created_by ON {table} FOR EACH ROW
    WHEN (OLD.created_at IS DISTINCT FROM NEW.created_at
        OR OLD.created_by IS DISTINCT FROM NEW.created_by)
    EXECUTE FUNCTION kdap_keep_origin();
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


def stamped(number, columns):
    """Return the SET list by which an UPDATE of record `number` stamps its rows itself.

    `columns` are the names of all others that it sets. It is worth it for many rows: sub-selects
    are computed once a statement, and what it does not set is not compared. Only rows that differ
    in one of `columns` may be updated: the triggers do not look at what is stamped already.
    """
    return (
        f"_ev = (SELECT kdap_stamp('kdap.tag_u{number}','{' '.join(columns)}')), "
        f"updated_at = statement_timestamp(), updated_by = {WHO}"
    )


def inserted(number):
    """Return {column: SQL} of what an INSERT of many rows should give, as `stamped` does.

    The columns' defaults say the same once a row, which costs a third of the whole INSERT.
    """
    tag = f"(SELECT current_setting('kdap.tag_i{number}')::bigint)"
    return {"created_by": WHO, "updated_by": WHO, "_ev": tag}


def alike(column, old="stale", new="fresh"):
    """Return SQL that holds where both images have the same stored value out of line.

    That is what an UPDATE of other columns leaves; nothing is fetched to tell.
    """
    return f"{stored(column, old)} = {stored(column, new)}"


def stored(column, row):
    """Return SQL of the number under which a value is stored out of line; of others it is null."""
    return f"pg_column_toast_chunk_id({row}.{quoted(column)})"


def as_mark(text, kind):
    """Return SQL of the mark whose text is the SQL `text`, for a column of type `kind`."""
    return f"to_jsonb({text})" if kind == "jsonb" else text


def digest_of(listed):
    """Return the SQL of a digest over rows, of SQL that lists their values in digest_order.

    An exclusive or is the same in any order of rows; ids tell rows apart, so none cancel out.
    """
    return f"bit_xor({hash_of(listed)})"


def hash_of(listed):
    """Return the SQL of one row's part in a digest."""
    return f"hash_record_extended(ROW({listed}), 0)"


def digest_order(columns):
    """Return the names of all columns in the order in which a digest takes them.

    It depends on nothing but the names, so that it can be computed again from any structure.
    """
    return [*SYSTEM_COLUMNS, *sorted(columns), "_ev"]


def stamp_sql(*, table, number, columns, large=None):
    """Return the SQL of the function that stamps a table's rows.

    `columns` are the names of all columns that people fill, shelved ones too; `large` those among
    them whose values may be stored out of line. Run it after every change of columns.
    """
    same = SAME.format(same=_same(digest_order(columns), large)) if large else ""
    return STAMP.format(stamp=quoted(f"stamp_{table}"), number=number, same=same)


def _same(columns, large):
    """Return SQL that holds where OLD and NEW do not differ; no long value is fetched for it."""

    def same(columns):
        old, new = (", ".join(f"{row}.{quoted(c)}" for c in columns) for row in ("OLD", "NEW"))
        return f"record_image_eq(ROW({old}), ROW({new}))"

    short = same([column for column in columns if column not in large])
    longer = (f"(({alike(c, 'OLD', 'NEW')}) IS TRUE OR {same([c])})" for c in large)
    return " AND ".join([short, *longer])


def triggers_sql(*, table, twin, number, large=None):
    """Return the SQL that hangs the triggers on a table and its twin."""
    return TRIGGERS.format(
        table=quoted(table),
        twin=quoted(twin),
        number=number,
        function=quoted(f"log_{table}"),
        stamp=quoted(f"stamp_{table}"),
        stamp_when=STAMP_WHEN_LONG if large else STAMP_WHEN,
    )
