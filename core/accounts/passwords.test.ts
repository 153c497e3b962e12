import { hash } from "@node-rs/argon2";
import { expect, test } from "bun:test";
import { loadConfig } from "../config.ts";
import { newCorrelationId, type Scope } from "../scope.ts";
import { refusalOf, type TestApp } from "../test-app.ts";
import { callerOfToken, type Caller } from "./callers.ts";
import { setPassword, signInByPassword } from "./passwords.ts";
import { refreshSession } from "./refresh.ts";
import { auditOf, giveAddress, signIn, startSignIn, visitor } from "./test-sign-in.ts";

const GOOD = "correct horse battery";
const EMAIL = "ann@example.com";
const ROOMY = loadConfig({ LIMIT_SIGN_IN_ACCOUNT_PER_15_MINUTES: "1000" }).limits;

function login(it: TestApp, password: string, email = EMAIL) {
  return signInByPassword(it.app, { email, password, visitor: visitor() });
}

test("a password is set after a sign-in by mail, changed with the one before, and ends the other sessions", async () => {
  await using world = await startSignIn({ limitRules: ROOMY });
  const { it, ann } = world;
  const [elsewhere, here] = [await signIn(it), await signIn(it)];
  await setPassword(here.caller, { current: null, password: GOOD });
  expect(await refusalOf(refreshSession(it.app, elsewhere.refreshToken, visitor()))).toBe("session_gone");
  await refreshSession(it.app, here.refreshToken, visitor());
  const { caller, refreshToken } = await login(it, GOOD);
  expect([caller.method, caller.hasPassword, refreshToken !== null]).toEqual(["password", true, true]);

  const another = "another good secret";
  for (const current of [null, "a wrong one", ""])
    expect(await refusalOf(setPassword(caller, { current, password: another }))).toBe(
      "password_current_wrong",
    );
  await setPassword(caller, { current: GOOD, password: another });
  expect(await refusalOf(login(it, GOOD))).toBe("login_wrong");
  await login(it, another);
  expect(await auditOf(it, ann, "auth.password")).toEqual(["ok", "ok"]);
  await refusals(it, ann, 1);
  expect((await auditOf(it, ann, "auth.login")).toSorted()).toEqual(["ok", "ok", "ok", "ok", "refused"]);
});

test("a sign-in by mail counts for ten minutes", async () => {
  await using world = await startSignIn({ limitRules: ROOMY });
  const { it } = world;
  const { caller } = await signIn(it);
  const later: Caller = { ...caller, ageSeconds: 10 * 60 + 1 };
  expect(await refusalOf(setPassword(later, { current: null, password: GOOD }))).toBe(
    "password_current_wrong",
  );
});

test("an address that nobody has proven, an unknown one and a wrong password read the same", async () => {
  await using world = await startSignIn({ limitRules: ROOMY });
  const { it } = world;
  const { caller } = await signIn(it);
  await setPassword(caller, { current: null, password: GOOD });
  await it.team(2, "Garage");
  await giveAddress(it, 2, "bob@example.com");
  await it.admin`UPDATE auth.accounts SET password_hash = ${await hash(GOOD)} WHERE telegram_user_id = 2`;
  for (const [email, password] of [
    [EMAIL, "wrong but long"],
    ["nobody@example.com", GOOD],
    ["bob@example.com", GOOD],
  ] as const)
    expect(await refusalOf(login(it, password, email))).toBe("login_wrong");
});

test("CK-04: an unknown address costs a verification as well", async () => {
  await using world = await startSignIn({ limitRules: ROOMY });
  const { it } = world;
  const all = Array.from({ length: 64 }, () => refusalOf(login(it, GOOD, "nobody@example.com")));
  // Only what hashes has to wait, and is sent away when too much does.
  expect(new Set(await Promise.all(all))).toEqual(new Set(["login_wrong", "too_many_requests"]));
});

test("sign-ins to one account are few, and those to another go on", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const { limit } = it.app.limitRules.signIn.account;
  for (let count = 1; count <= limit; count++) expect(await refusalOf(login(it, GOOD))).toBe("login_wrong");
  expect(await refusalOf(login(it, GOOD))).toBe("too_many_requests");
  expect(await refusalOf(login(it, GOOD, "nobody@example.com"))).toBe("login_wrong");
});

