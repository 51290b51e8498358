"""The SQL that runs after each statement on a record's table: its event, and what it superseded.

It copies the old images to the twin and writes one event: count, changed fields, digest, and up to
FEW ids. records/history.py has the triggers that call it and those that stamp the rows.
"""

from records.history import WHO, alike, as_mark, digest_of, digest_order, hash_of, quoted, stored

# A statement of more rows is planned anew with true numbers: a plan kept from single-row ones
# joins the transition tables by nested loops (300 s for 50,000 rows). Its event names the first
# and last entry instead of all; the tag finds the rest.
FEW = 200
# What joining old and new images of a large statement may use before it goes to disk.
MEMORY = "32MB"

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
    _sets text[];
    _names text[];
    _keys text[];
    _before bigint;
    _after bigint;
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
        IF _rows = 1 THEN
            {update_one};
            RETURN NULL;
        ELSIF _rows <= {few} THEN
            {update_few};
            RETURN NULL;
        END IF;
        _memory := current_setting('work_mem');
        IF pg_size_bytes(_memory) < pg_size_bytes('{memory}') THEN
            PERFORM set_config('work_mem', '{memory}', true);
        END IF;
        _tag := current_setting('kdap.tag_u{number}')::bigint;
        _sets := string_to_array(current_setting('kdap.tag_u{number}_sets', true), ' ');
        IF _sets[1] = _tag::text THEN
            {told}
        END IF;
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

# Most statements write one entry. Without sums, and a join in each half, it takes a tenth less.
UPDATE_ONE = """INSERT INTO {twin} ({kept_columns}, _ev_to, _op)
            SELECT {stale_columns}, fresh._ev, 'U' FROM stale, fresh WHERE fresh._ev <> stale._ev;
            IF FOUND THEN
                INSERT INTO events
                    (event_id, type, payload, stream_id, workspace_id, changed, count, digest)
                SELECT kdap_own_tag(fresh._ev, 'kdap.tag_u{number}', {right_one}),
                       'entries.updated', jsonb_build_object('ids', jsonb_build_array(entry_id)),
                       '{record}', '{workspace}', {changed_one}, 1, {digest}
                FROM stale JOIN fresh USING (entry_id);
            END IF"""

# Nearly every large statement has one tag, so that one look at old beside new is enough, and the
# old images can go to the twin as they are.
RIGHT_ONE = f"""(fresh.updated_at = statement_timestamp()
    AND fresh.updated_by IS NOT DISTINCT FROM {WHO})"""
RIGHT = f"bool_and{RIGHT_ONE}"

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

# A statement that told what it sets, and stamped all its rows, needs little of old beside new: the
# old images are kept as they come, and only what it sets is compared. That it left long values
# alone is not taken from its word, for a mark in the place of one that it did write would lose it.
TOLD = """SELECT array_agg(f.name ORDER BY f.place), array_agg(f.key ORDER BY f.place)
                INTO _names, _keys
                FROM unnest({told_names}::text[], {told_keys}::text[])
                    WITH ORDINALITY AS f (name, key, place) WHERE f.name = ANY (_sets[2:]);
            EXECUTE $sql${look}$sql$
                INTO _rows, _moved, _named, _sum, _fine, _long, _after USING {given};
            SELECT {numbers_before} INTO _before FROM stale;
            IF _moved = _rows AND _before = _after
                AND cardinality(_names) = cardinality(_sets) - 1
            THEN
                IF cardinality(_keys) = 1 THEN  -- only rows that differ are written
                    _fields := to_jsonb(_keys);
                ELSE
                    EXECUTE (
                        SELECT 'SELECT to_jsonb(array_remove(ARRAY[' || string_agg(format(
                            'CASE WHEN bool_or(stale.%1$I IS DISTINCT FROM fresh.%1$I) THEN %2$L END',
                            f.name, f.key), ', ')
                            || ']::text[], NULL)) FROM stale JOIN fresh USING (entry_id)'
                        FROM unnest(_names, _keys) AS f (name, key)
                    ) INTO _fields;
                END IF;
                IF _long THEN
                    EXECUTE $sql${keep_told}$sql$ USING {given};
                ELSE
                    {keep_all};
                END IF;
                {update_event};
                PERFORM set_config('work_mem', _memory, true);
                RETURN NULL;
            END IF;"""

LOOK = """SELECT count(*), count(*) FILTER (WHERE _ev = $1),
       jsonb_build_object('first', min(entry_id), 'last', max(entry_id)),
       {told_digest}, {right}, {told_long}, {numbers_after}
FROM fresh"""

KEEP_TOLD = """INSERT INTO {twin} ({kept_columns}, _ev_to, _op) SELECT {stale_columns}, $1, 'U'
FROM stale"""

IDS = {
    "few": "jsonb_build_object('ids', jsonb_agg(entry_id))",
    "many": "jsonb_build_object('first', min(entry_id), 'last', max(entry_id))",
}


