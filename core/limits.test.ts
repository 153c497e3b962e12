import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock, type Clock } from "./clock.ts";
import { createLimits, type Charge, type Limits } from "./limits.ts";
import { createLog } from "./log.ts";

const REDIS_SERVER = process.env["TEST_REDIS_SERVER"] ?? "/usr/bin/redis-server";
const testWithRedis = existsSync(REDIS_SERVER) ? test : test.skip;
const HOUR_MS = 3_600_000;
const MANY_KEYS = 60_000;

test("without Redis a window slides: never more than the limit in any stretch of its length", async () => {
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
  });
});

test("without Redis, a machine whose clock is set back makes nobody wait longer", async () => {
  const clock = createTestClock(HOUR_MS * 2);
  await using it = start({ redisUrl: null, clock });
  const charge = { key: "{a}:ask", limit: 2, windowMs: 1_000 };
  await allowedOf(it.limits, [charge], 2);
  clock.pass(-HOUR_MS);
  expect((await it.limits.take([charge])).retryAfterMs).toBeLessThanOrEqual(1_000);
  clock.pass(1_000);
  expect(await allowedOf(it.limits, [charge], 5)).toBe(2);
});

test("without Redis, endless new keys do not grow the process, and a busy key is not forgotten for them", async () => {
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
    `fifty at once ${where}: exactly the limit is allowed, and one full window charges none of the others`,
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

testWithRedis("in Redis a window slides, by Redis's clock and for every process together", async () => {
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
  expect(await keysIn(redis)).toEqual(["blockbot:{a}:ask"]);
  expect(await redis.command("ZCARD", "blockbot:{a}:ask")).toBeLessThanOrEqual(5);
  await Bun.sleep(charge.windowMs * 2);
  expect(await keysIn(redis)).toEqual([]);
});

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
  "when Redis dies, the same windows go on in the process, and Redis is used again when it is back",
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
    expect(await keysIn(redis)).toEqual(["blockbot:probe", "blockbot:{c}:ask"]);
  },
);

testWithRedis("a Redis that hangs delays nothing for long, and is used again when it goes on", async () => {
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
  expect(await keysIn(redis)).toContain("blockbot:{b}:ask");
  expect(it.warnings().length).toBe(2);
});

type Command = [name: string, ...args: string[]];
const TROUBLES: [what: string, harm: Command, mend: Command][] = [
  ["refuses the script", ["ACL", "SETUSER", "default", "-eval"], ["ACL", "SETUSER", "default", "+eval"]],
  ["has become a replica", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
];
for (const [what, harm, mend] of TROUBLES) {
  testWithRedis(`a Redis that ${what} counts as gone until it charges again`, async () => {
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
    expect(await keysIn(redis)).toContain("blockbot:{c}:ask");
  });
}

test("a Redis that is not there at the start costs one warning, and an address that swallows everything is no hang", async () => {
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

function start(options: { redisUrl: string | null; clock?: Clock }) {
  const lines: { level: string; msg: string }[] = [];
  const log = createLog({
    level: "debug",
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  const limits = createLimits({ clock: systemClock, ...options, log });
  return {
    limits,
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

async function startRedis() {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-redis-"));
  const port = await freePort();
  let server: Bun.Subprocess | null = null;
  const redis = {
    url: `redis://127.0.0.1:${port}`,
    async start(): Promise<void> {
      const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
      server = Bun.spawn([REDIS_SERVER, ...options], { stdout: "ignore", stderr: "ignore" });
      while ((await redis.command("PING").catch(() => null)) !== "PONG") await Bun.sleep(5);
    },
    async kill(): Promise<void> {
      server?.kill("SIGKILL");
      await server?.exited;
    },
    signal: (name: "SIGSTOP" | "SIGCONT") => server?.kill(name),
    async command(name: string, ...args: string[]): Promise<unknown> {
      const client = new Bun.RedisClient(redis.url, { autoReconnect: false, enableOfflineQueue: true });
      try {
        return await client.send(name, args);
      } finally {
        client.close();
      }
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await redis.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await redis.start();
  return redis;
}

async function keysIn(redis: {
  command(name: string, ...args: string[]): Promise<unknown>;
}): Promise<string[]> {
  const keys = (await redis.command("KEYS", "*")) as string[];
  return keys.toSorted((a, b) => (a < b ? -1 : 1));
}

/** Accepts connections and never says a word. */
async function startSilentServer() {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${portOf(server.address())}`,
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = portOf(server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// safe: a server on a TCP port has an address with one
const portOf = (address: AddressInfo | string | null) => (address as AddressInfo).port;

/** Waits for something that is on its way; a test's own limit ends a wait in vain. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Bun.sleep(10);
}
