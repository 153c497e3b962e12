import { expect, test } from "bun:test";
import { refusalOf, type TestApp } from "../test-app.ts";
import { personOf, type Scope } from "../scope.ts";
import { openMailing } from "../mail.ts";
import type { Caller } from "./callers.ts";
import { confirmMagicLink } from "./confirm.ts";
import { acceptInvite, listInvites, revokeInvite } from "./invites.ts";
import { inspectMailedInvite, joinByMail, offerInvite } from "./mailed-invites.ts";
import { admitStranger, inspectMagicLink, issueStrangerLink } from "./magic-links.ts";
import { auditOf, BROWSER, newestMail, newestToken, signIn, startSignIn, visitor } from "./test-sign-in.ts";

const BOB = "bob@example.com";
const TEN_MINUTES_MS = 600_000;

/** Mails an invite; its two secrets are read from the queue, as the mail would say them. */
async function invited(it: TestApp, scope: Scope, email = BOB, role: "admin" | "member" = "member") {
  it.pass(TEN_MINUTES_MS); // else one address is mailed too often
  const { id, start } = await offerInvite(scope, { role, email });
  expect(start).toBeNull();
  const mailing = openMailing(it.app, await newestMail(it));
  if (mailing.kind !== "invite") throw new Error("the last mail is no invite");
  return { id, token: mailing.token, parameter: mailing.start };
}

const userOf = (caller: Caller | undefined) => (caller === undefined ? "" : personOf(caller.scope).userId);
const join = (it: TestApp, token: string) =>
  joinByMail(it.app, { token, binding: BROWSER, locale: "de", visitor: visitor() });
const open = (it: TestApp, parameter: string, id = 2) =>
  acceptInvite(it.app, { parameter, person: { id, name: "Bob", locale: "en" }, correlationId: "c" });

test("the mail of an invite makes an account with that address, joins and signs in, once for both of its links", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  const { token, parameter } = await invited(it, ann, BOB, "admin");
  for (let look = 0; look < 3; look++)
    expect(await inspectMailedInvite(it.app, token)).toEqual({
      email: BOB,
      role: "admin",
      team: "Crew",
      invitedBy: "Person 1",
    });
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => join(it, token)));
  const joined = all.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  expect(joined).toHaveLength(1);
  expect(joined[0]).toMatchObject({ email: BOB, role: "admin", team: { id: ann.orgId, name: "Crew" } });
  const caller = joined[0]?.signedIn?.caller;
  expect(caller).toMatchObject({ email: BOB, hasPassword: false, hasTelegram: false, method: "magic_link" });
  expect(caller?.scope).toMatchObject({ locale: "de", actor: { role: "admin", name: "bob" } });
  expect(joined[0]?.signedIn?.refreshToken).toMatch(/^[\w-]{43}$/);
  expect(await refusalOf(open(it, parameter))).toBe("invite_used");
  expect(await refusalOf(inspectMailedInvite(it.app, token))).toBe("invite_used");
  expect(await auditOf(it, ann, "member.join")).toEqual(["ok"]);
  expect(await auditOf(it, ann, "auth.login")).toEqual(["ok"]);
  const [told] = await it.admin`SELECT payload->>'text' AS text FROM pipeline.outbox WHERE chat_id = 1`;
  expect(told?.["text"]).toContain("bob has used your invite");
  const { caller: again } = await signIn(it, BOB);
  expect(userOf(again)).toBe(userOf(caller));

  const other = await invited(it, ann, "carol@example.com");
  expect((await open(it, other.parameter, 3)).joined).toBe(true);
  expect(await refusalOf(join(it, other.token))).toBe("invite_used");
});

