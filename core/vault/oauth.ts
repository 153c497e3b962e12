import { and, eq, sql } from "drizzle-orm";
import { cloudConnections, credentials } from "../../db/schema/vault.ts";
import { inTenant, isAway, refuseInTransaction } from "../../db/tenant.ts";
import { alertTeam } from "../alerts.ts";
import { audit } from "../audit.ts";
import { AppError } from "../errors.ts";
import type { Scope } from "../scope.ts";
import {
  findSealed,
  openSealed,
  sealAs,
  type SealedCredential,
  type SealedTokens,
  tokensIn,
} from "./sealed.ts";
import { type Service, SERVICES } from "./services.ts";
import type { Tokens } from "./token-endpoint.ts";

/** `away`: no new token now, and the one that is stored may still be good. */
export type RefreshOutcome = "fresh" | "needs_reauth" | "away";

/** A token is refreshed when it ends within two minutes; one that lives no longer, at each use. */
const MARGIN_MS = 120_000;
const LOOK_MS = 100;
const WAIT_MS_MAX = 15_000;
const STORE_RETRY_MS = 1_000;
const STORE_RETRIES_MAX = 60;

/** What makes a refresh due: the end within this time (two minutes unless told), or a token that the service refused. */
export type Due = { readonly withinMs?: number; readonly rejected?: string | null };

/** Whether the access token ends within two minutes, or within another time. */
export function isEnding(
  scope: Pick<Scope, "app">,
  { kind, expiresAt }: SealedCredential,
  withinMs = MARGIN_MS,
): boolean {
  return kind === "oauth" && (expiresAt?.getTime() ?? 0) - scope.app.clock.now() < withinMs;
}

/**
 * Sees to it that the stored access token is good for a while more and is not
 * the one that the service refused. One process at a time asks
 * the token endpoint, under a lock that holds no transaction; the others wait
 * for what it stores, fifteen seconds at most. The new refresh token is stored
 * before either new token is used. Throws `not_connected`.
 */
export async function refreshTokens(scope: Scope, service: Service, when: Due = {}): Promise<RefreshOutcome> {
  refuseInTransaction();
  const { clock, database } = scope.app;
  const startedAt = clock.now();
  for (;;) {
    const due = await dueFor(scope, service, when);
    if (typeof due === "string") return due;
    const alone = await database.tryAlone(`oauth/${scope.orgId}/${service}`, () =>
      refreshAlone(scope, service, when),
    );
    if (alone !== null) return alone.done;
    if (clock.now() - startedAt > WAIT_MS_MAX) return "away";
    await clock.sleep(LOOK_MS);
  }
}

/** The credential when it has to be refreshed, else how it stands. */
async function dueFor(
  scope: Scope,
  service: Service,
  { withinMs, rejected = null }: Due,
): Promise<SealedCredential | "fresh" | "needs_reauth"> {
  const sealed = await inTenant(scope, (tx) => findSealed(tx, scope, service));
  if (sealed === null) throw new AppError("not_connected", { service: SERVICES[service].label });
  if (sealed.status === "needs_reauth") return "needs_reauth";
  if (sealed.kind !== "oauth") return "fresh";
  const isRejected = rejected !== null && tokensIn(openSealed(scope, sealed)).access === rejected;
  return isRejected || isEnding(scope, sealed, withinMs) ? sealed : "fresh";
}

async function refreshAlone(scope: Scope, service: Service, when: Due): Promise<RefreshOutcome> {
  // Whoever had the lock before us may have done it.
  const due = await dueFor(scope, service, when);
  if (typeof due === "string") return due;
  const endpoint = scope.app.oauth[service === "google" ? "google" : "claude"];
  if (endpoint === null) {
    scope.log.error({ service }, "no OAuth client is configured for a connection that needs one");
    return "away";
  }
  const held = tokensIn(openSealed(scope, due));
  const reply = await endpoint.refresh(held.refresh);
  if (reply.outcome === "granted") {
    await storeWhenPossible(scope, due, held, reply.tokens);
    return "fresh";
  }
  scope.log.warn({ service, outcome: reply.outcome, reason: reply.detail }, "a token was not refreshed");
  if (reply.outcome !== "refused") return "away";
  // The lock may have been lost, and another process have used this refresh token: then its tokens are there.
  const now = await dueFor(scope, service, when);
  if (typeof now === "string") return now;
  if (tokensIn(openSealed(scope, now)).refresh !== held.refresh) return "fresh";
  await endConnection(scope, due);
  return "needs_reauth";
}

// A refresh token that is not stored is lost for good, so a short outage of the database is waited for.
async function storeWhenPossible(
  scope: Scope,
  before: SealedCredential,
  held: SealedTokens,
  tokens: Tokens,
): Promise<void> {
  for (let retries = 0; ; retries += 1) {
    try {
      return await store(scope, before, held, tokens);
    } catch (err) {
      if (!isAway(err) || retries >= STORE_RETRIES_MAX) throw err;
      scope.log.warn({ err, service: before.service }, "new tokens could not be stored yet");
      await scope.app.clock.sleep(STORE_RETRY_MS);
    }
  }
}

// By id, not by what was sealed before: a change of the master key seals the same tokens anew meanwhile.
// What has been replaced or removed has another id or none, and these tokens are dropped.
async function store(
  scope: Scope,
  { id, service, connectionId }: SealedCredential,
  held: SealedTokens,
  tokens: Tokens,
): Promise<void> {
  const sealed = { access: tokens.accessToken, refresh: tokens.refreshToken ?? held.refresh };
  await inTenant(scope, async (tx) => {
    const stored = await tx
      .update(credentials)
      .set({ ...sealAs(scope, id, service, JSON.stringify(sealed)), updatedAt: sql`now()` })
      .where(and(eq(credentials.orgId, scope.orgId), eq(credentials.id, id)))
      .returning({ id: credentials.id });
    if (stored.length === 0) return;
    await tx
      .update(cloudConnections)
      .set({ expiresAt: new Date(tokens.expiresAt) })
      .where(and(eq(cloudConnections.orgId, scope.orgId), eq(cloudConnections.id, connectionId)));
    await audit(tx, scope, "credential.refresh", {
      target: service,
      detail: { rotated: tokens.refreshToken !== null },
    });
  });
}

// Once: whoever finds it ended already says nothing.
async function endConnection(scope: Scope, { id, service, connectionId }: SealedCredential): Promise<void> {
  await inTenant(scope, async (tx) => {
    const ended = await tx
      .update(cloudConnections)
      .set({ status: "needs_reauth" })
      .where(
        and(
          eq(cloudConnections.orgId, scope.orgId),
          eq(cloudConnections.id, connectionId),
          eq(cloudConnections.status, "active"),
          sql`EXISTS (SELECT FROM ${credentials} WHERE ${credentials.orgId} = ${scope.orgId} AND ${credentials.id} = ${id})`,
        ),
      )
      .returning({ id: cloudConnections.id });
    if (ended.length === 0) return;
    const { label, renew } = SERVICES[service];
    await alertTeam(tx, scope.app, {
      kind: "reauth",
      key: `${service}:${crypto.randomUUID()}`,
      params: { service: label, team: scope.team, renew },
    });
    await audit(tx, scope, "credential.refresh", { target: service, outcome: "refused" });
  });
}
