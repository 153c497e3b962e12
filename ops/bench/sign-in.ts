import { confirmMagicLink } from "../../core/accounts/confirm.ts";
import { issueSignInLink } from "../../core/accounts/magic-links.ts";
import { setPassword, signInByPassword } from "../../core/accounts/passwords.ts";
import { askForLink, BROWSER, signIn, startSignIn, visitor } from "../../core/accounts/test-sign-in.ts";
import { loadConfig } from "../../core/config.ts";
import { AppError } from "../../core/errors.ts";
import type { TestApp } from "../../core/test-app.ts";
import type { BenchResult, Figure } from "./figures.ts";

const ROUNDS = 100;
const AT_ONCE = 50;
const SAMPLES = 200;
const ANY = "200000";
const ROOMY = {
  LIMIT_SIGN_IN_ACCOUNT_PER_15_MINUTES: ANY,
  LIMIT_MAGIC_LINK_PER_MINUTE: ANY,
  LIMIT_MAGIC_LINK_PER_15_MINUTES: ANY,
  LIMIT_MAGIC_LINK_PER_DAY: ANY,
};
const KNOWN = "ann@example.com";
const UNKNOWN = "nobody@example.com";
const PASSWORD = "correct horse battery";

/** One link confirmed by many at once, and what time tells of an address. */
export async function signInBench(): Promise<BenchResult> {
  await using world = await startSignIn({ limitRules: loadConfig(ROOMY).limits });
  const { it } = world;
  const exact = await roundsWithOneSession(it);
  const { caller } = await signIn(it);
  await setPassword(caller, { current: null, password: PASSWORD });
  const wrong = (email: string) =>
    signInByPassword(it.app, { email, password: "a wrong long one", visitor: visitor() }).catch(refused);
  const link = (email: string) =>
    issueSignInLink(it.app, { email, binding: BROWSER, correlationId: "bench" });
  return {
    figures: [
      {
        what: `rounds in which ${AT_ONCE} confirms of one link gave one session`,
        value: exact,
        unit: "",
        goal: { atLeast: ROUNDS },
      },
      await apart("a link for a known address, median", link),
      await apart("a wrong password of a known address, median", wrong),
    ],
    notes: [`The baseline is an unknown address, asked in turns with the known one, ${SAMPLES} times each.`],
  };
}

async function roundsWithOneSession(it: TestApp): Promise<number> {
  let exact = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const { token } = await askForLink(it);
    const confirm = () =>
      confirmMagicLink(it.app, { token, binding: BROWSER, code: null, visitor: visitor() });
    const all = await Promise.allSettled(Array.from({ length: AT_ONCE }, confirm));
    const [sessions] = await it.admin`SELECT count(*)::int AS n FROM auth.sessions`;
    const winners = all.filter(({ status }) => status === "fulfilled").length;
    if (winners === 1 && sessions?.["n"] === round) exact += 1;
  }
  return exact;
}

async function apart(what: string, ask: (email: string) => Promise<unknown>): Promise<Figure> {
  const times: Record<string, number[]> = { [KNOWN]: [], [UNKNOWN]: [] };
  for (let count = 0; count < SAMPLES; count++) {
    for (const [email, taken] of Object.entries(times)) {
      const startedAt = performance.now();
      await ask(email);
      taken.push(performance.now() - startedAt);
    }
  }
  const median = (email: string) => times[email]?.toSorted((a, b) => a - b)[SAMPLES / 2] ?? 0;
  return { what, value: median(KNOWN), unit: "ms", baseline: median(UNKNOWN) };
}

function refused(err: unknown): void {
  if (!(err instanceof AppError)) throw err;
}
