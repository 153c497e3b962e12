import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { createMailSim, type MailSim } from "./mail.ts";

const HOUR_MS = 60 * 60_000;
const MAIL = { from: "BlockBot <bot@example.com>", to: "ann@example.com", subject: "Hi", text: "Hello, Ann" };

type Answer = { status: number; name?: string; message?: string; id?: string; headers: Headers };

async function send(
  sim: MailSim,
  change: object = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${sim.url}/emails`, {
    method: "POST",
    headers: { authorization: "Bearer re_key", "content-type": "application/json", ...headers },
    body: JSON.stringify({ ...MAIL, ...change }),
  });
  const json = (await response.json()) as Omit<Answer, "status" | "headers">;
  if (response.status !== 200) expect(json).toMatchObject({ statusCode: response.status });
  return { ...json, status: response.status, headers: response.headers };
}

/** Every request comes in a second of its own, so that no test meets the rate limit by accident. */
function startClock() {
  let now = Date.UTC(2026, 0, 1);
  return { read: () => (now += 1000), advance: (ms: number) => (now += ms) };
}

const failure = (answer: Promise<unknown>) =>
  answer.then(
    () => null,
    (err: unknown) => (err as { code?: string }).code ?? null,
  );

test("a mail that was accepted is kept, also over a restart", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mail-"));
  const clock = startClock();
  const open = () => createMailSim({ statePath: join(folder, "mail.sqlite"), clock: clock.read });
  const first = await open();
  const one = await send(first, {}, { "idempotency-key": "login/1" });
  const two = await send(first, { to: ["bob@example.com", "Chloé <chloe@example.com>"], html: "<b>Hi</b>" });
  expect([one.status, two.status]).toEqual([200, 200]);
  expect(first.mails()).toMatchObject([
    { id: two.id, to: ["bob@example.com", "Chloé <chloe@example.com>"], html: "<b>Hi</b>" },
    { id: one.id, from: MAIL.from, to: [MAIL.to], subject: "Hi", text: "Hello, Ann", html: null },
  ]);
  const before = first.mails();
  await first.stop();

  const second = await open();
  expect(second.mails()).toEqual(before);
  expect((await send(second, {}, { "idempotency-key": "login/1" })).id).toBe(one.id);
  expect(second.mails()).toHaveLength(2);
  expect(second.violations).toEqual([]);
  await second.stop();
  rmSync(folder, { recursive: true });
});

test("one idempotency key sends one mail in 24 hours", async () => {
  const clock = startClock();
  const sim = await createMailSim({ statePath: ":memory:", clock: clock.read });
  const keyed = (key: string, change: object = {}) => send(sim, change, { "idempotency-key": key });
  const first = await keyed("a");
  expect((await keyed("a")).id).toBe(first.id);
  expect(await keyed("a", { subject: "Other" })).toMatchObject({
    status: 409,
    name: "invalid_idempotent_request",
  });
  expect((await keyed("b")).id).not.toBe(first.id);
  const otherTeam = await send(sim, {}, { "idempotency-key": "a", authorization: "Bearer re_other" });
  expect(otherTeam.id).not.toBe(first.id);
  expect(sim.mails()).toHaveLength(3);
  clock.advance(24 * HOUR_MS);
  expect((await keyed("a")).id).not.toBe(first.id);
  expect(await keyed("k".repeat(257))).toMatchObject({ status: 400, name: "invalid_idempotency_key" });
  expect((await keyed("k".repeat(256))).status).toBe(200);
  await sim.stop();
});

test("a mail that the service would refuse is refused for that reason, and noted", async () => {
  const sim = await createMailSim({ statePath: ":memory:", clock: startClock().read });
  const refused: [change: object, name: string, message: RegExp][] = [
    [{ to: undefined }, "missing_required_field", /^Missing `to` field/],
    [{ to: [] }, "missing_required_field", /^Missing `to` field/],
    [{ text: undefined, subject: undefined }, "missing_required_field", /^Missing `html` or `text` field/],
    [{ text: "" }, "missing_required_field", /^Missing `html` or `text` field/],
    [{ subject: undefined, from: undefined }, "missing_required_field", /^Missing `subject` field/],
    [{ from: undefined }, "missing_required_field", /^Missing `from` field/],
    [{ to: "ann" }, "validation_error", /^Invalid `to` field/],
    [{ to: ["ann@example.com", "bob@"] }, "validation_error", /^Invalid `to` field/],
    [{ from: "BlockBot" }, "validation_error", /^Invalid `from` field/],
    [{ from: "BlockBot\r\nBcc: x <a@example.com>" }, "validation_error", /^Invalid `from` field/],
    [{ reply_to: "nobody" }, "validation_error", /^Invalid `reply_to` field/],
    [{ to: Array.from({ length: 51 }, (_, i) => `p${i}@example.com`) }, "validation_error", /at most 50/],
    [{ subject: 7 }, "validation_error", /^Invalid `subject` field/],
    [{ tags: [{ name: "a b", value: "c" }] }, "validation_error", /^Invalid `tags\.0\.name` field/],
  ];
  for (const [change, name, message] of refused) {
    const answer = await send(sim, change);
    expect({ change, status: answer.status, name: answer.name }).toEqual({ change, status: 422, name });
    expect(answer.message).toMatch(message);
  }
  expect(sim.violations).toHaveLength(refused.length);
  expect((await send(sim, { to: Array.from({ length: 50 }, (_, i) => `p${i}@example.com`) })).status).toBe(
    200,
  );
  expect(sim.violations).toHaveLength(refused.length);
  expect(sim.mails()).toHaveLength(1);
  await sim.stop();
});

test("keys, paths and the user agent are checked", async () => {
  const sim = await createMailSim({ statePath: ":memory:", clock: startClock().read });
  expect(await send(sim, {}, { authorization: "" })).toMatchObject({ status: 401, name: "missing_api_key" });
  expect(await send(sim, {}, { authorization: "Bearer x" })).toMatchObject({
    status: 403,
    name: "invalid_api_key",
  });
  const headers = { authorization: "Bearer re_key" };
  expect((await fetch(`${sim.url}/emails`, { headers })).status).toBe(405);
  expect((await fetch(`${sim.url}/email`, { headers, method: "POST" })).status).toBe(404);
  const raw = await new Promise<string>((resolve) => {
    let received = "";
    const socket = connect(Number(new URL(sim.url).port), "127.0.0.1");
    socket.on("data", (part: Buffer) => (received += part.toString()));
    socket.on("close", () => resolve(received));
    socket.write("POST /emails HTTP/1.1\r\nauthorization: Bearer re_key\r\ncontent-length: 2\r\n\r\n{}");
  });
  expect(raw).toStartWith("HTTP/1.1 403 ");
  expect(raw).toEndWith("error code: 1010");
  expect(sim.violations).toHaveLength(5);
  await sim.stop();
});

test("five requests a second pass for each key, and the headers say so", async () => {
  let now = Date.UTC(2026, 0, 1);
  const sim = await createMailSim({ statePath: ":memory:", clock: () => now });
  for (const left of ["4", "3", "2", "1", "0"]) {
    const { status, headers } = await send(sim);
    expect([status, headers.get("ratelimit-limit"), headers.get("ratelimit-remaining")]).toEqual([
      200,
      "5",
      left,
    ]);
  }
  const limited = await send(sim);
  expect(limited).toMatchObject({ status: 429, name: "rate_limit_exceeded" });
  expect([limited.headers.get("retry-after"), limited.headers.get("ratelimit-reset")]).toEqual(["1", "1"]);
  expect((await send(sim, {}, { authorization: "Bearer re_other" })).status).toBe(200);
  now += 1000;
  expect((await send(sim)).status).toBe(200);
  expect(sim.violations).toEqual([]);
  await sim.stop();
});

test("faults meet the next requests only, and a lost answer does not mean a lost mail", async () => {
  const sim = await createMailSim({ statePath: ":memory:", clock: startClock().read });
  sim.fault({ kind: "error", times: 2, status: 429, name: "daily_quota_exceeded", retryAfterSeconds: 30 });
  const limited = await send(sim);
  expect([limited.status, limited.name, limited.headers.get("retry-after")]).toEqual([
    429,
    "daily_quota_exceeded",
    "30",
  ]);
  expect((await send(sim)).status).toBe(429);
  sim.fault({ kind: "reset_before", times: 1 });
  expect(await failure(send(sim))).toBe("ECONNRESET");
  expect(sim.mails()).toHaveLength(0);
  sim.fault({ kind: "reset_after", times: 1 });
  const key = { "idempotency-key": "once" };
  expect(await failure(send(sim, {}, key))).toBe("ECONNRESET");
  expect(sim.mails()).toHaveLength(1);
  expect((await send(sim, {}, key)).id).toBe(sim.mails()[0]?.id);
  expect(sim.mails()).toHaveLength(1);
  sim.fault({ kind: "hang", times: 1 });
  const both = [failure(send(sim)), failure(send(sim))];
  expect(await Promise.race(both)).toBeNull();
  await sim.stop();
  expect(new Set(await Promise.all(both))).toEqual(new Set([null, "ECONNRESET"]));
});

test("the control lists the mails and clears them", async () => {
  const sim = await createMailSim({ statePath: ":memory:", clock: startClock().read });
  await send(sim);
  const ask = (path: string, method = "GET") => sim.control(new Request(`http://sim${path}`, { method }));
  expect(await (await ask("/sim/mail")).json()).toEqual({ mails: sim.mails() });
  expect((await ask("/sim/mail/clear")).status).toBe(405);
  expect(sim.mails()).toHaveLength(1);
  expect(await (await ask("/sim/mail/clear", "POST")).json()).toEqual({ mails: [] });
  expect(sim.mails()).toEqual([]);
  await sim.stop();
});
