import { expect, test } from "bun:test";
import { createClaudeSim } from "../../ops/sim/claude/server.ts";
import type { ClaudeScript } from "../../ops/sim/claude/script.ts";
import type { Lease } from "../pipeline/lease.ts";
import type { Scope } from "../scope.ts";
import { createTestApp, leaseOf, testSettings, type TestApp } from "../test-app.ts";
import { startConversation } from "./conversations.ts";
import { mayNeedSummary, summarise } from "./summary.ts";
import { answered, ask, askAndEnd, PRIVATE } from "./test-conversation.ts";
import type { Outcome, Turn } from "./turns.ts";

const SUMMARY = "Ada wants the report on Friday.";
const TURNS = 12;
const OPEN = { botName: "Bot", signal: new AbortController().signal };

/** An app that asks a Claude of this script, and its journal. */
async function start(script: ClaudeScript = () => ({ text: SUMMARY }), budgetRules = {}) {
  const claude = await createClaudeSim({ script });
  const rules = { ...testSettings("").budgetRules, ...budgetRules };
  const it = await createTestApp({
    budgetRules: rules,
    claude: { ...testSettings("").claude, apiKey: "a-key-for-the-simulator", baseUrl: claude.url },
  });
  return {
    it,
    claude,
    async [Symbol.asyncDispose]() {
      await it[Symbol.asyncDispose]();
      await claude.stop();
      expect(claude.violations).toEqual([]);
    },
  };
}

/** Twelve turns of about 2 000 tokens each, and the last of them. */
async function longConversation(scope: Scope, lease: Lease, it: TestApp): Promise<Turn> {
  let last: Turn | null = null;
  for (let id = 1; id <= TURNS; id++)
    last = await askAndEnd(scope, lease, id, {
      text: `question ${id}`,
      outcome: answered(`answer ${id} `.padEnd(6_000, ".")),
    });
  await it.admin`UPDATE app.turns SET input_tokens = 1000, prompt_bytes = 3000`;
  if (last === null) throw new Error("nobody asked anything");
  return last;
}

async function rowsOf(it: TestApp) {
  const audits =
    await it.admin`SELECT actor_id, outcome, model FROM app.audit_log WHERE action = 'conversation.summarise' ORDER BY seq`;
  const quotas =
    await it.admin`SELECT resource, used::int FROM app.quotas WHERE resource LIKE 'claude.microusd%' ORDER BY resource`;
  return { audits: [...audits], quotas: quotas.map(({ used }) => Number(used)) };
}

const firstTexts = (turn: Turn) => turn.history.messages.map((message) => message.text.slice(0, 60).trim());

test("a long conversation goes on with a summary and its newest turns, paid by the team alone and audited without a word of it", async () => {
  await using world = await start();
  const { it, claude } = world;
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const turn = await longConversation(scope, lease, it);
  const [, member] = (await rowsOf(it)).quotas;
  await summarise(scope, turn, OPEN);

  const [request] = claude.requests;
  const said = JSON.stringify(request?.messages);
  expect(said).toContain("question 8");
  expect(said).not.toContain("question 9");
  expect(request?.messages.at(-1)).toMatchObject({
    role: "user",
    content: [{ text: expect.stringContaining("Write a summary") }],
  });

  const next = await ask(scope, lease, 50);
  expect(firstTexts(next)[0]).toBe(`<conversation_summary>\n${SUMMARY}\n</con`);
  expect(next.history.messages).toHaveLength(1 + 2 * 4);
  expect(firstTexts(next)[1]).toBe("question 9");
  const { audits, quotas } = await rowsOf(it);
  expect(audits).toEqual([{ actor_id: "summary", outcome: "ok", model: "claude-sonnet-5-5" }]);
  expect(JSON.stringify(await it.admin`SELECT * FROM app.audit_log`)).not.toContain("report");
  // What the running turn has reserved is the same in both.
  expect((quotas[0] ?? 0) - (quotas[1] ?? 0)).toBeGreaterThan(1_000);
  expect(member).toBe(300 * TURNS);

  // It is short now: nothing more is asked.
  await summarise(scope, next, OPEN);
  expect(claude.requests).toHaveLength(1);
});

test("the next summary is made of the last one and what came after it", async () => {
  await using world = await start((_request, { index }) => ({ text: `summary ${index}` }));
  const { it, claude } = world;
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  await summarise(scope, await longConversation(scope, lease, it), OPEN);
  for (let id = 50; id < 56; id++)
    await askAndEnd(scope, lease, id, { text: `question ${id}`, outcome: answered("z".repeat(6_000)) });
  const last = await askAndEnd(scope, lease, 60);
  await it.admin`UPDATE app.turns SET input_tokens = 1000, prompt_bytes = 3000`;
  await summarise(scope, last, OPEN);
  const said = JSON.stringify(claude.requests[1]?.messages);
  expect(said).toContain("summary 0");
  expect(said).toContain("question 9");
  expect(said).not.toContain("question 8");
  const { history } = await ask(scope, lease, 61);
  expect(history.messages[0]?.text).toContain("summary 1");
});

