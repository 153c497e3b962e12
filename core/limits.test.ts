import { expect, test } from "bun:test";
import { systemClock, type Clock } from "./clock.ts";
import { createLimits, type Limits } from "./limits.ts";
import type { Charge } from "./local-windows.ts";
import { createLog } from "./log.ts";
import { HAS_REDIS, startRedis, startSilentServer, startTroubledRedis } from "./test-redis.ts";

const testWithRedis = HAS_REDIS ? test : test.skip;
const HOUR_MS = 3_600_000;
const MANY_KEYS = 60_000;

test("RL-02: without Redis a window slides: never more than the limit in any stretch of its length", async () => {
  const clock = createTestClock();
  await using it = start({ redisUrl: null, clock });
  const charge = { key: "{a}:ask", limit: 3, windowMs: 1_000 };
  const allowedAt: number[] = [];
  for (; clock.now() < 10_000; clock.pass(70)) {
    const { allowed, retryAfterMs } = await it.limits.take([charge]);
    if (allowed) allowedAt.push(clock.now());
    const oldest = allowedAt.at(-3) ?? Infinity;
    expect(retryAfterMs).toBe(allowed ? 0 : oldest + 1_000 - clock.now());
  }
  for (const [index, at] of allowedAt.entries()) {
    expect((allowedAt[index + 3] ?? Infinity) - at).toBeGreaterThanOrEqual(1_000);
  }
  expect(allowedAt.length).toBeGreaterThan(24); // and refused hits cost nothing
  expect([it.limits.state(), await it.limits.ping(), it.warnings()]).toEqual(["off", null, []]);
});

test("without Redis, what was told to wait may go after exactly that time", async () => {
  const clock = createTestClock();
  await using it = start({ redisUrl: null, clock });
  const charges = [
    { key: "{a}:person", limit: 1, windowMs: 400 },
    { key: "{a}:team", limit: 2, windowMs: 1_000 },
  ];
  for (let round = 0; round < 6; round += 1) {
    let answer = await it.limits.take(charges);
    while (!answer.allowed) {
      clock.pass(answer.retryAfterMs - 1);
      expect((await it.limits.take(charges)).allowed).toBe(false);
      clock.pass(1);
      answer = await it.limits.take(charges);
      expect(answer.allowed).toBe(true);
    }
  }
  expect(await it.limits.take([{ key: "{a}:never", limit: 0, windowMs: 50 }])).toEqual({
    allowed: false,
    retryAfterMs: 50,
    tightest: { limit: 0, remaining: 0, resetMs: 50 },
  });
});

test("RL-06: without Redis, a machine whose clock is set back makes nobody wait longer", async () => {
  const clock = createTestClock(HOUR_MS * 2);
  await using it = start({ redisUrl: null, clock });
  const charge = { key: "{a}:ask", limit: 2, windowMs: 1_000 };
  await allowedOf(it.limits, [charge], 2);
  clock.pass(-HOUR_MS);
  expect((await it.limits.take([charge])).retryAfterMs).toBeLessThanOrEqual(1_000);
  clock.pass(1_000);
  expect(await allowedOf(it.limits, [charge], 5)).toBe(2);
});

test("RL-04: without Redis, endless new keys do not grow the process, and a busy key is not forgotten for them", async () => {
  const clock = createTestClock();
  await using it = start({ redisUrl: null, clock });
  const busy = { key: "{a}:busy", limit: 1_000_000, windowMs: HOUR_MS };
  const once = { key: "{a}:once", limit: 1, windowMs: HOUR_MS };
  const shut = { ...busy, limit: 20 };
  await it.limits.take([once]);
  for (let n = 0; n < MANY_KEYS; n += 1) {
    await it.limits.take([{ key: `{${n}}:ask`, limit: 1, windowMs: HOUR_MS }]);
    if (n % 1_000 === 0) await it.limits.take([busy]);
  }
  expect((await it.limits.take([shut])).allowed).toBe(false);
  // The proof that something was forgotten: the key that was charged longest ago is new again.
  expect((await it.limits.take([once])).allowed).toBe(true);
});

