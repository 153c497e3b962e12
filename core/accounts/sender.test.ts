import { expect, test } from "bun:test";
import { createTestApp } from "../test-app.ts";
import { resolveSender } from "./sender.ts";
import { claimGroup } from "./teams.ts";

const BOT_ID = 4711;
const GROUP = { chatId: -100, threadId: 0, kind: "supergroup", title: "Work", lane: "group" } as const;
const NOBODY = { team: null, member: null, claimed: false, locale: null, timeZone: null, pending: null };

test("a stranger and an unclaimed group belong to no team", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  expect(await resolveSender(it.app, BOT_ID, 99, 99)).toEqual(NOBODY);
  expect(await resolveSender(it.app, BOT_ID, 99, GROUP.chatId)).toEqual(NOBODY);
  // In an unclaimed group a member is known, so that an admin can claim it.
  expect(await resolveSender(it.app, BOT_ID, 1, GROUP.chatId)).toMatchObject({
    claimed: false,
    member: { role: "owner" },
    team: { orgId: owner.orgId },
  });
});

test("in a claimed group people speak for its team, and members of other teams are strangers there", async () => {
  await using it = await createTestApp();
  const [mine, theirs] = [await it.team(1, "Mine"), await it.team(2, "Theirs")];
  await claimGroup(mine, BOT_ID, GROUP);
  expect(await resolveSender(it.app, BOT_ID, 1, GROUP.chatId)).toMatchObject({
    claimed: true,
    team: { name: "Mine" },
    member: { role: "owner" },
  });
  for (const telegramUserId of [2, 99]) {
    expect(await resolveSender(it.app, BOT_ID, telegramUserId, GROUP.chatId)).toMatchObject({
      claimed: true,
      team: { name: "Mine" },
      member: null,
    });
  }
  // In both teams, they speak for the group's one, whichever they have chosen for themselves.
  await it.member(mine, 2, "member");
  expect(await resolveSender(it.app, BOT_ID, 2, GROUP.chatId)).toMatchObject({ team: { name: "Mine" } });
  expect(await resolveSender(it.app, BOT_ID, 2, 2)).toMatchObject({ team: { orgId: theirs.orgId } });
  expect((await resolveSender(it.app, BOT_ID + 1, 2, GROUP.chatId)).claimed).toBe(false);
});

test("a removal, a new role and a disabled account count from the next message on", async () => {
  await using it = await createTestApp();
  const owner = await it.team(1);
  await it.member(owner, 2, "member");
  const role = async () => (await resolveSender(it.app, BOT_ID, 2, 2)).member?.role;
  expect(await role()).toBe("member");
  await it.admin`UPDATE app.users SET role = 'admin' WHERE role = 'member'`;
  expect(await role()).toBe("admin");
  await it.admin`UPDATE auth.accounts SET status = 'disabled' WHERE telegram_user_id = 2`;
  expect(await resolveSender(it.app, BOT_ID, 2, 2)).toEqual(NOBODY);
  await it.admin`UPDATE auth.accounts SET status = 'active'`;
  await it.admin`UPDATE app.users SET status = 'removed' WHERE role = 'admin'`;
  expect(await resolveSender(it.app, BOT_ID, 2, 2)).toMatchObject({ team: null, member: null });
});
