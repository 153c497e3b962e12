import { and, desc, eq, sql } from "drizzle-orm";
import { users } from "../../db/schema/teams.ts";
import { cloudConnections, credentials } from "../../db/schema/vault.ts";
import { inTenant, refuseInTransaction } from "../../db/tenant.ts";
import type { Tx } from "../../db/client.ts";
import { alertOwners, mayAlert } from "../alerts.ts";
import { audit } from "../audit.ts";
import { AppError } from "../errors.ts";
import { requireRole, userOf, type Scope } from "../scope.ts";
import { isEnding, refreshTokens } from "./oauth.ts";
import {
  findSealed,
  openSealed,
  sealAs,
  type SealedCredential,
  type SealedTokens,
  tokensIn,
} from "./sealed.ts";
import { type Service, SERVICES, tokenOwner } from "./services.ts";
import type { Tokens } from "./token-endpoint.ts";

const LAST = 4;

/** What may be shown of a credential. `connectedBy` is null when nobody of the team did it, or they have gone. */
export type Connection = {
  readonly service: Service;
  readonly kind: "api_key" | "oauth";
  readonly last4: string | null;
  readonly status: "active" | "needs_reauth";
  readonly connectedBy: string | null;
  readonly connectedAt: Date;
  readonly lastUsedAt: Date | null;
};

/** What an OAuth sign-in has to bring to be of use. */
export type LastingTokens = Tokens & { readonly refreshToken: string };

/**
 * Seals a key or token that somebody gave us, or the tokens of an OAuth
 * sign-in, and puts it in the place of what the team had of this service.
 * Returns the last four characters that may be shown of it, and of what it
 * replaced. Throws `secret_malformed`, and then nothing is replaced.
 */
export async function addCredential(
  scope: Scope,
  service: Service,
  added: string | LastingTokens,
): Promise<{ last4: string | null; replaced: { last4: string | null } | null }> {
  requireRole(scope, SERVICES[service].who);
  const { kind, plaintext, last4, scopes, expiresAt } = contentOf(service, added);
  return inTenant(scope, async (tx) => {
    const fresh = {
      createdBy: userOf(scope.actor),
      createdAt: sql`now()`,
      status: "active" as const,
      scopes,
      expiresAt,
    };
    const [connection] = await tx
      .insert(cloudConnections)
      .values({ ...fresh, orgId: scope.orgId, provider: service })
      .onConflictDoUpdate({
        target: [cloudConnections.orgId, cloudConnections.provider],
        set: { ...fresh, lastUsedAt: null },
      })
      .returning({ id: cloudConnections.id });
    if (connection === undefined) throw new Error("the connection was neither found nor made");
    const before = await findSealed(tx, scope, service);
    // A new id each time: an envelope that was replaced opens nowhere any more.
    const id = crypto.randomUUID();
    const sealed = { id, kind, ...sealAs(scope, id, service, plaintext), last4 };
    await tx
      .insert(credentials)
      .values({ ...sealed, orgId: scope.orgId, connectionId: connection.id, name: service })
      .onConflictDoUpdate({
        target: [credentials.orgId, credentials.name],
        set: { ...sealed, updatedAt: sql`now()` },
      });
    const detail = { kind, last4, replaced: before !== null };
    await audit(tx, scope, "credential.add", { target: service, detail });
    return { last4, replaced: before === null ? null : { last4: before.last4 } };
  });
}

function contentOf(service: Service, added: string | LastingTokens) {
  if (typeof added !== "string") {
    const tokens: SealedTokens = { access: added.accessToken, refresh: added.refreshToken };
    return {
      kind: "oauth" as const,
      plaintext: JSON.stringify(tokens),
      last4: null, // they change by themselves, and would tell nobody anything
      scopes: [...added.scopes],
      expiresAt: new Date(added.expiresAt),
    };
  }
  requireToken(service, added);
  return {
    kind: "api_key" as const,
    plaintext: added,
    last4: added.slice(-LAST),
    scopes: [],
    expiresAt: null,
  };
}

/**
 * Throws `secret_malformed` unless a text looks like a key or token of this
 * service. One that is known to be of another service does not: it would be
 * sent there, and tell it a secret.
 */
export function requireToken(service: Service, text: string): void {
  const { label, shape } = SERVICES[service];
  if (shape?.test(text) !== true || (tokenOwner(text) ?? service) !== service)
    throw new AppError("secret_malformed", { service: label });
}

