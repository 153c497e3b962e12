import { expect, test } from "bun:test";
import { newCorrelationId, personOf, type Scope } from "../scope.ts";
import { refusalOf, type TestApp } from "../test-app.ts";
import { callerOfRefresh, callerOfToken, type SignedIn } from "./callers.ts";
import { changeRole, removeMember } from "./members.ts";
import { endByRefresh, refreshSession } from "./refresh.ts";
import { endAllSessions, endSession, listSessions, switchTeam } from "./sessions.ts";
import { auditOf, signIn, startSignIn, visitor } from "./test-sign-in.ts";

// A rotation each: the limit of refreshes is not what these are about.
const CHAIN = 25;

test("RT-01: every refresh gives the next token, and each one before it is dead", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const { refreshToken } = await signIn(it);
  const chain = [refreshToken];
  for (let count = 1; count <= CHAIN; count++) {
    const next = await refreshSession(it.app, chain.at(-1) ?? "", visitor());
    expect(next.refreshToken).not.toBeNull();
    chain.push(next.refreshToken ?? "");
  }
  const live = await it.admin`SELECT FROM auth.refresh_tokens WHERE used_at IS NULL AND revoked_at IS NULL`;
  expect(live).toHaveLength(1);
  expect(new Set(chain).size).toBe(CHAIN + 1);
  expect(await callerOfRefresh(it.app, chain[3] ?? "", newCorrelationId())).toBeNull();
  expect(await callerOfRefresh(it.app, chain.at(-1) ?? "", newCorrelationId())).not.toBeNull();
});

test("RT-02: of 20 refreshes at once one gets the new token, and nobody is signed out", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const { refreshToken } = await signIn(it);
  const all = await Promise.all(
    Array.from({ length: 20 }, () => refreshSession(it.app, refreshToken, visitor())),
  );
  const fresh = all.flatMap((each) => each.refreshToken ?? []);
  expect(fresh).toHaveLength(1);
  for (const { accessToken } of all) await callerOfToken(it.app, accessToken, newCorrelationId());
  await refreshSession(it.app, fresh[0] ?? "", visitor());
});

test("RT-03: a token that was used long ago ends the session, with an audit row and a word in Telegram", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  const { refreshToken, accessToken } = await signIn(it);
  const second = await refreshSession(it.app, refreshToken, visitor());
  const third = await refreshSession(it.app, second.refreshToken ?? "", visitor());
  await age(it, 61);
  expect(await refusalOf(refreshSession(it.app, refreshToken, visitor()))).toBe("session_gone");
  await expectGone(it, { ...third, accessToken });
  expect(await auditOf(it, ann, "auth.refresh.reuse")).toEqual(["refused"]);
  expect(await told(it)).toEqual([
    "Somebody tried to go on with a sign-in of yours that had been used already, so I ended it.",
  ]);
});

// RT-10: an answer that a killed process never sent is such a one, because the transaction that made its token has committed.
test("RT-04 and RT-10: an answer that was lost can be asked for again within a minute, and its token is void", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const { refreshToken } = await signIn(it);
  const lost = await refreshSession(it.app, refreshToken, visitor());
  await age(it, 11);
  const again = await refreshSession(it.app, refreshToken, visitor());
  expect(again.refreshToken).not.toBeNull();
  expect(again.refreshToken).not.toBe(lost.refreshToken);
  const next = await refreshSession(it.app, again.refreshToken ?? "", visitor());
  expect(await refusalOf(refreshSession(it.app, lost.refreshToken ?? "", visitor()))).toBe("session_gone");
  await expectGone(it, next);
});

test("RT-05: when thief and owner both hold a token of one session, it ends for both", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const stolen = (await signIn(it)).refreshToken;
  const owners = await refreshSession(it.app, stolen, visitor());
  await age(it, 11);
  const thiefs = await refreshSession(it.app, stolen, visitor());
  await age(it, 11);
  expect(await refusalOf(refreshSession(it.app, owners.refreshToken ?? "", visitor()))).toBe("session_gone");
  await expectGone(it, thiefs);
});

