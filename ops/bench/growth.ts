import { openRig, type Rig } from "./rig.ts";
import { quantile, type BenchResult, type Figure } from "./figures.ts";
import { instantAnswer, runTurns } from "./turns.ts";

const CHATS = 20;
const TURNS = 400;
const TEAMS = 1_000;
const STORED = [1_000, 100_000, 1_000_000] as const;
const RATIO_MAX = 1.3;

/** The same turns on a database that holds more and more of them, in a thousand teams. */
export async function growth(): Promise<BenchResult> {
  await using rig = await openRig({ kind: "ours", people: CHATS, script: instantAnswer });
  await addTeams(rig);
  await runTurns(rig, { turns: CHATS * 5, pauseMs: 0 });
  const figures: Figure[] = [];
  let first: number | null = null;
  let stored = 0;
  for (const wanted of STORED) {
    await addTurns(rig, stored, wanted);
    stored = wanted;
    const course = await runTurns(rig, { turns: TURNS, pauseMs: 200 });
    const median = quantile(
      course.times.map((times) => times.whole),
      0.5,
    );
    const baseline = (first ??= median);
    figures.push(
      { what: `whole answer p50, ${wanted} turns stored`, value: median, unit: "ms", baseline },
      {
        what: `ratio to ${STORED[0]} turns`,
        value: median / baseline,
        unit: "×",
        goal: { atMost: RATIO_MAX },
      },
      {
        what: `processor per turn, Postgres, ${wanted} turns stored`,
        value: course.postgresCpuMs / course.times.length,
        unit: "ms",
      },
    );
  }
  return {
    figures,
    notes: [
      `${TEAMS} teams, whose turns are spread evenly; ${CHATS} chats of one of them talk. With the 300 ms that a burst waits.`,
    ],
  };
}

async function addTeams({ sql }: Rig): Promise<void> {
  await sql`WITH team AS (INSERT INTO app.organizations (name) SELECT 'Team ' || i FROM generate_series(1, ${TEAMS}) i RETURNING id),
    account AS (INSERT INTO auth.accounts (telegram_user_id) SELECT 5000000 + i FROM generate_series(1, ${TEAMS}) i RETURNING id),
    pair AS (SELECT t.id AS org_id, a.id AS account_id FROM (SELECT id, row_number() OVER () AS n FROM team) t
      JOIN (SELECT id, row_number() OVER () AS n FROM account) a USING (n))
    INSERT INTO app.users (org_id, account_id, role) SELECT org_id, account_id, 'owner' FROM pair`;
  await sql`INSERT INTO app.chats (org_id, bot_id, telegram_chat_id, kind)
    SELECT org_id, 1, 9000000 + row_number() OVER (), 'private' FROM app.users`;
  await sql`INSERT INTO app.conversations (org_id, chat_id) SELECT org_id, id FROM app.chats WHERE telegram_chat_id >= 9000000`;
}

async function addTurns({ sql }: Rig, from: number, to: number): Promise<void> {
  await sql`INSERT INTO app.turns (org_id, conversation_id, bot_id, update_id, lane, telegram_chat_id, asker_id, question, answer, status, correlation_id, created_at, ended_at)
    SELECT place.org_id, place.id, 1, i, 'lane', 9000000, place.asker, 'What do you think?', repeat('word ', 40), 'answered', 'c', now(), now()
    FROM generate_series(${from + 1}::int, ${to}::int) i
    JOIN (SELECT c.org_id, c.id, u.id AS asker, row_number() OVER () AS n, count(*) OVER () AS of
          FROM app.conversations c JOIN app.users u ON u.org_id = c.org_id AND u.role = 'owner') place ON place.n = 1 + i % place.of`;
  await sql`ANALYZE`;
}
