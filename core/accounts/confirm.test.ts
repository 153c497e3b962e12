import { expect, test } from "bun:test";
import { purgeSignIn } from "../retention.ts";
import { newCorrelationId } from "../scope.ts";
import { refusalOf, type TestApp } from "../test-app.ts";
import { callerOfToken } from "./callers.ts";
import { confirmMagicLink } from "./confirm.ts";
import { inspectMagicLink, issueTelegramLink } from "./magic-links.ts";
import { refreshSession } from "./refresh.ts";
import { listSessions } from "./sessions.ts";
import {
  askForLink,
  auditOf,
  BROWSER,
  giveAddress,
  newestToken,
  signIn,
  startSignIn,
  visitor,
} from "./test-sign-in.ts";

const OTHER_BROWSER = "o".repeat(43);
const ROUNDS = 10;

test("ML-01: of 50 who confirm one link at once, one is signed in, round after round", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  for (let round = 1; round <= ROUNDS; round++) {
    const { token } = await askForLink(it);
    const all = await Promise.allSettled(
      Array.from({ length: 50 }, () =>
        confirmMagicLink(it.app, { token, binding: BROWSER, code: null, visitor: visitor() }),
      ),
    );
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const codes = all.flatMap((each) => (each.status === "rejected" ? [String(each.reason.code)] : []));
    expect(new Set(codes)).toEqual(new Set(["link_gone"]));
    const [count] = await it.admin`SELECT count(*)::int AS n FROM auth.sessions`;
    expect(count?.["n"]).toBe(round);
  }
  expect(await auditOf(it, ann, "auth.login")).toEqual(Array.from({ length: ROUNDS }, () => "ok"));
});

test("ML-03: the database's clock ends a link, to the moment", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const { token, code } = await askForLink(it);
  const confirm = () => confirmMagicLink(it.app, { token, binding: BROWSER, code: null, visitor: visitor() });
  it.pass(86_400_000); // the process may think what it likes
  expect(await inspectMagicLink(it.app, { token, binding: null })).not.toBeNull();
  await it.admin`UPDATE auth.magic_links SET expires_at = clock_timestamp()`;
  expect(await refusalOf(confirm())).toBe("link_gone");
  expect(await refusalOf(confirmMagicLink(it.app, { token, binding: null, code, visitor: visitor() }))).toBe(
    "link_gone",
  );
  await it.admin`UPDATE auth.magic_links SET expires_at = clock_timestamp() + interval '1 second'`;
  expect((await confirm()).refreshToken).toMatch(/^[\w-]{43}$/);
});

test("ML-05 and ML-19: only the very token opens a link, and tokens look like chance", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const { token } = await askForLink(it);
  const first = token.startsWith("A") ? "B" : "A";
  const others = [
    first + token.slice(1),
    token.slice(0, 42),
    `${token}A`,
    "x".repeat(1_000_000),
    `${token.slice(0, 42)}\0`,
    `${token.slice(0, 42)}ß`,
    "",
    `${token}=`,
  ];
  for (const other of others) {
    expect(await inspectMagicLink(it.app, { token: other, binding: BROWSER })).toBeNull();
    const asked = { token: other, binding: BROWSER, code: null, visitor: visitor() };
    expect(await refusalOf(confirmMagicLink(it.app, asked))).toBe("link_gone");
  }
  const tokens = new Set([token]);
  for (let count = 0; count < 9; count++) tokens.add((await askForLink(it)).token);
  expect(tokens.size).toBe(10);
  expect([...tokens].every((each) => Buffer.from(each, "base64url").length === 32)).toBe(true);
});

