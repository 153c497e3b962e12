import { expect, test } from "bun:test";
import { createSql, type Sql } from "../../db/client.ts";
import { ALICE, BOB, GROUP, hasButton, startWorld, STRANGER, until, type World } from "./world.ts";

const echo = (_request: unknown, { lastUserText }: { lastUserText: string }) => ({
  text: `Echo: ${lastUserText}`,
});

/** Alice's team with Bob in it, and the way around the walls. */
async function startTeam() {
  const world = await startWorld(echo);
  const sql = createSql(world.adminDatabaseUrl, { max: 3 });
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "/invite" });
  const invite = await world.hears(ALICE, "https://t.me/");
  world.telegram.say({ from: BOB, text: `/start ${/start=(\S+)/.exec(invite.text)?.[1]}` });
  await world.hears(BOB, "You are a member");
  return {
    world,
    sql,
    async [Symbol.asyncDispose](): Promise<void> {
      await sql.end();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** An update that so many tenures have ended with in hand. */
async function leave(
  sql: Sql,
  update: { id: number; attempts: number; from: number; chat?: number; text: string },
): Promise<void> {
  const { id, attempts, from, chat = from, text } = update;
  const message = {
    message_id: id,
    date: Math.floor(Date.now() / 1000),
    chat: { id: chat, type: chat > 0 ? "private" : "supergroup", title: "Team room", first_name: "Somebody" },
    from: { id: from, is_bot: false, first_name: "Somebody", language_code: "en" },
    text,
    entities: [{ type: "mention", offset: 0, length: 18 }],
  };
  await sql`INSERT INTO pipeline.updates (bot_id, update_id, lane, control, payload, attempts, begun_epoch)
    SELECT bot_id, ${id}, bot_id || ${`:${chat}:0`}, false, ${JSON.stringify({ update_id: id, message })}::text::jsonb, ${attempts}, 0
    FROM pipeline.bots`;
}

function isAside(world: World, chat: number): boolean {
  return world.heard(chat).some(({ text }) => text.includes("so I put it aside"));
}

test("what three processes ended with is put aside: its sender and the operator are told, strangers and those who were not talking to us are not", async () => {
  await using team = await startTeam();
  const { world, sql } = team;
  world.telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to");
  await leave(sql, { id: 1, attempts: 3, from: BOB, text: "a message that stops us" });
  await leave(sql, { id: 2, attempts: 3, from: STRANGER, text: "one of nobody" });
  await leave(sql, { id: 3, attempts: 3, from: BOB, chat: GROUP, text: "one that was overheard" });
  await leave(sql, { id: 4, attempts: 3, from: ALICE, chat: GROUP, text: "@blockbot_demo_bot one for us" });
  await world.restart();
  await world.telegram.waitFor(() => isAside(world, BOB) && isAside(world, GROUP));
  for (const id of [1, 2, 3, 4]) await world.hears(ALICE, `update ${id})`);
  expect(world.heard(GROUP).filter(({ text }) => text.includes("aside"))).toHaveLength(1);
  expect(world.heard(STRANGER)).toEqual([]);
  expect(world.claude.requests).toEqual([]);
  // Everything else goes on, in the same chat too.
  world.telegram.say({ from: BOB, text: "other words" });
  await world.hears(BOB, "Echo: other words");
});

test("what may have ended processes before is handled one at a time, before anything else", async () => {
  await using team = await startTeam();
  const { world, sql } = team;
  await leave(sql, { id: 11, attempts: 2, from: ALICE, text: "one" });
  await leave(sql, { id: 12, attempts: 2, from: BOB, text: "two" });
  await leave(sql, { id: 13, attempts: 1, from: BOB, chat: STRANGER, text: "innocent" });
  const inHand = async () => {
    const rows =
      await sql`SELECT update_id::int AS id FROM pipeline.updates WHERE state = 'ready' AND begun_epoch > 0 ORDER BY 1`;
    return rows.map((row) => Number(row["id"]));
  };
  const keeper = await sql.reserve();
  await keeper`BEGIN`;
  await keeper`LOCK TABLE app.turns IN EXCLUSIVE MODE`;
  await world.restart();
  let seen: number[] = [];
  for (; seen.length === 0; await Bun.sleep(5)) seen = await inHand();
  expect(seen).toEqual([11]);
  await keeper`COMMIT`;
  keeper.release();
  await world.hears(ALICE, "Echo: one");
  await world.hears(BOB, "Echo: two");
});

test("what fails while the database breaks off is handled again, and nobody hears of it", async () => {
  await using team = await startTeam();
  const { world, sql } = team;
  const keeper = await sql.reserve();
  await keeper`BEGIN`;
  await keeper`LOCK TABLE app.turns IN EXCLUSIVE MODE`;
  world.telegram.say({ from: BOB, text: "a question" });
  let broken = 0;
  for (; broken === 0; await Bun.sleep(5))
    broken = (
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND usename = 'blockbot_app' AND wait_event_type = 'Lock'`
    ).length;
  await until(() => world.log.some(({ msg }) => msg === "a handler failed"));
  await keeper`COMMIT`;
  keeper.release();
  await world.hears(BOB, "Echo: a question");
  expect(world.heard(BOB).map(({ text }) => text)).toEqual([
    expect.stringContaining("You are a member"),
    "Echo: a question",
  ]);
});

test("a turn that nobody runs is taken up without a restart", async () => {
  await using team = await startTeam();
  const { world, sql } = team;
  world.telegram.say({ from: BOB, text: "a question" });
  await world.hears(BOB, "Echo: a question");
  await sql`UPDATE app.turns SET status = 'running', ended_at = NULL, answer = NULL`;
  await world.hears(BOB, "I was restarted");
  expect(world.claude.requests).toHaveLength(2);
});

test("Retry says what it dropped", async () => {
  await using world = await startWorld((_request, { index }) => {
    if (index === 0) return { status: 529, type: "overloaded_error", message: "Overloaded" };
    return index === 1 ? { text: "word ".repeat(400), chunkMs: 50 } : { text: "Done." };
  });
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "a question" });
  await world.hears(ALICE, "overloaded");
  world.telegram.say({ from: ALICE, text: "another one" });
  await world.telegram.waitFor(() => world.heard(ALICE).some((message) => hasButton(message, "Stop")));
  world.telegram.say({ from: ALICE, text: "one that waits" });
  world.press(ALICE, "Retry");
  await world.hears(ALICE, "I dropped one waiting message");
  await world.hears(ALICE, "Done.");
});