test("RT-06: after thirty days, or seven unused ones, one signs in again", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const unused = await signIn(it);
  await it.admin`UPDATE auth.refresh_tokens SET expires_at = clock_timestamp()`;
  expect(await refusalOf(refreshSession(it.app, unused.refreshToken, visitor()))).toBe("session_gone");
  const busy = await signIn(it);
  await it.admin`UPDATE auth.sessions SET expires_at = clock_timestamp() + interval '1 hour'`;
  const next = await refreshSession(it.app, busy.refreshToken, visitor());
  const [leaf] =
    await it.admin`SELECT max(t.expires_at) <= s.expires_at AS bounded FROM auth.refresh_tokens t JOIN auth.sessions s ON s.id = t.session_id
    WHERE s.id = ${busy.caller.sessionId} AND t.used_at IS NULL GROUP BY s.expires_at`;
  expect(leaf?.["bounded"]).toBe(true);
  await it.admin`UPDATE auth.sessions SET expires_at = clock_timestamp()`;
  await expectGone(it, next);
});

test("RT-07: logout, logout everywhere, another role, a removal and a closed account count at once", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  const boss = await it.member(ann, 9, "owner");
  const one = await signIn(it);
  await endByRefresh(it.app, one.refreshToken, newCorrelationId());
  await expectGone(it, one);
  await endByRefresh(it.app, one.refreshToken, newCorrelationId()); // again changes nothing
  expect(await auditOf(it, ann, "auth.logout")).toEqual(["ok"]);

  const [two, three] = [await signIn(it), await signIn(it)];
  expect(await endAllSessions(three.caller.scope)).toBe(2);
  await expectGone(it, two);
  await expectGone(it, three);

  const four = await signIn(it);
  await changeRole(boss, userOf(ann), "member");
  expect(await refusalOf(callerOfToken(it.app, four.accessToken, newCorrelationId()))).toBe("session_gone");
  const asMember = await refreshSession(it.app, four.refreshToken, visitor());
  expect(personOf(asMember.caller.scope).role).toBe("member");
  await removeMember(boss, userOf(ann));
  await expectGone(it, asMember);

  await it.admin`UPDATE app.users SET status = 'active'`;
  const five = await signIn(it);
  await it.admin`UPDATE auth.accounts SET status = 'disabled' WHERE telegram_user_id = 1`;
  await expectGone(it, five);
});

test("RT-08: neither kind of token passes for the other, nor one of another instance for ours", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const { accessToken, refreshToken } = await signIn(it);
  expect(await refusalOf(callerOfToken(it.app, refreshToken, newCorrelationId()))).toBe("session_gone");
  expect(await refusalOf(refreshSession(it.app, accessToken, visitor()))).toBe("session_gone");
  const elsewhere = it.another({ publicUrl: "https://staging.example.test" });
  expect(await refusalOf(callerOfToken(elsewhere, accessToken, newCorrelationId()))).toBe("session_gone");
  await elsewhere.close();
});

test("RT-09: a session acts for one team at a time, and ends with the membership there", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  const garage = await it.team(2, "Garage");
  const foreign = await it.team(3, "Foreign");
  const inGarage = await it.member(garage, 1, "admin");
  const one = await signIn(it);
  for (const other of [foreign.orgId, crypto.randomUUID()])
    expect(await refusalOf(switchTeam(one.caller, other))).toBe("team_unknown");
  const moved = await switchTeam(one.caller, garage.orgId);
  expect([one.caller.scope.team, moved.caller.scope.team]).toEqual([ann.team, "Garage"]);
  expect([moved.refreshToken, personOf(moved.caller.scope).role]).toEqual([null, "admin"]);
  expect(await refusalOf(callerOfToken(it.app, one.accessToken, newCorrelationId()))).toBe("session_gone");
  await removeMember(garage, userOf(inGarage));
  expect(await refusalOf(refreshSession(it.app, one.refreshToken, visitor()))).toBe("session_gone");
});

