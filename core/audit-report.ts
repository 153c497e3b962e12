import { sql } from "drizzle-orm";
import type { Tx } from "../db/client.ts";
import { inTenant } from "../db/tenant.ts";
import { everyTeam } from "./accounts/teams.ts";
import { alertOwners, alertOperator } from "./alerts.ts";
import type { App } from "./app.ts";
import { findBreak, readHead, type Anchor } from "./audit-chain.ts";
import { readAuditSettings } from "./audit-settings.ts";
import { servingBot } from "./pipeline/lease.ts";
import { enqueue } from "./pipeline/outbox.ts";
import { dateText } from "./text/figures.ts";
import { sentence } from "./text/text.ts";

/** What happened in one team on one day. */
type Day = {
  /** Its beginning, in UTC. */
  readonly from: Date;
  readonly people: number;
  readonly kinds: readonly { readonly kind: string; readonly events: number }[];
};

type Team = { readonly orgId: string; readonly name: string };

const DAY_MS = 86_400_000;

/**
 * Checks every team's log, puts its newest row into our own log as an anchor
 * outside the database, and tells the owners in Telegram what happened
 * yesterday (UTC), unless nothing did or they do not want to hear it. That a
 * log was changed is always told, to the operator too. Safe to repeat: each
 * day is told once.
 */
export async function reportAudit(app: App): Promise<void> {
  const failures: unknown[] = [];
  for (const team of await everyTeam(app)) {
    // One team that cannot be checked must not keep the others from being told.
    await inTenant({ app, orgId: team.orgId }, (tx) => reportTeam(tx, app, team)).catch((err: unknown) =>
      failures.push(err),
    );
  }
  if (failures.length > 0) throw failures[0];
}

async function reportTeam(tx: Tx, app: App, team: Team): Promise<void> {
  const head = await readHead(tx, team.orgId);
  app.log.info({ orgId: team.orgId, ...head }, "audit anchor");
  const broken = await findBreak(tx);
  if (broken !== null) await tellBroken(tx, app, team, broken);
  const { report } = await readAuditSettings(tx, team.orgId);
  const day = await yesterday(tx, app, team.orgId);
  const bot = await servingBot(app);
  if (!report || head === null || bot === null || day.kinds.length === 0) return;
  const owners = await tx.execute<{ telegram_user_id: string; locale: string }>(
    sql`SELECT telegram_user_id, locale FROM auth.telegram_ids(ARRAY['owner'])`,
  );
  const items = owners.map(({ telegram_user_id: chatId, locale }) => ({
    botId: bot.id,
    orgId: team.orgId,
    chatId: Number(chatId),
    threadId: 0,
    kind: "notice" as const,
    key: `audit:${team.orgId}:${day.from.toISOString()}:${chatId}`,
    message: { text: reportText(locale, team, day, head) },
  }));
  await enqueue(tx, items);
}

async function tellBroken(
  tx: Tx,
  app: App,
  team: Team,
  broken: { seq: number; reason: string },
): Promise<void> {
  app.log.error({ orgId: team.orgId, ...broken }, "the audit log was changed");
  const alert = {
    kind: "audit_broken" as const,
    key: `${team.orgId}:${broken.seq}:${broken.reason}`,
    params: { team: team.name, seq: String(broken.seq) },
  };
  await alertOwners(tx, { app, orgId: team.orgId }, { ...alert, except: [] });
  const bot = await servingBot(app);
  if (bot !== null) await alertOperator(app, bot.id, alert);
}

async function yesterday(tx: Tx, app: App, orgId: string): Promise<Day> {
  const today = Math.floor(app.clock.now() / DAY_MS) * DAY_MS;
  const [from, until] = [new Date(today - DAY_MS), new Date(today)];
  const during = sql`org_id = ${orgId} AND at >= ${from.toISOString()}::timestamptz AND at < ${until.toISOString()}::timestamptz`;
  const kinds = await tx.execute<{ kind: string; events: number }>(
    sql`SELECT split_part(action, '.', 1) AS kind, count(*)::int AS events FROM app.audit_log
      WHERE ${during} GROUP BY kind ORDER BY events DESC, kind`,
  );
  const [row] = await tx.execute<{ people: number }>(
    sql`SELECT count(DISTINCT actor_id)::int AS people FROM app.audit_log WHERE ${during} AND actor_type = 'user'`,
  );
  return { from, people: row?.people ?? 0, kinds: [...kinds] };
}

function reportText(locale: string, team: Team, { from, people, kinds }: Day, head: Anchor): string {
  const events = kinds.reduce((sum, each) => sum + each.events, 0);
  return [
    sentence(locale, "audit_day", { team: team.name, day: dateText(locale, from), events, people }),
    ...kinds.map(({ kind, events: count }) => `${sentence(locale, "audit_kind", { kind })}: ${count}`),
    "",
    sentence(locale, "audit_anchor", { seq: String(head.seq), hash: head.hash }),
    sentence(locale, "audit_day_how"),
  ].join("\n");
}
