import { expect, test } from "bun:test";
import { inspect } from "node:util";
import { inTenant } from "../../db/tenant.ts";
import { createTestApp, refusalOf, type TestApp } from "../test-app.ts";
import { VaultError } from "./cipher.ts";
import { addCredential, listConnections, removeCredential, withCredential } from "./credentials.ts";

const SLACK = "xoxb-1234567890-canary-of-the-vault";
const SLACK_2 = "xoxb-0987654321-another-canary-WXYZ";
const CLICKUP = "pk_4711_CANARYOFANOTHERKIND";

const seen = async (secret: string) => secret;

async function auditOf(it: TestApp, orgId: string) {
  const rows =
    await it.admin`SELECT actor_type, actor_id, action, target, outcome, correlation_id, detail FROM app.audit_log WHERE org_id = ${orgId} ORDER BY seq`;
  return [...rows];
}

test("VA-10: a secret comes back only inside the call that uses it, and every opening is written down", async () => {
  await using it = await createTestApp();
  const team = await it.team(1);
  expect(await addCredential(team, "slack", SLACK)).toEqual({ last4: "ault", replaced: null });
  const member = await it.member(team, 2, "member");
  expect(await withCredential(member, "slack", seen)).toBe(SLACK);
  expect(await withCredential(member, "slack", async () => "no more than this")).toBe("no more than this");

  const [added, ...used] = await auditOf(it, team.orgId);
  expect(added).toMatchObject({ action: "credential.add", target: "slack", detail: { last4: "ault" } });
  expect(used).toHaveLength(2);
  const { actor } = member;
  for (const row of used)
    expect(row).toMatchObject({
      actor_type: "user",
      actor_id: actor.type === "user" ? actor.userId : null,
      action: "credential.use",
      target: "slack",
      correlation_id: member.correlationId,
    });
  expect(JSON.stringify(await auditOf(it, team.orgId))).not.toContain("canary");
  const [listed] = await listConnections(team);
  expect(listed).toMatchObject({
    service: "slack",
    kind: "api_key",
    last4: "ault",
    status: "active",
    connectedBy: "Person 1",
  });
  expect(listed?.lastUsedAt).toBeInstanceOf(Date);
  expect(JSON.stringify(listed)).not.toContain("canary");
});

test("VA-03: a sealed row that was moved, renamed or exchanged opens nowhere", async () => {
  await using it = await createTestApp();
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  await addCredential(mine, "slack", SLACK);
  await addCredential(mine, "clickup", CLICKUP);
  await addCredential(theirs, "slack", SLACK_2);
  const envelopes =
    await it.admin`SELECT org_id::text, name, envelope FROM app.credentials ORDER BY org_id = ${mine.orgId} DESC, name`;
  const envelopeOf = (orgId: string, name: string) =>
    envelopes.find((row) => row["org_id"] === orgId && row["name"] === name)?.["envelope"] as Buffer;
  const put = (envelope: Buffer, orgId: string, name: string) =>
    it.admin`UPDATE app.credentials SET envelope = ${envelope} WHERE org_id = ${orgId} AND name = ${name}`;
  const failure = (work: Promise<unknown>) => work.catch((err: unknown) => err);

  for (const [from, to] of [
    [envelopeOf(mine.orgId, "slack"), { scope: theirs, name: "slack" as const }],
    [envelopeOf(mine.orgId, "clickup"), { scope: mine, name: "slack" as const }],
  ] as const) {
    const before = envelopeOf(to.scope.orgId, to.name);
    await put(from, to.scope.orgId, to.name);
    const err = await failure(withCredential(to.scope, to.name, seen));
    expect(err).toBeInstanceOf(VaultError);
    expect(inspect(err, { depth: 10, showHidden: true })).not.toContain("canary");
    await put(before, to.scope.orgId, to.name);
  }
  // The same place under another id: what an earlier secret was sealed for.
  const old = envelopeOf(mine.orgId, "slack");
  await addCredential(mine, "slack", SLACK_2);
  await put(old, mine.orgId, "slack");
  expect(await failure(withCredential(mine, "slack", seen))).toBeInstanceOf(VaultError);
  expect(await withCredential(theirs, "slack", seen)).toBe(SLACK_2);
});

