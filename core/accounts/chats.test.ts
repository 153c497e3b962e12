import { expect, test } from "bun:test";
import { inSystem } from "../../db/tenant.ts";
import { beginAgainByButton } from "../chat/again.ts";
import { keyboardOf } from "../buttons.ts";
import { ask, askAndEnd, receive } from "../chat/test-conversation.ts";
import { dueItems, enqueue, type OutboxItem } from "../pipeline/outbox.ts";
import { createTestApp, leaseOf, refusalOf } from "../test-app.ts";
import { leaveChat, moveChat, returnToChat } from "./chats.ts";
import { resolveSender } from "./sender.ts";
import { claimGroup } from "./teams.ts";

const OLD = { chatId: -5, threadId: 0, kind: "group", title: "Work", lane: "old" } as const;
const NEW = { ...OLD, chatId: -100_5, kind: "supergroup", lane: "new" } as const;

function notice(botId: number, chatId: number, key: string): OutboxItem {
  return { botId, chatId, threadId: 0, kind: "notice", key, message: { text: "hello" } };
}

test("a group that becomes a supergroup keeps its team, its conversation, its buttons and what is owed to it", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  await claimGroup(mine, lease.botId, OLD);
  const turn = await askAndEnd(mine, lease, 1, { place: OLD });
  const [retry] = await keyboardOf(mine, OLD.chatId, [{ label: "Retry", kind: "retry", turnId: turn.id }]);
  await inSystem(it.app, (tx) =>
    enqueue(tx, [notice(lease.botId, OLD.chatId, "a"), notice(lease.botId, 7, "b")]),
  );
  // Telegram says it in both chats.
  await moveChat(it.app, lease.botId, OLD.chatId, NEW.chatId);
  await moveChat(it.app, lease.botId, OLD.chatId, NEW.chatId);

  const there = await resolveSender(it.app, lease.botId, 1, NEW.chatId);
  expect(there).toMatchObject({ claimed: true, team: { orgId: mine.orgId } });
  expect((await resolveSender(it.app, lease.botId, 1, OLD.chatId)).claimed).toBe(false);
  expect((await ask(mine, lease, 2, { place: NEW })).history.messages).toHaveLength(2);
  expect((await dueItems(it.app, lease)).map(({ chatId }) => chatId)).toEqual([NEW.chatId, 7]);
  await receive(mine, lease, [3], NEW);
  const again = { lease, place: NEW, updateIds: [3], asked: [], replyTo: null };
  expect(await beginAgainByButton(mine, retry?.[0]?.data ?? "", again)).toMatchObject({
    question: "question 1",
  });
  expect(await claimGroup(mine, lease.botId, NEW)).toBe("already");
  expect(await refusalOf(claimGroup(theirs, lease.botId, NEW))).toBe("group_taken");
  const moves = await it.admin`SELECT actor_type, target FROM app.audit_log WHERE action = 'group.move'`;
  expect([...moves]).toEqual([{ actor_type: "system", target: String(NEW.chatId) }]);
});

test("a group that nobody claimed moves with nothing but what is owed to it", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  await inSystem(it.app, (tx) => enqueue(tx, [notice(lease.botId, OLD.chatId, "a")]));
  await moveChat(it.app, lease.botId, OLD.chatId, NEW.chatId);
  expect((await dueItems(it.app, lease)).map(({ chatId }) => chatId)).toEqual([NEW.chatId]);
  expect([...(await it.admin`SELECT FROM app.audit_log`)]).toEqual([]);
});

test("after the bot was removed nothing more is sent there, and whoever claims the group next has it", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  await claimGroup(mine, lease.botId, OLD);
  await askAndEnd(mine, lease, 1, { place: OLD });
  await inSystem(it.app, (tx) =>
    enqueue(tx, [notice(lease.botId, OLD.chatId, "a"), notice(lease.botId, 7, "b")]),
  );
  await leaveChat(it.app, lease.botId, OLD.chatId);
  expect((await dueItems(it.app, lease)).map(({ chatId }) => chatId)).toEqual([7]);
  const given = await it.admin`SELECT state, payload FROM pipeline.outbox WHERE chat_id = ${OLD.chatId}`;
  expect([...given]).toEqual([{ state: "failed", payload: null }]);
  expect((await resolveSender(it.app, lease.botId, 1, OLD.chatId)).claimed).toBe(false);

  expect(await claimGroup(mine, lease.botId, OLD)).toBe("claimed");
  expect((await resolveSender(it.app, lease.botId, 1, OLD.chatId)).claimed).toBe(true);
  expect((await ask(mine, lease, 2, { place: OLD })).history.messages).toHaveLength(2);
  await leaveChat(it.app, lease.botId, OLD.chatId);
  expect(await claimGroup(theirs, lease.botId, OLD)).toBe("claimed");
  // What was said there is not for the next team, and the first can no longer speak there.
  expect((await ask(theirs, lease, 3, { place: OLD })).history.messages).toEqual([]);
  expect(await refusalOf(claimGroup(mine, lease.botId, OLD))).toBe("group_taken");
  const there = await resolveSender(it.app, lease.botId, 1, OLD.chatId);
  expect(there).toMatchObject({ team: { orgId: theirs.orgId }, member: null });
});

test("a group is the team's again when an admin of it brings the bot back, unless another team has it by then", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  const member = await it.member(mine, 3, "member");
  await claimGroup(mine, lease.botId, OLD);
  await leaveChat(it.app, lease.botId, OLD.chatId);
  const isClaimed = async () => (await resolveSender(it.app, lease.botId, 1, OLD.chatId)).claimed;
  expect(await returnToChat(member, lease.botId, OLD)).toBe(false);
  expect(await returnToChat(theirs, lease.botId, OLD)).toBe(false);
  expect(await isClaimed()).toBe(false);
  expect(await returnToChat(mine, lease.botId, OLD)).toBe(true);
  expect(await isClaimed()).toBe(true);
  expect(await returnToChat(mine, lease.botId, OLD)).toBe(false); // it never left
  await leaveChat(it.app, lease.botId, OLD.chatId);
  await claimGroup(theirs, lease.botId, OLD);
  expect(await returnToChat(mine, lease.botId, OLD)).toBe(false);
  const told = await it.admin`SELECT action, count(*)::int AS rows FROM app.audit_log
    WHERE action IN ('chat.leave', 'chat.return') GROUP BY 1 ORDER BY 1`;
  expect([...told]).toEqual([
    { action: "chat.leave", rows: 2 },
    { action: "chat.return", rows: 1 },
  ]);
});

test("who is blocked by a person leaves that chat in every team that they are in, once", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  await askAndEnd(mine, lease, 1);
  await askAndEnd(theirs, lease, 2);
  for (let times = 0; times < 2; times += 1) await leaveChat(it.app, lease.botId, 7);
  const left = await it.admin`SELECT status, count(*)::int AS rows FROM app.chats GROUP BY 1`;
  expect([...left]).toEqual([{ status: "inactive", rows: 2 }]);
  const told =
    await it.admin`SELECT org_id, count(*)::int AS rows FROM app.audit_log WHERE action = 'chat.leave' GROUP BY 1`;
  expect(told.map(({ rows }) => rows)).toEqual([1, 1]);
  await askAndEnd(mine, lease, 3);
  expect(await it.admin`SELECT FROM app.chats WHERE status = 'active'`).toHaveLength(1);
});
