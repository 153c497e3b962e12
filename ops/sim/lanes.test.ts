import { expect, test } from "bun:test";
import { createTestDatabase } from "../../db/test-db.ts";
import { openStage, type Stage } from "./stage.ts";

const ME = "@blockbot_stage_bot";
const CROWD = -1_001_000_000_003;
const LANES = 1_300;
// What bot/lanes.ts allows.
const RUNNING_MAX = 1_000;
// So many questions take a while on whatever machine this is.
const TEST_MS_MAX = 240_000;
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 100;
/** No limit of ours stands in the way of so many questions at once. */
const UNLIMITED = {
  LIMIT_FLOOD_PER_10_SECONDS: "100000",
  LIMIT_PERSON_PER_MINUTE: "100000",
  BUDGET_INSTANCE_USD: "none",
  BUDGET_TEAM_USD: "none",
  BUDGET_MEMBER_USD: "none",
};

test(
  "a thousand lanes that wait for a slow Claude hold up neither polls, nor commands, nor buttons; what is too much at once waits as rows",
  async () => {
    const gate = Promise.withResolvers<void>();
    await using database = await createTestDatabase();
    await using stage = await openStage(database);
    const { telegram, claude } = stage;
    claude.setScript(() => ({ text: "At last.", after: gate.promise }));
    await stage.launch(UNLIMITED).ready;
    const [owner = 0] = await stage.gather(1);
    telegram.say({ from: owner, text: "/settings" });
    const { messageId, buttons } = await stage.hears(owner, "Language: English");
    telegram.addGroup({
      id: CROWD,
      title: "Crowd",
      members: [owner],
      topics: Array.from({ length: LANES }, (_, index) => `Topic ${index}`),
    });
    telegram.say({ from: owner, chat: CROWD, text: `/claim${ME}` });
    await stage.hears(CROWD, "now belongs to");
    for (const { threadId } of telegram.topics(CROWD))
      telegram.say({ from: owner, chat: CROWD, thread: threadId, text: `${ME} hello` });
    await comes(() => claude.running === RUNNING_MAX && telegram.pendingUpdates() === 0);
    expect(await counts(stage)).toEqual({ running: RUNNING_MAX, waiting: LANES - RUNNING_MAX });

    const data = buttons.flat().find(({ text }) => text === "Deutsch")?.data ?? "";
    const press = telegram.press({ from: owner, messageId, data });
    telegram.say({ from: owner, text: "/status" });
    await comes(() => telegram.callbackAnswer(press) !== null);
    await stage.hears(owner, "Sprache: Deutsch");
    await stage.hears(owner, "In diesem Chat wird gerade nichts beantwortet");
    expect(await counts(stage)).toEqual({ running: RUNNING_MAX, waiting: LANES - RUNNING_MAX });
    expect(claude.requests).toHaveLength(RUNNING_MAX);

    gate.resolve();
    await comes(async () => (await counts(stage))["waiting"] === 0);
    await comes(async () => (await counts(stage))["running"] === 0);
    const ended = await stage.sql`SELECT status, count(*)::int AS turns FROM app.turns GROUP BY 1`;
    expect([...ended]).toEqual([{ status: "answered", turns: LANES }]);
  },
  TEST_MS_MAX,
);

async function counts({ sql }: Stage): Promise<Record<string, unknown>> {
  const [row] = await sql`SELECT
    (SELECT count(*)::int FROM app.turns WHERE status = 'running') AS running,
    (SELECT count(*)::int FROM pipeline.updates WHERE state = 'ready' AND NOT control) AS waiting`;
  return { ...row };
}

async function comes(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const startedAt = performance.now(); !(await holds()); await Bun.sleep(LOOK_EVERY_MS)) {
    if (performance.now() - startedAt > PATIENCE_MS) throw new Error(`still not so: ${holds.toString()}`);
  }
}
