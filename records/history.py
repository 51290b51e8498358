"""The SQL by which a record's table keeps every superseded image and logs every statement.

Measured against triggers per row and events written by Python: docs/architecture.md, "Writing".
Each statement takes a tag (the id of the event it will write) before its first row; rows carry
the tag of the event that wrote them in `_ev`, and the twin table keeps what they were, with the
half-open span of tags [_ev, _ev_to) during which they were so.

A statement may stamp its rows itself (`stamped`, `inserted`), as large ones should; a trigger
stamps what comes unstamped, and the log refuses a stamp that is not right.
"""

from records.names import SYSTEM_COLUMNS

# A statement of more rows is planned anew with true numbers: a plan kept from single-row ones
# joins the transition tables by nested loops (300 s for 50,000 rows). Its event names the first
# and last entry instead of all; the tag finds the rest.
FEW = 200
# What joining old and new images of a large statement may use before it goes to disk.
MEMORY = "32MB"
# Who asks, computed once a statement.
WHO = "(SELECT NULLIF(current_setting('kdap.user', true), '')::uuid)"

BEFORE = """
CREATE OR REPLACE FUNCTION kdap_take_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config(TG_ARGV[0], nextval('events_event_id_seq')::text, true),
            set_config(TG_ARGV[0] || '_before', '', true);
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
    RETURN NEW;
END $body$;
"""

AFTER = """
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE
    -- No field can be called like these.
    _rows bigint;
    _latest bigint;
    _tag bigint;
    _moved bigint;
    _still bigint;
    _named jsonb;
    _fields jsonb;
    _sum bigint;
    _fine boolean;
    _long boolean;
    _memory text;
    _mark text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT count(*) INTO _rows FROM (SELECT FROM fresh LIMIT {few} + 1) AS sample;
        IF _rows <= {few} THEN
            {insert_few};
        ELSE
            {insert_many};
        END IF;
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT count(*) INTO _rows FROM (SELECT FROM fresh LIMIT {few} + 1) AS sample;
        IF _rows = 0 THEN
            RETURN NULL;
        END IF;
        {make_mark}
        IF _rows <= {few} THEN
            {update_few};
            RETURN NULL;
        END IF;
        _memory := current_setting('work_mem');
        IF pg_size_bytes(_memory) < pg_size_bytes('{memory}') THEN
            PERFORM set_config('work_mem', '{memory}', true);
        END IF;
        _tag := current_setting('kdap.tag_u{number}')::bigint;
        EXECUTE $sql${compare}$sql$
            INTO _rows, _moved, _still, _named, _fields, _sum, _fine, _long USING {given};
        IF _moved + _still < _rows THEN  -- it went on under a newer tag
            EXECUTE $sql${update_many}$sql$ USING {given};
        ELSIF _moved > 0 THEN
            IF _still = 0 AND NOT _long THEN
                {keep_all};
            ELSE
                EXECUTE $sql${keep_moved}$sql$ USING {given};
            END IF;
            {update_event};
        END IF;
        PERFORM set_config('work_mem', _memory, true);
    ELSE
        SELECT max(_ev), count(*) INTO _latest, _rows FROM stale;
        IF _rows = 0 THEN
            RETURN NULL;
        END IF;
        IF _latest >= current_setting('kdap.tag_d{number}')::bigint THEN
            PERFORM kdap_newer_tag('kdap.tag_d{number}');
        END IF;
        INSERT INTO {twin} ({columns}, _ev_to, _op)
        SELECT {columns}, current_setting('kdap.tag_d{number}')::bigint, 'D' FROM stale;
        IF _rows <= {few} THEN
            {delete_few};
        ELSE
            {delete_many};
        END IF;
    END IF;
    RETURN NULL;
END $body$;
"""

INSERT = """INSERT INTO events (event_id, type, payload, stream_id, workspace_id, count, digest)
            SELECT kdap_own_tag(min(_ev), 'kdap.tag_i{number}', min(_ev) = max(_ev)),
                   'entries.created', {ids}, '{record}', '{workspace}', count(*), {digest}
            FROM fresh HAVING count(*) > 0"""

DELETE = """INSERT INTO events (event_id, type, payload, stream_id, workspace_id, count, digest)
            SELECT current_setting('kdap.tag_d{number}')::bigint, 'entries.deleted', {ids},
                   '{record}', '{workspace}', count(*), {digest} FROM stale"""