for (const [where, run] of [
  ["in the process", test],
  ["in Redis", testWithRedis],
] as const) {
  run(
    `RL-01: fifty at once ${where}: exactly the limit is allowed, and one full window charges none of the others`,
    async () => {
      await using redis = where === "in Redis" ? await startRedis() : null;
      await using it = start({ redisUrl: redis?.url ?? null });
      const person = { key: "{a}:person:1", limit: 20, windowMs: 60_000 };
      const team = { key: "{a}:team", limit: 30, windowMs: 60_000 };
      const answers = await Promise.all(Array.from({ length: 50 }, () => it.limits.take([person, team])));
      expect(answers.filter(({ allowed }) => allowed).length).toBe(20);
      for (const { allowed, retryAfterMs } of answers) {
        if (allowed) expect(retryAfterMs).toBe(0);
        else expect(retryAfterMs).toBeWithin(1, 60_002);
      }
      // Thirty refused requests have left the team's window alone: ten of thirty are still free.
      const other = { ...person, key: "{a}:person:2" };
      expect(await allowedOf(it.limits, [other, team], 50)).toBe(10);
      expect(await allowedOf(it.limits, [{ ...other, limit: 11 }], 50)).toBe(1);
      expect(await allowedOf(it.limits, [{ ...team, key: "{b}:team" }], 50)).toBe(30);
      expect(it.warnings()).toEqual([]);
    },
  );
}

testWithRedis(
  "RL-02, RL-06: in Redis a window slides, by Redis's clock and for every process together",
  async () => {
    await using redis = await startRedis();
    await using one = start({ redisUrl: redis.url, clock: skewed(HOUR_MS) });
    await using two = start({ redisUrl: redis.url, clock: skewed(-HOUR_MS) });
    const charge = { key: "{a}:ask", limit: 5, windowMs: 200 };
    const allowed: { before: number; after: number }[] = [];
    const startedAt = performance.now();
    while (allowed.length < 25) {
      for (const { limits } of [one, two]) {
        const before = performance.now();
        const answer = await limits.take([charge]);
        if (answer.allowed) allowed.push({ before, after: performance.now() });
      }
    }
    // Twenty-five hits need four whole windows, and no sixth ever falls into the window of the first.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(4 * charge.windowMs);
    for (const [index, { before }] of allowed.entries()) {
      expect((allowed[index + 5]?.after ?? Infinity) - before).toBeGreaterThanOrEqual(charge.windowMs);
    }
    expect(await redis.keys()).toEqual(["blockbot:{a}:ask"]);
    expect(await redis.command("ZCARD", "blockbot:{a}:ask")).toBeLessThanOrEqual(5);
    await Bun.sleep(charge.windowMs * 2);
    expect(await redis.keys()).toEqual([]);
  },
);

testWithRedis("in Redis, what was told to wait may go after that time", async () => {
  await using redis = await startRedis();
  await using it = start({ redisUrl: redis.url });
  const charges = [{ key: "{a}:ask", limit: 2, windowMs: 150 }];
  for (let round = 0; round < 8; round += 1) {
    const answers = await Promise.all(Array.from({ length: 6 }, () => it.limits.take(charges)));
    const waits = answers.filter(({ allowed }) => !allowed).map(({ retryAfterMs }) => retryAfterMs);
    await Bun.sleep(Math.min(...waits) + 1);
    expect((await it.limits.take(charges)).allowed).toBe(true);
  }
});

testWithRedis(
  "RL-03: when Redis dies, the same windows go on in the process, and Redis is used again when it is back",
  async () => {
    await using redis = await startRedis();
    await using it = start({ redisUrl: redis.url });
    const charge = { key: "{a}:ask", limit: 50, windowMs: HOUR_MS };
    expect(await allowedOf(it.limits, [charge], 30)).toBe(30);
    expect([it.limits.state(), it.warnings()]).toEqual(["ok", []]);
    expect(await it.limits.ping()).toBeGreaterThan(0);

    await redis.kill();
    expect(await allowedOf(it.limits, [charge], 100)).toBe(20);
    expect([it.limits.state(), await it.limits.ping()]).toEqual(["degraded", null]);
    expect(await allowedOf(it.limits, [{ ...charge, key: "{b}:ask" }], 100)).toBe(50);
    expect(it.warnings().length).toBe(1);

    await redis.start();
    await until(() => it.limits.state() === "ok");
    expect(it.warnings().length).toBe(2);
    // The new Redis knows nothing, and still nobody gets a second helping.
    expect(await allowedOf(it.limits, [charge], 10)).toBe(0);
    expect(await allowedOf(it.limits, [{ ...charge, key: "{c}:ask" }], 60)).toBe(50);
    expect(await redis.keys()).toEqual(["blockbot:probe", "blockbot:{c}:ask"]);
  },
);

