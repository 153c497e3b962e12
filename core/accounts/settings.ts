import { sql } from "drizzle-orm";
import { inTenant } from "../../db/tenant.ts";
import { audit, type AuditAction } from "../audit.ts";
import { AppError } from "../errors.ts";
import type { Scope } from "../scope.ts";
import type { Language } from "../text/text.ts";
import { isTimeZone } from "./time-zones.ts";

/** The language of everything this person reads, in every team. Returns the scope as it is from now on. */
export async function setLanguage(scope: Scope, language: Language): Promise<Scope> {
  await set(scope, { language, timeZone: null }, "account.language");
  return { ...scope, locale: language };
}

/** The zone that this person's times are told in, in every team. Throws `time_zone_unknown`. */
export async function setTimeZone(scope: Scope, timeZone: string): Promise<Scope> {
  if (!isTimeZone(timeZone)) throw new AppError("time_zone_unknown");
  await set(scope, { language: null, timeZone }, "account.time_zone");
  return { ...scope, timeZone };
}

async function set(
  scope: Scope,
  to: { language: Language | null; timeZone: string | null },
  action: AuditAction,
): Promise<void> {
  if (scope.actor.type !== "user") throw new AppError("not_member");
  const { accountId } = scope.actor;
  await inTenant(scope, async (tx) => {
    const [row] = await tx.execute<{ done: boolean }>(
      sql`SELECT auth.set_preferences(${accountId}, ${to.language}, ${to.timeZone}) AS done`,
    );
    if (row?.done !== true) throw new AppError("not_member");
    await audit(tx, scope, action, { detail: { to: to.language ?? to.timeZone } });
  });
}
