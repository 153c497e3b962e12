import { createHash } from "node:crypto";
import { sql } from "drizzle-orm";
import { inTenant } from "../../db/tenant.ts";
import { firstTeam } from "../accounts/teams.ts";
import { alertTeam } from "../alerts.ts";
import type { App } from "../app.ts";
import { newCorrelationId, type Scope } from "../scope.ts";
import type { Seed } from "./connection-keys.ts";
import { addCredential, type LastingTokens } from "./credentials.ts";
import { type Service, SERVICES } from "./services.ts";

/**
 * Puts the secrets of the environment into the vault of the first team, each
 * value once: what the team disconnects stays away, and another value replaces
 * what is there. Its owners and admins are told. Does nothing while there is no
 * team. Safe to call at every start, in every process.
 */
export async function takeSeeds(app: App): Promise<readonly Service[]> {
  if (app.seeds.length === 0) return [];
  const team = await firstTeam(app);
  if (team === null) return [];
  const taken: Service[] = [];
  for (const seed of app.seeds) if (await take(app, team, seed)) taken.push(seed.service);
  if (taken.length > 0) app.log.info({ orgId: team.orgId, taken }, "secrets of the environment were sealed");
  return taken;
}

async function take(app: App, team: { orgId: string; name: string }, seed: Seed): Promise<boolean> {
  const { service, key, secret } = seed;
  const scope = seedScope(app, team);
  const hash = createHash("sha256").update(secret.expose()).digest();
  return inTenant(scope, async (tx) => {
    const news =
      await tx.execute(sql`INSERT INTO pipeline.seeds AS s (service, hash) VALUES (${service}, ${hash})
      ON CONFLICT (service) DO UPDATE SET hash = excluded.hash, taken_at = now() WHERE s.hash <> excluded.hash RETURNING 1`);
    if (news.length === 0) return false;
    const { last4 } = await addCredential(scope, service, contentOf(seed));
    await alertTeam(tx, app, {
      kind: "seeded",
      key: `${service}:${hash.toString("base64url")}`,
      params: { service: SERVICES[service].label, team: team.name, last4: last4 ?? "none", key },
    });
    return true;
  });
}

// Only a refresh token is known yet, so the first use brings an access token.
function contentOf({ service, secret }: Seed): string | LastingTokens {
  if (service !== "claude_instance") return secret.expose();
  return { accessToken: "", refreshToken: secret.expose(), expiresAt: 0, scopes: [] };
}

function seedScope(app: App, { orgId, name }: { orgId: string; name: string }): Scope {
  return {
    app,
    orgId,
    team: name,
    actor: { type: "operator", name: "environment" },
    correlationId: newCorrelationId(),
    locale: "en",
    timeZone: "UTC",
    log: app.log,
  };
}