UPDATE = """WITH kept AS (
                INSERT INTO {twin} ({kept_columns}, _ev_to, _op)
                SELECT {stale_columns}, fresh._ev, 'U'
                FROM stale JOIN fresh USING (entry_id) WHERE fresh._ev <> stale._ev
            )
            INSERT INTO events
                (event_id, type, payload, stream_id, workspace_id, changed, count, digest)
            SELECT kdap_own_tag(fresh._ev, 'kdap.tag_u{number}', {right}), 'entries.updated', {ids},
                   '{record}', '{workspace}', {changed}, count(*), {digest}
            FROM stale JOIN fresh USING (entry_id)
            WHERE fresh._ev <> stale._ev GROUP BY fresh._ev"""

# Nearly every large statement has one tag, so that one look at old beside new is enough, and the
# old images can go to the twin as they are.
RIGHT = f"""bool_and(
    fresh.created_at = stale.created_at AND fresh.created_by IS NOT DISTINCT FROM stale.created_by
    AND fresh.updated_at = statement_timestamp() AND fresh.updated_by IS NOT DISTINCT FROM {WHO})"""

COMPARE = """SELECT count(*), count(*) FILTER (WHERE fresh._ev = $1),
       count(*) FILTER (WHERE fresh._ev = stale._ev),
       jsonb_build_object('first', min(entry_id) FILTER (WHERE fresh._ev = $1),
                          'last', max(entry_id) FILTER (WHERE fresh._ev = $1)),
       {changed}, {digest} FILTER (WHERE fresh._ev = $1),
       {right} FILTER (WHERE fresh._ev = $1), {long}
FROM stale JOIN fresh USING (entry_id)"""

KEEP_ALL = """INSERT INTO {twin} ({columns}, _ev_to, _op) SELECT {columns}, _tag, 'U' FROM stale"""

KEEP_MOVED = """INSERT INTO {twin} ({kept_columns}, _ev_to, _op) SELECT {stale_columns}, $1, 'U'
FROM stale JOIN fresh USING (entry_id) WHERE fresh._ev = $1"""

UPDATE_EVENT = """INSERT INTO events
            (event_id, type, payload, stream_id, workspace_id, changed, count, digest)
        VALUES (kdap_own_tag(_tag, 'kdap.tag_u{number}', _fine), 'entries.updated', _named,
                '{record}', '{workspace}', _fields, _moved, _sum)"""

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
CREATE TRIGGER stamp BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({stamp_when})
    EXECUTE FUNCTION {stamp}();
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


def stamped(number):
    """Return the SET list by which an UPDATE of record `number` stamps its rows itself.

    It is worth it for many rows, as sub-selects are computed once a statement. Only rows that
    differ may be updated: the triggers do not compare what is stamped already.
    """
    return (
        f"_ev = (SELECT current_setting('kdap.tag_u{number}')::bigint), "
        f"updated_at = statement_timestamp(), updated_by = {WHO}"
    )


def inserted(number):
    """Return {column: SQL} of what an INSERT of many rows should give, as `stamped` does.

    The columns' defaults say the same once a row, which costs a third of the whole INSERT.
    """
    tag = f"(SELECT current_setting('kdap.tag_i{number}')::bigint)"
    return {"created_by": WHO, "updated_by": WHO, "_ev": tag}


def _alike(column, old="stale", new="fresh"):
    """Return SQL that holds where both images have the same stored value out of line.

    That is what an UPDATE of other columns leaves; nothing is fetched to tell.
    """
    place, name = "pg_column_toast_chunk_id", quoted(column)
    return f"{place}({old}.{name}) = {place}({new}.{name})"


def _differs(column, large):
    """Return SQL telling whether `column` differs between old and new images."""
    test = f"stale.{quoted(column)} IS DISTINCT FROM fresh.{quoted(column)}"
    return f"({_alike(column)}) IS NOT TRUE AND {test}" if column in large else test


def _cells(row, columns, large, mark):
    """Return SQL of the cells of an image in an update; long values left alone are the mark."""
    listed = []
    for column in columns:
        cell = f"{row}.{quoted(column)}"
        if column in large:
            cell = f"CASE WHEN {_alike(column)} THEN {as_mark(mark, large[column])} ELSE {cell} END"
        listed.append(cell)
    return ", ".join(listed)


