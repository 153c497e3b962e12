import { sql } from "drizzle-orm";
import type { Tx } from "../db/client.ts";
import { inSystem } from "../db/tenant.ts";
import { operatorChats } from "./accounts/strangers.ts";
import type { App } from "./app.ts";
import { servingBot } from "./pipeline/lease.ts";
import { enqueue } from "./pipeline/outbox.ts";
import { sentence } from "./text/text.ts";

/** What people are told without asking; each is a message of the same name, with `alert_` before it. */
export type AlertKind =
  | "stranger"
  | "parked"
  | "conflict"
  | "conflict_over"
  | "reauth"
  | "seeded"
  | "new_group"
  | "new_admin"
  | "credential_user"
  | "audit_broken"
  | "budget_instance"
  | "part_down"
  | "part_back"
  | "claude_down"
  | "claude_back"
  | "claude_fault"
  | "claude_model";

/** Who is told, and in which language. */
export type Recipient = { readonly chatId: number; readonly locale: string };

type Alert<R> = {
  readonly kind: AlertKind;
  readonly key: string;
  readonly params: (recipient: R) => Record<string, string | number>;
};

/**
 * Queues one alert to everybody who operates this bot, in their language. The
 * same `key` alerts once, whoever raises it again.
 */
export async function alertOperator(
  app: App,
  botId: number,
  alert: { kind: AlertKind; key: string; params: Record<string, string | number> },
): Promise<void> {
  await inSystem(app, async (tx) =>
    tell(tx, botId, await operatorChats(app), { ...alert, params: () => alert.params }),
  );
}

/** Queues one alert to each of these people; the same `key` reaches each of them once. */
export async function tell<R extends Recipient>(
  tx: Tx,
  botId: number,
  recipients: readonly R[],
  alert: Alert<R>,
): Promise<void> {
  await enqueue(
    tx,
    recipients.map((recipient) => ({
      botId,
      chatId: recipient.chatId,
      threadId: 0,
      kind: "notice" as const,
      key: `alert:${alert.kind}:${alert.key}:${recipient.chatId}`,
      locale: recipient.locale,
      message: { text: sentence(recipient.locale, `alert_${alert.kind}`, alert.params(recipient)) },
    })),
  );
}

/**
 * Whether an alert of this kind about this subject may be given now, and notes
 * that it was: at most one in `everyMs`, whichever process asks. Null means
 * once and never again.
 */
export async function mayAlert(
  tx: Tx,
  alert: { kind: AlertKind; subject: string; everyMs: number | null; nowMs: number },
): Promise<boolean> {
  const latest = alert.everyMs === null ? null : new Date(alert.nowMs - alert.everyMs).toISOString();
  const rows = await tx.execute(sql`INSERT INTO pipeline.alerts AS a (kind, subject, told_at)
    VALUES (${alert.kind}, ${alert.subject}, ${new Date(alert.nowMs).toISOString()}::timestamptz)
    ON CONFLICT (kind, subject) DO UPDATE SET told_at = excluded.told_at
    WHERE a.told_at <= ${latest}::timestamptz RETURNING 1`);
  return rows.length > 0;
}

/**
 * Queues one alert to the owners and admins of a team, in the transaction of
 * what it tells about. It goes by the bot that was polled last, since whoever
 * raises it may be a job.
 */
export async function alertTeam(
  tx: Tx,
  app: App,
  alert: { kind: AlertKind; key: string; params: Record<string, string | number> },
): Promise<void> {
  const bot = await servingBot(app);
  if (bot === null) return;
  const people = await tx.execute<Person>(
    sql`SELECT telegram_user_id, locale FROM auth.telegram_ids(ARRAY['owner', 'admin'])`,
  );
  await tell(tx, bot.id, people.map(recipientOf), { ...alert, params: () => alert.params });
}

/** The same to the owners alone, but for those who know: whoever did it, or is told otherwise. */
export async function alertOwners(
  tx: Tx,
  team: { readonly app: App; readonly orgId: string },
  alert: {
    kind: AlertKind;
    key: string;
    params: Record<string, string | number>;
    except: readonly (string | null)[];
  },
): Promise<void> {
  const bot = await servingBot(team.app);
  if (bot === null) return;
  const people = await tx.execute<Person & { id: string }>(sql`SELECT u.id, t.telegram_user_id, t.locale
    FROM app.users u CROSS JOIN LATERAL auth.telegram_of(u.id) t
    WHERE u.org_id = ${team.orgId} AND u.role = 'owner' AND u.status = 'active'`);
  const told = people.filter(({ id }) => !alert.except.includes(id));
  await tell(tx, bot.id, told.map(recipientOf), { ...alert, params: () => alert.params });
}

type Person = { telegram_user_id: string; locale: string };

function recipientOf({ telegram_user_id: chatId, locale }: Person): Recipient {
  return { chatId: Number(chatId), locale };
}
