-- What text means as each type; NULL where it means nothing. Imports and conversions use these.
CREATE FUNCTION kdap_number(t text) RETURNS numeric LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
    s text;
    sign integer := 1;
    share boolean;
BEGIN
    IF t ~ '^[+-]?[0-9]{1,40}(\.[0-9]{0,40})?$' THEN
        RETURN t::numeric;
    END IF;
    IF length(t) > 200 THEN
        RETURN NULL;
    END IF;
    s := replace(regexp_replace(t, '[\s$€£¥\u00a0\u202f]', '', 'g'), U&'\2212', '-');
    IF s ~ '^\(.*\)$' THEN
        s := substr(s, 2, length(s) - 2);
        sign := -1;
    END IF;
    share := s ~ '%$';
    s := rtrim(s, '%');
    IF s ~ '^[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?$' THEN
        s := replace(s, ',', '');
    END IF;
    IF s !~ '^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$' THEN
        RETURN NULL;
    END IF;
    RETURN sign * s::numeric / CASE WHEN share THEN 100 ELSE 1 END;
END $$;

-- `form` is iso (2026-05-31), dmy (31.5.2026) or mdy (5/31/2026); a time of midnight may follow.
CREATE FUNCTION kdap_date(t text, form text) RETURNS date LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
    part text[];
BEGIN
    IF t ~ '^\s*[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([T ]00:00(:00(\.0+)?)?(Z|\+00(:?00)?)?)?\s*$' THEN
        part := regexp_split_to_array(split_part(translate(btrim(t), 'T', ' '), ' ', 1), '-');
        RETURN make_date(part[1]::int, part[2]::int, part[3]::int);
    END IF;
    IF form = 'iso' OR t !~ '^\s*[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}(\s+00?:00(:00)?)?\s*$' THEN
        RETURN NULL;
    END IF;
    part := regexp_split_to_array(split_part(btrim(t), ' ', 1), '[./-]');
    RETURN CASE WHEN form = 'dmy' THEN make_date(part[3]::int, part[2]::int, part[1]::int)
                ELSE make_date(part[3]::int, part[1]::int, part[2]::int) END;
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
    RETURN NULL;
END $$;

-- A moment; without an offset it is in `zone`.
CREATE FUNCTION kdap_moment(t text, form text, zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE STRICT AS $$
DECLARE
    s text := btrim(t);
    day date;
    clock text;
BEGIN
    IF s ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?\s*(Z|[+-][0-9]{2}(:?[0-9]{2})?)$' THEN
        RETURN s::timestamptz;
    END IF;
    IF s ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?$' THEN
        RETURN s::timestamp AT TIME ZONE zone;
    END IF;
    clock := (regexp_match(s, '^[^ ]+\s+([0-9]{1,2}:[0-9]{2}(:[0-9]{2})?\s*([AaPp][Mm])?)$'))[1];
    day := kdap_date(split_part(s, ' ', 1), form);
    IF day IS NULL OR (clock IS NULL AND s ~ '\s') THEN
        RETURN NULL;
    END IF;
    RETURN (day + COALESCE(clock, '0:00')::time) AT TIME ZONE zone;
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
    RETURN NULL;
END $$;

CREATE FUNCTION kdap_span(t text) RETURNS interval LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
    IF t ~ '^\s*-?([0-9]{1,6} (days? )?)?-?[0-9]{1,6}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?\s*$' THEN
        RETURN btrim(t)::interval;
    ELSIF t ~ '^\s*-?[0-9]{1,12}(\.[0-9]{1,6})?\s*$' THEN
        RETURN make_interval(secs => btrim(t)::double precision);
    END IF;
    RETURN NULL;
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format OR interval_field_overflow THEN
    RETURN NULL;
END $$;

CREATE FUNCTION kdap_json(t text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
    RETURN t::jsonb;
EXCEPTION WHEN invalid_text_representation OR untranslatable_character OR statement_too_complex THEN
    RETURN NULL;
END $$;

-- Several choices, separated by commas; NULL unless every one is known.
CREATE FUNCTION kdap_choices(known jsonb, t text) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT CASE WHEN known ? lower(btrim(t)) THEN ARRAY[(known ->> lower(btrim(t)))::integer]
           ELSE (
               SELECT CASE WHEN bool_and(known ? word) THEN array_agg((known ->> word)::integer ORDER BY place) END
               FROM (
                   SELECT lower(btrim(part)) AS word, min(place) AS place
                   FROM regexp_split_to_table(t, ',') WITH ORDINALITY AS parts(part, place)
                   WHERE btrim(part) <> '' GROUP BY 1
               ) AS words
           ) END
$$;

CREATE FUNCTION kdap_labels(known jsonb, numbers integer[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT string_agg(known ->> number::text, ', ' ORDER BY place)
    FROM unnest(numbers) WITH ORDINALITY AS items(number, place)
$$;
