import { sql } from "drizzle-orm";
import { inTenant } from "../db/tenant.ts";
import type { AuditAction } from "./audit.ts";
import { pageOf, type Page, type PageRequest } from "./page.ts";
import { requireRole, type Scope } from "./scope.ts";

type KindOf<Action> = Action extends `${infer Kind}.${string}` ? Kind : never;

/** What an action is about: the part of its name before the dot. */
export type AuditKind = KindOf<AuditAction>;

/** Who stands in the log how often. `name` is the member's name today, or that of the program. */
export type AuditActor = { readonly id: string; readonly name: string; readonly events: number };

/** One row of a team's audit log; `seq` is its place in the hash chain. */
export type AuditRow = {
  readonly seq: number;
  readonly at: Date;
  readonly actorType: "user" | "system" | "operator";
  /** The member's id, or the name of the program. */
  readonly actorId: string;
  /** The member's name today; null for programs, and for who was deleted. */
  readonly actorName: string | null;
  readonly action: AuditAction;
  readonly target: string | null;
  readonly outcome: string;
  readonly model: string | null;
  readonly correlationId: string;
  readonly detail: Readonly<Record<string, unknown>> | null;
};

/** What is asked for: all that is given must hold. `from` is included, `until` is not. */
export type AuditFilter = {
  readonly action?: AuditAction | undefined;
  readonly kind?: AuditKind | undefined;
  readonly actorId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly from?: Date | undefined;
  readonly until?: Date | undefined;
};

type Raw = {
  seq: string;
  at: string;
  actor_type: AuditRow["actorType"];
  actor_id: string;
  actor_name: string | null;
  action: AuditAction;
  target: string | null;
  outcome: string;
  model: string | null;
  correlation_id: string;
  detail: Readonly<Record<string, unknown>> | null;
};

/** The team's audit log, newest first; `after` is the `seq` of the last row seen. Admins only. */
export async function readAudit(
  scope: Scope,
  request: PageRequest,
  filter: AuditFilter = {},
): Promise<Page<AuditRow>> {
  requireRole(scope, "admin");
  const conditions = [
    sql`l.org_id = ${scope.orgId}`,
    ...(request.after === null ? [] : [sql`l.seq < ${request.after}::bigint`]),
    ...(filter.action === undefined ? [] : [sql`l.action = ${filter.action}`]),
    ...(filter.kind === undefined ? [] : [sql`split_part(l.action, '.', 1) = ${filter.kind}`]),
    ...(filter.actorId === undefined ? [] : [sql`l.actor_id = ${filter.actorId}`]),
    ...(filter.correlationId === undefined ? [] : [sql`l.correlation_id = ${filter.correlationId}`]),
    ...(filter.from === undefined ? [] : [sql`l.at >= ${filter.from.toISOString()}::timestamptz`]),
    ...(filter.until === undefined ? [] : [sql`l.at < ${filter.until.toISOString()}::timestamptz`]),
  ];
  const rows = await inTenant(scope, (tx) =>
    tx.execute<Raw>(sql`SELECT l.seq, l.at, l.actor_type, l.actor_id, nullif(u.display_name, '') AS actor_name, l.action, l.target, l.outcome,
      l.model, l.correlation_id, l.detail
      FROM app.audit_log l LEFT JOIN app.users u ON u.org_id = l.org_id AND l.actor_type = 'user' AND u.id::text = l.actor_id
      WHERE ${sql.join(conditions, sql` AND `)} ORDER BY l.seq DESC LIMIT ${request.limit + 1}`),
  );
  return pageOf(rows, request.limit, { cursor: (row) => row.seq, item: fromRaw });
}

/** Who acted most often, of the people and programs in the log. Admins only. */
export async function auditActors(scope: Scope, limit: number): Promise<AuditActor[]> {
  requireRole(scope, "admin");
  const rows = await inTenant(scope, (tx) =>
    tx.execute<{ id: string; name: string; events: number }>(sql`SELECT l.actor_id AS id,
        coalesce(nullif(max(u.display_name), ''), l.actor_id) AS name, count(*)::int AS events
      FROM app.audit_log l LEFT JOIN app.users u ON u.org_id = l.org_id AND l.actor_type = 'user' AND u.id::text = l.actor_id
      WHERE l.org_id = ${scope.orgId} GROUP BY l.actor_id ORDER BY events DESC, name LIMIT ${limit}`),
  );
  return [...rows];
}

function fromRaw(row: Raw): AuditRow {
  return {
    seq: Number(row.seq),
    at: new Date(row.at),
    actorType: row.actor_type,
    actorId: row.actor_id,
    actorName: row.actor_name,
    action: row.action,
    target: row.target,
    outcome: row.outcome,
    model: row.model,
    correlationId: row.correlation_id,
    detail: row.detail,
  };
}
