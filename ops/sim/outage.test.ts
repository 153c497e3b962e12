import { expect, test } from "bun:test";
import { HAS_REDIS, startRedis } from "../../core/test-redis.ts";
import { startTestServer } from "../postgres/test-server.ts";
import { ALICE, BOB, GROUP, startWorld, type World } from "./world.ts";

// The lease of a process without its database is over after eight seconds, and nobody looks at what waits before.
const TEST_MS_MAX = 60_000;

/** What takes seconds and minutes in life. */
const POSTGRES = { everyMs: 50, answerMs: 400, blipMs: 200, repeatMs: 60_000 };
const FAST = { everyMs: 20, blipMs: 60, slowMs: 200, repeatMs: 60_000 };

test.skipIf(!HAS_REDIS)(
  "a Redis that is killed and started again is told once down and once back, and nobody else notices",
  async () => {
    await using redis = await startRedis();
    await using world = await startWorld(undefined, {
      rateLimits: false,
      redisUrl: redis.url,
      parts: FAST,
    });
    await world.claimTeam();
    await redis.kill();
    await world.hears(ALICE, "Redis does not answer. Limits are counted without it meanwhile");
    world.telegram.say({ from: ALICE, text: "hello" });
    await world.hears(ALICE, "Hello from Claude.");
    await redis.start();
    await world.hears(ALICE, "Redis answers again. It had been otherwise for less than a minute.");
    await redis.kill();
    await Bun.sleep(FAST.blipMs * 3);
    const alerts = world.heard(ALICE).filter(({ text }) => text.includes("Redis"));
    expect(alerts).toHaveLength(2);
  },
);

const AWAY = "I cannot work right now.";

function told(world: World, chat: number, part: string): number {
  return world.heard(chat).filter(({ text }) => text.includes(part)).length;
}

async function startTeam(world: World): Promise<void> {
  await world.claimTeam();
  world.telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to");
  await Bun.sleep(20 * POSTGRES.everyMs); // who owns the team was looked up by then
}

test(
  "without Postgres the owner is told once, each chat that writes once, and what was written is answered when it is back",
  async () => {
    await using server = await startTestServer();
    await using world = await startWorld(
      (_request, { lastUserText }) => ({ text: `Echo: ${lastUserText}` }),
      {
        rateLimits: false,
        database: server.database,
        postgres: POSTGRES,
      },
    );
    await startTeam(world);
    await server.stop();
    await world.hears(ALICE, "My database does not answer, so I cannot work.");
    world.telegram.say({ from: BOB, text: "anybody there?" });
    world.telegram.say({ from: ALICE, text: "what is six times seven?" });
    world.telegram.say({ from: BOB, chat: GROUP, text: "nobody asks the bot here" });
    await world.hears(BOB, AWAY);
    world.telegram.say({ from: ALICE, chat: GROUP, text: "@blockbot_demo_bot and here?" });
    world.telegram.say({ from: BOB, text: "hello?" });
    await world.hears(GROUP, AWAY);

    await server.start();
    await world.hears(ALICE, "My database answers again, and I take up what was written meanwhile.");
    await world.hears(GROUP, "I can work again, and take up what was written here meanwhile.");
    await world.hears(ALICE, "Echo: what is six times seven?");
    await world.hears(GROUP, "and here?");
    await world.hears(BOB, "I can work again");
    await world.hears(BOB, "I only talk with the members of a team"); // a stranger, which nobody could know without the database
    expect([ALICE, BOB, GROUP].map((chat) => told(world, chat, AWAY))).toEqual([0, 1, 1]);
    expect([ALICE, BOB, GROUP].map((chat) => told(world, chat, "work again"))).toEqual([0, 1, 1]);
    expect(told(world, ALICE, "My database")).toBe(2);
    expect(told(world, ALICE, "Echo: what is six times seven?")).toBe(1);
  },
  TEST_MS_MAX,
);

test(
  "a Postgres that hangs is an outage like one that is gone; one that is back in time is none",
  async () => {
    await using server = await startTestServer();
    await using world = await startWorld(undefined, {
      rateLimits: false,
      database: server.database,
      postgres: { ...POSTGRES, blipMs: 1_000 },
    });
    await startTeam(world);
    server.freeze();
    await Bun.sleep(500);
    server.thaw();
    world.telegram.say({ from: ALICE, text: "still here?" });
    await world.hears(ALICE, "Hello from Claude.");
    expect(told(world, ALICE, "My database")).toBe(0);

    server.freeze();
    await world.hears(ALICE, "My database does not answer");
    world.telegram.say({ from: ALICE, chat: GROUP, text: "@blockbot_demo_bot hello?" });
    await world.hears(GROUP, AWAY);
    server.thaw();
    await world.hears(ALICE, "My database answers again");
    await world.hears(GROUP, "I can work again");
    await world.hears(GROUP, "Hello from Claude.");
    expect(told(world, GROUP, AWAY)).toBe(1);
  },
  TEST_MS_MAX,
);
