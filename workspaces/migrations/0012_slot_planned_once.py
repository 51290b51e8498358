"""Whom an actor may add for, by a function in PL/pgSQL, as those of the other walls.

In SQL it was parsed and inlined anew by every insert of anybody, which took a quarter of the time
that planning one takes.
"""

from django.db import migrations

ADDS = """
CREATE FUNCTION kdap_adds() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN NULLIF(current_setting('kdap.adds', true), '')::uuid;
END $$;
ALTER POLICY adding_alone ON events
    WITH CHECK (stream_id = (SELECT kdap_adds()) AND type = 'entries.created');
"""
BACK = """
ALTER POLICY adding_alone ON events WITH CHECK (
    type = 'entries.created' AND stream_id = (SELECT kdap_setting('kdap.adds'))::uuid);
DROP FUNCTION kdap_adds();
"""


class Migration(migrations.Migration):
    dependencies = [("workspaces", "0011_adding_alone")]

    operations = [migrations.RunSQL(ADDS, BACK)]
