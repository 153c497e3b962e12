-- How many days a team keeps its audit log (nobody less than 30), and whether its owners get a daily report of it.
ALTER TABLE app.team_settings
  ADD COLUMN audit_days int NOT NULL DEFAULT 30 CHECK (audit_days BETWEEN 30 AND 3650),
  ADD COLUMN audit_report boolean NOT NULL DEFAULT true;
SELECT app.open_to_authn('team_settings');
GRANT SELECT ON app.team_settings TO blockbot_authn;
--> statement-breakpoint
SET LOCAL ROLE blockbot_authn;
-- Deletes rows of all teams older than p_before, none before its team's time is over, and leaves a checkpoint for the chain.
-- At most p_batch rows of each team; 0 when nothing is left to delete. The time of a row is taken before it waits for its
-- place in the chain, so a team's rows go up to the first one that must stay.
CREATE OR REPLACE FUNCTION auth.audit_purge(p_before timestamptz, p_batch int DEFAULT 5000) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE r record; v_lowest bigint; v_stays bigint; v_last record; v_count bigint; v_total bigint := 0;
BEGIN
  FOR r IN SELECT h.org_id, least(p_before, now() - greatest(30, coalesce(s.audit_days, 30)) * interval '1 day') AS cut
    FROM app.audit_heads h LEFT JOIN app.team_settings s ON s.org_id = h.org_id
  LOOP
    SELECT min(l.seq) INTO v_lowest FROM app.audit_log l WHERE l.org_id = r.org_id;
    SELECT l.seq INTO v_stays FROM app.audit_log l WHERE l.org_id = r.org_id AND l.at >= r.cut ORDER BY l.seq LIMIT 1;
    SELECT l.seq, l.hash INTO v_last FROM app.audit_log l WHERE l.org_id = r.org_id AND l.seq < v_lowest + p_batch
      AND (v_stays IS NULL OR l.seq < v_stays) ORDER BY l.seq DESC LIMIT 1;
    CONTINUE WHEN v_last.seq IS NULL;
    DELETE FROM app.audit_log l WHERE l.org_id = r.org_id AND l.seq <= v_last.seq;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    INSERT INTO app.audit_checkpoints (org_id, seq, hash, purged, purged_before)
      VALUES (r.org_id, v_last.seq, v_last.hash, v_count, r.cut);
    v_total := v_total + v_count;
  END LOOP;
  RETURN v_total;
END $$;
SET LOCAL ROLE blockbot_owner;
