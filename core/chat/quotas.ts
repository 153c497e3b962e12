import { sql, type SQL } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import type { BudgetRules } from "../budget-rules.ts";

export type Measure = "microusd" | "tokens";

/** The name of a quota in `app.quotas`, and of its limit in `app.budgets`. */
export const resourceOf = {
  team: (measure: Measure) => `claude.${measure}`,
  /** What each member may use who has no limit of their own; only ever a limit. */
  everyone: (measure: Measure) => `claude.${measure}/*`,
  member: (measure: Measure, userId: string) => `claude.${measure}/${userId}`,
};

/** One row: a resource in a period, of a team or of the whole instance. */
export type Quota = { readonly table: SQL; readonly where: SQL };

/** How far a quota is used, what running calls have reserved included. */
export type Level = { readonly total: number; readonly lim: number | null; readonly warned: boolean };

const INSTANCE = "claude.microusd";

/** The month that this moment (milliseconds) belongs to, in UTC, as Postgres writes its first day. */
export function periodOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 7)}-01`;
}

/** When the quotas of this period start anew. */
export function endOf(period: string): Date {
  const first = new Date(period);
  return new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 1));
}

export function quotaOf(orgId: string, resource: string, period: string): Quota {
  return {
    table: sql`app.quotas`,
    where: sql`org_id = ${orgId} AND resource = ${resource} AND period = ${period}`,
  };
}

export function instanceQuota(period: string): Quota {
  return { table: sql`app.instance_quotas`, where: sql`resource = ${INSTANCE} AND period = ${period}` };
}

/** Makes the rows of a period that are not there yet, the team's and the instance's. */
export async function makeQuotas(
  tx: Tx,
  orgId: string,
  resources: readonly string[],
  period: string,
): Promise<void> {
  const rows = resources.map((resource) => sql`(${orgId}::uuid, ${resource}, ${period}::date)`);
  // One statement, so that in a batch it stands before what needs the rows.
  await tx.execute(sql`WITH made AS (INSERT INTO app.instance_quotas (resource, period) VALUES (${INSTANCE}, ${period}) ON CONFLICT DO NOTHING)
    INSERT INTO app.quotas (org_id, resource, period) VALUES ${sql.join(rows, sql`, `)} ON CONFLICT DO NOTHING`);
}

/** Takes `amount` if the limit allows it, which is null for no limit. True when it was taken. */
export async function take(
  tx: Tx,
  { table, where }: Quota,
  { amount, lim }: { readonly amount: number; readonly lim: number | null },
): Promise<boolean> {
  const total = sql`used + overdrawn + ${amount}::bigint`;
  const rows = await tx.execute(sql`UPDATE ${table} SET used = ${total}, overdrawn = 0, lim = ${lim}::bigint
    WHERE ${where} AND (${lim}::bigint IS NULL OR ${total} <= ${lim}::bigint) RETURNING 1`);
  return rows.length > 0;
}

/**
 * Changes what is used, whatever the limit says: it has been spent. What goes beyond stands in `overdrawn`.
 * `exact: false` marks the row for good. Null when there is no such row.
 */
export async function adjust(
  tx: Tx,
  { table, where }: Quota,
  { by, exact }: { readonly by: number; readonly exact: boolean },
): Promise<Level | null> {
  const total = sql`greatest(0, used + overdrawn + ${by}::bigint)`;
  const [row] = await tx.execute<{ total: string; lim: string | null; warned: boolean }>(
    sql`UPDATE ${table} SET used = least(${total}, lim), overdrawn = ${total} - least(${total}, lim),
      exact = exact AND ${exact} WHERE ${where} RETURNING used + overdrawn AS total, lim, warned`,
  );
  return row === undefined
    ? null
    : { warned: row.warned, total: Number(row.total), lim: row.lim === null ? null : Number(row.lim) };
}

/** True the first time in a period that somebody says so. */
export async function markWarned(tx: Tx, { table, where }: Quota): Promise<boolean> {
  const rows = await tx.execute(
    sql`UPDATE ${table} SET warned = true WHERE ${where} AND NOT warned RETURNING 1`,
  );
  return rows.length > 0;
}

/** What the admins of a team decided, by resource; null is no limit, absent the instance's default. */
export async function limitsOf(tx: Tx, orgId: string): Promise<Limits> {
  const rows = await tx.execute<{ resource: string; lim: string | null }>(
    sql`SELECT resource, lim FROM app.budgets WHERE org_id = ${orgId}`,
  );
  return new Map(rows.map(({ resource, lim }) => [resource, lim === null ? null : Number(lim)]));
}

type Limits = ReadonlyMap<string, number | null>;

/** What a team may use of a measure in a month; null is no limit. Tokens have none until an admin sets one. */
export function teamLimit(limits: Limits, rules: BudgetRules, measure: Measure): number | null {
  return limitAmong(limits, [resourceOf.team(measure)], measure === "tokens" ? null : rules.teamMicroUsd);
}

/** The same for one member: their own limit, else everyone's, else the instance's default. */
export function memberLimit(
  limits: Limits,
  rules: BudgetRules,
  { measure, userId }: { readonly measure: Measure; readonly userId: string | null },
): number | null {
  const own = userId === null ? [] : [resourceOf.member(measure, userId)];
  const otherwise = measure === "tokens" ? null : rules.memberMicroUsd;
  return limitAmong(limits, [...own, resourceOf.everyone(measure)], otherwise);
}

function limitAmong(limits: Limits, resources: readonly string[], otherwise: number | null): number | null {
  const decided = resources.find((resource) => limits.has(resource));
  return decided === undefined ? otherwise : (limits.get(decided) ?? null);
}
