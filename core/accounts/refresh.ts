import { sql } from "drizzle-orm";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { audit } from "../audit.ts";
import { AppError } from "../errors.ts";
import {
  callerIn,
  hashOf,
  newToken,
  sessionOfRefresh,
  signedIn,
  type SignedIn,
  type Visitor,
} from "./callers.ts";
import { tellMembers } from "./notices.ts";
import { agentOf, endIn, REFRESH_DAYS } from "./sessions.ts";

// Two tabs that refresh at once, and an answer that was lost on its way.
const RACE_SECONDS = 10;
const LOST_SECONDS = 60;

type Rotated = { outcome: string; session_id: string; account_id: string; org_id: string };

/**
 * Uses a refresh token up for a new one. A second use within ten seconds gives
 * an access token alone, one within a minute replaces an answer that was lost;
 * any other ends the session, and the person is told in Telegram. Throws
 * `session_gone` and `too_many_requests`.
 */
export async function refreshSession(app: App, refreshToken: string, visitor: Visitor): Promise<SignedIn> {
  await chargeRefresh(app, refreshToken);
  const next = newToken();
  const rotated = await inSystem(app, async (tx) => {
    const [row] = await tx.execute<Rotated>(
      sql`SELECT * FROM auth.rotate_refresh(${hashOf(refreshToken)}, ${hashOf(next)}, ${agentOf(visitor)},
        make_interval(days => ${REFRESH_DAYS}), make_interval(secs => ${RACE_SECONDS}), make_interval(secs => ${LOST_SECONDS}))`,
    );
    if (row === undefined || row.outcome === "unknown" || row.outcome === "expired") return null;
    if (row.outcome === "reuse") {
      await noteReuse(app, row, visitor);
      return null;
    }
    const caller = await callerIn(tx, app, {
      sessionId: row.session_id,
      epoch: null,
      correlationId: visitor.correlationId,
    });
    if (caller !== null) return { caller, isRace: row.outcome === "race" };
    await endIn(tx, row, "membership"); // it ended since, and so does the session
    return null;
  });
  if (rotated === null) throw new AppError("session_gone");
  return signedIn(app, rotated.caller, rotated.isRace ? null : next);
}

/** Ends the session of a refresh token; one that is unknown or has ended changes nothing. */
export async function endByRefresh(app: App, refreshToken: string, correlationId: string): Promise<void> {
  await inSystem(app, async (tx) => {
    const session = await sessionOfRefresh(tx, refreshToken);
    if (session === undefined) return;
    const caller = await callerIn(tx, app, { sessionId: session.session_id, epoch: null, correlationId });
    await endIn(tx, session, "logout");
    if (caller === null) return;
    await inTenant(caller.scope, (tenantTx) =>
      audit(tenantTx, caller.scope, "auth.logout", { target: session.session_id }),
    );
  });
}

async function chargeRefresh(app: App, refreshToken: string): Promise<void> {
  const session = await inSystem(app, (tx) => sessionOfRefresh(tx, refreshToken));
  if (session === undefined) throw new AppError("session_gone");
  const charge = { key: `{session:${session.session_id}}:refresh`, ...app.limitRules.refresh };
  const { allowed, retryAfterMs } = await app.limits.take([charge]);
  if (!allowed) throw new AppError("too_many_requests", { seconds: Math.ceil(retryAfterMs / 1000) });
}

// Somebody has a copy. Who of the two is the thief cannot be told, so both are out, and the person hears of it.
async function noteReuse(app: App, session: Rotated, visitor: Visitor): Promise<void> {
  const { correlationId } = visitor;
  app.log.warn({ sessionId: session.session_id, correlationId }, "a refresh token was used twice");
  await inTenant({ app, orgId: session.org_id }, async (tenantTx) => {
    const [user] = await tenantTx.execute<{ id: string }>(
      sql`SELECT id FROM app.users WHERE org_id = ${session.org_id} AND account_id = ${session.account_id}`,
    );
    const userIds = user === undefined ? [] : [user.id];
    await tellMembers(tenantTx, visitor, userIds, { kind: "session_reused", params: {} });
    const by = { actor: { type: "system", name: "sign-in" }, correlationId } as const;
    await audit(tenantTx, by, "auth.refresh.reuse", { target: user?.id ?? "", outcome: "refused" });
  });
}