test("RT-11: the database holds hashes of 32 bytes and no token", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const { refreshToken, accessToken } = await signIn(it);
  const rows =
    await it.admin`SELECT t::text AS row, octet_length(t.token_hash) AS bytes FROM auth.refresh_tokens t
    UNION ALL SELECT s::text, 32 FROM auth.sessions s UNION ALL SELECT a::text, 32 FROM app.audit_log a`;
  expect(rows.length).toBeGreaterThan(2);
  for (const { row, bytes } of rows) {
    expect(bytes).toBe(32);
    for (const secret of [refreshToken, accessToken, Buffer.from(refreshToken, "base64url").toString("hex")])
      expect(String(row).includes(secret)).toBe(false);
  }
});

test("RT-12: a used token from another browser is no race but a theft", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const { refreshToken } = await signIn(it);
  const next = await refreshSession(it.app, refreshToken, visitor());
  expect(await refusalOf(refreshSession(it.app, refreshToken, visitor("curl/8")))).toBe("session_gone");
  await expectGone(it, next);
});

test("RT-13: people see their sessions and end one; nobody ends another's", async () => {
  await using world = await startSignIn();
  const { it, ann } = world;
  const bob = await it.member(ann, 2, "owner");
  const [phone, laptop] = [
    await signIn(it, undefined, visitor("phone")),
    await signIn(it, undefined, visitor("laptop")),
  ];
  expect(await listSessions(ann)).toMatchObject([
    { id: laptop.caller.sessionId, userAgent: "laptop", method: "magic_link", team: { name: "Crew" } },
    { id: phone.caller.sessionId, userAgent: "phone" },
  ]);
  expect(await listSessions(bob)).toEqual([]);
  expect(await refusalOf(endSession(bob, phone.caller.sessionId))).toBe("session_unknown");
  await endSession(ann, phone.caller.sessionId);
  await expectGone(it, phone);
  expect(await refusalOf(endSession(ann, phone.caller.sessionId))).toBe("session_unknown");
  expect(await listSessions(ann)).toHaveLength(1);
});

test("refreshes of one session are limited, and another session is not held up", async () => {
  await using world = await startSignIn();
  const { it } = world;
  const [one, two] = [await signIn(it), await signIn(it)];
  const { limit } = it.app.limitRules.refresh;
  for (let count = 1; count <= limit; count++) await refreshSession(it.app, one.refreshToken, visitor());
  expect(await refusalOf(refreshSession(it.app, one.refreshToken, visitor()))).toBe("too_many_requests");
  await refreshSession(it.app, two.refreshToken, visitor());
});

/** As if every refresh so far had been made this long ago. */
async function age(it: TestApp, seconds: number): Promise<void> {
  await it.admin`UPDATE auth.refresh_tokens SET used_at = used_at - make_interval(secs => ${seconds}), first_used_at = first_used_at - make_interval(secs => ${seconds})`;
}

async function expectGone(
  it: TestApp,
  { accessToken, refreshToken }: Pick<SignedIn, "accessToken" | "refreshToken">,
) {
  expect(await refusalOf(callerOfToken(it.app, accessToken, newCorrelationId()))).toBe("session_gone");
  expect(await refusalOf(refreshSession(it.app, refreshToken ?? "", visitor()))).toBe("session_gone");
}

async function told(it: TestApp): Promise<string[]> {
  const rows = await it.admin`SELECT payload->>'text' AS text FROM pipeline.outbox`;
  return rows.map(({ text }) => /^[^.]+\./.exec(String(text))?.[0] ?? "");
}

function userOf(scope: Scope): string {
  return personOf(scope).userId;
}