testWithRedis(
  "RL-03: a Redis that hangs delays nothing for long, and is used again when it goes on",
  async () => {
    await using redis = await startRedis();
    await using it = start({ redisUrl: redis.url });
    const charge = { key: "{a}:ask", limit: 10, windowMs: HOUR_MS };
    expect(await allowedOf(it.limits, [charge], 4)).toBe(4);

    redis.signal("SIGSTOP");
    expect(await allowedOf(it.limits, [charge], 40)).toBe(6);
    // Later requests do not even try: all of them end before anything that waits for the outside.
    const others = Array.from({ length: 100 }, () => it.limits.take([{ ...charge, key: "{z}:ask" }]));
    const first = Promise.race([Promise.all(others).then(() => "answers"), Bun.sleep(0).then(() => "timer")]);
    expect(await first).toBe("answers");
    expect(it.limits.state()).toBe("degraded");
    await Bun.sleep(1_500); // long enough for the connection to be given up and opened again in vain
    expect([it.limits.state(), it.warnings().length]).toEqual(["degraded", 1]);

    redis.signal("SIGCONT");
    await until(() => it.limits.state() === "ok");
    expect(await allowedOf(it.limits, [{ ...charge, key: "{b}:ask" }], 20)).toBe(10);
    expect(await redis.keys()).toContain("blockbot:{b}:ask");
    expect(it.warnings().length).toBe(2);
  },
);