test("CK-05: of 64 sign-ins at once some are told to come back, and none fails otherwise", async () => {
  await using world = await startSignIn({ limitRules: ROOMY });
  const { it } = world;
  const { caller } = await signIn(it);
  await setPassword(caller, { current: null, password: GOOD });
  const all = await Promise.allSettled(Array.from({ length: 64 }, () => login(it, GOOD)));
  const refused = all.flatMap((each) => (each.status === "rejected" ? [String(each.reason.code)] : []));
  expect(new Set(refused)).toEqual(new Set(["too_many_requests"]));
  expect(all.length - refused.length).toBeGreaterThan(0);
  await login(it, GOOD); // nothing is held for ever
});

test("CK-06: what is too short, too long or easy to guess is no password; whatever else is one, whole", async () => {
  await using world = await startSignIn({ limitRules: ROOMY });
  const { it } = world;
  const { caller } = await signIn(it);
  const set = (password: string) => setPassword(caller, { current: null, password });
  for (const password of ["", "seven77", "x".repeat(129), "x".repeat(1_025)])
    expect(await refusalOf(set(password))).toBe("password_invalid");
  for (const password of [
    "password",
    "Password123",
    "qwertyuiop",
    "ann@example.com",
    "BlockBot1!",
    "Person 1",
  ])
    expect([password, await refusalOf(set(password))]).toEqual([password, "password_common"]);
  for (const password of [
    "8 chars!",
    "x".repeat(127) + "y",
    "nul\0 in it",
    "Пароль из слов",
    "trailing space ",
  ]) {
    await set(password);
    await login(it, password);
    for (const near of [
      password.slice(0, -1),
      `${password} `,
      password.trim() === password ? `${password}x` : password.trim(),
    ])
      expect(await refusalOf(login(it, near))).toBe("login_wrong");
  }
  await set("Café au lait");
  await login(it, "Cafe\u0301 au lait");
});

test("CK-07: a damaged hash signs nobody in and breaks nothing", async () => {
  await using world = await startSignIn({ limitRules: ROOMY });
  const { it, ann } = world;
  await signIn(it);
  for (const damaged of ["", "$argon2id$", "not a hash", "$2b$10$abcdefghijklmnopqrstuv"]) {
    await it.admin`UPDATE auth.accounts SET password_hash = ${damaged}`;
    expect(await refusalOf(login(it, GOOD))).toBe("login_wrong");
  }
  await refusals(it, ann, 4);
});

test("CK-08: a hash of cheaper settings is made anew by a sign-in", async () => {
  await using world = await startSignIn({ limitRules: ROOMY });
  const { it } = world;
  await signIn(it);
  const stored = async () =>
    String(
      (await it.admin`SELECT password_hash FROM auth.accounts WHERE telegram_user_id = 1`)[0]?.[
        "password_hash"
      ],
    );
  await it.admin`UPDATE auth.accounts SET password_hash = ${await hash(GOOD, { memoryCost: 8_192, timeCost: 1 })}`;
  const { accessToken } = await login(it, GOOD);
  await callerOfToken(it.app, accessToken, newCorrelationId());
  expect(await stored()).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
  const fresh = await stored();
  await login(it, GOOD);
  expect(await stored()).toBe(fresh);
});

test("RT-07: another password calls back every access token of the other sessions", async () => {
  await using world = await startSignIn({ limitRules: ROOMY });
  const { it } = world;
  const [one, two] = [await signIn(it), await signIn(it)];
  await setPassword(two.caller, { current: null, password: GOOD });
  expect(await refusalOf(callerOfToken(it.app, one.accessToken, newCorrelationId()))).toBe("session_gone");
});

/** They are written down after the answer. */
async function refusals(it: TestApp, scope: Scope, count: number): Promise<void> {
  const refused = async () =>
    (await auditOf(it, scope, "auth.login")).filter((outcome) => outcome === "refused");
  while ((await refused()).length < count) await Bun.sleep(20);
}
