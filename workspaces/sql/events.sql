-- The log, partitioned by month. Defaults read who is asking from the transaction's settings,
-- so that raw SQL and COPY are attributed like everything else.
CREATE SEQUENCE events_event_id_seq CACHE 1;

CREATE FUNCTION kdap_setting(name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT NULLIF(current_setting(name, true), '') $$;

CREATE TABLE events (
    event_id     bigint      NOT NULL DEFAULT nextval('events_event_id_seq'),
    type         text        NOT NULL CHECK (type ~ '^[a-z_]+\.[a-z_]+$'),
    payload      jsonb       NOT NULL DEFAULT '{}',
    timestamp    timestamptz NOT NULL DEFAULT clock_timestamp(),
    user_id      uuid        DEFAULT kdap_setting('kdap.user')::uuid,
    stream_id    uuid        NOT NULL,
    version      integer     CHECK (version > 0),
    workspace_id uuid,
    operation_id uuid        DEFAULT kdap_setting('kdap.operation')::uuid,
    cause        jsonb       DEFAULT kdap_setting('kdap.cause')::jsonb,
    ip           inet        DEFAULT kdap_setting('kdap.ip')::inet,
    changed      jsonb,
    count        bigint      CHECK (count > 0),
    digest       numeric(40, 0),
    xid          xid8        NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (event_id, timestamp)
) PARTITION BY RANGE (timestamp);

CREATE INDEX events_stream ON events (stream_id, event_id);
CREATE INDEX events_workspace ON events (workspace_id, event_id);
CREATE INDEX events_operation ON events (operation_id);
CREATE INDEX events_feed ON events (xid, event_id);
CREATE INDEX events_timestamp ON events USING brin (timestamp);

CREATE FUNCTION kdap_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: what happened stays written', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION kdap_append_only();

-- Makes the partitions of this month and of `ahead` more; returns how many were missing.
CREATE FUNCTION kdap_make_event_partitions(ahead integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    month date;
    part text;
    made integer := 0;
BEGIN
    FOR i IN 0..ahead LOOP
        month := date_trunc('month', now() AT TIME ZONE 'UTC')::date + make_interval(months => i);
        part := 'events_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)', part,
            month::text || ' 00:00:00+00',
            (month + interval '1 month')::date::text || ' 00:00:00+00');
        -- A partition reached by its own name would not see the parent's policies or trigger.
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', part);
        EXECUTE format(
            'CREATE TRIGGER stay BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION kdap_append_only()', part);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

CREATE TABLE events_rest PARTITION OF events DEFAULT;
ALTER TABLE events_rest ENABLE ROW LEVEL SECURITY;
ALTER TABLE events_rest FORCE ROW LEVEL SECURITY;
CREATE TRIGGER stay BEFORE UPDATE OR DELETE OR TRUNCATE ON events_rest
    FOR EACH STATEMENT EXECUTE FUNCTION kdap_append_only();
SELECT kdap_make_event_partitions(3);