test("ML-10: a click proves the mailbox only: another browser needs the code, and five wrong ones end the link", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const asked = await askForLink(it);
  const wrong = asked.code === "000000" ? "000001" : "000000";
  const from = (binding: string | null, code: string | null) =>
    confirmMagicLink(it.app, { token: asked.token, binding, code, visitor: visitor() });
  expect(await refusalOf(from(null, null))).toBe("link_code_needed");
  expect(await refusalOf(from(OTHER_BROWSER, null))).toBe("link_code_needed");
  for (let left = 4; left >= 1; left--)
    await expect(from(null, wrong)).rejects.toMatchObject({ code: "link_code_wrong", params: { left } });
  expect((await from(null, asked.code)).caller.email).toBe("ann@example.com");

  const second = await askForLink(it);
  const guess = () =>
    confirmMagicLink(it.app, {
      token: second.token,
      binding: null,
      code: second.code === "000000" ? "1" : "000000",
      visitor: visitor(),
    });
  for (let left = 4; left >= 1; left--) expect(await refusalOf(guess())).toBe("link_code_wrong");
  expect(await refusalOf(guess())).toBe("link_gone");
  const right = { token: second.token, binding: BROWSER, code: second.code, visitor: visitor() };
  expect(await refusalOf(confirmMagicLink(it.app, right))).toBe("link_gone");
});

test("ML-15: whoever was disabled or removed between the mail and the click is not signed in", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const confirm = (token: string) =>
    confirmMagicLink(it.app, { token, binding: BROWSER, code: null, visitor: visitor() });
  const removed = await askForLink(it);
  await it.admin`UPDATE app.users SET status = 'removed'`;
  expect(await inspectMagicLink(it.app, { token: removed.token, binding: null })).toBeNull();
  expect(await refusalOf(confirm(removed.token))).toBe("link_gone");
  await it.admin`UPDATE app.users SET status = 'active'`;
  const disabled = await askForLink(it);
  await it.admin`UPDATE auth.accounts SET status = 'disabled'`;
  expect(await refusalOf(confirm(disabled.token))).toBe("link_gone");
});

test("ML-22: what has expired is deleted, and nothing else", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const over = await signIn(it);
  await it.admin`UPDATE auth.sessions SET expires_at = clock_timestamp()`;
  await askForLink(it);
  await it.admin`UPDATE auth.magic_links SET expires_at = clock_timestamp()`;
  const live = await askForLink(it);
  const current = await signIn(it, "ann@example.com");
  const kept = await askForLink(it);
  await purgeSignIn(it.app);
  expect((await it.admin`SELECT id FROM auth.sessions`).map(({ id }) => String(id))).toEqual([
    current.caller.sessionId,
  ]);
  expect(over.caller.sessionId).not.toBe(current.caller.sessionId);
  expect(await it.admin`SELECT FROM auth.magic_links`).toHaveLength(1);
  expect(await inspectMagicLink(it.app, { token: kept.token, binding: null })).not.toBeNull();
  expect(await inspectMagicLink(it.app, { token: live.token, binding: null })).toBeNull(); // a sign-in ends the others
});

test("ML-17: a sign-in leaves the other sessions of the person as they are", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const first = await signIn(it);
  const second = await signIn(it);
  expect((await listSessions(second.caller.scope)).map(({ id }) => id)).toEqual([
    second.caller.sessionId,
    first.caller.sessionId,
  ]);
  await callerOfToken(it.app, first.accessToken, newCorrelationId());
  await refreshSession(it.app, first.refreshToken, visitor());
});

test("ML-18: the first proof of an address ends what somebody else prepared under it", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const attacker = await signIn(it);
  await it.admin`UPDATE auth.accounts SET email_verified_at = NULL, password_hash = 'the attacker''s'`;
  const { caller } = await signIn(it);
  expect(caller.hasPassword).toBe(false);
  expect(await refusalOf(callerOfToken(it.app, attacker.accessToken, newCorrelationId()))).toBe(
    "session_gone",
  );
  expect(await refusalOf(refreshSession(it.app, attacker.refreshToken, visitor()))).toBe("session_gone");
  expect(await listSessions(caller.scope)).toHaveLength(1);
});