/**
 * Opens one credential for the time of one call: its key or token, of an OAuth
 * sign-in the access token, refreshed before when it ends within two minutes.
 * The plaintext exists only in `use`'s argument: there is no function that
 * returns it. Not inside a transaction, since `use` waits for a network. Throws
 * `not_connected`, `needs_reauth`, `service_away` when a token has ended and
 * cannot be refreshed now, or `VaultError` when the envelope was altered.
 */
export async function withCredential<T>(
  scope: Scope,
  service: Service,
  use: (secret: string) => Promise<T>,
): Promise<T> {
  refuseInTransaction();
  const sealed = (await takeForUse(scope, service, isEnding)) ?? (await takeRefreshed(scope, service));
  const opened = openSealed(scope, sealed);
  return use(sealed.kind === "oauth" ? tokensIn(opened).access : opened.expose());
}

async function takeRefreshed(scope: Scope, service: Service): Promise<SealedCredential> {
  await refreshTokens(scope, service);
  const hasEnded = (_: Scope, { expiresAt }: SealedCredential) =>
    (expiresAt?.getTime() ?? Infinity) <= scope.app.clock.now();
  const sealed = await takeForUse(scope, service, hasEnded);
  if (sealed === null) throw new AppError("service_away", { service: SERVICES[service].label });
  return sealed;
}

// Null, and nothing written down, when it is not to be used as it is.
async function takeForUse(
  scope: Scope,
  service: Service,
  isUnfit: (scope: Scope, sealed: SealedCredential) => boolean,
): Promise<SealedCredential | null> {
  return inTenant(scope, async (tx) => {
    const found = await findSealed(tx, scope, service);
    if (found === null) throw new AppError("not_connected", { service: SERVICES[service].label });
    if (found.status === "needs_reauth")
      throw new AppError("needs_reauth", { service: SERVICES[service].label });
    if (isUnfit(scope, found)) return null;
    await tx
      .update(cloudConnections)
      .set({ lastUsedAt: sql`now()` })
      .where(and(eq(cloudConnections.orgId, scope.orgId), eq(cloudConnections.id, found.connectionId)));
    await alertNewUser(tx, scope, service);
    await audit(tx, scope, "credential.use", { target: service });
    return found;
  });
}

// Whoever uses a credential for the first time may be somebody who should not: owners hear of each of them once.
// What this program does by itself, such as looking whether Claude is back, is in the audit log and alarms nobody.
async function alertNewUser(tx: Tx, scope: Scope, service: Service): Promise<void> {
  const { app, orgId, actor } = scope;
  if (actor.type === "system") return;
  const who = userOf(actor) ?? actor.name;
  const subject = `${orgId}:${service}:${who}`;
  const kind = "credential_user";
  if (!(await mayAlert(tx, { kind, subject, everyMs: null, nowMs: app.clock.now() }))) return;
  const params = { team: scope.team, service: SERVICES[service].label, name: actor.name };
  await alertOwners(tx, scope, { kind, key: subject, params, except: [userOf(actor)] });
}

/** Forgets what the team has of this service. Throws `not_connected`. */
export async function removeCredential(scope: Scope, service: Service): Promise<void> {
  requireRole(scope, SERVICES[service].who);
  await inTenant(scope, async (tx) => {
    const removed = await tx
      .delete(cloudConnections)
      .where(and(eq(cloudConnections.orgId, scope.orgId), eq(cloudConnections.provider, service)))
      .returning({ id: cloudConnections.id });
    if (removed.length === 0) throw new AppError("not_connected", { service: SERVICES[service].label });
    await audit(tx, scope, "credential.remove", { target: service });
  });
}

/** What the team has connected, the newest first. Nothing is opened. */
export async function listConnections(scope: Scope): Promise<Connection[]> {
  requireRole(scope, "admin");
  const rows = await inTenant(scope, (tx) =>
    tx
      .select({
        service: credentials.name,
        kind: credentials.kind,
        last4: credentials.last4,
        status: cloudConnections.status,
        connectedBy: sql<string | null>`nullif(${users.displayName}, '')`, // who was deleted has no name
        connectedAt: cloudConnections.createdAt,
        lastUsedAt: cloudConnections.lastUsedAt,
      })
      .from(cloudConnections)
      .innerJoin(
        credentials,
        and(eq(credentials.orgId, cloudConnections.orgId), eq(credentials.connectionId, cloudConnections.id)),
      )
      .leftJoin(users, and(eq(users.orgId, cloudConnections.orgId), eq(users.id, cloudConnections.createdBy)))
      .where(eq(cloudConnections.orgId, scope.orgId))
      .orderBy(desc(cloudConnections.createdAt)),
  );
  // safe: only addCredential writes the name
  return rows.map((row) => ({ ...row, service: row.service as Service }));
}