type Command = [name: string, ...args: string[]];
const TROUBLES: [what: string, harm: Command, mend: Command][] = [
  ["refuses the script", ["ACL", "SETUSER", "default", "-eval"], ["ACL", "SETUSER", "default", "+eval"]],
  ["has become a replica", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
];
for (const [what, harm, mend] of TROUBLES) {
  testWithRedis(`RL-03: a Redis that ${what} counts as gone until it charges again`, async () => {
    await using redis = await startRedis();
    await using it = start({ redisUrl: redis.url });
    const charge = { key: "{a}:ask", limit: 5, windowMs: HOUR_MS };
    expect(await allowedOf(it.limits, [charge], 2)).toBe(2);
    await redis.command(...harm);
    expect(await allowedOf(it.limits, [charge], 20)).toBe(3);
    expect([it.limits.state(), await it.limits.ping()]).toEqual(["degraded", null]);
    await Bun.sleep(800); // long enough for a second connection to be tried in vain
    await redis.command(...mend);
    await until(() => it.limits.state() === "ok");
    expect(it.warnings().length).toBe(2);
    expect(await allowedOf(it.limits, [{ ...charge, key: "{c}:ask" }], 20)).toBe(5);
    expect(await redis.keys()).toContain("blockbot:{c}:ask");
  });
}

test("RL-03: a Redis that is not there at the start costs one warning, and an address that swallows everything is no hang", async () => {
  await using gone = start({ redisUrl: "redis://127.0.0.1:1" });
  expect(gone.limits.state()).toBe("ok"); // nothing has been opened or asked yet
  const charge = { key: "{a}:ask", limit: 7, windowMs: HOUR_MS };
  expect(await allowedOf(gone.limits, [charge], 50)).toBe(7);
  expect([gone.limits.state(), await gone.limits.ping(), gone.warnings().length]).toEqual([
    "degraded",
    null,
    1,
  ]);

  await using hole = await startSilentServer();
  await using it = start({ redisUrl: hole.url });
  expect(await allowedOf(it.limits, [charge], 50)).toBe(7);
  expect([it.limits.state(), it.warnings().length]).toEqual(["degraded", 1]);
});

testWithRedis("after close, charges go on in the process and nothing is said about Redis", async () => {
  await using redis = await startRedis();
  await using it = start({ redisUrl: redis.url });
  const charge = { key: "{a}:ask", limit: 5, windowMs: HOUR_MS };
  const pending = Array.from({ length: 3 }, () => it.limits.take([charge]));
  await it.limits.close();
  await Promise.all(pending);
  expect(await allowedOf(it.limits, [charge], 9)).toBeLessThanOrEqual(2);
  expect([await it.limits.ping(), it.warnings()]).toEqual([null, []]);

  await using never = start({ redisUrl: redis.url });
  await never.limits.close();
  expect([await never.limits.ping(), await allowedOf(never.limits, [charge], 9), never.warnings()]).toEqual([
    null,
    5,
    [],
  ]);
});

for (const [where, run] of [
  ["in the process", test],
  ["in Redis", testWithRedis],
] as const) {
  run(
    `RL-01: an answer ${where} names the tightest window, what is left of it and when it is free again`,
    async () => {
      await using redis = where === "in Redis" ? await startRedis() : null;
      await using it = start({ redisUrl: redis?.url ?? null });
      const person = { key: "{a}:person", limit: 3, windowMs: 60_000 };
      const team = { key: "{a}:team", limit: 2, windowMs: HOUR_MS };
      const answers = [];
      for (let n = 0; n < 3; n += 1) answers.push(await it.limits.take([person, team]));
      answers.push(await it.limits.take([person]));
      expect(answers.map(({ allowed, tightest }) => [allowed, tightest.limit, tightest.remaining])).toEqual([
        [true, 2, 1],
        [true, 2, 0],
        [false, 2, 0],
        [true, 3, 0],
      ]);
      for (const { allowed, retryAfterMs, tightest } of answers.slice(0, 3)) {
        expect(tightest.resetMs).toBeWithin(HOUR_MS - 30_000, HOUR_MS + 2);
        expect(retryAfterMs).toBe(allowed ? 0 : tightest.resetMs);
      }
      expect(answers[3]?.tightest.resetMs).toBeWithin(30_000, 60_002);
    },
  );

  run(`RL-05: ${where}, a team that has used up its limit takes nothing from another`, async () => {
    await using redis = where === "in Redis" ? await startRedis() : null;
    await using it = start({ redisUrl: redis?.url ?? null });
    const team = (name: string): Charge[] => [
      { key: `{${name}}:person:1`, limit: 50, windowMs: 60_000 },
      { key: `{${name}}:team`, limit: 30, windowMs: 60_000 },
    ];
    const [busy, calm] = await Promise.all([
      allowedOf(it.limits, team("a"), 200),
      allowedOf(it.limits, team("b"), 30),
    ]);
    expect([busy, calm]).toEqual([30, 30]);
    expect(it.limits.state()).not.toBe("degraded");
  });
}

testWithRedis("RL-04: what endless new keys leave in Redis is gone when their windows are over", async () => {
  await using redis = await startRedis();
  await using it = start({ redisUrl: redis.url });
  for (let n = 0; n < 3_000; n += 100) {
    const batch = Array.from({ length: 100 }, (_, i) => ({
      key: `{${n + i}}:ask`,
      limit: 1,
      windowMs: 1_000,
    }));
    await Promise.all(batch.map((charge) => it.limits.take([charge])));
  }
  expect(await redis.command("DBSIZE")).toBeGreaterThan(0);
  while ((await redis.command("DBSIZE")) !== 0) await Bun.sleep(50);
});

const BEHIND: [what: string, trouble: { lateMs: number } | { error: string }][] = [
  ["answers 200 ms late", { lateMs: 200 }],
  ["is out of memory", { error: "OOM command not allowed when used memory > 'maxmemory'." }],
  ["is still loading", { error: "LOADING Redis is loading the dataset in memory" }],
];
for (const [what, trouble] of BEHIND) {
  testWithRedis(`RL-03: a Redis that ${what} is not waited for, and the limit holds`, async () => {
    await using redis = await startRedis();
    await using front = await startTroubledRedis(redis);
    await using it = start({ redisUrl: front.url });
    const charge = { key: "{a}:ask", limit: 10, windowMs: HOUR_MS };
    expect(await allowedOf(it.limits, [charge], 4)).toBe(4);
    front.state.trouble = trouble;
    expect(await allowedOf(it.limits, [charge], 40)).toBe(6);
    expect(it.limits.state()).toBe("degraded");
    await Bun.sleep(700); // long enough for another connection to be tried in vain
    expect(it.limits.state()).toBe("degraded");
    front.state.trouble = null;
    await until(() => it.limits.state() === "ok");
    expect(await allowedOf(it.limits, [{ ...charge, key: "{b}:ask" }], 20)).toBe(10);
    expect(await redis.keys()).toContain("blockbot:{b}:ask");
  });
}

testWithRedis(
  "RL-03: a Redis that forgets its scripts, or starts anew in between, is used as before",
  async () => {
    await using redis = await startRedis();
    await using it = start({ redisUrl: redis.url });
    const charge = { key: "{a}:ask", limit: 5, windowMs: HOUR_MS };
    expect(await allowedOf(it.limits, [charge], 2)).toBe(2);
    await redis.command("SCRIPT", "FLUSH");
    expect(await allowedOf(it.limits, [charge], 1)).toBe(1);
    expect(it.limits.state()).toBe("ok");
    await redis.command("CONFIG", "SET", "maxmemory", "1"); // a script that has begun to write goes on
    expect(await allowedOf(it.limits, [{ ...charge, key: "{b}:ask" }], 9)).toBe(5);
    expect(it.limits.state()).toBe("ok");
    await redis.kill();
    await redis.start();
    // Whether the end of the connection has been noticed yet or not, nobody gets a second helping.
    expect(await allowedOf(it.limits, [charge], 20)).toBe(2);
    await until(() => it.limits.state() === "ok");
    expect(await allowedOf(it.limits, [charge], 20)).toBe(0);
  },
);

testWithRedis(
  "RL-03: under load, Redis killed, stopped and started again: every request is answered and the limit holds",
  async () => {
    await using redis = await startRedis();
    await using it = start({ redisUrl: redis.url });
    const charge = { key: "{a}:ask", limit: 200, windowMs: HOUR_MS };
    const done = new AbortController();
    let [asked, allowed] = [0, 0];
    const load = Array.from({ length: 20 }, async () => {
      while (!done.signal.aborted) {
        asked += 1;
        // A limit of its own for each request, so that most of them reach Redis, beside the one that all share.
        const answer = await it.limits.take([{ ...charge, key: `{a}:${asked}`, windowMs: 500 }, charge]);
        if (answer.allowed) allowed += 1;
        await Bun.sleep(1);
      }
    });
    await until(() => allowed > 20);
    redis.signal("SIGSTOP");
    await until(() => it.limits.state() === "degraded");
    redis.signal("SIGCONT");
    await until(() => it.limits.state() === "ok");
    await redis.kill();
    await until(() => it.limits.state() === "degraded");
    await redis.start();
    await until(() => it.limits.state() === "ok");
    done.abort();
    await Promise.all(load);
    expect(asked).toBeGreaterThan(allowed);
    expect(allowed).toBe(200);
  },
);

testWithRedis("the keys of one request live in one slot, so that a cluster takes them", async () => {
  await using redis = await startRedis("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf");
  await redis.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  while (!String(await redis.command("CLUSTER", "INFO")).includes("cluster_state:ok")) await Bun.sleep(20);
  await using it = start({ redisUrl: redis.url });
  const window = { limit: 5, windowMs: HOUR_MS };
  expect(
    (
      await it.limits.take([
        { key: "{a}:person", ...window },
        { key: "{a}:team", ...window },
      ])
    ).allowed,
  ).toBe(true);
  expect([it.limits.state(), await redis.keys()]).toEqual([
    "ok",
    ["blockbot:{a}:person", "blockbot:{a}:team"],
  ]);
  // What is not tagged alike is refused there, and counted here.
  await it.limits.take([
    { key: "{a}:person", ...window },
    { key: "{b}:team", ...window },
  ]);
  expect(it.limits.state()).toBe("degraded");
});

test("RL-03: that only this process counts is written down once a minute, for as long as it lasts and is asked", async () => {
  const clock = createTestClock(HOUR_MS);
  await using it = start({ redisUrl: "redis://127.0.0.1:1", clock });
  const charge = { key: "{a}:ask", limit: 1_000, windowMs: HOUR_MS };
  await allowedOf(it.limits, [charge], 30);
  expect(it.notes()).toBe(1);
  clock.pass(59_999);
  await allowedOf(it.limits, [charge], 30);
  expect(it.notes()).toBe(1);
  clock.pass(1);
  await allowedOf(it.limits, [charge], 30);
  expect(it.notes()).toBe(2);
  await using off = start({ redisUrl: null, clock });
  await allowedOf(off.limits, [charge], 3);
  expect(off.notes()).toBe(0); // nothing is missing where no Redis is wanted
});

function start(options: { redisUrl: string | null; clock?: Clock }) {
  const lines: { level: string; msg: string }[] = [];
  const log = createLog({
    level: "debug",
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  let notes = 0;
  const limits = createLimits({ clock: systemClock, ...options, log });
  limits.onDegraded(() => void (notes += 1));
  return {
    limits,
    /** How often it was to be written down that only this process counts. */
    notes: () => notes,
    warnings: () => lines.filter(({ level }) => level !== "debug").map(({ msg }) => msg),
    [Symbol.asyncDispose]: () => limits.close(),
  };
}

/** How many of `times` requests at once were allowed. */
async function allowedOf(limits: Limits, charges: readonly Charge[], times: number): Promise<number> {
  const answers = await Promise.all(Array.from({ length: times }, () => limits.take(charges)));
  return answers.filter(({ allowed }) => allowed).length;
}

function createTestClock(startedAt = 0): Clock & { pass(ms: number): void } {
  let now = startedAt;
  return { now: () => now, sleep: () => new Promise(() => undefined), pass: (ms) => void (now += ms) };
}

const skewed = (ms: number): Clock => ({ ...systemClock, now: () => Date.now() + ms });

/** Waits for something that is on its way; a test's own limit ends a wait in vain. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(10);
}
