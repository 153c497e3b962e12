import { and, asc, eq, gt, ne, sql } from "drizzle-orm";
import { credentials } from "../../db/schema/vault.ts";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { audit } from "../audit.ts";
import { newCorrelationId } from "../scope.ts";
import { VaultError } from "./cipher.ts";

/** Short transactions: whoever connects or refreshes meanwhile waits for one of them at most. */
const BATCH = 50;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/** `unreadable` are rows that no key opens in their place; they were left as they are. */
export type Rotation = { readonly resealed: number; readonly teams: number; readonly unreadable: number };

/**
 * Seals every credential of every team anew that is not sealed with the newest
 * key, and then the check of the key itself. Safe while the program runs, when
 * all its processes know both keys; safe to kill and to repeat.
 */
export async function rotateKeys(app: App): Promise<Rotation> {
  const teams = await inSystem(app, (tx) =>
    tx.execute<{ org_id: string }>(sql`SELECT org_id FROM auth.org_ids()`),
  );
  const rotation = { resealed: 0, teams: teams.length, unreadable: 0 };
  for (const { org_id: orgId } of teams) {
    const { resealed, unreadable } = await rotateTeam(app, orgId);
    rotation.resealed += resealed;
    rotation.unreadable += unreadable;
  }
  if (rotation.unreadable === 0)
    await inSystem(app, (tx) =>
      tx.execute(sql`UPDATE app.instance SET key_check = ${app.vault.sealKeyCheck()}`),
    );
  return rotation;
}

async function rotateTeam(app: App, orgId: string): Promise<{ resealed: number; unreadable: number }> {
  const done = { resealed: 0, unreadable: 0 };
  for (let after: string | null = FIRST_ID; after !== null;) {
    const batch = await resealBatch(app, orgId, after);
    done.resealed += batch.resealed;
    done.unreadable += batch.unreadable;
    after = batch.last;
  }
  return done;
}

async function resealBatch(app: App, orgId: string, after: string) {
  const [kid] = app.vault.keyIds();
  return inTenant({ app, orgId }, async (tx) => {
    const rows = await tx
      .select({ id: credentials.id, name: credentials.name, envelope: credentials.envelope })
      .from(credentials)
      .where(and(eq(credentials.orgId, orgId), ne(credentials.kid, kid), gt(credentials.id, after)))
      .orderBy(asc(credentials.id))
      .limit(BATCH)
      .for("update");
    let unreadable = 0;
    for (const { id, name, envelope: old } of rows) {
      const envelope = resealed(app, old, { orgId, record: id, name });
      if (envelope === null) unreadable += 1;
      else
        await tx
          .update(credentials)
          .set({ kid, envelope })
          .where(and(eq(credentials.orgId, orgId), eq(credentials.id, id)));
    }
    const count = rows.length - unreadable;
    const scope = {
      actor: { type: "operator", name: "rotate-key" } as const,
      correlationId: newCorrelationId(),
    };
    if (count > 0) await audit(tx, scope, "credential.reseal", { detail: { count, kid } });
    return { resealed: count, unreadable, last: rows.length < BATCH ? null : (rows.at(-1)?.id ?? null) };
  });
}

// Null for one that was altered or moved: the others must not wait for it.
function resealed(app: App, envelope: Uint8Array, place: { orgId: string; record: string; name: string }) {
  try {
    return app.vault.reseal(envelope, place);
  } catch (err) {
    if (err instanceof VaultError) return null;
    throw err;
  }
}
