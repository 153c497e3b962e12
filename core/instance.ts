import { sql } from "drizzle-orm";
import { createHmac } from "node:crypto";
import type { Tx } from "../db/client.ts";
import { missingMigrations } from "../db/migrate.ts";
import { instance } from "../db/schema/teams.ts";
import { inSystem } from "../db/tenant.ts";
import { hashOf } from "./accounts/callers.ts";
import type { App } from "./app.ts";

const SETUP_CODE_BYTES = 15;

/** The program must not run on this database as it is; the message says what to do. */
export class RefusedToStart extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RefusedToStart";
  }
}

/**
 * Checks that this database, its runtime role and the master key fit this
 * start, and claims an empty database for it. Returns the code of the owner
 * link while nobody has used one: `setupCode` when given, else one that is the
 * same in every process and at every start. Throws `RefusedToStart` and leaves
 * nothing written then.
 */
export async function openInstance(
  app: App,
  kind: "demo" | "real",
  setupCode: string | null,
): Promise<string | null> {
  await refuseStrongRole(app);
  const missing = await missingMigrations(app);
  if (missing > 0)
    throw new RefusedToStart(
      `The database lacks ${missing} migration${missing === 1 ? "" : "s"}. Run: npm run migrate`,
    );
  return inSystem(app, async (tx) => {
    // The runtime role may write these two columns only, and drizzle would name them all.
    await tx.execute(
      sql`INSERT INTO app.instance (kind, key_check) VALUES (${kind}, ${app.vault.sealKeyCheck()}) ON CONFLICT DO NOTHING`,
    );
    const [found] = await tx.select().from(instance).for("update");
    if (found === undefined) throw new Error("the instance's row was neither found nor made");
    await refuseMisfit(app, tx, found, kind);
    if (found.setupUsedAt !== null) return null;
    const code = setupCode ?? ownerCode(app, found.keyCheck);
    await tx.update(instance).set({ setupCodeHash: hashOf(code) });
    return code;
  });
}

/** Whether this database belongs to such a start, without claiming it: `new` when it is nobody's yet. Throws `RefusedToStart`. */
export async function inspectInstance(app: App, kind: "demo" | "real"): Promise<"fits" | "new"> {
  return inSystem(app, async (tx) => {
    const [found] = await tx.select().from(instance);
    if (found === undefined) return "new";
    await refuseMisfit(app, tx, found, kind);
    return "fits";
  });
}

// A fresh code at each start would make the link useless that another process, or the start before, has printed.
function ownerCode(app: App, keyCheck: Uint8Array): string {
  const mac = createHmac("sha256", app.vault.derive("owner-link")).update(keyCheck).digest();
  return mac.subarray(0, SETUP_CODE_BYTES).toString("base64url");
}

async function refuseMisfit(
  app: App,
  tx: Tx,
  found: typeof instance.$inferSelect,
  kind: "demo" | "real",
): Promise<void> {
  if (found.kind !== kind) throw new RefusedToStart(kindMismatch(kind));
  if (!app.vault.opensKeyCheck(found.keyCheck)) {
    throw new RefusedToStart(
      "MASTER_KEY is not the key that this database was made with. Put the old key back: without it the stored credentials cannot be opened.",
    );
  }
  await refuseMissingKeys(app, tx);
}

// A credential that cannot be opened would be found out when somebody needs it.
async function refuseMissingKeys(app: App, tx: Tx): Promise<void> {
  const needed = await tx.execute<{ kid: string }>(sql`SELECT kid FROM auth.credential_kids()`);
  const missing = needed.map(({ kid }) => Number(kid)).filter((kid) => !app.vault.keyIds().includes(kid));
  if (missing.length > 0)
    throw new RefusedToStart(
      `MASTER_KEY lacks key ${missing.join(" and ")}, which stored credentials are sealed with. Put it back behind the newest key, and run npm run rotate-key before you take it out.`,
    );
}

function kindMismatch(kind: "demo" | "real"): string {
  return kind === "real"
    ? "This database was made by the demo, with a simulated Telegram, and its teams are not real. Point DATABASE_URL at an empty database, or remove TELEGRAM_BOT_TOKEN to go on with the demo."
    : "This database belongs to a real bot. Set TELEGRAM_BOT_TOKEN, or point DATABASE_URL at an empty database for the demo.";
}

/**
 * Throws `RefusedToStart` when the runtime role could walk around the walls
 * between teams. Who is a member of an owner can become it, which is as good as owning.
 */
export async function refuseStrongRole(app: App): Promise<void> {
  const [role] = await inSystem(app, (tx) =>
    tx.execute<{
      name: string;
      strong: boolean;
      owns: boolean;
    }>(sql`SELECT current_user AS name, (r.rolsuper OR r.rolbypassrls) AS strong,
      EXISTS (SELECT FROM pg_class c WHERE pg_has_role(r.oid, c.relowner, 'MEMBER')) AS owns FROM pg_roles r WHERE r.rolname = current_user`),
  );
  if (role === undefined || role.strong || role.owns) {
    throw new RefusedToStart(
      `DATABASE_URL signs in as ${role?.name ?? "an unknown role"}, which could walk around the walls between teams. Use blockbot_app, and DATABASE_MIGRATE_URL for migrations. ops/postgres/roles.sql makes the roles.`,
    );
  }
}
