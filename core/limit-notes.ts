import { sql } from "drizzle-orm";
import { inSystem, inTenant } from "../db/tenant.ts";
import type { App } from "./app.ts";
import { audit } from "./audit.ts";
import { newCorrelationId } from "./scope.ts";

/**
 * Writes into the first team's audit log that limits are counted by single
 * processes, unless one of them did so within a minute. Never throws.
 */
export async function noteDegraded(app: App): Promise<void> {
  try {
    const [first] = await inSystem(app, (tx) =>
      tx.execute<{ org_id: string }>(sql`SELECT org_id FROM auth.org_ids() LIMIT 1`),
    );
    if (first === undefined) return;
    const orgId = first.org_id;
    await inTenant({ app, orgId }, async (tx) => {
      const [known] =
        await tx.execute(sql`SELECT 1 FROM app.audit_log WHERE org_id = ${orgId} AND action = 'ratelimit.degraded'
        AND at > clock_timestamp() - interval '1 minute' LIMIT 1`);
      if (known !== undefined) return;
      const limiter = {
        actor: { type: "system", name: "limits" } as const,
        correlationId: newCorrelationId(),
      };
      await audit(tx, limiter, "ratelimit.degraded");
    });
  } catch (err) {
    app.log.warn({ err }, "that limits are counted in the process could not be written down");
  }
}
