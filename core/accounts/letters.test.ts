import { expect, test } from "bun:test";
import { createMailSim, type MailSim } from "../../ops/sim/mail.ts";
import { healthReport } from "../health.ts";
import type { Job } from "../jobs.ts";
import { createTestApp, leaseOf, refusalOf, type TestApp } from "../test-app.ts";
import { deliverMail } from "./letters.ts";
import {
  admitMail,
  inspectMagicLink,
  issueSignInLink,
  issueTelegramLink,
  LINK_MINUTES,
} from "./magic-links.ts";

const ANN = "ann@example.com";
const BROWSER = "b".repeat(43);
const YEARLY = "0 0 1 1 *";

async function start() {
  const sim = await createMailSim({ statePath: ":memory:" });
  const mail = { apiKey: "re_key", baseUrl: sim.url, from: "BlockBot <bot@example.com>" };
  const it = await createTestApp({ mail });
  await leaseOf(it.app);
  return { it, sim };
}

/** Works the queue of mails as a worker does, and nothing else. */
async function work(it: TestApp): Promise<void> {
  await it.app.jobs.start({
    retention: { cron: YEARLY, run: async () => undefined },
    sign_in: { run: async () => undefined },
    report: { run: async () => undefined },
    refresh: { run: async () => undefined },
    backup: { run: async () => undefined },
    model: { run: async () => undefined },
    mail: { run: (job) => deliverMail(it.app, job) },
  });
}

async function withAddress(it: TestApp, telegramUserId: number, email: string): Promise<void> {
  await it.admin`UPDATE auth.accounts SET email = ${email} WHERE telegram_user_id = ${telegramUserId}`;
}

