import type { App } from "../app.ts";
import type { Role, Scope } from "../scope.ts";

/** Who asked a stored question, as the functions of schema auth tell it. */
export type AskerRow = {
  readonly org_id: string;
  readonly org_name: string;
  readonly correlation_id: string;
  readonly user_id: string;
  readonly account_id: string;
  readonly role: Role;
  readonly display_name: string;
  readonly locale: string;
  readonly time_zone: string;
};

/** The scope of that person, for going on with their question without them. */
export function scopeOfAsker(app: App, row: AskerRow, correlationId: string = row.correlation_id): Scope {
  return {
    app,
    orgId: row.org_id,
    team: row.org_name,
    actor: {
      type: "user",
      userId: row.user_id,
      accountId: row.account_id,
      role: row.role,
      name: row.display_name,
    },
    correlationId,
    locale: row.locale,
    timeZone: row.time_zone,
    log: app.log.child({ orgId: row.org_id, userId: row.user_id, correlationId }),
  };
}