test("one credential a service: a new one replaces, also when several come at once", async () => {
  await using it = await createTestApp();
  const team = await it.team(1);
  await addCredential(team, "slack", SLACK);
  await withCredential(team, "slack", seen);
  const admin = await it.member(team, 2, "admin");
  expect(await addCredential(admin, "slack", SLACK_2)).toEqual({
    last4: "WXYZ",
    replaced: { last4: "ault" },
  });
  expect(await withCredential(team, "slack", seen)).toBe(SLACK_2);
  expect(await listConnections(team)).toMatchObject([{ last4: "WXYZ", connectedBy: "Person 2" }]);

  const many = Array.from({ length: 8 }, (_, n) => `xoxb-at-the-same-time-${n}`);
  await Promise.all(many.map((secret) => addCredential(team, "slack", secret)));
  expect(many).toContain(await withCredential(team, "slack", seen));
  expect(await it.admin`SELECT count(*)::int AS n FROM app.credentials`).toMatchObject([{ n: 1 }]);

  await removeCredential(admin, "slack");
  expect(await refusalOf(withCredential(team, "slack", seen))).toBe("not_connected");
  expect(await refusalOf(removeCredential(team, "slack"))).toBe("not_connected");
  expect(await listConnections(team)).toEqual([]);
});

test("who may connect, and what is no token, is refused with nothing changed", async () => {
  await using it = await createTestApp();
  const team = await it.team(1);
  const [admin, member] = [await it.member(team, 2, "admin"), await it.member(team, 3, "member")];
  expect(await refusalOf(addCredential(member, "slack", SLACK))).toBe("not_allowed");
  expect(await refusalOf(listConnections(member))).toBe("not_allowed");
  expect(await refusalOf(addCredential(admin, "claude", "sk-ant-api03-something-long"))).toBe("not_allowed");
  await addCredential(team, "claude", "sk-ant-api03-something-long");
  expect(await refusalOf(removeCredential(admin, "claude"))).toBe("not_allowed");
  for (const secret of [
    "",
    "xoxb",
    "xoxb-two words are none",
    "xoxb-with\nlines-in-it",
    "sk-ant-api03-other",
  ])
    expect(await refusalOf(addCredential(admin, "slack", secret))).toBe("secret_malformed");
  // Google's tokens come by its own sign-in, never as something pasted.
  expect(await refusalOf(addCredential(admin, "google", "a-very-long-google-token"))).toBe(
    "secret_malformed",
  );
  expect(await listConnections(team)).toMatchObject([{ service: "claude" }]);
});

test("a secret is never used inside a transaction: it waits for a network", async () => {
  await using it = await createTestApp();
  const team = await it.team(1);
  await addCredential(team, "slack", SLACK);
  const err = await inTenant(team, () => withCredential(team, "slack", seen)).catch(
    (thrown: unknown) => thrown,
  );
  expect(String(err)).toContain("must not wait for the network");
});

test("VA-07: neither an error of the database nor one of the vault carries a secret", async () => {
  await using it = await createTestApp();
  const team = await it.team(1);
  await addCredential(team, "slack", SLACK);
  await it.admin`UPDATE app.credentials SET envelope = set_byte(envelope, 40, get_byte(envelope, 40) # 1)`;
  const altered: unknown = await withCredential(team, "slack", seen).catch((err: unknown) => err);
  await it.admin`ALTER TABLE app.credentials DROP COLUMN last4`;
  const refused: unknown = await addCredential(team, "slack", SLACK_2).catch((err: unknown) => err);
  const wrong: unknown = await addCredential(team, "slack", `${SLACK} and a word`).catch(
    (err: unknown) => err,
  );
  for (const err of [altered, refused, wrong]) {
    expect(err).toBeInstanceOf(Error);
    const told = inspect(err, { depth: 10, showHidden: true }) + JSON.stringify(err);
    expect(told).not.toMatch(/canary|WXYZ|xoxb/);
  }
});
