import { sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { inTenant } from "../../db/tenant.ts";
import { requireRole, type Scope } from "../scope.ts";
import { AppError } from "../errors.ts";
import { limitsOf, memberLimit, periodOf, resourceOf, teamLimit, type Measure } from "./quotas.ts";

/** How far one budget is used, what running calls have reserved included. `lim` is null when there is no limit. */
export type Meter = { readonly used: number; readonly lim: number | null; readonly exact: boolean };

/** What one holder of budgets has used in a month: micro-dollars and tokens. */
export type Use = Readonly<Record<Measure, Meter>>;

export type TeamUse = {
  readonly period: string;
  readonly team: Use;
  /** Who has used most comes first; former members who have used something are among them. */
  readonly members: readonly { readonly name: string; readonly use: Use }[];
  /** What no member's own budget pays for, such as the summaries of long conversations, in micro-dollars. */
  readonly shared: number;
};

/** What the person has used in this month, and how far the team as a whole is. */
export async function ownUsage(scope: Scope): Promise<{ period: string; own: Use; team: Use }> {
  if (scope.actor.type !== "user") throw new AppError("not_member");
  const { userId } = scope.actor;
  const period = periodOf(scope.app.clock.now());
  return inTenant(scope, async (tx) => {
    const books = await readBooks(tx, scope, period);
    return { period, own: books.member(userId), team: books.team() };
  });
}

/** What everybody of the team has used in this month. Admins only. */
export async function teamUsage(scope: Scope): Promise<TeamUse> {
  requireRole(scope, "admin");
  const period = periodOf(scope.app.clock.now());
  return inTenant(scope, async (tx) => {
    const books = await readBooks(tx, scope, period);
    const people = await tx.execute<{ id: string; name: string; active: boolean }>(
      sql`SELECT id, display_name AS name, status = 'active' AS active FROM app.users WHERE org_id = ${scope.orgId}`,
    );
    const members = people
      .map(({ id, name, active }) => ({ name, active, use: books.member(id) }))
      .filter(({ active, use }) => active || use.tokens.used > 0)
      .toSorted((a, b) => b.use.microusd.used - a.use.microusd.used || a.name.localeCompare(b.name));
    const team = books.team();
    const theirs = members.reduce((sum, { use }) => sum + use.microusd.used, 0);
    return { period, team, members, shared: Math.max(0, team.microusd.used - theirs) };
  });
}

async function readBooks(tx: Tx, scope: Scope, period: string) {
  const limits = await limitsOf(tx, scope.orgId);
  const rows = await tx.execute<{ resource: string; used: string; exact: boolean }>(
    sql`SELECT resource, used + overdrawn AS used, exact FROM app.quotas
      WHERE org_id = ${scope.orgId} AND period = ${period} AND resource LIKE 'claude.%'`,
  );
  const known = new Map(rows.map((row) => [row.resource, row]));
  const meter = (resource: string, lim: number | null): Meter => {
    const row = known.get(resource);
    return { used: Number(row?.used ?? 0), lim, exact: row?.exact ?? true };
  };
  const { budgetRules } = scope.app;
  const team = (measure: Measure) => meter(resourceOf.team(measure), teamLimit(limits, budgetRules, measure));
  const member = (measure: Measure, userId: string) =>
    meter(resourceOf.member(measure, userId), memberLimit(limits, budgetRules, { measure, userId }));
  return {
    team: (): Use => ({ microusd: team("microusd"), tokens: team("tokens") }),
    member: (userId: string): Use => ({
      microusd: member("microusd", userId),
      tokens: member("tokens", userId),
    }),
  };
}
