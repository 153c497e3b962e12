import { sql } from "drizzle-orm";
import { oneInSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import type { InputKind } from "../inputs.ts";
import type { Role } from "../scope.ts";

/** Who wrote, and for which team they would speak here. */
export type Sender = {
  /** The team: of the group that claimed this chat, else the person's chosen one. Null for strangers and unclaimed groups. */
  readonly team: { readonly orgId: string; readonly name: string } | null;
  readonly member: {
    readonly userId: string;
    readonly accountId: string;
    readonly role: Role;
    readonly name: string;
  } | null;
  readonly claimed: boolean;
  readonly locale: string | null;
  readonly timeZone: string | null;
  /** What a command waits for from this person in this chat. */
  readonly pending: InputKind | null;
};

type Raw = {
  account_id: string | null;
  org_id: string | null;
  org_name: string | null;
  user_id: string | null;
  role: Role | null;
  locale: string | null;
  time_zone: string | null;
  display_name: string | null;
  claimed: boolean;
  pending: InputKind | null;
};

/** One query per message: rights are read anew each time, so a removal counts from the next message on. */
export async function resolveSender(
  app: App,
  botId: number,
  telegramUserId: number,
  telegramChatId: number,
): Promise<Sender> {
  const [row] = await oneInSystem<Raw>(
    app,
    sql`SELECT * FROM auth.resolve_sender(${botId}, ${telegramUserId}, ${telegramChatId})`,
  );
  if (row === undefined) throw new Error("auth.resolve_sender returned no row");
  return {
    team: row.org_id === null || row.org_name === null ? null : { orgId: row.org_id, name: row.org_name },
    member:
      row.user_id === null || row.account_id === null || row.role === null
        ? null
        : { userId: row.user_id, accountId: row.account_id, role: row.role, name: row.display_name ?? "" },
    claimed: row.claimed,
    locale: row.locale,
    timeZone: row.time_zone,
    pending: row.pending,
  };
}
