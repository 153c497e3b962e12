import { sql } from "drizzle-orm";
import { inTenant } from "../db/tenant.ts";
import { audit } from "./audit.ts";
import { requireRole, type Scope } from "./scope.ts";

/** Held in memory and sent as one message; about 9 MB. */
const ROWS_MAX = 20_000;

const HASHED = ["actor_type", "actor_id", "action", "target", "outcome", "model", "correlation_id"] as const;
const COLUMNS = [
  "org_id",
  "seq",
  "at",
  ...HASHED,
  "detail",
  "detail_hash",
  "prev_hash",
  "hash",
  "actor_name",
] as const;

type Column = (typeof COLUMNS)[number];

/**
 * The team's log as CSV, oldest first, with the hashes that tie each row to the
 * one before: nothing but the file is needed to check it. Of a longer log the
 * newest 20 000 rows; `left` says how many older ones are not in it. Nothing is
 * an empty cell, an empty text is `""`. Admins only.
 */
export async function exportAudit(
  scope: Scope,
): Promise<{ name: string; content: string; rows: number; left: number }> {
  requireRole(scope, "admin");
  return inTenant(scope, async (tx) => {
    const rows = await tx.execute<Record<Column, string | null> & { total: number }>(
      sql`SELECT * FROM (SELECT l.org_id::text, l.seq::text,
          to_char(l.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, l.actor_type, l.actor_id, l.action,
          l.target, l.outcome, l.model, l.correlation_id, l.detail::text, encode(l.detail_hash, 'hex') AS detail_hash,
          encode(l.prev_hash, 'hex') AS prev_hash, encode(l.hash, 'hex') AS hash, u.display_name AS actor_name,
          count(*) OVER ()::int AS total
        FROM app.audit_log l LEFT JOIN app.users u ON u.org_id = l.org_id AND l.actor_type = 'user' AND u.id::text = l.actor_id
        WHERE l.org_id = ${scope.orgId} ORDER BY l.seq DESC LIMIT ${ROWS_MAX}) AS newest ORDER BY newest.seq::bigint`,
    );
    const lines = rows.map((row) => COLUMNS.map((column) => cell(column, row[column])).join(","));
    const left = (rows[0]?.total ?? 0) - rows.length;
    await audit(tx, scope, "audit.export", { detail: { rows: rows.length } });
    const day = new Date(scope.app.clock.now()).toISOString().slice(0, 10);
    return {
      name: `audit-${day}.csv`,
      content: `${[COLUMNS.join(","), ...lines].join("\r\n")}\r\n`,
      rows: rows.length,
      left,
    };
  });
}

function cell(column: Column, value: string | null): string {
  if (value === null) return "";
  // People choose their names, and a spreadsheet would calculate one that begins like a formula.
  const text = column === "actor_name" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
