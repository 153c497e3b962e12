import { inTenant, isAway } from "../../db/tenant.ts";
import { firstTeam } from "../accounts/teams.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import { newCorrelationId, requireRole, type Scope } from "../scope.ts";
import { requireToken, withCredential } from "../vault/credentials.ts";
import { refreshTokens } from "../vault/oauth.ts";
import { findSealed } from "../vault/sealed.ts";
import { type Service, SERVICES } from "../vault/services.ts";
import { VaultError } from "../vault/cipher.ts";
import { type ClaudeAccess, credentialName, keyAccess, type Opened } from "./access.ts";
import type { ErrorKind } from "./classify.ts";
import { createTransport } from "./transport.ts";

const CHECK_MS_MAX = 10_000;
// Tokens of a subscription, or ones that end within the hour; keys begin otherwise.
const NO_KEY = /^sk-ant-o/;

// A look at the model tells these of a key; anything else says nothing about it.
const REFUSALS: ReadonlySet<ErrorKind> = new Set(["auth", "forbidden", "billing", "model_missing"]);

/** What a team's calls are made with: its own credential, or else the instance's. */
export async function claudeAccess(scope: Scope): Promise<ClaudeAccess> {
  const { app, orgId } = scope;
  const own = await ownCredential(scope).catch((err: unknown) => {
    // While the database is away, a team that is known to have none still gets the instance's.
    if (isAway(err) && app.claudeHealth.credentialOf(orgId) === app.claude.credential) return null;
    throw err;
  });
  const access =
    own === null
      ? await instanceAccess(app, scope.correlationId)
      : sealedAccess(scope, "claude", { credential: credentialName(own.id), kind: own.kind });
  app.claudeHealth.noteTeam(orgId, access.credential);
  return access;
}

/** The name of what a team's last call was made with, as far as this process knows. */
export function credentialOf({ app, orgId }: Pick<Scope, "app" | "orgId">): string {
  return app.claudeHealth.credentialOf(orgId) ?? app.claude.credential;
}

/** What the instance pays with: the key of its environment, or its OAuth sign-in, which stands in the first team's vault. */
export async function instanceAccess(app: App, correlationId = newCorrelationId()): Promise<ClaudeAccess> {
  if (app.claude.instance !== null) return app.claude.instance;
  const team = await firstTeam(app);
  const known = { credential: app.claude.credential, kind: "oauth" } as const;
  if (team === null)
    return { ...known, open: async () => failureFor(new AppError("not_connected")), renew: null };
  return sealedAccess(systemScope(app, team, correlationId), "claude_instance", known);
}

/** The access of this team as the program itself uses it, for a look at Claude beside the chat. */
export function teamAccess(app: App, team: { orgId: string; name: string }): Promise<ClaudeAccess> {
  return claudeAccess(systemScope(app, team, newCorrelationId()));
}

/**
 * Asks Claude whether it takes this key, before it is stored. Owners only. Throws
 * `secret_malformed`, `claude_key_wrong_kind`, `claude_key_refused`, and
 * `claude_key_unchecked` when Claude could not be asked.
 */
export async function checkClaudeKey(scope: Scope, key: string): Promise<void> {
  const { app } = scope;
  requireRole(scope, SERVICES.claude.who);
  if (NO_KEY.test(key)) throw new AppError("claude_key_wrong_kind");
  requireToken("claude", key);
  const { kind } = await app.claude.retrieve(AbortSignal.timeout(CHECK_MS_MAX), keyAccess(key));
  if (kind === null) return;
  if (REFUSALS.has(kind)) throw new AppError("claude_key_refused", { kind, model: app.claude.model });
  throw new AppError("claude_key_unchecked");
}

async function ownCredential(scope: Scope) {
  return inTenant(scope, (tx) => findSealed(tx, scope, "claude"));
}

// The opened token stays in this closure and in the transport's, for as long as one call takes.
function sealedAccess(
  scope: Scope,
  service: Extract<Service, "claude" | "claude_instance">,
  known: Pick<ClaudeAccess, "credential"> & { readonly kind: "api_key" | "oauth" },
): ClaudeAccess {
  let sent: string | null = null;
  const open = (): Promise<Opened> =>
    withCredential(scope, service, async (secret) => {
      sent = secret;
      return createTransport(secret, known.kind);
    }).catch((err: unknown) => {
      if (err instanceof VaultError)
        scope.log.error({ service, orgId: scope.orgId }, "a credential cannot be opened");
      return failureFor(err);
    });
  const renew = async (): Promise<Opened> => {
    try {
      // The refused token would be refused again, and Claude be taken for what the token endpoint is.
      if ((await refreshTokens(scope, service, { rejected: sent })) === "away")
        return failureFor(new AppError("service_away"));
    } catch (err) {
      return failureFor(err);
    }
    return open();
  };
  return { ...known, open, renew: known.kind === "oauth" ? renew : null };
}

function failureFor(err: unknown): Opened {
  if (err instanceof VaultError) return { source: "credential", textShown: false };
  if (!(err instanceof AppError)) throw err;
  return { source: "credential", textShown: false, errorCode: err.code };
}

function systemScope(app: App, team: { orgId: string; name: string }, correlationId: string): Scope {
  return {
    app,
    orgId: team.orgId,
    team: team.name,
    actor: { type: "system", name: "claude" },
    correlationId,
    locale: "en",
    timeZone: "UTC",
    log: app.log,
  };
}
