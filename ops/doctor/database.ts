import { sql } from "drizzle-orm";
import { everyTeam } from "../../core/accounts/teams.ts";
import type { App } from "../../core/app.ts";
import { verifyAudit } from "../../core/audit-chain.ts";
import { inspectInstance, refuseStrongRole } from "../../core/instance.ts";
import { missingMigrations } from "../../db/migrate.ts";
import { inSystem } from "../../db/tenant.ts";
import { operatorScope } from "../operator.ts";
import { count, lookAt, type Finding } from "./finding.ts";
import { holesInWalls } from "./walls.ts";
import { workFindings } from "./work.ts";

/** Everything about the database. `hasKeys`: the app's master keys are the installation's own. Changes nothing. */
export async function databaseFindings(
  app: App,
  options: { kind: "demo" | "real"; hasKeys: boolean },
): Promise<Finding[]> {
  const reached = await lookAt("Postgres", () => server(app));
  if (reached.state === "wrong") return [reached];
  const role = await lookAt("Database role", async () => {
    await refuseStrongRole(app);
    return { state: "ok", text: "the runtime role owns nothing and bypasses no wall" };
  });
  const schema = await lookAt("Migrations", () => migrations(app));
  if (schema.state === "wrong") return [reached, role, schema];
  return [
    reached,
    role,
    schema,
    await lookAt("Walls", () => walls(app)),
    await lookAt("Keys", () => keys(app, options)),
    await lookAt("Audit log", () => auditChains(app)),
    ...(await workFindings(app)),
  ];
}

async function server(app: App): Promise<Omit<Finding, "part">> {
  const [row] = await inSystem(app, (tx) =>
    tx.execute<{ version: string; size: string }>(
      sql`SELECT current_setting('server_version') AS version, pg_size_pretty(pg_database_size(current_database())) AS size`,
    ),
  );
  return { state: "ok", text: `${row?.version ?? "unknown version"}, ${row?.size ?? "unknown size"}` };
}

async function migrations(app: App): Promise<Omit<Finding, "part">> {
  const missing = await missingMigrations(app);
  if (missing === 0) return { state: "ok", text: "all applied" };
  return {
    state: "wrong",
    text: `${missing} missing`,
    fix: "Run: npm run migrate, with DATABASE_MIGRATE_URL set",
  };
}

async function walls(app: App): Promise<Omit<Finding, "part">> {
  const { tables, teams, holes } = await holesInWalls(app);
  if (holes.length === 0)
    return {
      state: "ok",
      text: `${tables} tables, tried from ${count(teams, "team")} and from none: nothing crosses`,
    };
  return {
    state: "wrong",
    text: holes.join("; "),
    fix: "Stop the program. Somebody has changed the database: restore it, or compare it with a fresh one.",
  };
}

async function keys(
  app: App,
  { kind, hasKeys }: { kind: "demo" | "real"; hasKeys: boolean },
): Promise<Omit<Finding, "part">> {
  if (!hasKeys) return { state: "off", text: "none yet: the first start makes them" };
  const fit = await inspectInstance(app, kind);
  if (fit === "new") return { state: "off", text: "nothing has been started on this database yet" };
  return { state: "ok", text: "MASTER_KEY opens this database, and every stored credential has its key" };
}

async function auditChains(app: App): Promise<Omit<Finding, "part">> {
  const teams = await everyTeam(app);
  let rows = 0;
  const changed: string[] = [];
  for (const team of teams) {
    const report = await verifyAudit(operatorScope(app, team, "doctor"));
    rows += report.rows;
    if (report.broken !== null)
      changed.push(
        `the log of “${team.name}” is not as it was written, from row ${report.broken.seq} on (${report.broken.reason})`,
      );
  }
  if (changed.length > 0)
    return {
      state: "wrong",
      text: changed.join("; "),
      fix: "Somebody has changed it in the database. Compare with a backup; rows before that one can be trusted.",
    };
  return { state: "ok", text: `${count(rows, "row")} of ${count(teams.length, "team")}, every chain whole` };
}
