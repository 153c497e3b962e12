import { expect, test } from "bun:test";
import { askAndEnd, PRIVATE } from "../chat/test-conversation.ts";
import type { Outcome } from "../chat/turns.ts";
import type { Lease } from "../pipeline/lease.ts";
import { createTestApp, leaseOf, type TestApp } from "../test-app.ts";
import type { ErrorKind } from "./classify.ts";
import type { CredentialOutage } from "./health.ts";
import { ALERT_BOUNDS, openOutages, recordOutages } from "./outages.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

async function alerts(it: TestApp): Promise<{ to: number; text: string }[]> {
  const rows = await it.admin`SELECT chat_id, payload->>'text' AS text FROM pipeline.outbox
    WHERE idempotency_key LIKE 'alert:%' ORDER BY id`;
  return rows.map((row) => ({ to: Number(row["chat_id"]), text: String(row["text"]) }));
}

function outageOf(it: TestApp, kind: ErrorKind, given: Partial<CredentialOutage> = {}): CredentialOutage {
  const now = it.app.clock.now();
  return { credential: it.app.claude.credential, kind, since: now, until: now + 15 * SECOND, ...given };
}

function record(it: TestApp, lease: Lease, current: CredentialOutage[]): Promise<number> {
  return recordOutages(it.app, lease, { current, isOver: () => true, bounds: ALERT_BOUNDS });
}

const failed = (kind: ErrorKind): Outcome => ({
  status: "failed",
  text: "",
  usage: null,
  kind,
  retryAfterSeconds: null,
});

test("owners of the teams that met it are told with their own number, the operator with all; once down, once back", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const [first, second] = [await it.team(1), await it.team(2)];
  await it.team(3); // met nothing
  const outage = outageOf(it, "overloaded");
  const place = { ...PRIVATE, chatId: 20, lane: "lane 20" };
  await askAndEnd(first, lease, 1, { outcome: failed("overloaded") });
  await askAndEnd(first, lease, 2, { outcome: failed("too_long") }); // nothing to do with it
  it.pass(11 * SECOND);
  expect(await record(it, lease, [outage])).toBe(1);
  expect(await alerts(it)).toEqual([
    { to: 1, text: expect.stringContaining("One message has been affected so far") },
  ]);

  await askAndEnd(second, lease, 3, { place, outcome: failed("timeout") });
  await record(it, lease, [outage]);
  await record(it, lease, [{ ...outage, until: outage.until + MINUTE }]);
  const told = await alerts(it);
  expect(told.map(({ to }) => to)).toEqual([1, 2]);
  expect(told[1]?.text).toContain("One message has been affected so far");

  it.pass(3 * MINUTE);
  expect(await record(it, lease, [])).toBe(0);
  await record(it, lease, []);
  const back = (await alerts(it)).slice(2);
  expect(back.map(({ to }) => to).sort()).toEqual([1, 2]);
  const textTo = (chat: number) => back.find(({ to }) => to === chat)?.text;
  expect(textTo(1)).toBe("Claude answers again, after 3 min. 2 messages were affected.");
  expect(textTo(2)).toBe("Claude answers again, after 3 min. One message was affected.");
});

test("a blip is told nobody, and a rate limit only when it goes on", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  await it.team(1);
  const blip = outageOf(it, "unreachable");
  await record(it, lease, [blip]);
  it.pass(9 * SECOND);
  await record(it, lease, [blip]);
  await record(it, lease, []);
  const limit = outageOf(it, "rate_limited");
  await record(it, lease, [limit]);
  it.pass(4 * MINUTE);
  await record(it, lease, [limit]);
  expect(await alerts(it)).toEqual([]);
  it.pass(2 * MINUTE);
  await record(it, lease, [limit]);
  expect((await alerts(it)).map(({ text }) => text)).toEqual([
    expect.stringContaining("Claude does not answer since 6 min: the account has reached its rate limit."),
  ]);
});

test("of one kind at most one alert in ten minutes, and later if it is still so", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  await it.team(1);
  for (let n = 0; n < 3; n += 1) {
    const outage = outageOf(it, "overloaded");
    it.pass(20 * SECOND);
    await record(it, lease, [outage]);
    await record(it, lease, []);
  }
  expect(await alerts(it)).toHaveLength(2); // down and back of the first
  const lasting = outageOf(it, "overloaded");
  const other = outageOf(it, "auth", { since: lasting.since + 1 });
  it.pass(MINUTE);
  await record(it, lease, [lasting]);
  expect(await alerts(it)).toHaveLength(2);
  await record(it, lease, [other]); // another kind is news
  expect((await alerts(it)).at(-1)?.text).toContain("it refuses our key");
  it.pass(10 * MINUTE);
  const still = outageOf(it, "overloaded");
  it.pass(11 * SECOND);
  await record(it, lease, [still]);
  expect((await alerts(it)).at(-1)?.text).toContain("it is overloaded");
});

test("the next process finds what is still open; a credential that is no longer used waits to be over", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  await it.team(1);
  const mine = outageOf(it, "overloaded");
  const old = outageOf(it, "auth", { credential: "an older key" });
  await record(it, lease, [mine, old]);
  const found = await openOutages(it.app);
  expect(found.map(({ credential }) => credential).sort()).toEqual(["an older key", mine.credential]);
  expect(found.find(({ kind }) => kind === "overloaded")).toEqual({ ...mine, toldAt: null });

  const bounds = ALERT_BOUNDS;
  const isOver = (credential: string) => credential === mine.credential;
  expect(await recordOutages(it.app, lease, { current: [], isOver, bounds })).toBe(1);
  expect((await openOutages(it.app)).map(({ credential }) => credential)).toEqual(["an older key"]);
});

test("under a lost lease nothing is written and nobody is told", async () => {
  await using it = await createTestApp();
  const older = await leaseOf(it.app);
  await it.team(1);
  const outage = outageOf(it, "auth");
  it.pass(MINUTE);
  await leaseOf(it.app);
  await record(it, older, [outage]);
  expect(await openOutages(it.app)).toEqual([]);
  expect(await alerts(it)).toEqual([]);
});
