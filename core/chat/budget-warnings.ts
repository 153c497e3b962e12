import { sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { alertOperator } from "../alerts.ts";
import type { App } from "../app.ts";
import { enqueue } from "../pipeline/outbox.ts";
import type { Scope } from "../scope.ts";
import { dollarsText, tokensText } from "../text/figures.ts";
import { sentence } from "../text/text.ts";
import { instanceQuota, markWarned, quotaOf, resourceOf, type Level, type Measure } from "./quotas.ts";

/** The share of a budget at which those who can raise it are told, once in a period. */
const WARNING_SHARE = 0.8;
const MEASURES: readonly Measure[] = ["microusd", "tokens"];

/** Tells a team's owners, in their private chats, that a budget of the team runs short. */
export async function warnOwners(
  tx: Tx,
  scope: Pick<Scope, "orgId" | "team">,
  { period, botId, levels }: { period: string; botId: number; levels: Record<Measure, Level | null> },
): Promise<void> {
  for (const measure of MEASURES) {
    const level = levels[measure];
    const quota = quotaOf(scope.orgId, resourceOf.team(measure), period);
    if (level === null || !runsShort(level) || !(await markWarned(tx, quota))) continue;
    const owners = await tx.execute<{ telegram_user_id: string; locale: string }>(
      sql`SELECT * FROM auth.telegram_ids(ARRAY['owner'])`,
    );
    const amountText = measure === "microusd" ? dollarsText : tokensText;
    const items = owners.map(({ telegram_user_id: chatId, locale }) => ({
      botId,
      orgId: scope.orgId,
      chatId: Number(chatId),
      threadId: 0,
      kind: "notice" as const,
      key: `budget:${scope.orgId}:${measure}:${period}:${level.lim}:${chatId}`,
      message: {
        text: sentence(locale, "budget_warning", {
          measure,
          team: scope.team,
          percent: percentOf(level),
          used: amountText(locale, level.total),
          limit: amountText(locale, level.lim),
        }),
      },
    }));
    await enqueue(tx, items);
  }
}

/** Tells the operator that all teams together have used most of what the instance may cost. */
export async function warnOperator(
  tx: Tx,
  app: App,
  { period, botId, level }: { period: string; botId: number; level: Level | null },
): Promise<void> {
  if (level === null || !runsShort(level) || !(await markWarned(tx, instanceQuota(period)))) return;
  await alertOperator(app, botId, {
    kind: "budget_instance",
    key: `${period}:${level.lim}`,
    params: { percent: percentOf(level), limit: dollarsText("en", level.lim) },
  });
}

function runsShort(level: Level): level is Level & { lim: number } {
  return !level.warned && level.lim !== null && level.total > 0 && level.total >= level.lim * WARNING_SHARE;
}

function percentOf({ total, lim }: { total: number; lim: number }): number {
  return lim === 0 ? 100 : Math.floor((total / lim) * 100);
}