test("the link to Telegram proves no mailbox: neither secret of an invite works in the place of the other", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  const { token, parameter } = await invited(it, ann);
  for (const wrong of [
    parameter,
    parameter.slice(2),
    "",
    "x".repeat(43),
    `${token}A`,
    `${token.slice(0, 42)}\0`,
  ])
    expect(await refusalOf(join(it, wrong))).toBe("invite_unknown");
  expect(await refusalOf(open(it, `i_${token}`))).toBe("invite_unknown");
  const stored =
    JSON.stringify(await it.admin`SELECT * FROM app.invites`) +
    JSON.stringify(await it.admin`SELECT data FROM pgboss.job`);
  expect(stored).not.toContain(token);
  expect((await join(it, token)).signedIn).not.toBeNull();
});

test("an address that has an account joins with it, and is not signed in by a mail that is days old", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  const bob = await it.team(2, "Garage");
  await it.admin`UPDATE auth.accounts SET email = ${BOB}, email_verified_at = now() WHERE telegram_user_id = 2`;
  const { token } = await invited(it, ann); // and opened at once
  expect(await join(it, token)).toMatchObject({ team: { name: "Crew" }, role: "member", signedIn: null });
  expect(await it.admin`SELECT FROM auth.sessions`).toHaveLength(0);
  expect(await it.admin`SELECT FROM auth.accounts`).toHaveLength(2);
  const [account] =
    await it.admin`SELECT current_org_id::text AS org FROM auth.accounts WHERE telegram_user_id = 2`;
  expect(account?.["org"]).not.toBe(ann.orgId); // what is written in the chat goes where it went
  const told = await it.admin`SELECT payload->>'text' AS text FROM pipeline.outbox WHERE chat_id = 2`;
  expect(told.map(({ text }) => String(text))).toEqual([
    expect.stringContaining(`mailed to ${BOB} you are in “Crew” now, too`),
  ]);
  const link = await newestToken(it);
  expect(await inspectMagicLink(it.app, { token: link, binding: null })).toMatchObject({ codeNeeded: true });
  const { caller } = await confirmMagicLink(it.app, {
    token: link,
    binding: BROWSER,
    code: null,
    visitor: visitor(),
  });
  expect(caller.scope.orgId).toBe(bob.orgId);

  // Invited once more: they are in it, and the invite stays for who is not.
  const second = await invited(it, ann);
  expect(await join(it, second.token)).toMatchObject({ role: "member", signedIn: null });
  expect((await open(it, second.parameter, 3)).joined).toBe(true);
});

test("whoever wrote an address down without proof does not join in the place of its owner", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  await it.team(2, "Garage");
  await it.admin`UPDATE auth.accounts SET email = ${BOB}, password_hash = 'x' WHERE telegram_user_id = 2`;
  const { token } = await invited(it, ann);
  const { signedIn } = await join(it, token);
  expect(signedIn?.caller).toMatchObject({ email: BOB, hasPassword: false, hasTelegram: false });
  const members =
    await it.admin`SELECT a.telegram_user_id FROM app.users u JOIN auth.accounts a ON a.id = u.account_id
    WHERE u.org_id = ${ann.orgId} AND a.telegram_user_id = 2`;
  expect(members).toHaveLength(0);
});

test("a mailed invite ends as any other: revoked, after seven days, with the rights of who made it, for a closed account", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  const revoked = await invited(it, ann);
  const { items } = await listInvites(ann, { after: null, limit: 10 });
  expect(items.map(({ email }) => email)).toEqual([BOB]);
  await revokeInvite(ann, revoked.id);
  expect(await refusalOf(inspectMailedInvite(it.app, revoked.token))).toBe("invite_unknown");
  expect(await refusalOf(join(it, revoked.token))).toBe("invite_unknown");
  const late = await invited(it, ann);
  await it.admin`UPDATE app.invites SET expires_at = clock_timestamp() WHERE id = ${late.id}`;
  expect(await refusalOf(join(it, late.token))).toBe("invite_expired");
  const closed = await invited(it, ann);
  await it.admin`INSERT INTO auth.accounts (email, email_verified_at, status) VALUES (${BOB}, now(), 'disabled')`;
  expect(await refusalOf(join(it, closed.token))).toBe("invite_unknown");
  await it.admin`DELETE FROM auth.accounts WHERE status = 'disabled'`;
  await it.admin`UPDATE app.users SET role = 'member'`;
  expect(await refusalOf(join(it, closed.token))).toBe("invite_unknown");
  await it.admin`UPDATE app.users SET role = 'owner'`;
  expect((await join(it, closed.token)).role).toBe("member");
});

