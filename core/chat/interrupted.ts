import { sql } from "drizzle-orm";
import { inSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import type { Lease } from "../pipeline/lease.ts";
import type { Role, Scope } from "../scope.ts";

/** A turn that a dead process left running, with the scope of the person who asked. */
export type InterruptedTurn = {
  readonly turnId: string;
  readonly lane: string;
  readonly scope: Scope;
};

type Raw = {
  org_id: string;
  org_name: string;
  turn_id: string;
  lane: string;
  correlation_id: string;
  user_id: string;
  account_id: string;
  role: Role;
  display_name: string;
  locale: string;
  time_zone: string;
};

/** Every running turn of this bot, of all teams, oldest first. Only a start asks: later ones are ours. */
export async function interruptedTurns(app: App, lease: Lease): Promise<InterruptedTurn[]> {
  const rows = await inSystem(app, (tx) =>
    tx.execute<Raw>(sql`SELECT * FROM auth.running_turns(${lease.botId})`),
  );
  return rows.map((row) => ({
    turnId: row.turn_id,
    lane: row.lane,
    scope: {
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
      correlationId: row.correlation_id,
      locale: row.locale,
      timeZone: row.time_zone,
      log: app.log.child({ orgId: row.org_id, userId: row.user_id, correlationId: row.correlation_id }),
    },
  }));
}
