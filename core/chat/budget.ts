import { sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { AppError, type ErrorCode } from "../errors.ts";
import { mayActAs, type Scope } from "../scope.ts";
import { momentText } from "../text/figures.ts";
import { warnOperator, warnOwners } from "./budget-warnings.ts";
import {
  adjust,
  endOf,
  instanceQuota,
  limitsOf,
  makeQuotas,
  memberLimit,
  periodOf,
  quotaOf,
  resourceOf,
  take,
  teamLimit,
} from "./quotas.ts";

/** What calls cost or may cost: whole micro-dollars, and tokens of every kind. */
export type Amount = { readonly microUsd: number; readonly tokens: number };

/** `exact` is false when it may have been more, because a price or a usage is not known. */
export type Spent = Amount & { readonly exact: boolean };

/** One call that is to be paid for. The id is the turn's; `userId` is null when no member's own budget pays. */
export type Call = { readonly id: string; readonly userId: string | null };

const ABANDONED_HOURS = 24;
const STALE_MINUTES = 10; // more than twice as long as Claude may take
const OVER_BUDGET: ReadonlySet<ErrorCode> = new Set(["budget_team", "budget_member", "budget_instance"]);

/**
 * Takes what a call may cost from the budgets of the team, of the person and of the instance, or throws
 * `budget_team`, `budget_member` or `budget_instance`, and then the transaction must be undone. Each budget is
 * one row and one conditional UPDATE. Everybody locks them in this order, and until the transaction ends, so call
 * it late, before the audit row. Every reservation needs its `settle`.
 */
export async function reserve(tx: Tx, scope: Scope, call: Call, amount: Amount): Promise<void> {
  const { app, orgId } = scope;
  const period = periodOf(app.clock.now());
  const holdings = await holdingsOf(tx, scope, call, amount);
  const resources = holdings.map(({ resource }) => resource);
  // Sent together: Postgres runs them in this order, and the transaction waits once.
  const [, , ...taken] = await Promise.all([
    makeQuotas(tx, orgId, resources, period),
    makeReservation(tx, orgId, { call, amount, period }),
    ...holdings.map((holding) => take(tx, quotaOf(orgId, holding.resource, period), holding)),
    take(tx, instanceQuota(period), { amount: amount.microUsd, lim: app.budgetRules.instanceMicroUsd }),
  ]);
  const short = taken.indexOf(false);
  if (short === -1) return;
  throw new AppError(holdings[short]?.refusal ?? "budget_instance", {
    resets: momentText(scope.locale, scope.timeZone, endOf(period)),
    admin: mayActAs(scope, "admin") ? "yes" : "no",
  });
}

/** Whether this is how `reserve` refuses. */
export function isOverBudget(err: unknown): err is AppError {
  return err instanceof AppError && OVER_BUDGET.has(err.code);
}

/**
 * Puts what a call has really cost in the place of what was reserved for it; nothing, when it failed. It is the
 * last word on a call, in the transaction that ends it. A call whose reservation was given up meanwhile is
 * charged all the same. When a budget runs short its owners or the operator are told, by the bot `botId`.
 */
export async function settle(
  tx: Tx,
  scope: Pick<Scope, "app" | "orgId" | "team">,
  paid: { call: Call; spent: Spent; botId: number },
): Promise<void> {
  const { call, spent, botId } = paid;
  const [held] = await tx.execute<RawReservation>(
    sql`DELETE FROM app.reservations WHERE org_id = ${scope.orgId} AND id = ${call.id} RETURNING ${RESERVATION}`,
  );
  const period = held?.period ?? periodOf(scope.app.clock.now());
  const change = {
    microUsd: spent.microUsd - Number(held?.microusd ?? 0),
    tokens: spent.tokens - Number(held?.tokens ?? 0),
    exact: spent.exact,
  };
  const { microUsd, tokens, instance } = await adjustAll(tx, scope.orgId, {
    userId: call.userId,
    period,
    change,
  });
  await warnOwners(tx, scope, { period, botId, levels: { microusd: microUsd, tokens } });
  await warnOperator(tx, scope.app, { period, botId, level: instance });
}

/**
 * Gives back what an earlier call of the same id reserved and did not settle for longer than any call lasts,
 * because its process died. False when there is one that may still be running. For calls whose id comes again.
 */
export async function releaseStale(tx: Tx, { orgId }: Pick<Scope, "orgId">, call: Call): Promise<boolean> {
  const stale = await tx.execute<RawReservation>(sql`DELETE FROM app.reservations WHERE org_id = ${orgId}
    AND id = ${call.id} AND reserved_at < now() - ${STALE_MINUTES} * interval '1 minute' RETURNING ${RESERVATION}`);
  await giveBack(tx, orgId, stale);
  const left = await tx.execute(
    sql`SELECT FROM app.reservations WHERE org_id = ${orgId} AND id = ${call.id}`,
  );
  return left.length === 0;
}

/**
 * Gives back what calls reserved more than a day ago and nobody has ended, such as those of a bot whose token was
 * replaced. Their turns stay as they are. Returns how many. For the nightly job.
 */
export async function releaseAbandoned(tx: Tx, orgId: string): Promise<number> {
  const abandoned = await tx.execute<RawReservation>(sql`DELETE FROM app.reservations
    WHERE org_id = ${orgId} AND reserved_at < now() - ${ABANDONED_HOURS} * interval '1 hour' RETURNING ${RESERVATION}`);
  await giveBack(tx, orgId, abandoned);
  return abandoned.length;
}

// What they really cost is not known.
async function giveBack(tx: Tx, orgId: string, reservations: readonly RawReservation[]): Promise<void> {
  for (const { user_id: userId, period, microusd, tokens } of reservations) {
    const change = { microUsd: -Number(microusd), tokens: -Number(tokens), exact: false };
    await adjustAll(tx, orgId, { userId, period, change });
  }
}

type Holding = {
  readonly resource: string;
  readonly amount: number;
  readonly lim: number | null;
  readonly refusal: "budget_team" | "budget_member";
};

async function makeReservation(
  tx: Tx,
  orgId: string,
  { call, amount, period }: { call: Call; amount: Amount; period: string },
): Promise<void> {
  await tx.execute(sql`INSERT INTO app.reservations (org_id, id, user_id, period, microusd, tokens)
    VALUES (${orgId}, ${call.id}, ${call.userId}, ${period}, ${amount.microUsd}, ${amount.tokens})`);
}

// In the order in which the rows are locked.
async function holdingsOf(tx: Tx, scope: Scope, { userId }: Call, amount: Amount): Promise<Holding[]> {
  const limits = await limitsOf(tx, scope.orgId);
  const { budgetRules: rules } = scope.app;
  const wanted = [
    { measure: "microusd", amount: amount.microUsd },
    { measure: "tokens", amount: amount.tokens },
  ] as const;
  const ofTeam = wanted.map(({ measure, amount }) => ({
    amount,
    resource: resourceOf.team(measure),
    lim: teamLimit(limits, rules, measure),
    refusal: "budget_team" as const,
  }));
  if (userId === null) return ofTeam;
  const ofMember = wanted.map(({ measure, amount }) => ({
    amount,
    resource: resourceOf.member(measure, userId),
    lim: memberLimit(limits, rules, { measure, userId }),
    refusal: "budget_member" as const,
  }));
  return [...ofTeam, ...ofMember];
}

// In the same order.
async function adjustAll(
  tx: Tx,
  orgId: string,
  { userId, period, change }: { userId: string | null; period: string; change: Spent },
) {
  const { exact } = change;
  const by = (resource: string, amount: number) =>
    adjust(tx, quotaOf(orgId, resource, period), { by: amount, exact });
  const [microUsd, tokens, , , instance] = await Promise.all([
    by(resourceOf.team("microusd"), change.microUsd),
    by(resourceOf.team("tokens"), change.tokens),
    userId === null ? null : by(resourceOf.member("microusd", userId), change.microUsd),
    userId === null ? null : by(resourceOf.member("tokens", userId), change.tokens),
    adjust(tx, instanceQuota(period), { by: change.microUsd, exact }),
  ]);
  return { microUsd, tokens, instance };
}

type RawReservation = { user_id: string | null; period: string; microusd: string; tokens: string };

const RESERVATION = sql`user_id, period::text, microusd, tokens`;
