"""Finding a record for one call: a function keeps its plan, planning anew took most of the time."""

from django.db import migrations

FIND = """
CREATE FUNCTION kdap_find_record(who uuid, which uuid) RETURNS TABLE (
    record records, version integer, last_event_id bigint, last_event_version integer, role text
) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT r, s.version, s.last_event_id, s.last_event_version, m.role::text
      FROM records r
      JOIN workspaces w ON w.workspace_id = r.workspace_id AND w.deleted_at IS NULL
      JOIN record_structures s ON s.structure_id = r.record_id
      JOIN members m ON m.workspace_id = r.workspace_id AND m.user_id = who
     WHERE r.record_id = which;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0004_grid_state")]

    operations = [migrations.RunSQL(FIND, "DROP FUNCTION kdap_find_record(uuid, uuid)")]
