import { expect, test } from "bun:test";
import { acceptInvite, createInvite } from "./accounts/invites.ts";
import { changeRole, transferOwnership } from "./accounts/members.ts";
import { claimGroup } from "./accounts/teams.ts";
import type { Scope } from "./scope.ts";
import { createTestApp, leaseOf } from "./test-app.ts";
import { addCredential, withCredential } from "./vault/credentials.ts";

const GROUP = { kind: "supergroup", chatId: -100_7, threadId: 0, lane: "a", title: "Harbour room" } as const;

function userIdOf({ actor }: Scope): string {
  if (actor.type !== "user") throw new Error("not a person");
  return actor.userId;
}

test("owners hear at once of a new group, a new admin and whoever uses a connection for the first time, not of what they did themselves", async () => {
  await using it = await createTestApp();
  const { botId } = await leaseOf(it.app);
  const [first, elsewhere] = [await it.team(1, "Blue Harbour"), await it.team(9, "Elsewhere")];
  const second = await it.member(first, 2, "owner");
  const admin = await it.member(first, 3, "admin");
  const member = await it.member(first, 4, "member");
  /** What owners were told since the last look, as `chat: text`. */
  const alerts = async () => {
    const rows =
      await it.admin`DELETE FROM pipeline.outbox WHERE idempotency_key LIKE 'alert:%' RETURNING chat_id, payload->>'text' AS text`;
    return rows.map((row) => `${row["chat_id"]}: ${row["text"]}`).toSorted();
  };

  await claimGroup(admin, botId, GROUP);
  const claimed =
    "Person 3 has tied the group “Harbour room” to “Blue Harbour”: I answer the team's members there.";
  expect(await alerts()).toEqual([`1: ${claimed}`, `2: ${claimed}`]);

  await changeRole(first, userIdOf(member), "admin");
  expect(await alerts()).toEqual(["2: Person 4 is an admin of “Blue Harbour” now."]);
  await changeRole(first, userIdOf(member), "member");
  expect(await alerts()).toEqual([]);
  const { parameter } = await createInvite(first, { role: "admin", email: null });
  const joining = { parameter, person: { id: 5, name: "Eve", locale: "en" }, correlationId: "joining000" };
  await acceptInvite(it.app, joining);
  expect(await alerts()).toEqual(["2: Eve is an admin of “Blue Harbour” now."]);

  await addCredential(first, "slack", `xoxb-${"1".repeat(12)}-${"2".repeat(12)}-${"a".repeat(24)}`);
  const use = (scope: Scope) => withCredential(scope, "slack", async () => undefined);
  await use({ ...first, actor: { type: "system", name: "claude" } });
  expect(await alerts()).toEqual([]);
  await use(first);
  expect(await alerts()).toEqual([
    "2: Person 1 has used the connection of “Blue Harbour” to Slack for the first time.",
  ]);
  await use(first);
  await use(member);
  await use(member);
  const used = "Person 4 has used the connection of “Blue Harbour” to Slack for the first time.";
  expect(await alerts()).toEqual([`1: ${used}`, `2: ${used}`]);

  await transferOwnership(second, userIdOf(member));
  expect(await alerts()).toEqual(["1: Person 4 is an owner of “Blue Harbour” now."]);
  await claimGroup(elsewhere, botId, { ...GROUP, chatId: -100_8 });
  expect(await alerts()).toEqual([]);
});
