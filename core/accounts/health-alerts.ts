import { sql } from "drizzle-orm";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { audit } from "../audit.ts";
import { AppError } from "../errors.ts";
import { personOf, requireRole, type Scope } from "../scope.ts";

/** Who hears how the bot does. `isOperator`: also of what nobody but the operator notices. */
export type HealthRecipient = {
  readonly chatId: number;
  readonly locale: string;
  readonly isOperator: boolean;
};

/** The configured operator, and the owners who want to hear of it; without the former, those of the first team stand in. */
export async function healthRecipients(app: App): Promise<HealthRecipient[]> {
  const rows = await inSystem(app, (tx) =>
    tx.execute<{ telegram_user_id: string; locale: string; is_operator: boolean }>(
      sql`SELECT * FROM auth.health_owners()`,
    ),
  );
  const isConfigured = app.operatorChatIds.length > 0;
  const told = new Map<number, HealthRecipient>();
  for (const { telegram_user_id: id, locale, is_operator: isFirst } of rows)
    told.set(Number(id), { chatId: Number(id), locale, isOperator: isFirst && !isConfigured });
  for (const chatId of app.operatorChatIds)
    told.set(chatId, { chatId, locale: told.get(chatId)?.locale ?? "en", isOperator: true });
  return [...told.values()];
}

/** Whether this owner hears of it. Owners only. */
export async function wantsHealthAlerts(scope: Scope): Promise<boolean> {
  requireRole(scope, "owner");
  const { accountId } = personOf(scope);
  const [row] = await inTenant(scope, (tx) =>
    tx.execute<{ wanted: boolean | null }>(sql`SELECT auth.health_alerts(${accountId}) AS wanted`),
  );
  return row?.wanted === true;
}

/** Whether this owner is told from now on, about all teams. Owners only. */
export async function setHealthAlerts(scope: Scope, wanted: boolean): Promise<void> {
  requireRole(scope, "owner");
  const { accountId } = personOf(scope);
  await inTenant(scope, async (tx) => {
    const [row] = await tx.execute<{ done: boolean }>(
      sql`SELECT auth.set_health_alerts(${accountId}, ${wanted}) AS done`,
    );
    if (row?.done !== true) throw new AppError("not_member");
    await audit(tx, scope, "account.alerts", { outcome: wanted ? "ok" : "muted" });
  });
}
