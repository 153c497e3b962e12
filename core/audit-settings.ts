import { sql } from "drizzle-orm";
import type { Tx } from "../db/client.ts";
import { inTenant } from "../db/tenant.ts";
import { audit } from "./audit.ts";
import { requireRole, type Scope } from "./scope.ts";

/** How long a team keeps its log, and whether its owners hear of it every day. */
export type AuditSettings = { readonly days: number; readonly report: boolean };

/** What an owner can choose from; the database keeps every row for the first. */
export const AUDIT_DAYS = [30, 90, 365, 1095] as const;

/** What the team has chosen, else thirty days and a report. */
export async function readAuditSettings(tx: Tx, orgId: string): Promise<AuditSettings> {
  const [row] = await tx.execute<AuditSettings>(
    sql`SELECT audit_days AS days, audit_report AS report FROM app.team_settings WHERE org_id = ${orgId}`,
  );
  return { days: row?.days ?? AUDIT_DAYS[0], report: row?.report ?? true };
}

/** The same, for owners to look at. */
export async function auditSettingsOf(scope: Scope): Promise<AuditSettings> {
  requireRole(scope, "owner");
  return inTenant(scope, (tx) => readAuditSettings(tx, scope.orgId));
}

/** How long rows are kept from now on; what was deleted before does not come back. Owners only. */
export async function setAuditDays(scope: Scope, days: (typeof AUDIT_DAYS)[number]): Promise<void> {
  requireRole(scope, "owner");
  await inTenant(scope, async (tx) => {
    await tx.execute(sql`INSERT INTO app.team_settings (org_id, audit_days) VALUES (${scope.orgId}, ${days})
      ON CONFLICT (org_id) DO UPDATE SET audit_days = excluded.audit_days, updated_at = now()`);
    await audit(tx, scope, "audit.keep", { detail: { days } });
  });
}

/** Whether owners get the daily report. Owners only. */
export async function setAuditReport(scope: Scope, report: boolean): Promise<void> {
  requireRole(scope, "owner");
  await inTenant(scope, async (tx) => {
    await tx.execute(sql`INSERT INTO app.team_settings (org_id, audit_report) VALUES (${scope.orgId}, ${report})
      ON CONFLICT (org_id) DO UPDATE SET audit_report = excluded.audit_report, updated_at = now()`);
    await audit(tx, scope, "audit.report", { outcome: report ? "ok" : "muted" });
  });
}