def _differs(column, large):
    """Return SQL telling whether `column` differs between old and new images."""
    test = f"stale.{quoted(column)} IS DISTINCT FROM fresh.{quoted(column)}"
    return f"({alike(column)}) IS NOT TRUE AND {test}" if column in large else test


def _cells(row, columns, large, mark, left_alone):
    """Return SQL of the cells of an image in an update; long values left alone are the mark."""
    listed = []
    for column in columns:
        cell = f"{row}.{quoted(column)}"
        if column in large:
            cell = f"CASE WHEN {left_alone(column, row)} THEN {as_mark(mark, large[column])} ELSE {cell} END"
        listed.append(cell)
    return ", ".join(listed)


def _digest(row, columns):
    listed = ", ".join(f"{row}.{quoted(column)}" for column in columns)
    return digest_of(listed)


def _changed(columns, large, some="bool_or"):
    cases = ", ".join(
        f"CASE WHEN {some}({_differs(column, large)}) THEN '{key}' END"
        for column, key in columns.items()
    )
    return f"to_jsonb(array_remove(ARRAY[{cases or 'NULL'}]::text[], NULL))"


def function_sql(*, table, twin, record_id, workspace_id, number, columns, large=None):
    """Return the SQL of the function that logs a table's statements.

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
        "right_one": RIGHT_ONE,
        "record": record_id,
        "workspace": workspace_id,
        "number": number,
        "memory": MEMORY,
        "few": FEW,
    }
    digest, gone = _digest("fresh", everything), _digest("stale", everything)
    parts = _updates(common, columns, everything, large)
    for size, ids in IDS.items():
        parts[f"insert_{size}"] = INSERT.format(**common, ids=ids, digest=digest)
        parts[f"delete_{size}"] = DELETE.format(**common, ids=ids, digest=gone)
    return AFTER.format(**common, **parts, function=quoted(f"log_{table}"))


def _updates(common, columns, everything, large):
    """Return the parts of AFTER that are about updates; inside EXECUTE the mark is $2."""
    one, hashed = _in_update(everything, large, "_mark", summed=False)
    few, summed = _in_update(everything, large, "_mark")
    kept, digest = _in_update(everything, large, "$2")
    parts = {
        "update_one": UPDATE_ONE.format(
            **common, **one, changed_one=_changed(columns, large, ""), digest=hashed
        ),
        "update_few": UPDATE.format(**common, **few, ids=IDS["few"], digest=summed),
        "update_many": UPDATE.format(**common, **kept, ids=IDS["many"], digest=digest),
        "compare": COMPARE.format(**common, digest=digest),
        "keep_all": KEEP_ALL.format(**common),
        "keep_moved": KEEP_MOVED.format(**common, **kept),
        "update_event": UPDATE_EVENT.format(**common),
    }
    told = _told(common, columns, everything, large)
    return parts | {"told": TOLD.format(**common, **parts, **told)}


def _told(common, columns, everything, large):
    """Return the parts of TOLD."""
    kept, made = _in_update(everything, large, "$2", _left_alone)
    some = " OR ".join(f"{stored(column, 'fresh')} IS NOT NULL" for column in large)
    look = {
        "told_digest": made,
        "told_long": f"coalesce(bool_or({some}), false)" if large else "false",
        "numbers_after": _numbers("fresh", large),
    }
    return {
        "told_names": literals(columns),
        "told_keys": literals(columns.values()),
        "look": LOOK.format(**common, **look),
        "numbers_before": _numbers("stale", large),
        "keep_told": KEEP_TOLD.format(**common, **kept),
    }


def _left_alone(column, row):
    """Return SQL that holds for a value out of line of a column that an UPDATE does not set."""
    return f"{stored(column, row)} IS NOT NULL"


def _numbers(row, large):
    """Return SQL of a sum over the numbers of all long values: it differs if one was written."""
    sums = (
        f"coalesce(bit_xor(hashoidextended({stored(c, row)}, {row}.entry_id # {n << 48})), 0)"
        for n, c in enumerate(large, 1)
    )
    return " # ".join(["0::bigint", *sums])


def literals(names):
    """Return SQL of an array of names that the database made."""
    return "ARRAY[" + ", ".join(f"'{name}'" for name in names) + "]"


def _some(large):
    """Return SQL that holds where a long value was left alone."""
    return " OR ".join(map(alike, large))


def _in_update(columns, large, mark, left_alone=lambda column, row: alike(column), summed=True):
    """Return (what an UPDATE puts into the twin, by placeholder; the digest of what it wrote).

    `left_alone(column, row)` is SQL that holds for a long value that was not written. The digest is
    that of all rows, or of one row where it is not `summed`.
    """
    names = ", ".join(map(quoted, columns))
    cells = _cells("stale", columns, large, mark, left_alone)
    kept = {"kept_columns": names, "stale_columns": cells}
    if large:
        some = " OR ".join(left_alone(column, "stale") for column in large)
        kept["kept_columns"] += ", _same"
        kept["stale_columns"] += f", CASE WHEN {some} THEN {mark} END"
    made = _cells("fresh", columns, large, mark, left_alone)
    return kept, digest_of(made) if summed else hash_of(made)