def as_mark(text, kind):
    """Return SQL of the mark whose text is the SQL `text`, for a column of type `kind`."""
    return f"to_jsonb({text})" if kind == "jsonb" else text


def _digest(row, columns):
    listed = ", ".join(f"{row}.{quoted(column)}" for column in columns)
    return digest_of(listed)


def digest_of(listed):
    """Return the SQL of a digest over rows, of SQL that lists their values in digest_order.

    An exclusive or is the same in any order of rows; ids tell rows apart, so none cancel out.
    """
    return f"bit_xor(hash_record_extended(ROW({listed}), 0))"


def digest_order(columns):
    """Return the names of all columns in the order in which a digest takes them.

    It depends on nothing but the names, so that it can be computed again from any structure.
    """
    return [*SYSTEM_COLUMNS, *sorted(columns), "_ev"]


def _changed(columns, large):
    cases = ", ".join(
        f"CASE WHEN bool_or({_differs(column, large)}) THEN '{key}' END"
        for column, key in columns.items()
    )
    return f"to_jsonb(array_remove(ARRAY[{cases or 'NULL'}]::text[], NULL))"


def function_sql(*, table, twin, record_id, workspace_id, number, columns, large=None):
    """Return the SQL of a table's functions: for its log, and for stamping rows.

    `columns` are all columns that people fill, shelved ones too, as {name: key for the event's
    list of changed fields}; system columns are added here. `large` are those among them whose
    values may be stored out of line, as {name: SQL type}. Run it after every change of columns.
    """
    everything, large = digest_order(columns), large or {}
    common = {
        "twin": quoted(twin),
        "columns": ", ".join(map(quoted, everything)),
        "long": f"coalesce(bool_or({some}), false)" if (some := _some(large)) else "false",
        "make_mark": "_mark := gen_random_uuid()::text;" if large else "",
        "given": "_tag, _mark" if large else "_tag",
        "changed": _changed(columns, large),
        "right": RIGHT,
        "record": record_id,
        "workspace": workspace_id,
        "number": number,
        "memory": MEMORY,
        "few": FEW,
    }
    digest, gone = _digest("fresh", everything), _digest("stale", everything)
    parts = {}
    marks = {"few": "_mark", "many": "$2"}
    for size, ids in IDS.items():
        kept, made = _in_update(everything, large, marks[size])
        parts[f"insert_{size}"] = INSERT.format(**common, ids=ids, digest=digest)
        parts[f"update_{size}"] = UPDATE.format(**common, **kept, ids=ids, digest=made)
        parts[f"delete_{size}"] = DELETE.format(**common, ids=ids, digest=gone)
    parts |= {
        "compare": COMPARE.format(**common, digest=made),
        "keep_all": KEEP_ALL.format(**common),
        "keep_moved": KEEP_MOVED.format(**common, **kept),
        "update_event": UPDATE_EVENT.format(**common),
    }
    same = SAME.format(same=_same(everything, large)) if large else ""
    return AFTER.format(**common, **parts, function=quoted(f"log_{table}")) + STAMP.format(
        stamp=quoted(f"stamp_{table}"), number=number, same=same
    )


def _some(large):
    """Return SQL that holds where a long value was left alone."""
    return " OR ".join(map(_alike, large))


def _in_update(columns, large, mark):
    """Return (what an UPDATE puts into the twin, by placeholder; the digest of what it wrote)."""
    names = ", ".join(map(quoted, columns))
    kept = {"kept_columns": names, "stale_columns": _cells("stale", columns, large, mark)}
    if large:
        kept["kept_columns"] += ", _same"
        kept["stale_columns"] += f", CASE WHEN {_some(large)} THEN {mark} END"
    return kept, digest_of(_cells("fresh", columns, large, mark))


def _same(columns, large):
    """Return SQL that holds where OLD and NEW do not differ; no long value is fetched for it."""

    def same(columns):
        old, new = (", ".join(f"{row}.{quoted(c)}" for c in columns) for row in ("OLD", "NEW"))
        return f"record_image_eq(ROW({old}), ROW({new}))"

    short = same([column for column in columns if column not in large])
    longer = (f"(({_alike(c, 'OLD', 'NEW')}) IS TRUE OR {same([c])})" for c in large)
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