test("ML-09 and ML-21: a link from Telegram ties its own asker, with the code from its chat alone", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const bob = await it.team(2, "Garage");
  const email = "bob@example.com";
  const code = await issueTelegramLink(bob, { email, telegram: { id: 2, name: "@bob" } });
  const token = await newestToken(it);
  const from = (binding: string | null, given: string | null) =>
    confirmMagicLink(it.app, { token, binding, code: given, visitor: visitor() });
  expect(await inspectMagicLink(it.app, { token, binding: BROWSER })).toMatchObject({
    purpose: "link_telegram",
    telegramName: "@bob",
    codeNeeded: true,
  });
  expect(await refusalOf(from(BROWSER, null))).toBe("link_code_needed"); // no browser asked
  expect(await from(null, code)).toMatchObject({ tiedTo: "@bob", caller: { email } });
  expect(await told(it)).toEqual([[2, expect.stringContaining(`${email} is tied to this Telegram account`)]]);
  expect(await auditOf(it, bob, "account.address")).toEqual(["ok"]);

  it.pass(600_000);
  const again = await issueTelegramLink(bob, { email: "new@example.com", telegram: { id: 2, name: "@bob" } });
  const unlinked = await newestToken(it);
  await it.admin`UPDATE auth.accounts SET telegram_user_id = 22 WHERE telegram_user_id = 2`;
  const late = { token: unlinked, binding: null, code: again, visitor: visitor() };
  expect(await refusalOf(confirmMagicLink(it.app, late))).toBe("link_gone");
});

test("a tied address brings the teams of its account along; who had it before is told, and two members of one team stay two", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  const bob = await it.team(2, "Garage");
  const tie = async () => {
    it.pass(600_000);
    const code = await issueTelegramLink(bob, {
      email: "ann@example.com",
      telegram: { id: 2, name: "@bob" },
    });
    return confirmMagicLink(it.app, {
      token: await newestToken(it),
      binding: null,
      code,
      visitor: visitor(),
    });
  };
  const twice = await it.member(bob, 1, "member");
  await expect(tie()).rejects.toMatchObject({ code: "accounts_overlap", params: { teams: "Garage" } });
  await it.admin`DELETE FROM app.users WHERE org_id = ${bob.orgId} AND id = ${twice.actor.type === "user" ? twice.actor.userId : ""}`;
  const { caller } = await tie();
  expect(caller.hasTelegram).toBe(true);
  const teams = await it.admin`SELECT o.name FROM app.users u JOIN app.organizations o ON o.id = u.org_id
    JOIN auth.accounts a ON a.id = u.account_id WHERE a.telegram_user_id = 2 ORDER BY o.name`;
  expect(teams.map(({ name }) => String(name))).toEqual(["Crew", "Garage"]);
  expect(await told(it)).toEqual([
    [1, expect.stringContaining("belong to the Telegram account @bob now")],
    [2, expect.stringContaining("is tied to this Telegram account")],
  ]);
  expect(await auditOf(it, ann, "account.merge")).toEqual(["ok"]);
});

test("who gives up one address for another is told at the old one", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  await signIn(it);
  await giveAddress(it, 1, "ann@example.com");
  it.pass(600_000);
  const code = await issueTelegramLink(ann, { email: "ann@new.example", telegram: { id: 1, name: "@ann" } });
  const token = await newestToken(it);
  await confirmMagicLink(it.app, { token, binding: null, code, visitor: visitor() });
  await expect(newestToken(it)).rejects.toThrow("the last mail has no link");
  const { caller } = await signIn(it, "ann@new.example");
  expect(caller.email).toBe("ann@new.example");
});

async function told(it: TestApp): Promise<[number, string][]> {
  const rows = await it.admin`SELECT chat_id, payload->>'text' AS text FROM pipeline.outbox ORDER BY chat_id`;
  return rows.map((row) => [Number(row["chat_id"]), String(row["text"])]);
}
