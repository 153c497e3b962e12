import { createMailSim } from "../../ops/sim/mail.ts";
import type { AppSettings } from "../app.ts";
import type { Job } from "../jobs.ts";
import { openMailing } from "../mail.ts";
import { createTestApp, leaseOf, type TestApp } from "../test-app.ts";
import { newCorrelationId, type Scope } from "../scope.ts";
import type { SignedIn, Visitor } from "./callers.ts";
import { confirmMagicLink } from "./confirm.ts";
import { deliverMail } from "./letters.ts";
import { issueSignInLink } from "./magic-links.ts";

/** The cookie of the browser that asks in every test. */
export const BROWSER = "b".repeat(43);
const TEN_MINUTES_MS = 600_000;

/** A team of one person who has an address, with a queue of mails that nobody works. For tests only. */
export async function startSignIn(settings: Partial<AppSettings> = {}) {
  const sim = await createMailSim({ statePath: ":memory:" });
  const mail = { apiKey: "re_key", baseUrl: sim.url, from: "BlockBot <bot@example.com>" };
  const it = await createTestApp({ mail, ...settings });
  await leaseOf(it.app);
  await it.app.jobs.start(null);
  const ann = await it.team(1, "Crew");
  await giveAddress(it, 1, "ann@example.com");
  return {
    it,
    ann,
    /** The mailbox of what is sent with `mailNewest`. */
    sim,
    async [Symbol.asyncDispose]() {
      await it[Symbol.asyncDispose]();
      await sim.stop();
    },
  };
}

/** Writes an address down as nobody has proven it. */
export async function giveAddress(it: TestApp, telegramUserId: number, email: string): Promise<void> {
  await it.admin`UPDATE auth.accounts SET email = ${email} WHERE telegram_user_id = ${telegramUserId}`;
}

export function visitor(userAgent = "a browser"): Visitor {
  return { userAgent, correlationId: newCorrelationId() };
}

/** Asks for a link over HTTP; its token is read from the queue, as the mail would say it. */
export async function askForLink(
  it: TestApp,
  email = "ann@example.com",
): Promise<{ token: string; code: string }> {
  it.pass(TEN_MINUTES_MS); // else one address is mailed too often
  const code = await issueSignInLink(it.app, { email, binding: BROWSER, correlationId: newCorrelationId() });
  return { token: await newestToken(it), code };
}

/** Sends the mail that was queued last. */
export async function mailNewest(it: TestApp): Promise<void> {
  await deliverMail(it.app, await newestMail(it));
}

/** The token of the mail that was queued last. */
export async function newestToken(it: TestApp): Promise<string> {
  const mailing = openMailing(it.app, await newestMail(it));
  if (mailing.kind !== "magic_link") throw new Error("the last mail has no link");
  return mailing.token;
}

/** The mail that was queued last, as a first attempt at it. */
export async function newestMail(it: TestApp): Promise<Job> {
  const [job] = await it.admin`SELECT id::text, data->'data' AS data, data->>'correlationId' AS reference
    FROM pgboss.job WHERE name = 'mail' ORDER BY created_on DESC LIMIT 1`;
  return {
    id: String(job?.["id"]),
    data: job?.["data"],
    correlationId: String(job?.["reference"]),
    isLast: false,
  };
}

/** Signs in from the browser that asked. */
export async function signIn(
  it: TestApp,
  email = "ann@example.com",
  from: Visitor = visitor(),
): Promise<SignedIn & { refreshToken: string }> {
  const { token } = await askForLink(it, email);
  const signedIn = await confirmMagicLink(it.app, { token, binding: BROWSER, code: null, visitor: from });
  if (signedIn.refreshToken === null) throw new Error("a sign-in comes without a refresh token");
  return { ...signedIn, refreshToken: signedIn.refreshToken };
}

/** Everything that the team's audit log holds of one kind. */
export async function auditOf(it: TestApp, scope: Scope, action: string): Promise<string[]> {
  const rows =
    await it.admin`SELECT outcome FROM app.audit_log WHERE org_id = ${scope.orgId} AND action = ${action} ORDER BY seq`;
  return rows.map((row) => String(row["outcome"]));
}
