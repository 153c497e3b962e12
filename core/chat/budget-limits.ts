import { sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { inTenant } from "../../db/tenant.ts";
import { audit } from "../audit.ts";
import { microUsdIn } from "../budget-rules.ts";
import { AppError } from "../errors.ts";
import { requireRole, type Scope } from "../scope.ts";
import { dollarsText } from "../text/figures.ts";
import { limitsOf, memberLimit, periodOf, resourceOf, teamLimit, type Measure } from "./quotas.ts";

/** Whose budget: the team's, the one of each member without a budget of their own, or one member's. */
export type Holder =
  | { readonly kind: "team" | "everyone" }
  | { readonly kind: "member"; readonly userId: string; readonly name: string };

/** One decided budget. `lim` is null for no limit; `isOwn` is false while the instance's or everyone's default holds. */
export type Limit = { readonly measure: Measure; readonly lim: number | null; readonly isOwn: boolean };

export type Budgets = {
  readonly team: readonly Limit[];
  readonly everyone: readonly Limit[];
  /** In the order in which they joined, which is their number in a command. */
  readonly members: readonly { readonly name: string; readonly limits: readonly Limit[] }[];
  /** What all teams together may use, in micro-dollars. */
  readonly instance: number | null;
};

/** What an admin asked for, in words: who, and how much. `lim` is undefined to take back what was decided. */
type Order = { readonly who: string; readonly measure: Measure; readonly lim: number | null | undefined };

const MEASURES = ["microusd", "tokens"] as const;
const TOKENS_MAX = 1_000_000_000_000;
const TIMES: Readonly<Record<string, number>> = { "": 1, k: 1_000, m: 1_000_000, b: 1_000_000_000 };
const ORDER =
  /^(?<who>.+?)\s+\$?(?<amount>[\d.,]+|none|default)\s*(?<times>[kmb]?)\s*(?<unit>\$|usd|tokens?)?$/iu;

/** Every budget of the team. Admins only. */
export async function readBudgets(scope: Scope): Promise<Budgets> {
  requireRole(scope, "admin");
  const { budgetRules: rules } = scope.app;
  return inTenant(scope, async (tx) => {
    const limits = await limitsOf(tx, scope.orgId);
    const all = (resource: (measure: Measure) => string, lim: (measure: Measure) => number | null): Limit[] =>
      MEASURES.map((measure) => ({ measure, lim: lim(measure), isOwn: limits.has(resource(measure)) }));
    const people = await activeMembers(tx, scope.orgId);
    return {
      team: all(resourceOf.team, (measure) => teamLimit(limits, rules, measure)),
      everyone: all(resourceOf.everyone, (measure) => memberLimit(limits, rules, { measure, userId: null })),
      members: people.map(({ id, name }) => ({
        name,
        limits: all(
          (measure) => resourceOf.member(measure, id),
          (measure) => memberLimit(limits, rules, { measure, userId: id }),
        ),
      })),
      instance: rules.instanceMicroUsd,
    };
  });
}

/**
 * Sets, lifts or takes back one budget as an admin worded it: `team 80`, `everyone 15`, `Bob 40`, `#2 none`,
 * `team 5M tokens`, `Bob default`. It holds from the next question on. Throws `budget_unclear`, `budget_too_high`,
 * `budget_who_unknown` and `budget_who_several`.
 */
export async function setBudget(
  scope: Scope,
  words: string,
): Promise<{ holder: Holder; measure: Measure; lim: number | null | undefined }> {
  requireRole(scope, "admin");
  const order = orderIn(words);
  if (order === null) throw new AppError("budget_unclear");
  const { measure, lim } = order;
  const { instanceMicroUsd } = scope.app.budgetRules;
  if (
    measure === "microusd" &&
    typeof lim === "number" &&
    instanceMicroUsd !== null &&
    lim > instanceMicroUsd
  )
    throw new AppError("budget_too_high", { max: dollarsText(scope.locale, instanceMicroUsd) });
  return inTenant(scope, async (tx) => {
    const holder = await holderOf(tx, scope.orgId, order.who);
    await decide(tx, scope, holder, order);
    await audit(tx, scope, "budget.set", {
      target: holder.kind === "member" ? holder.userId : holder.kind,
      outcome: lim === undefined ? "default" : lim === null ? "none" : "ok",
      detail: { measure, limit: lim ?? null },
    });
    return { holder, measure, lim };
  });
}

async function decide(tx: Tx, scope: Scope, holder: Holder, { measure, lim }: Order): Promise<void> {
  const resource = (each: Measure): string =>
    holder.kind === "member" ? resourceOf.member(each, holder.userId) : resourceOf[holder.kind](each);
  if (lim === undefined) {
    const all = sql.join(
      MEASURES.map((each) => sql`${resource(each)}`),
      sql`, `,
    );
    await tx.execute(sql`DELETE FROM app.budgets WHERE org_id = ${scope.orgId} AND resource IN (${all})`);
  } else {
    await tx.execute(sql`INSERT INTO app.budgets (org_id, resource, lim) VALUES (${scope.orgId}, ${resource(measure)}, ${lim})
      ON CONFLICT (org_id, resource) DO UPDATE SET lim = excluded.lim`);
  }
  // Four fifths of the new budget are worth a word of their own.
  await tx.execute(sql`UPDATE app.quotas SET warned = false
    WHERE org_id = ${scope.orgId} AND resource = ${resource(measure)} AND period = ${periodOf(scope.app.clock.now())}`);
}

function orderIn(words: string): Order | null {
  const { who, amount, times = "", unit = "" } = ORDER.exec(words.trim())?.groups ?? {};
  if (who === undefined || amount === undefined) return null;
  const measure = /^token/i.test(unit) ? "tokens" : "microusd";
  if (/^default$/i.test(amount)) return times === "" && unit === "" ? { who, measure, lim: undefined } : null;
  if (/^none$/i.test(amount)) return times === "" ? { who, measure, lim: null } : null;
  const lim =
    measure === "tokens" ? tokensIn(amount, times) : times === "" ? microUsdIn(decimal(amount)) : null;
  return lim === null ? null : { who, measure, lim };
}

function tokensIn(amount: string, times: string): number | null {
  if (!/^\d{1,15}(\.\d{1,3})?$/.test(decimal(amount))) return null;
  const tokens = Math.round(Number(decimal(amount)) * (TIMES[times.toLowerCase()] ?? 1));
  return tokens <= TOKENS_MAX ? tokens : null;
}

// A comma before one or two digits is how many languages write a decimal point; before three it may mean thousands.
function decimal(amount: string): string {
  return amount.replace(/,(\d{1,2})$/, ".$1");
}

async function holderOf(tx: Tx, orgId: string, who: string): Promise<Holder> {
  const wanted = plain(who);
  if (wanted === "team" || wanted === "everyone") return { kind: wanted };
  const people = await activeMembers(tx, orgId);
  const number = /^#(\d{1,4})$/.exec(wanted)?.[1];
  const found =
    number === undefined
      ? people.filter(({ name }) => plain(name) === wanted)
      : people.slice(Number(number) - 1, Number(number));
  const [member, ...others] = found;
  if (member === undefined) throw new AppError("budget_who_unknown", { who: who.slice(0, 64) });
  if (others.length > 0) throw new AppError("budget_who_several", { who: member.name });
  return { kind: "member", userId: member.id, name: member.name };
}

async function activeMembers(tx: Tx, orgId: string): Promise<readonly { id: string; name: string }[]> {
  return tx.execute<{ id: string; name: string }>(
    sql`SELECT id, display_name AS name FROM app.users WHERE org_id = ${orgId} AND status = 'active' ORDER BY created_at, id`,
  );
}

function plain(name: string): string {
  return name.normalize("NFC").toLowerCase().replaceAll(/\s+/g, " ").trim();
}
