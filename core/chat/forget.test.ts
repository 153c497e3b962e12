import { expect, test } from "bun:test";
import { keyboardOf } from "../buttons.ts";
import { createTestApp, leaseOf, refusalOf } from "../test-app.ts";
import { startConversation } from "./conversations.ts";
import { forgetPlace } from "./forget.ts";
import { ask, askAndEnd, PRIVATE, questionOf, receive } from "./test-conversation.ts";
import { keepQuestion } from "./turns.ts";

const GROUP = { chatId: -100, threadId: 0, kind: "supergroup", title: "Room", lane: "room" } as const;
const TOPIC = { ...GROUP, threadId: 5, lane: "topic" } as const;

test("everything that was said in a place is gone, of every conversation there, and nothing of any other", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  await askAndEnd(mine, lease, 1, { text: "secret of old" });
  await startConversation(mine, lease, PRIVATE, 1);
  const turn = await askAndEnd(mine, lease, 2, { text: "secret of now" });
  await it.admin`UPDATE app.conversations SET summary = 'secret summary' WHERE closed_at IS NULL`;
  await keyboardOf(mine, PRIVATE.chatId, [{ label: "Retry", kind: "retry", turnId: turn.id }]);
  await receive(mine, lease, [3]);
  await keepQuestion(mine, questionOf(lease, 3, { text: "secret kept" }), "late");
  await askAndEnd(mine, lease, 4, { place: GROUP, text: "of the group" });
  await askAndEnd(theirs, lease, 5, { text: "of the other team" });
  await receive(mine, lease, [6, 7]);
  await receive(mine, lease, [8]); // the press

  expect(await forgetPlace(mine, lease, PRIVATE, 8)).toEqual({ turns: 3, dropped: 3 });
  const left = await it.admin`SELECT question FROM app.turns ORDER BY question`;
  expect(left.map(({ question }) => question)).toEqual(["of the group", "of the other team"]);
  for (const table of ["app.turns", "app.conversations", "app.buttons", "app.audit_log", "pipeline.updates"])
    expect(JSON.stringify(await it.admin`SELECT * FROM ${it.admin(table)}`)).not.toContain("secret");
  expect(await it.admin`SELECT FROM app.buttons`).toHaveLength(0);
  expect((await ask(mine, lease, 9)).history.messages).toEqual([]);
  expect((await ask(theirs, lease, 10)).history.messages).toHaveLength(2);
  const [audit] =
    await it.admin`SELECT target, detail FROM app.audit_log WHERE action = 'conversation.forget'`;
  expect(audit).toEqual({ target: "7/0", detail: { turns: 3, dropped: 3 } });
});

test("in a group an admin forgets for everybody, one topic at a time", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const owner = await it.team(1);
  const member = await it.member(owner, 2, "member");
  await askAndEnd(member, lease, 1, { place: GROUP });
  await askAndEnd(member, lease, 2, { place: TOPIC });
  await receive(member, lease, [3], GROUP);
  expect(await refusalOf(forgetPlace(member, lease, GROUP, 3))).toBe("not_allowed");
  expect(await forgetPlace(owner, lease, GROUP, 3)).toEqual({ turns: 1, dropped: 0 });
  expect(await forgetPlace(owner, lease, GROUP, 3)).toEqual({ turns: 0, dropped: 0 });
  expect((await ask(member, lease, 4, { place: TOPIC })).history.messages).toHaveLength(2);
});

test("a turn that still runs is deleted too, and its reservation with it", async () => {
  await using it = await createTestApp();
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  await ask(scope, lease, 1);
  await receive(scope, lease, [2]);
  expect(await forgetPlace(scope, lease, PRIVATE, 2)).toEqual({ turns: 1, dropped: 0 });
  expect(await it.admin`SELECT FROM app.reservations`).toHaveLength(0);
  const quotas = await it.admin`SELECT used::int FROM app.quotas`;
  expect(quotas.map(({ used }) => used)).toEqual([0, 0, 0, 0]);
});
