import { sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { audit } from "../audit.ts";
import { AppError } from "../errors.ts";
import { personOf, type Scope } from "../scope.ts";
import {
  callerIn,
  hashOf,
  newToken,
  signedIn,
  type Caller,
  type SignedIn,
  type SignInMethod,
  type Visitor,
} from "./callers.ts";

export const REFRESH_DAYS = 7;
const SESSION_DAYS = 30;
const USER_AGENT_CHARS_MAX = 200;

export type Session = {
  readonly id: string;
  readonly team: { readonly id: string; readonly name: string };
  readonly method: SignInMethod;
  readonly userAgent: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
};

/** Opens a session in the transaction that proved who somebody is, with its audit row. */
export async function openSession(
  tx: Tx,
  app: App,
  input: { accountId: string; orgId: string; method: SignInMethod; visitor: Visitor },
): Promise<SignedIn> {
  const { accountId, orgId, method, visitor } = input;
  const refreshToken = newToken();
  const [row] = await tx.execute<{ id: string }>(
    sql`SELECT auth.open_session(${accountId}, ${orgId}, ${method}, ${agentOf(visitor)}, ${hashOf(refreshToken)},
      make_interval(days => ${REFRESH_DAYS}), make_interval(days => ${SESSION_DAYS})) AS id`,
  );
  if (row === undefined) throw new Error("a session was neither opened nor refused");
  const caller = await callerIn(tx, app, {
    sessionId: row.id,
    epoch: null,
    correlationId: visitor.correlationId,
  });
  if (caller === null) throw new AppError("session_gone");
  await inTenant(caller.scope, (tenantTx) =>
    audit(tenantTx, caller.scope, "auth.login", { target: caller.sessionId, detail: { method } }),
  );
  return signedIn(app, caller, refreshToken);
}

/** The live sessions of the person who asks, newest first. */
export async function listSessions(scope: Scope): Promise<Session[]> {
  const rows = await inSystem(scope.app, (tx) =>
    tx.execute<{
      id: string;
      org_id: string;
      team: string;
      method: SignInMethod;
      user_agent: string;
      created_at: string;
      last_used_at: string;
      expires_at: string;
    }>(sql`SELECT * FROM auth.account_sessions(${personOf(scope).accountId})`),
  );
  return rows.map((row) => ({
    id: row.id,
    team: { id: row.org_id, name: row.team },
    method: row.method,
    userAgent: row.user_agent,
    createdAt: new Date(row.created_at),
    lastUsedAt: new Date(row.last_used_at),
    expiresAt: new Date(row.expires_at),
  }));
}

/** Ends one session of the person who asks, at once. Throws `session_unknown` for any other. */
export async function endSession(scope: Scope, sessionId: string): Promise<void> {
  await inTenant(scope, async (tx) => {
    const own = { account_id: personOf(scope).accountId, session_id: sessionId };
    if (!(await endIn(tx, own, "logout"))) throw new AppError("session_unknown");
    await audit(tx, scope, "auth.logout", { target: sessionId });
  });
}

/** Ends every session of the person who asks and calls back every access token. Returns how many sessions ended. */
export async function endAllSessions(scope: Scope): Promise<number> {
  return inTenant(scope, async (tx) => {
    const [row] = await tx.execute<{ ended: number }>(
      sql`SELECT auth.end_account_sessions(${personOf(scope).accountId}, NULL, 'logout_all') AS ended`,
    );
    const ended = row?.ended ?? 0;
    await audit(tx, scope, "auth.logout_all", { detail: { sessions: ended } });
    return ended;
  });
}

/** Lets the session act for another team of the same person. Throws `team_unknown`. */
export async function switchTeam(caller: Caller, orgId: string): Promise<SignedIn> {
  const { app, correlationId } = caller.scope;
  const moved = await inSystem(app, async (tx) => {
    const [row] = await tx.execute<{ switched: boolean }>(
      sql`SELECT auth.switch_session(${personOf(caller.scope).accountId}, ${caller.sessionId}, ${orgId}) AS switched`,
    );
    if (row?.switched !== true) throw new AppError("team_unknown");
    const now = await callerIn(tx, app, { sessionId: caller.sessionId, epoch: null, correlationId });
    if (now === null) throw new AppError("session_gone");
    await inTenant(now.scope, (tenantTx) =>
      audit(tenantTx, now.scope, "auth.team", { target: now.sessionId }),
    );
    return now;
  });
  return signedIn(app, moved, null);
}

/** Ends a session of an account, in the transaction of the reason for it. False when there is no such live session. */
export async function endIn(
  tx: Tx,
  session: { account_id: string; session_id: string },
  reason: "logout" | "membership",
): Promise<boolean> {
  const [row] = await tx.execute<{ ended: boolean }>(
    sql`SELECT auth.end_session(${session.account_id}, ${session.session_id}, ${reason}) AS ended`,
  );
  return row?.ended === true;
}

/** How a browser calls itself, as far as it is kept. */
export function agentOf({ userAgent }: Visitor): string {
  return userAgent.slice(0, USER_AGENT_CHARS_MAX);
}
