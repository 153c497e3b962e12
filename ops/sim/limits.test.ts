import { expect, test } from "bun:test";
import { createSql } from "../../db/client.ts";
import { HAS_REDIS, startRedis } from "../../core/test-redis.ts";
import type { ClaudeScript } from "./claude/script.ts";
import { ALICE, BOB, GROUP, startWorld, until, type World } from "./world.ts";

const testWithRedis = HAS_REDIS ? test : test.skip;
const ECHO: ClaudeScript = (_request, { lastUserText }) => ({ text: `Echo: ${lastUserText}` });
// What holds when the operator sets nothing.
const PRODUCTION = { LIMIT_PERSON_PER_MINUTE: "", LIMIT_TEAM_PER_MINUTE: "" };

async function inviteBob(world: World): Promise<void> {
  world.telegram.say({ from: ALICE, text: "/invite" });
  const { text } = await world.hears(ALICE, "https://t.me/");
  world.telegram.say({ from: BOB, text: `/start ${/start=(\S+)/.exec(text)?.[1]}` });
  await world.hears(BOB, "You are a member");
}

test("RL-01: with the numbers of production each person asks twenty times a minute and is told once about the rest", async () => {
  await using world = await startWorld(ECHO, { limits: PRODUCTION, rateLimits: false });
  const { telegram } = world;
  await world.claimTeam();
  await inviteBob(world);
  telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to");
  // In turn, so that nobody's messages become one question.
  for (let n = 1; n <= 24; n += 1) {
    telegram.say({ from: ALICE, chat: GROUP, text: `@blockbot_demo_bot a${n}.` });
    telegram.say({ from: BOB, chat: GROUP, text: `@blockbot_demo_bot b${n}.` });
  }
  await until(() => world.log.filter(({ outcome }) => outcome === "limited").length === 8);
  await world.hears(GROUP, "Echo: Alice: a20.");
  await world.hears(GROUP, "Echo: Bob: b20.");
  expect(world.claude.requests).toHaveLength(40);
  await telegram.waitFor(
    () => world.heard(GROUP).filter(({ text }) => text.includes("That was a lot at once")).length === 2,
  );
});

testWithRedis(
  "RL-03: Redis dies, is written down and shown, and comes back; questions are answered all along",
  async () => {
    await using redis = await startRedis();
    await using world = await startWorld(ECHO, { redisUrl: redis.url });
    await world.claimTeam();
    const health = async () => {
      const report = await fetch(`${world.adminUrl}/health`);
      const body = (await report.json()) as { components: { redis: { state: string } } };
      return [report.status, body.components.redis.state];
    };
    world.telegram.say({ from: ALICE, text: "one" });
    await world.hears(ALICE, "Echo: one");
    expect(await health()).toEqual([200, "ok"]);
    const tags = (await redis.keys()).flatMap((key) => /\{[^}]+\}/.exec(key) ?? []);
    expect(new Set(tags).size).toBe(1); // both of the question's keys are the team's

    await redis.kill();
    world.telegram.say({ from: ALICE, text: "two" });
    await world.hears(ALICE, "Echo: two");
    expect(await health()).toEqual([200, "degraded"]);
    const sql = createSql(world.adminDatabaseUrl, { max: 1 });
    const noted = async () => {
      const rows =
        await sql`SELECT actor_type, actor_id FROM app.audit_log WHERE action = 'ratelimit.degraded'`;
      return [...rows];
    };
    while ((await noted()).length === 0) await Bun.sleep(20);
    world.telegram.say({ from: ALICE, text: "three" });
    await world.hears(ALICE, "Echo: three");
    expect(await noted()).toEqual([{ actor_type: "system", actor_id: "limits" }]);
    await sql.end();

    await redis.start();
    await until(() => world.app.limits.state() === "ok");
    world.telegram.say({ from: ALICE, text: "four" });
    await world.hears(ALICE, "Echo: four");
    expect(await health()).toEqual([200, "ok"]);
  },
);
