import { expect, test } from "bun:test";
import { HAS_REDIS, startRedis } from "../../core/test-redis.ts";
import { ALICE, startWorld } from "./world.ts";

/** What takes seconds and minutes in life. */
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
