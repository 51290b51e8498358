-- The second wall. Who asks is bound once a transaction; policies compare with what was bound.
-- kdap_bind looks memberships up itself, so that this wall does not lean on the first.
CREATE FUNCTION kdap_bind(
    who uuid, everything boolean, operation uuid, cause jsonb, address inet,
    only_workspaces uuid[], only_verbs text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    readable text;
    writable text;
    managed text;
    logged text;
BEGIN
    PERFORM set_config('kdap.user', COALESCE(who::text, ''), true),
            set_config('kdap.system', CASE WHEN everything THEN 'on' ELSE '' END, true),
            set_config('kdap.operation', COALESCE(operation::text, ''), true),
            set_config('kdap.cause', COALESCE(cause::text, ''), true),
            set_config('kdap.ip', COALESCE(host(address), ''), true);
    SELECT string_agg(workspace_id::text, ','),
           string_agg(workspace_id::text, ',') FILTER (
               WHERE role IN ('owner', 'admin', 'editor')
                 AND (only_verbs IS NULL OR 'write' = ANY(only_verbs))),
           string_agg(workspace_id::text, ',') FILTER (
               WHERE role IN ('owner', 'admin')
                 AND (only_verbs IS NULL OR only_verbs && ARRAY['structure', 'admin'])),
           string_agg(workspace_id::text, ',') FILTER (
               WHERE role IN ('owner', 'admin', 'editor')
                 AND (only_verbs IS NULL OR only_verbs && ARRAY['write', 'structure', 'admin']))
      INTO readable, writable, managed, logged
      FROM members
     WHERE user_id = who AND (only_workspaces IS NULL OR workspace_id = ANY(only_workspaces));
    PERFORM set_config('kdap.read', COALESCE(readable, ''), true),
            set_config('kdap.write', COALESCE(writable, ''), true),
            set_config('kdap.manage', COALESCE(managed, ''), true),
            set_config('kdap.log', COALESCE(logged, ''), true);
END $$;

CREATE FUNCTION kdap_rooms(name text) RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT COALESCE(string_to_array(NULLIF(current_setting(name, true), ''), ',')::uuid[], '{}')
$$;

CREATE FUNCTION kdap_is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT COALESCE(current_setting('kdap.system', true), '') = 'on'
$$;

-- Walls one table in: `room` is the SQL that gives a row's workspace, `writers` the setting
-- that lists the workspaces where the asker may change rows.
CREATE FUNCTION kdap_wall(target regclass, room text, writers text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format(
        'CREATE POLICY readers ON %s FOR SELECT USING ((SELECT kdap_is_system()) OR '
        '%s = ANY ((SELECT kdap_rooms(''kdap.read''))::uuid[]))', target, room);
    EXECUTE format(
        'CREATE POLICY adders ON %s FOR INSERT WITH CHECK ((SELECT kdap_is_system()) OR '
        '%s = ANY ((SELECT kdap_rooms(%L))::uuid[]))', target, room, writers);
    EXECUTE format(
        'CREATE POLICY changers ON %s FOR UPDATE USING ((SELECT kdap_is_system()) OR '
        '%s = ANY ((SELECT kdap_rooms(%L))::uuid[]))', target, room, writers);
    EXECUTE format(
        'CREATE POLICY removers ON %s FOR DELETE USING ((SELECT kdap_is_system()) OR '
        '%s = ANY ((SELECT kdap_rooms(%L))::uuid[]))', target, room, writers);
END $$;

SELECT kdap_wall('workspaces', 'workspace_id', 'kdap.manage');
SELECT kdap_wall('invitations', 'workspace_id', 'kdap.manage');
SELECT kdap_wall('members', 'workspace_id', 'kdap.manage');
SELECT kdap_wall('streams', 'workspace_id', 'kdap.log');
SELECT kdap_wall('events', 'workspace_id', 'kdap.log');

-- One's own memberships must be readable before kdap.read can be known, and one may leave.
CREATE POLICY own ON members FOR SELECT
    USING (user_id = (SELECT kdap_setting('kdap.user'))::uuid);
CREATE POLICY leave ON members FOR DELETE
    USING (user_id = (SELECT kdap_setting('kdap.user'))::uuid);
-- What concerns a person and no workspace (their tokens, their log-ins) is theirs to read.
CREATE POLICY own ON events FOR ALL
    USING (workspace_id IS NULL AND user_id = (SELECT kdap_setting('kdap.user'))::uuid);
