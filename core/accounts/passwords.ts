import { hash, verify, type Algorithm } from "@node-rs/argon2";
import { sql } from "drizzle-orm";
import { createHash } from "node:crypto";
import { availableParallelism } from "node:os";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { audit } from "../audit.ts";
import { AppError } from "../errors.ts";
import { personOf, type Scope } from "../scope.ts";
import type { Caller, SignedIn, Visitor } from "./callers.ts";
import commonPasswords from "./common-passwords.txt" with { type: "text" };
import { openSession } from "./sessions.ts";

const ARGON2ID = 2 satisfies Algorithm.Argon2id;
const COST = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 };
const COST_PREFIX = "$argon2id$v=19$m=19456,t=2,p=1$";
const CHARS_MIN = 8;
const CHARS_MAX = 128;
/** How long after a sign-in by mail a password may be set without the one before. */
const FRESH_SECONDS = 10 * 60;
// More at once would not be faster, and would starve everything else of processors and memory.
const HASHING_AT_ONCE_MAX = availableParallelism();
const HASHING_WAITING_MAX = 16;
// Those of the 3000 most used ones that are long enough to be accepted otherwise, from the list of zxcvbn (MIT).
const COMMON = new Set(commonPasswords.trim().split("\n"));
// Of a text that nobody knows: an address without a password takes as long as one with.
const NOBODYS =
  "$argon2id$v=19$m=19456,t=2,p=1$Yy1lTAg0X5V8sy+bXrVWXg$Yu/GtzyCKfhwbdu//dUFO62+XV2TkQMpSYYYPE6AutU";

let hashing = 0;
const waiting: (() => void)[] = [];

type Login = {
  account_id: string | null;
  org_id: string | null;
  user_id: string | null;
  password_hash: string | null;
};

/**
 * Signs in by password. A wrong one, an unknown address and one that nobody has
 * proven are told apart neither by words nor by time. Throws `login_wrong`, and
 * `too_many_requests` when the account or this process is asked too often.
 */
export async function signInByPassword(
  app: App,
  input: { email: string; password: string; visitor: Visitor },
): Promise<SignedIn> {
  const { password, visitor } = input;
  await charge(app, `login:${createHash("sha256").update(input.email).digest("base64url")}`);
  const [login] = await inSystem(app, (tx) =>
    tx.execute<Login>(sql`SELECT * FROM auth.find_login(${input.email})`),
  );
  const stored = login?.password_hash ?? null;
  const isRight = (await matches(app, stored ?? NOBODYS, password)) && stored !== null;
  const accountId = login?.account_id ?? null;
  const orgId = login?.org_id ?? null;
  if (accountId === null || orgId === null || stored === null) throw new AppError("login_wrong");
  if (!isRight) {
    // Not waited for: the time that it takes would tell a known address from an unknown one.
    noteRefusal(app, { orgId, userId: login?.user_id ?? "", visitor }).catch((err: unknown) =>
      app.log.warn({ err, correlationId: visitor.correlationId }, "a refused sign-in was not written down"),
    );
    throw new AppError("login_wrong");
  }
  const fresh = stored.startsWith(COST_PREFIX) ? null : await hashed(password);
  return inSystem(app, async (tx) => {
    if (fresh !== null) await tx.execute(sql`SELECT auth.set_password(${accountId}, ${fresh}, ${stored})`);
    return openSession(tx, app, { accountId, orgId, method: "password", visitor });
  });
}

async function noteRefusal(
  app: App,
  known: { orgId: string; userId: string; visitor: Visitor },
): Promise<void> {
  const { orgId, userId, visitor } = known;
  const by = { actor: { type: "system", name: "sign-in" }, correlationId: visitor.correlationId } as const;
  const details = { target: userId, outcome: "refused", detail: { method: "password" } };
  await inTenant({ app, orgId }, (tx) => audit(tx, by, "auth.login", details));
}

/**
 * Sets the password of the person who asks, and ends their other sessions. Takes
 * the one before, or a sign-in by mail within the last ten minutes. Throws
 * `password_invalid`, `password_common`, `password_current_wrong`, `email_needed` and
 * `too_many_requests`.
 */
export async function setPassword(
  caller: Caller,
  input: { current: string | null; password: string },
): Promise<void> {
  const { scope } = caller;
  const { accountId } = personOf(scope);
  refuseUnfit(scope, caller.email, input.password);
  await charge(scope.app, `password:${accountId}`);
  const [known] = await inSystem(scope.app, (tx) =>
    tx.execute<{ password_hash: string | null; email_verified: boolean }>(
      sql`SELECT * FROM auth.password_of(${accountId})`,
    ),
  );
  if (known?.email_verified !== true) throw new AppError("email_needed");
  const isFresh = caller.method === "magic_link" && caller.ageSeconds < FRESH_SECONDS;
  const isProven =
    input.current === null
      ? isFresh
      : known.password_hash !== null && (await matches(scope.app, known.password_hash, input.current));
  if (!isProven) throw new AppError("password_current_wrong");
  const fresh = await hashed(input.password);
  await inTenant(scope, async (tx) => {
    await tx.execute(sql`SELECT auth.set_password(${accountId}, ${fresh}, NULL)`);
    await tx.execute(sql`SELECT auth.end_account_sessions(${accountId}, ${caller.sessionId}, 'password')`);
    await audit(tx, scope, "auth.password");
  });
}

/** Guesses at one account, wherever they come from. */
async function charge(app: App, account: string): Promise<void> {
  const rule = app.limitRules.signIn.account;
  const { allowed, retryAfterMs } = await app.limits.take([{ key: `{${account}}`, ...rule }]);
  if (!allowed) throw new AppError("too_many_requests", { seconds: Math.ceil(retryAfterMs / 1_000) });
}

function refuseUnfit(scope: Scope, email: string | null, password: string): void {
  const { length } = password;
  if (length < CHARS_MIN || length > CHARS_MAX)
    throw new AppError("password_invalid", { min: CHARS_MIN, max: CHARS_MAX });
  const own = [email ?? "", email?.split("@")[0] ?? "", scope.team, personOf(scope).name, "blockbot"];
  const bare = (text: string) => text.toLowerCase().replace(/[\d\W_]+$/, "");
  const isOwn = own.some((word) => bare(word) !== "" && bare(password) === bare(word));
  if (isOwn || COMMON.has(password.toLowerCase())) throw new AppError("password_common");
}

function hashed(password: string): Promise<string> {
  return oneOfFew(() => hash(password.normalize("NFC"), COST));
}

/** A stored hash that cannot be read matches nothing; the log says so. */
async function matches(app: App, stored: string, password: string): Promise<boolean> {
  return oneOfFew(() =>
    verify(stored, password.normalize("NFC")).catch((err: unknown) => {
      app.log.error(
        { reason: err instanceof Error ? err.message : "unknown" },
        "a stored password is damaged",
      );
      return false;
    }),
  );
}

async function oneOfFew<T>(work: () => Promise<T>): Promise<T> {
  if (hashing >= HASHING_AT_ONCE_MAX) {
    if (waiting.length >= HASHING_WAITING_MAX) throw new AppError("too_many_requests", { seconds: 1 });
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else hashing += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) hashing -= 1;
    else next();
  }
}