async function mailed(sim: MailSim, count: number): Promise<string[]> {
  while (sim.mails().length < count) await Bun.sleep(20);
  return sim.mails().map(({ text }) => /#([\w-]{43})\b/.exec(text ?? "")?.[1] ?? "");
}

const jobState = (it: TestApp, state: string) =>
  it.admin`SELECT id::text, data->'data' AS data, data->>'correlationId' AS reference FROM pgboss.job WHERE name = 'mail' AND state = ${state}`;

test("a link is mailed to who has the address, in their language; an unknown address gets none", async () => {
  const { it, sim } = await start();
  await it.team(1, "Crew & Co");
  await withAddress(it, 1, "Ann@example.com");
  await it.admin`UPDATE auth.accounts SET locale = 'de'`;
  await work(it);
  for (const email of ["nobody@example.com", ANN]) {
    expect(await issueSignInLink(it.app, { email, binding: BROWSER, correlationId: "a-reference" })).toMatch(
      /^\d{6}$/,
    );
  }
  const [token = ""] = await mailed(sim, 1);
  while ((await jobState(it, "completed")).length < 2) await Bun.sleep(20);
  expect(sim.mails()).toHaveLength(1);
  const [letter] = sim.mails();
  expect(letter).toMatchObject({ to: [ANN], subject: "Anmelden bei „Crew & Co“" });
  expect(letter?.html).toContain("Anmelden bei „Crew &amp; Co“");
  expect(letter?.text).toContain(`https://bot.example.test/auth/magic#${token}`);
  expect(await inspectMagicLink(it.app, { token, binding: null })).toMatchObject({
    purpose: "login",
    email: ANN,
    team: "Crew & Co",
    codeNeeded: true,
  });
  expect(await inspectMagicLink(it.app, { token, binding: BROWSER })).toMatchObject({ codeNeeded: false });
  expect([...(await it.admin`SELECT actor_id, action, outcome FROM app.audit_log`)]).toEqual([
    { actor_id: "mail", action: "auth.link.mail", outcome: "ok" },
  ]);
  await it[Symbol.asyncDispose]();
  await sim.stop();
});

test("ML-04: neither tables nor the queue hold a token or a code that could be used, before or after the mail", async () => {
  const { it, sim } = await start();
  const scope = await it.team(1);
  await it.app.jobs.start(null);
  const code = await issueTelegramLink(scope, { email: ANN, telegram: { id: 1, name: "@ann" } });
  const waiting = await dump(it);
  await it.app.jobs.stop();
  await work(it);
  const [token = ""] = await mailed(sim, 1);
  while ((await jobState(it, "completed")).length < 1) await Bun.sleep(20);
  const raw = Buffer.from(token, "base64url");
  expect(raw).toHaveLength(32);
  const forms = [token, raw.toString("hex"), raw.toString("base64"), Buffer.from(token).toString("hex")];
  for (const text of [waiting, await dump(it)]) {
    expect(text).toContain("mail");
    for (const form of [...forms, `"${code}"`]) expect(text.includes(form)).toBe(false);
  }
  await it[Symbol.asyncDispose]();
  await sim.stop();
});

test("ML-07: while the mail service is down a link is asked for as fast as ever, and the mail follows once", async () => {
  const { it, sim } = await start();
  await it.team(1);
  await withAddress(it, 1, ANN);
  // In this order: fetch itself tries again on a connection that has been used before.
  sim.fault({ kind: "reset_after", times: 1 });
  sim.fault({ kind: "error", times: 1, status: 500, name: "internal_server_error" });
  await work(it);
  const health = async () => (await healthReport(it.app)).components.mail;
  expect(await health()).toEqual({ state: "ok", waiting: 0 });
  await issueSignInLink(it.app, { email: ANN, binding: BROWSER, correlationId: "a-reference" });
  const waits = (attempt: number) =>
    it.admin`SELECT FROM pgboss.job WHERE name = 'mail' AND state = 'retry' AND retry_count = ${attempt - 1}`;
  for (const attempt of [1, 2]) {
    while ((await waits(attempt)).length < 1) await Bun.sleep(20);
    expect({ attempt, ...(await health()) }).toEqual({ attempt, state: "degraded", waiting: 1 });
    await it.admin`UPDATE pgboss.job SET start_after = now() WHERE state = 'retry'`;
  }
  while ((await jobState(it, "completed")).length < 1) await Bun.sleep(20);
  expect(sim.mails()).toHaveLength(1);
  expect(await health()).toEqual({ state: "ok", waiting: 0 });
  expect(await it.admin`SELECT FROM pipeline.outbox`).toHaveLength(0); // nobody had to hear of it
  await it[Symbol.asyncDispose]();
  await sim.stop();
});

test("who asked is told in Telegram only when a mail is given up for good", async () => {
  const { it, sim } = await start();
  const scope = await it.team(1);
  await it.app.jobs.start(null);
  const telegram = { id: 1, name: "@ann" };
  await issueTelegramLink(scope, { email: ANN, telegram });
  const [job] = await jobState(it, "created");
  const attempt = (isLast: boolean): Job => ({
    id: String(job?.["id"]),
    data: job?.["data"],
    correlationId: String(job?.["reference"]),
    isLast,
  });
  const told = async () =>
    (await it.admin`SELECT chat_id, payload->>'text' AS text FROM pipeline.outbox`).map((row) => [
      Number(row["chat_id"]),
      String(row["text"]),
    ]);
  sim.fault({ kind: "error", times: 2, status: 503, name: "application_error" });
  await expect(deliverMail(it.app, attempt(false))).rejects.toThrow("application_error (503)");
  expect(await told()).toEqual([]);
  await deliverMail(it.app, attempt(true));
  expect(await told()).toEqual([[1, expect.stringContaining(`The mail to ${ANN} could not be sent`)]]);
  await it.admin`DELETE FROM pipeline.outbox`;
  sim.fault({ kind: "error", times: 1, status: 403, name: "invalid_api_key" });
  await deliverMail(it.app, attempt(false)); // refused: another attempt would be as well
  expect(await told()).toHaveLength(1);
  expect(
    (await it.admin`SELECT action, outcome, correlation_id FROM app.audit_log ORDER BY seq`).map((row) => ({
      ...row,
    })),
  ).toEqual([
    { action: "auth.link", outcome: "ok", correlation_id: scope.correlationId },
    { action: "auth.link.mail", outcome: "failed", correlation_id: scope.correlationId },
    { action: "auth.link.mail", outcome: "failed", correlation_id: scope.correlationId },
  ]);
  await it.admin`UPDATE auth.magic_links SET expires_at = now()`;
  await deliverMail(it.app, attempt(false)); // nothing to send any more
  expect(sim.mails()).toHaveLength(0);
  await it[Symbol.asyncDispose]();
  await sim.stop();
});

test("without mail nothing is promised, and who asks in Telegram too often is told when to come back", async () => {
  await using bare = await createTestApp();
  expect(
    await refusalOf(
      issueSignInLink(bare.app, { email: ANN, binding: BROWSER, correlationId: "a-reference" }),
    ),
  ).toBe("mail_not_set_up");
  expect(await refusalOf(admitMail(bare.app, ANN))).toBe("mail_not_set_up");

  const { it, sim } = await start();
  await admitMail(it.app, ANN);
  expect(await refusalOf(admitMail(it.app, ANN))).toBe("mail_too_often");
  await it[Symbol.asyncDispose]();
  await sim.stop();
});

test("ML-08: at most three links to one address are good at a time, the newest", async () => {
  const { it, sim } = await start();
  await it.team(1);
  await withAddress(it, 1, ANN);
  await work(it);
  for (let count = 1; count <= 4; count++) {
    await issueSignInLink(it.app, { email: ANN, binding: BROWSER, correlationId: "a-reference" });
    await mailed(sim, count);
    it.pass(LINK_MINUTES * 60_000);
  }
  const tokens = await mailed(sim, 4); // newest first
  const good = await Promise.all(
    tokens.map(async (token) => (await inspectMagicLink(it.app, { token, binding: null })) !== null),
  );
  expect(good).toEqual([true, true, true, false]);
  await it[Symbol.asyncDispose]();
  await sim.stop();
});

async function dump(it: TestApp): Promise<string> {
  const tables =
    await it.admin`SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname IN ('app', 'auth', 'pipeline', 'pgboss')`;
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await it.admin.unsafe(`SELECT t::text AS row FROM ${String(name)} t`);
    texts.push(...rows.map(({ row }) => `${String(name)}: ${String(row)}`));
  }
  return texts.join("\n");
}