/** What somebody whom no team knows gets by /login, and the token of the mail. */
async function askAsStranger(it: TestApp, email = BOB, id = 2): Promise<{ token: string; code: string }> {
  it.pass(TEN_MINUTES_MS);
  const isMailed = await admitStranger(it.app, { email, telegramUserId: id });
  const code = await issueStrangerLink(it.app, {
    email,
    telegram: { id, name: `@person${id}` },
    isMailed,
    correlationId: "a-reference",
  });
  return { token: await newestToken(it), code };
}

const confirm = (it: TestApp, token: string, code: string | null) =>
  confirmMagicLink(it.app, { token, binding: BROWSER, code, visitor: visitor() });

test("ML-21: whoever joined by mail gets a Telegram account by the mail and the code of its chat, never by one of them", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  await join(it, (await invited(it, ann)).token);
  const { token, code } = await askAsStranger(it);
  expect(await inspectMagicLink(it.app, { token, binding: BROWSER })).toMatchObject({
    purpose: "link_telegram",
    team: "Crew",
    telegramName: "@person2",
    codeNeeded: true,
  });
  expect(await refusalOf(confirm(it, token, null))).toBe("link_code_needed");
  expect(await confirm(it, token, code)).toMatchObject({ tiedTo: "@person2", caller: { hasTelegram: true } });
  const [row] =
    await it.admin`SELECT telegram_user_id::int AS id FROM auth.accounts WHERE lower(email) = ${BOB}`;
  expect(row?.["id"]).toBe(2);
  expect(await auditOf(it, ann, "account.address")).toEqual(["ok"]);

  // From now on another stranger gets nowhere with that address, as with one that nobody has.
  for (const email of [BOB, "nobody@example.com"]) {
    const late = await askAsStranger(it, email, 3);
    expect(await inspectMagicLink(it.app, { token: late.token, binding: null })).toBeNull();
    await expect(confirm(it, late.token, late.code)).rejects.toMatchObject({ code: "link_gone" });
  }
});

test("a stranger's link takes the Telegram account of nobody who is in a team, of none that is closed, and one that was left", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  await join(it, (await invited(it, ann)).token);
  const early = await askAsStranger(it);
  const garage = await it.team(2, "Garage"); // who asked has come in by another door meanwhile
  expect(await refusalOf(confirm(it, early.token, early.code))).toBe("link_gone");
  const closed = await askAsStranger(it);
  await it.admin`UPDATE app.users SET status = 'removed' WHERE org_id = ${garage.orgId}`;
  await it.admin`UPDATE auth.accounts SET status = 'disabled' WHERE telegram_user_id = 2`;
  expect(await refusalOf(confirm(it, closed.token, closed.code))).toBe("link_gone");
  await it.admin`UPDATE auth.accounts SET status = 'active' WHERE telegram_user_id = 2`;
  const left = await askAsStranger(it);
  expect(await confirm(it, left.token, left.code)).toMatchObject({ tiedTo: "@person2" });
  const rows = await it.admin`SELECT status, email FROM auth.accounts WHERE telegram_user_id = 2`;
  expect([...rows]).toEqual([{ status: "active", email: BOB }]);
});

test("a stranger may ask five times in a quarter of an hour, whatever the addresses", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const ask = (count: number) => admitStranger(it.app, { email: `a${count}@example.com`, telegramUserId: 9 });
  for (let count = 1; count <= 5; count++) expect(await ask(count)).toBe(true);
  expect(await refusalOf(ask(6))).toBe("too_many_requests");
});
