import { sql } from "drizzle-orm";
import { inSystem } from "../../db/tenant.ts";
import { everyTeam } from "../accounts/teams.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import { newCorrelationId } from "../scope.ts";
import { refreshTokens } from "./oauth.ts";
import { isService } from "./services.ts";

const AHEAD_MS = 5 * 60_000;

/**
 * Refreshes every access token that ends within five minutes, so that nobody
 * who needs one has to wait, and one whose permission has ended is noticed
 * without being used. One that fails does not keep the others.
 */
export async function refreshExpiring(app: App, correlationId = newCorrelationId()): Promise<void> {
  const before = new Date(app.clock.now() + AHEAD_MS).toISOString();
  const due = await inSystem(app, (tx) =>
    tx.execute<{ org_id: string; provider: string }>(
      sql`SELECT * FROM auth.expiring_connections(${before}::timestamptz)`,
    ),
  );
  if (due.length === 0) return;
  const names = new Map((await everyTeam(app)).map(({ orgId, name }) => [orgId, name]));
  for (const { org_id: orgId, provider } of due) {
    if (!isService(provider)) continue;
    const scope = {
      app,
      orgId,
      team: names.get(orgId) ?? "",
      actor: { type: "system", name: "refresh" } as const,
      correlationId,
      locale: "en",
      timeZone: "UTC",
      log: app.log.child({ orgId }),
    };
    try {
      await refreshTokens(scope, provider, { withinMs: AHEAD_MS });
    } catch (err) {
      if (!(err instanceof AppError)) app.log.error({ err, orgId, provider }, "a token was not refreshed");
    }
  }
}
