"""Casting a text to a moment takes offsets up to a day, and none outside the years 1 to 9999 (UTC).

PostgreSQL itself knows offsets up to 16 hours, and raised an error that ended the whole import.
"""

from django.db import migrations

MOMENT = """
CREATE OR REPLACE FUNCTION kdap_moment(t text, form text, zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE STRICT AS $$
DECLARE
    s text := btrim(t);
    parts text[] := regexp_match(s, '^([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)'
        '\\s*(?:(Z)|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)?$');
    found timestamptz;
    day date;
    clock text;
BEGIN
    IF parts IS NOT NULL AND parts[2] IS NULL AND parts[3] IS NULL THEN
        found := parts[1]::timestamp AT TIME ZONE zone;
    ELSIF parts IS NOT NULL THEN
        found := parts[1]::timestamp AT TIME ZONE 'UTC' - CASE WHEN parts[2] IS NULL THEN
            (parts[3] || parts[4] || ':' || COALESCE(parts[5], '00'))::interval ELSE interval '0' END;
    ELSE
        clock := (regexp_match(s, '^[^ ]+\\s+([0-9]{1,2}:[0-9]{2}(:[0-9]{2})?\\s*([AaPp][Mm])?)$'))[1];
        day := kdap_date(split_part(s, ' ', 1), form);
        IF day IS NULL OR (clock IS NULL AND s ~ '\\s') THEN
            RETURN NULL;
        END IF;
        found := (day + COALESCE(clock, '0:00')::time) AT TIME ZONE zone;
    END IF;
    RETURN CASE WHEN found >= '0001-01-01 00:00+00' AND found < '10000-01-01 00:00+00' THEN found END;
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0014_slots_planned_once")]

    operations = [migrations.RunSQL(MOMENT, migrations.RunSQL.noop)]
