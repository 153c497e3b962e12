import { sql } from "drizzle-orm";
import { inSystem, inTenant } from "../db/tenant.ts";
import { listTeams, type Team } from "./accounts/teams.ts";
import { audit } from "./audit.ts";
import { periodOf } from "./chat/quotas.ts";
import { AppError } from "./errors.ts";
import type { Lease } from "./pipeline/lease.ts";
import { dropWaiting } from "./pipeline/updates.ts";
import { personOf, type Scope } from "./scope.ts";

/** Everything that is stored about one person, as it goes into the file; times are ISO 8601 in UTC. */
export type MyData = {
  readonly account: Account;
  readonly teams: readonly TeamData[];
};

type Account = {
  readonly name: string;
  readonly telegramId: number | null;
  readonly email: string | null;
  readonly language: string;
  readonly timeZone: string;
  readonly hasPassword: boolean;
  readonly since: string;
  readonly sessions: readonly {
    readonly method: string;
    readonly browser: string;
    readonly since: string;
    readonly lastUsed: string;
    readonly ended: string | null;
  }[];
};

export type TeamData = {
  readonly team: string;
  readonly role: string;
  /** How this person stands in the log below. */
  readonly memberId: string;
  readonly since: string;
  readonly questions: readonly Question[];
  /** How many older ones are not listed. */
  readonly olderQuestions: number;
  /** What I keep of the older part of long private conversations. */
  readonly summaries: readonly string[];
  readonly usage: readonly { readonly month: string; readonly resource: string; readonly used: number }[];
  readonly log: readonly { readonly at: string; readonly action: string; readonly outcome: string }[];
  readonly olderLog: number;
};

type Question = {
  readonly at: string;
  /** The title of the group; null in our private chat. */
  readonly group: string | null;
  readonly question: string;
  readonly files: readonly string[];
  readonly answer: string | null;
  readonly status: string;
};

// Held in memory and sent as one file; of somebody who said more, the newest.
const QUESTIONS_MAX = 2_000;
const LOG_MAX = 5_000;

/** Collects everything about the person who asks, in every team they are in. Reads only, one short transaction a team. */
export async function collectMine(scope: Scope): Promise<MyData> {
  const { accountId } = personOf(scope);
  const [row] = await inSystem(scope.app, (tx) =>
    tx.execute<{ data: Account | null }>(sql`SELECT auth.account_data(${accountId}) AS data`),
  );
  if (row === undefined || row.data === null) throw new AppError("not_member");
  const teams: TeamData[] = [];
  for (const team of await listTeams(scope)) teams.push(await teamData(scope, team, accountId));
  return { account: row.data, teams };
}

/** Writes down that the person took what `collectMine` found. */
export async function noteExport(scope: Scope): Promise<void> {
  personOf(scope);
  await inTenant(scope, (tx) => audit(tx, scope, "account.export"));
}

/**
 * Deletes what the person who asks has said, in every team and group, with the
 * answers and summaries; with `whole` the person too: they leave every team,
 * and nothing leads from the audit log's ids to them any more. What waits in
 * this lane is dropped. Throws `erase_last_owner` while a team would be left
 * without an owner. Returns how many questions were deleted.
 */
export async function eraseMine(
  scope: Scope,
  lease: Lease,
  { whole, lane, before }: { whole: boolean; lane: string; before: number },
): Promise<number> {
  const { accountId } = personOf(scope);
  return inSystem(scope.app, async (tx) => {
    await dropWaiting(tx, lease, { lane, before });
    const period = periodOf(scope.app.clock.now());
    const [row] = await tx.execute<{ outcome: string; turns: number; teams: string | null }>(
      sql`SELECT outcome, turns, array_to_string(teams, ', ') AS teams FROM auth.erase(${accountId}, ${whole}, ${period}::date, ${scope.correlationId})`,
    );
    if (row?.outcome === "last_owner") throw new AppError("erase_last_owner", { teams: row.teams ?? "" });
    if (row?.outcome !== "ok") throw new AppError("not_member");
    return row.turns;
  });
}

async function teamData(scope: Scope, team: Team, accountId: string): Promise<TeamData> {
  return inTenant({ app: scope.app, orgId: team.id }, async (tx) => {
    const [member] = await tx.execute<{ id: string; since: string }>(
      sql`SELECT id, to_json(created_at)#>>'{}' AS since FROM app.users WHERE org_id = ${team.id} AND account_id = ${accountId}`,
    );
    if (member === undefined) throw new AppError("not_member");
    const questions = await tx.execute<
      Question & { total: number }
    >(sql`SELECT to_json(t.created_at)#>>'{}' AS at,
        CASE WHEN c.kind <> 'private' THEN c.title END AS group, t.question,
        (SELECT coalesce(jsonb_agg(f->>'name'), '[]') FROM jsonb_array_elements(t.files) f) AS files, t.answer, t.status,
        count(*) OVER ()::int AS total
      FROM app.turns t LEFT JOIN app.chats c ON c.org_id = t.org_id AND c.bot_id = t.bot_id AND c.telegram_chat_id = t.telegram_chat_id
      WHERE t.org_id = ${team.id} AND t.asker_id = ${member.id} ORDER BY t.created_at DESC, t.id LIMIT ${QUESTIONS_MAX}`);
    const summaries = await tx.execute<{
      summary: string;
    }>(sql`SELECT DISTINCT s.summary FROM app.conversations s
      JOIN app.chats c ON c.org_id = s.org_id AND c.id = s.chat_id AND c.kind = 'private'
      JOIN app.turns t ON t.org_id = s.org_id AND t.conversation_id = s.id AND t.asker_id = ${member.id}
      WHERE s.org_id = ${team.id} AND s.summary IS NOT NULL`);
    const usage = await tx.execute<
      TeamData["usage"][number]
    >(sql`SELECT period::text AS month, split_part(resource, '/', 1) AS resource,
        (used + overdrawn)::float8 AS used FROM app.quotas WHERE org_id = ${team.id} AND resource LIKE '%/' || ${member.id} ORDER BY 1, 2`);
    const log = await tx.execute<
      TeamData["log"][number] & { total: number }
    >(sql`SELECT to_json(at)#>>'{}' AS at, action, outcome,
        count(*) OVER ()::int AS total
      FROM app.audit_log WHERE org_id = ${team.id} AND actor_type = 'user' AND actor_id = ${member.id} ORDER BY seq DESC LIMIT ${LOG_MAX}`);
    return {
      team: team.name,
      role: team.role,
      memberId: member.id,
      since: member.since,
      questions: questions.map(({ at, group, question, files, answer, status }) => ({
        at,
        group,
        question,
        files,
        answer,
        status,
      })),
      olderQuestions: (questions[0]?.total ?? 0) - questions.length,
      summaries: summaries.map(({ summary }) => summary),
      usage: [...usage],
      log: log.map(({ at, action, outcome }) => ({ at, action, outcome })),
      olderLog: (log[0]?.total ?? 0) - log.length,
    };
  });
}
