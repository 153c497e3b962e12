import { and, eq, lt, sql } from "drizzle-orm";
import type { Tx } from "../db/client.ts";
import { buttons } from "../db/schema/chat.ts";
import { inSystem, inTenant } from "../db/tenant.ts";
import type { App } from "./app.ts";
import { releaseAbandoned } from "./chat/budget.ts";

// Telegram redelivers for 24 hours; twice that tells every repeat apart.
const PIPELINE_HOURS = 48;
const PARKED_DAYS = 30;
const OUTAGE_DAYS = 30;
const PURGES_MAX = 1_000; // of five thousand rows of each team
// As long as a Retry button works: then nobody can ask for a file again.
const FILE_REF_DAYS = 7;

/**
 * Deletes what is no longer needed: finished updates and messages, outages that are long over, expired buttons,
 * references to files, old audit rows; and gives back what abandoned calls
 * reserved. Safe to repeat.
 */
export async function runRetention(app: App): Promise<void> {
  const done = sql`done_at < now() - ${PIPELINE_HOURS} * interval '1 hour'`;
  const updates = await inSystem(app, (tx) =>
    tx.execute(sql`DELETE FROM pipeline.updates WHERE (state = 'done' AND ${done})
      OR (state = 'parked' AND done_at < now() - ${PARKED_DAYS} * interval '1 day') RETURNING 1`),
  );
  const messages = await inSystem(app, (tx) =>
    tx.execute(sql`DELETE FROM pipeline.outbox WHERE ${done} RETURNING 1`),
  );
  await inSystem(app, (tx) =>
    tx.execute(
      sql`DELETE FROM pipeline.claude_outages WHERE ended_at < now() - ${OUTAGE_DAYS} * interval '1 day'`,
    ),
  );
  const teams = await inSystem(app, (tx) =>
    tx.execute<{ org_id: string }>(sql`SELECT * FROM auth.org_ids()`),
  );
  let reservations = 0;
  for (const { org_id: orgId } of teams) {
    await inTenant({ app, orgId }, async (tx) => {
      await tx.delete(buttons).where(and(eq(buttons.orgId, orgId), lt(buttons.expiresAt, sql`now()`)));
      reservations += await releaseAbandoned(tx, orgId);
      await forgetFiles(tx, orgId);
    });
  }
  const auditRows = await purgeAudit(app);
  app.log.info({ updates: updates.length, messages: messages.length, reservations, auditRows }, "retention");
}

/** Each team's rows whose time is over, in batches: each commits by itself, so that a purge which is cut short goes on where it was. */
async function purgeAudit(app: App): Promise<number> {
  let purged = 0;
  for (let batch = 0; batch < PURGES_MAX; batch++) {
    const [row] = await inSystem(app, (tx) =>
      tx.execute<{ n: string }>(sql`SELECT auth.audit_purge(now()) AS n`),
    );
    const count = Number(row?.n ?? 0);
    if (count === 0) break;
    purged += count;
  }
  return purged;
}

/** The questions keep what their files were called, not the references by which Telegram would hand them over. */
async function forgetFiles(tx: Tx, orgId: string): Promise<void> {
  await tx.execute(sql`UPDATE app.turns SET files =
      (SELECT jsonb_agg(f || '{"ref": null}' ORDER BY at) FROM jsonb_array_elements(files) WITH ORDINALITY each (f, at))
    WHERE org_id = ${orgId} AND status <> 'running' AND jsonb_path_exists(files, '$[*].ref ? (@ != null)')
      AND coalesce(ended_at, created_at) < now() - ${FILE_REF_DAYS} * interval '1 day'`);
}

/** Deletes links that have expired, and sessions whose thirty days are over. Safe to repeat. */
export async function purgeSignIn(app: App): Promise<void> {
  await inSystem(app, (tx) => tx.execute(sql`SELECT FROM auth.purge_sign_in()`));
}
