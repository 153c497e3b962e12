import { expect, test } from "bun:test";
import { createMailSim, type MailSim } from "../ops/sim/mail.ts";
import { createMail, type Letter } from "./mail.ts";

const LETTER: Letter = { to: "ann@example.com", subject: "Hello", html: "<p>Hi</p>", text: "Hi" };

function mailOf(sim: MailSim, settings: { apiKey?: string; from?: string } = {}) {
  return createMail({ apiKey: "re_key", from: "BlockBot <bot@example.com>", ...settings, baseUrl: sim.url });
}

test("a letter goes out once per key, also when the answer was lost", async () => {
  const sim = await createMailSim({ statePath: ":memory:" });
  const mail = mailOf(sim);
  sim.fault({ kind: "reset_after", times: 1 });
  expect((await mail.send(LETTER, "a")).outcome).toBe("late");
  expect(await mail.send(LETTER, "a")).toEqual({ outcome: "sent", reason: "" });
  expect(sim.mails()).toMatchObject([{ ...LETTER, to: [LETTER.to], from: "BlockBot <bot@example.com>" }]);
  expect(sim.violations).toEqual([]);
  await sim.stop();
});

test("what may work later is told from what never will, and no reason quotes the address", async () => {
  const sim = await createMailSim({ statePath: ":memory:" });
  const mail = mailOf(sim);
  const late = [
    { status: 500, name: "internal_server_error" },
    { status: 503, name: "application_error" },
    { status: 429, name: "rate_limit_exceeded" },
    { status: 429, name: "daily_quota_exceeded" },
    { status: 409, name: "concurrent_idempotent_requests" },
  ];
  for (const { status, name } of late) {
    sim.fault({ kind: "error", times: 1, status, name });
    expect(await mail.send(LETTER, "a")).toEqual({ outcome: "late", reason: `${name} (${status})` });
  }
  sim.fault({ kind: "reset_before", times: 1 });
  expect((await mail.send(LETTER, "a")).outcome).toBe("late");
  sim.fault({ kind: "error", times: 1, status: 422, name: "validation_error", message: `bad ${LETTER.to}` });
  expect(await mail.send(LETTER, "a")).toEqual({ outcome: "refused", reason: "validation_error (422)" });
  expect(await mailOf(sim, { apiKey: "re_" }).send({ ...LETTER, to: "nobody" }, "b")).toMatchObject({
    outcome: "refused",
  });
  expect(await mailOf(sim, { apiKey: "wrong" }).send(LETTER, "c")).toMatchObject({
    outcome: "refused",
    reason: "invalid_api_key (403)",
  });
  await sim.stop();
  expect((await mail.send(LETTER, "a")).outcome).toBe("late"); // nobody listens any more
});

test("without a key nothing is connected", async () => {
  const mail = createMail(null);
  expect(mail.connected).toBe(false);
  expect(await mail.send(LETTER, "a")).toEqual({ outcome: "refused", reason: "not set up" });
});

test("whether the service would send from the sender's domain", async () => {
  const domains = { "example.com": "verified", "new.example": "pending" } as const;
  const sim = await createMailSim({ statePath: ":memory:", domains });
  const stateOf = async (settings: { apiKey?: string; from?: string }) => mailOf(sim, settings).checkSender();
  expect(await stateOf({})).toEqual({ domain: "example.com", state: "verified" });
  expect(await stateOf({ from: "bot@New.example" })).toEqual({ domain: "new.example", state: "unverified" });
  expect((await stateOf({ from: "bot@sub.example.com" })).state).toBe("unverified");
  expect((await stateOf({ apiKey: "re_send_only" })).state).toBe("send_only");
  expect(sim.violations).toEqual([]);
  expect((await stateOf({ apiKey: "sk_wrong" })).state).toBe("refused");
  sim.fault({ kind: "error", times: 1, status: 503, name: "application_error" });
  expect((await stateOf({})).state).toBe("away");
  await sim.stop();
  expect((await stateOf({})).state).toBe("away");
});