test("a summary that fails changes nothing, costs nothing, and is tried again after the next turn", async () => {
  await using world = await start((_request, { index }) =>
    index === 0 ? { status: 529 } : { text: SUMMARY },
  );
  const { it, claude } = world;
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const turn = await longConversation(scope, lease, it);
  const before = (await ask(scope, lease, 50)).history;
  await summarise(scope, turn, OPEN);
  expect((await ask(scope, lease, 51)).history).toEqual(before);
  expect((await rowsOf(it)).audits).toEqual([
    { actor_id: "summary", outcome: "overloaded", model: "claude-sonnet-5-5" },
  ]);
  expect(await it.admin`SELECT FROM app.reservations WHERE user_id IS NULL`).toHaveLength(0);
  await summarise(scope, turn, OPEN);
  expect((await ask(scope, lease, 52)).history.messages[0]?.text).toContain(SUMMARY);
  expect(claude.requests).toHaveLength(2);
});

test("one conversation is summarised by one call at a time, and a dead process does not keep it from that for long", async () => {
  await using world = await start(() => ({ text: SUMMARY, chunkChars: 5, chunkMs: 20 }));
  const { it, claude } = world;
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const turn = await longConversation(scope, lease, it);
  const [conversation] = await it.admin`SELECT id FROM app.conversations`;
  const reserveAs = (
    minutes: number,
  ) => it.admin`INSERT INTO app.reservations (org_id, id, period, microusd, tokens, reserved_at)
    VALUES (${scope.orgId}, ${conversation?.["id"]}, date_trunc('month', now() AT TIME ZONE 'UTC'), 0, 0, now() - make_interval(mins => ${minutes}))`;
  await reserveAs(9);
  await summarise(scope, turn, OPEN);
  expect(claude.requests).toHaveLength(0);
  await it.admin`DELETE FROM app.reservations`;
  await reserveAs(11);
  const both = await Promise.allSettled([summarise(scope, turn, OPEN), summarise(scope, turn, OPEN)]);
  expect(both.some(({ status }) => status === "fulfilled")).toBe(true);
  expect(claude.requests).toHaveLength(1);
  expect(await it.admin`SELECT FROM app.reservations`).toHaveLength(0);
  expect((await ask(scope, lease, 50)).history.messages[0]?.text).toContain(SUMMARY);
});

test("a conversation that was ended meanwhile gets no summary, and the call is paid for all the same", async () => {
  const started = Promise.withResolvers<void>();
  await using world = await start(() => {
    started.resolve();
    return { text: SUMMARY.repeat(20), chunkChars: 40, chunkMs: 20 };
  });
  const { it } = world;
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const turn = await longConversation(scope, lease, it);
  const summary = summarise(scope, turn, OPEN);
  await started.promise;
  await startConversation(scope, lease, PRIVATE, 0);
  await summary;
  expect((await rowsOf(it)).audits).toMatchObject([{ outcome: "outdated" }]);
  expect(await it.admin`SELECT FROM app.conversations WHERE summary IS NOT NULL`).toHaveLength(0);
  const [team, member] = (await rowsOf(it)).quotas;
  expect(team).toBeGreaterThan(member ?? 0);
  expect((await ask(scope, lease, 50)).history.messages).toEqual([]);
});

test("a summary of what somebody had deleted meanwhile is not kept", async () => {
  const started = Promise.withResolvers<void>();
  await using world = await start(() => {
    started.resolve();
    return { text: SUMMARY.repeat(20), chunkChars: 40, chunkMs: 20 };
  });
  const { it } = world;
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const turn = await longConversation(scope, lease, it);
  const summary = summarise(scope, turn, OPEN);
  await started.promise;
  await it.admin`DELETE FROM app.turns WHERE id = (SELECT id FROM app.turns ORDER BY created_at OFFSET 4 LIMIT 1)`;
  await summary;
  expect((await rowsOf(it)).audits).toMatchObject([{ outcome: "outdated" }]);
  expect(await it.admin`SELECT FROM app.conversations WHERE summary IS NOT NULL`).toHaveLength(0);
});

test("without a budget, under a lost lease and for a short conversation nothing is asked", async () => {
  await using world = await start(undefined, { teamMicroUsd: 400_000 });
  const { it, claude } = world;
  const lease = await leaseOf(it.app);
  const scope = await it.team(1);
  const short = await askAndEnd(scope, lease, 90);
  await summarise(scope, short, OPEN);
  const turn = await longConversation(scope, lease, it);
  await it.admin`UPDATE app.quotas SET used = 399000, lim = 400000 WHERE resource = 'claude.microusd'`;
  await summarise(scope, turn, OPEN);
  await it.admin`UPDATE app.quotas SET used = 0`;
  await leaseOf(it.app);
  await summarise(scope, turn, OPEN);
  expect(claude.requests).toHaveLength(0);
});

test("the cheap look asks for a summary at four fifths of the budget, by Claude's own count, or of the turns", async () => {
  await using world = await start();
  const lease = await leaseOf(world.it.app);
  const turn = await ask(await world.it.team(1), lease, 1);
  const counted = (inputTokens: number): Outcome => {
    const outcome = answered("x");
    if (outcome.status !== "answered") throw new Error("not answered");
    return {
      ...outcome,
      usage: { ...outcome.usage, inputTokens, cacheReadTokens: 9_000, outputTokens: 200 },
    };
  };
  expect(mayNeedSummary(turn, counted(10_000))).toBe(false);
  expect(mayNeedSummary(turn, counted(10_001))).toBe(true);
  expect(mayNeedSummary(turn, { status: "stopped", text: "x", usage: null })).toBe(false);
  const many = {
    ...turn,
    history: {
      ...turn.history,
      messages: Array.from({ length: 160 }, () => ({ role: "user" as const, text: "x" })),
    },
  };
  expect(mayNeedSummary(many, counted(1))).toBe(true);
});
