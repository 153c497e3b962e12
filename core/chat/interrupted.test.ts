import { expect, test } from "bun:test";
import { createTestApp, leaseOf } from "../test-app.ts";
import { interruptedTurns, reopenTurn } from "./interrupted.ts";
import { answered, ask, askAndEnd, PRIVATE, REPORT } from "./test-conversation.ts";
import { finishTurn } from "./turns.ts";

const TOPIC = { chatId: -100, threadId: 5, kind: "supergroup", title: "Work", lane: "topic" } as const;

test("a start finds every turn that a dead process left running, of all teams, with who asked", async () => {
  await using it = await createTestApp();
  const dead = await leaseOf(it.app);
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  const member = await it.member(mine, 3, "member");
  await askAndEnd(mine, dead, 1);
  const first = await ask(member, dead, 2);
  const second = await ask(theirs, dead, 3, { place: { ...PRIVATE, chatId: 8, lane: "lane 8" } });
  const lease = await leaseOf(it.app);
  const found = await interruptedTurns(it.app, lease);
  expect(
    found.map(({ turnId, lane, scope }) => ({ turnId, lane, orgId: scope.orgId, actor: scope.actor })),
  ).toEqual([
    { turnId: first.id, lane: "lane 7", orgId: mine.orgId, actor: member.actor },
    { turnId: second.id, lane: "lane 8", orgId: theirs.orgId, actor: theirs.actor },
  ]);
  expect(found[0]?.scope).toMatchObject({
    team: mine.team,
    locale: "en",
    timeZone: "UTC",
    correlationId: member.correlationId,
  });
});

test("an interrupted turn is asked once more as it was, and the second attempt is the last", async () => {
  await using it = await createTestApp();
  const scope = await it.team(1);
  const first = await leaseOf(it.app);
  await askAndEnd(scope, first, 1, { place: TOPIC });
  const turn = await ask(scope, first, 2, { place: TOPIC, speaker: "Ada", replyTo: 77, files: [REPORT] });

  const second = await leaseOf(it.app);
  const again = await reopenTurn(scope, second, turn.id);
  expect(again).toEqual({
    exhausted: false,
    turn: {
      ...turn,
      lease: second,
      attempt: 2,
      history: { ...turn.history, messages: turn.history.messages },
    },
  });

  const third = await leaseOf(it.app);
  for (let times = 0; times < 2; times++) {
    expect(await reopenTurn(scope, third, turn.id)).toMatchObject({ exhausted: true, turn: { attempt: 2 } });
  }
  // The caller ends it under the attempt that it was handed.
  const last = await reopenTurn(scope, third, turn.id);
  if (last === null) throw new Error("it is still running");
  await finishTurn(
    scope,
    last.turn,
    { status: "failed", text: "", usage: null, kind: "our_bug", retryAfterSeconds: null },
    [],
  );
  expect(await reopenTurn(scope, third, turn.id)).toBeNull();
  expect(await interruptedTurns(it.app, third)).toEqual([]);
});

test("who has lost the lease takes up nothing and gives up nothing", async () => {
  await using it = await createTestApp();
  const scope = await it.team(1);
  const older = await leaseOf(it.app);
  const turn = await ask(scope, older, 1);
  const newer = await leaseOf(it.app);
  expect(await reopenTurn(scope, older, turn.id)).toBeNull();
  expect(await reopenTurn(scope, newer, turn.id)).toMatchObject({ exhausted: false, turn: { attempt: 2 } });
  expect(await reopenTurn(scope, older, turn.id)).toBeNull();
  const rows = await it.admin`SELECT action FROM app.audit_log`;
  expect([...rows]).toEqual([{ action: "turn.restart" }]);
});

test("a turn of another team or one that has ended is not taken up", async () => {
  await using it = await createTestApp();
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  const lease = await leaseOf(it.app);
  const turn = await ask(mine, lease, 1);
  expect(await reopenTurn(theirs, lease, turn.id)).toBeNull();
  expect(await reopenTurn(mine, lease, crypto.randomUUID())).toBeNull();
  await finishTurn(mine, turn, answered("done"), []);
  expect(await reopenTurn(mine, lease, turn.id)).toBeNull();
});
