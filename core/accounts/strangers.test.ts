import { expect, test } from "bun:test";
import { createTestApp, leaseOf } from "../test-app.ts";
import { noteStranger, operatorChats } from "./strangers.ts";

const DAY_MS = 86_400_000;

test("a stranger is told no once a day and is new once, however many messages come at once", async () => {
  await using it = await createTestApp();
  const { botId } = await leaseOf(it.app);
  it.pass(DAY_MS / 2 - (it.app.clock.now() % DAY_MS)); // noon, so that no midnight comes in between
  const times = await Promise.all(Array.from({ length: 20 }, () => noteStranger(it.app, botId, 99)));
  expect(times.filter(({ tell }) => tell)).toEqual([{ tell: true, first: true }]);
  expect(await noteStranger(it.app, botId, 98)).toEqual({ tell: true, first: true });

  it.pass(DAY_MS);
  const nextDay = await Promise.all(Array.from({ length: 20 }, () => noteStranger(it.app, botId, 99)));
  expect(nextDay.filter(({ tell }) => tell)).toEqual([{ tell: true, first: false }]);
  expect(nextDay.filter(({ first }) => first)).toEqual([]);
  // A clock that was set back tells nobody again.
  it.pass(-DAY_MS);
  expect(await noteStranger(it.app, botId, 99)).toEqual({ tell: false, first: false });
});

test("alerts go to the configured chats, else to the owners of the first team, in their language", async () => {
  await using it = await createTestApp();
  expect(await operatorChats(it.app)).toEqual([]);
  const first = await it.team(1);
  await it.member(first, 2, "admin");
  await it.member(first, 3, "owner");
  await it.team(4);
  await it.admin`UPDATE auth.accounts SET locale = 'de' WHERE telegram_user_id = 1`;
  const owners = await operatorChats(it.app);
  expect(owners.toSorted((a, b) => a.chatId - b.chatId)).toEqual([
    { chatId: 1, locale: "de" },
    { chatId: 3, locale: "en" },
  ]);
  await it.admin`UPDATE app.users SET status = 'removed' WHERE org_id = ${first.orgId} AND account_id = (SELECT id FROM auth.accounts WHERE telegram_user_id = 3)`;
  expect(await operatorChats(it.app)).toEqual([{ chatId: 1, locale: "de" }]);

  const configured = it.another({ operatorChatIds: [77, -100] });
  expect(await operatorChats(configured)).toEqual([
    { chatId: 77, locale: "en" },
    { chatId: -100, locale: "en" },
  ]);
  await configured.close();
});
