import { sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { inSystem } from "../../db/tenant.ts";
import { healthRecipients } from "../accounts/health-alerts.ts";
import { mayAlert, tell, type Recipient } from "../alerts.ts";
import type { App } from "../app.ts";
import { holds, type Lease } from "../pipeline/lease.ts";
import type { Outage } from "./breaker.ts";
import { type ErrorKind, POLICIES } from "./classify.ts";
import type { CredentialOutage } from "./health.ts";

const MINUTE_MS = 60_000;

/** When an outage is worth an alert, and how often; milliseconds. */
export type AlertBounds = {
  /** What is over within this time was a blip, and nobody is told. */
  blipMs: number;
  /** A rate limit is told when it lasts this long. */
  longMs: number;
  /** The same kind is told at most so often. */
  repeatMs: number;
};

export const ALERT_BOUNDS: Readonly<AlertBounds> = { blipMs: 10_000, longMs: 300_000, repeatMs: 600_000 };

/** An outage as it was written down; times in milliseconds since the epoch. */
type Recorded = CredentialOutage & { readonly toldAt: number | null };

type Raw = { credential: string; kind: ErrorKind; since: string; until: string; told: string | null };

const COLUMNS = sql`credential, kind, extract(epoch FROM began_at) * 1000 AS since,
  extract(epoch FROM open_until) * 1000 AS until, extract(epoch FROM told_at) * 1000 AS told`;

/** The outages that nobody has written down as ended, of all credentials. */
export async function openOutages(app: App): Promise<Recorded[]> {
  const rows = await inSystem(app, (tx) =>
    tx.execute<Raw>(sql`SELECT ${COLUMNS} FROM pipeline.claude_outages WHERE ended_at IS NULL`),
  );
  return rows.map(fromRaw);
}

/**
 * Writes down how things stand, for other processes and the next start: `current`
 * goes on, of the others those end whose credential `isOver`. Whoever is to hear
 * of it is told in the same transaction, once down and once back. Returns how
 * many outages are still open. Does nothing under a lost lease.
 */
export async function recordOutages(
  app: App,
  lease: Lease,
  state: {
    current: readonly CredentialOutage[];
    isOver: (credential: string) => boolean;
    bounds: AlertBounds;
  },
): Promise<number> {
  return inSystem(app, async (tx) => {
    const [fence] = await tx.execute(sql`SELECT 1 WHERE ${holds(lease)}`);
    if (fence === undefined) return 0;
    for (const outage of state.current) await write(tx, outage);
    const rows = await tx.execute<Raw>(
      sql`SELECT ${COLUMNS} FROM pipeline.claude_outages WHERE ended_at IS NULL FOR UPDATE`,
    );
    let open = 0;
    for (const outage of rows.map(fromRaw)) {
      const goesOn = state.current.some(
        ({ credential, since }) => credential === outage.credential && since === outage.since,
      );
      if (goesOn) await tellDown(app, tx, lease, { outage, bounds: state.bounds });
      const isOver = !goesOn && state.isOver(outage.credential);
      if (isOver) await end(app, tx, lease, outage);
      else open += 1;
    }
    return open;
  });
}

async function write(tx: Tx, { credential, kind, since, until }: CredentialOutage): Promise<void> {
  // One that began otherwise, in a process that died, has been followed by this one.
  await tx.execute(sql`UPDATE pipeline.claude_outages SET ended_at = ${at(since)}
    WHERE credential = ${credential} AND ended_at IS NULL AND began_at <> ${at(since)}`);
  await tx.execute(sql`INSERT INTO pipeline.claude_outages (credential, began_at, kind, open_until)
    VALUES (${credential}, ${at(since)}, ${kind}, ${at(until)})
    ON CONFLICT (credential, began_at) DO UPDATE SET kind = excluded.kind, open_until = excluded.open_until`);
}

// Also those are told whose team meets the outage later than others did.
async function tellDown(
  app: App,
  tx: Tx,
  lease: Lease,
  { outage, bounds }: { outage: Recorded; bounds: AlertBounds },
): Promise<void> {
  const nowMs = app.clock.now();
  const lastsMs = nowMs - outage.since;
  if (outage.toldAt === null) {
    const { alert } = POLICIES[outage.kind];
    if (alert === "none" || lastsMs < (alert === "when_long" ? bounds.longMs : bounds.blipMs)) return;
    const subject = `${outage.credential}:${outage.kind}`;
    const told = { kind: "claude_down", subject, everyMs: bounds.repeatMs, nowMs } as const;
    if (!(await mayAlert(tx, told))) return;
    await tx.execute(sql`UPDATE pipeline.claude_outages SET told_at = ${at(nowMs)}
      WHERE credential = ${outage.credential} AND began_at = ${at(outage.since)}`);
  }
  await tell(tx, lease.botId, await affected(app, tx, outage, nowMs), {
    kind: "claude_down",
    key: keyOf(outage),
    params: ({ messages }) => ({
      kind: outage.kind,
      own: outage.credential === app.claude.credential ? "no" : "yes",
      minutes: Math.floor(lastsMs / MINUTE_MS),
      messages,
    }),
  });
}

async function end(app: App, tx: Tx, lease: Lease, outage: Recorded): Promise<void> {
  const nowMs = app.clock.now();
  await tx.execute(sql`UPDATE pipeline.claude_outages SET ended_at = ${at(nowMs)}
    WHERE credential = ${outage.credential} AND began_at = ${at(outage.since)}`);
  if (outage.toldAt === null) return;
  const minutes = Math.floor((nowMs - outage.since) / MINUTE_MS);
  await tell(tx, lease.botId, await affected(app, tx, outage, nowMs), {
    kind: "claude_back",
    key: keyOf(outage),
    params: ({ messages }) => ({ hours: Math.floor(minutes / 60), minutes: minutes % 60, messages }),
  });
}

type Affected = Recipient & { readonly messages: number };

/** The operator, with all that went unanswered, and the owners of each team that met the outage, with theirs, if they want to hear of it. */
async function affected(app: App, tx: Tx, outage: Recorded, untilMs: number): Promise<Affected[]> {
  const rows = await tx.execute<{
    org_id: string;
    messages: number;
    telegram_user_id: string | null;
    locale: string | null;
  }>(
    sql`SELECT * FROM auth.affected_owners(${outage.credential}, ${at(outage.since)}, ${at(untilMs)} + interval '1 minute')`,
  );
  const teams = new Map(rows.map((row) => [row.org_id, row.messages]));
  const all = [...teams.values()].reduce((sum, messages) => sum + messages, 0);
  const recipients = await healthRecipients(app);
  const told = new Map<number, Affected>();
  for (const { telegram_user_id: id, locale, messages } of rows) {
    if (id === null || !recipients.some(({ chatId }) => chatId === Number(id))) continue;
    const before = told.get(Number(id))?.messages ?? 0;
    told.set(Number(id), { chatId: Number(id), locale: locale ?? "en", messages: before + messages });
  }
  for (const { chatId, locale, isOperator } of recipients)
    if (isOperator) told.set(chatId, { chatId, locale, messages: all });
  return [...told.values()];
}

const keyOf = ({ credential, since }: Outage & { credential: string }): string => `${credential}:${since}`;

function at(ms: number) {
  return sql`${new Date(ms).toISOString()}::timestamptz`;
}

function fromRaw(row: Raw): Recorded {
  return {
    credential: row.credential,
    kind: row.kind,
    since: Math.round(Number(row.since)),
    until: Math.round(Number(row.until)),
    toldAt: row.told === null ? null : Number(row.told),
  };
}
