-- A team's log begins with the team, in one transaction: without a head it was taken away, and then nothing said where the log ended.
SET LOCAL ROLE blockbot_authn;
--> statement-breakpoint
-- As before, and a log whose head is missing is broken after its last row.
CREATE OR REPLACE FUNCTION auth.audit_verify() RETURNS TABLE (bad_seq bigint, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_org uuid := app.org(); r app.audit_log; v_head app.audit_heads; v_prev bytea := '\x00'; v_seq bigint := 0; v_reason text;
BEGIN
  SELECT c.seq, c.hash INTO v_seq, v_prev FROM app.audit_checkpoints c WHERE c.org_id = v_org ORDER BY c.seq DESC LIMIT 1;
  IF NOT FOUND THEN v_seq := 0; v_prev := '\x00'; END IF;
  FOR r IN SELECT * FROM app.audit_log l WHERE l.org_id = v_org ORDER BY l.seq LOOP
    v_reason := CASE
      WHEN r.seq <> v_seq + 1 THEN 'gap'
      WHEN r.prev_hash <> v_prev THEN 'prev_hash'
      WHEN r.detail IS NOT NULL AND sha256(convert_to(r.detail::text, 'UTF8')) <> r.detail_hash THEN 'detail'
      WHEN auth.audit_hash(r.prev_hash, r.org_id, r.seq, r.at,
        ARRAY[r.actor_type, r.actor_id, r.action, r.target, r.outcome, r.model, r.correlation_id], r.detail_hash) <> r.hash THEN 'hash'
      END;
    IF v_reason IS NOT NULL THEN RETURN QUERY SELECT v_seq + 1, v_reason; RETURN; END IF;
    v_seq := r.seq; v_prev := r.hash;
  END LOOP;
  SELECT * INTO v_head FROM app.audit_heads h WHERE h.org_id = v_org;
  IF NOT FOUND THEN RETURN QUERY SELECT v_seq + 1, 'head'::text;
  ELSIF v_head.seq <> v_seq OR v_head.hash <> v_prev THEN RETURN QUERY SELECT v_head.seq, 'tail'::text; END IF;
END $$;
SET LOCAL ROLE blockbot_owner;
