import { expect, test } from "bun:test";
import { answerTurn, type Presentation } from "../../core/chat/answer.ts";
import { mayNeedSummary, summarise } from "../../core/chat/summary.ts";
import { PRIVATE, receive } from "../../core/chat/test-conversation.ts";
import { beginTurn } from "../../core/chat/turns.ts";
import type { Usage } from "../../core/claude/pricing.ts";
import { createTestApp, leaseOf, testSettings } from "../../core/test-app.ts";
import type { MessagesRequest } from "./claude/request.ts";
import type { ClaudeScript } from "./claude/script.ts";
import { createClaudeSim } from "./claude/server.ts";
import { ALICE, hasButton, startWorld, until } from "./world.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SILENT: Presentation = { show: () => undefined, close: async () => [], end: () => undefined };

/** A conversation with a Claude of this script, through everything that the product does but Telegram. */
async function start(script: ClaudeScript) {
  let passedMs = 0;
  const claude = await createClaudeSim({ script, clock: () => Date.now() + passedMs });
  const it = await createTestApp({
    claude: { ...testSettings("").claude, apiKey: "a-key-for-the-simulator", baseUrl: claude.url },
    budgetRules: { instanceMicroUsd: null, teamMicroUsd: null, memberMicroUsd: null },
  });
  const lease = await leaseOf(it.app);
  const scope = await it.team(1, "Blue Harbour");
  const given = {
    botName: "BlockBot",
    presentation: SILENT,
    fetchFile: async () => "file_gone" as const,
    signal: new AbortController().signal,
  };
  let updateId = 0;
  return {
    claude,
    scope,
    pass(ms: number) {
      passedMs += ms;
      it.pass(ms);
    },
    /** Asks, and waits for the summary too. Returns what the answer used. */
    async ask(text: string, speaker: string | null = null): Promise<Usage> {
      updateId += 1;
      await receive(scope, lease, [updateId]);
      const question = { lease, place: PRIVATE, updateIds: [updateId], asked: [], replyTo: null };
      const turn = await beginTurn(scope, { ...question, text, files: [], speaker });
      if (turn === null) throw new Error("that is a turn already");
      const outcome = await answerTurn(scope, turn, given);
      if (outcome === null || outcome.usage === null || outcome.status !== "answered")
        throw new Error(`not answered: ${JSON.stringify(outcome)}`);
      if (mayNeedSummary(turn, outcome)) await summarise(scope, turn, given);
      return outcome.usage;
    },
    async [Symbol.asyncDispose]() {
      await it[Symbol.asyncDispose]();
      await claude.stop();
    },
  };
}

const systemOf = (request: MessagesRequest) => JSON.stringify(request.system);
const textsOf = (request: MessagesRequest | undefined) =>
  (request?.messages ?? []).flatMap(({ content }) =>
    typeof content === "string"
      ? [content]
      : content.flatMap((block) => ("text" in block ? [block.text] : [])),
  );

function markersOf(request: MessagesRequest): string[] {
  const blocks = [
    ...(Array.isArray(request.system) ? request.system : []),
    ...request.messages.flatMap(({ content }) => (typeof content === "string" ? [] : content)),
  ];
  return blocks.flatMap((block) =>
    "cache_control" in block && block.cache_control ? [block.cache_control.ttl ?? "5m"] : [],
  );
}

test("in twenty-five turns over hours Claude refuses nothing, forgets nothing that matters, and finds most of it in its cache", async () => {
  const answer = "An answer of a few sentences, as they are in a chat. ".repeat(12);
  await using it = await start((_request, { index, lastUserText }) => ({
    // Replayed after a change of anything before it, this would be refused.
    thinking: `thought ${index}`,
    text: lastUserText.startsWith("Write a summary") ? "Ada is called Ada." : `${index}: ${answer}`,
  }));
  const used: Usage[] = [];
  for (let turn = 1; turn <= 25; turn++) {
    used.push(await it.ask(`Question ${turn}: ${"what about this? ".repeat(6)}`));
    it.pass(turn === 10 ? 20 * MINUTE_MS : turn === 18 ? 2 * HOUR_MS : 2 * MINUTE_MS);
  }
  expect(it.claude.violations).toEqual([]);
  const { requests } = it.claude;
  expect(new Set(requests.map(systemOf)).size).toBe(1);
  expect(JSON.stringify(requests)).not.toContain("thought");
  // The tail is marked only while the last answer is young: not for the first question, nor after a break.
  expect(requests.map((request) => markersOf(request).join()).filter((ttls) => ttls === "1h")).toHaveLength(
    3,
  );
  const sum = (pick: (usage: Usage) => number) => used.reduce((total, usage) => total + pick(usage), 0);
  const read = sum((usage) => usage.cacheReadTokens);
  const all = sum(
    (usage) =>
      usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens,
  );
  expect(read / all).toBeGreaterThan(0.7);
});

test("a conversation that has become long goes on from its summary, with everything after it word for word", async () => {
  await using it = await start((_request, { index, lastUserText }) => ({
    text: lastUserText.startsWith("Write a summary")
      ? "Ada ordered 40 boats."
      : `answer ${index} `.padEnd(9_000, "."),
  }));
  for (let turn = 1; turn <= 12; turn++) {
    await it.ask(turn === 1 ? "I am Ada and ordered 40 boats." : `Question ${turn}`);
    it.pass(MINUTE_MS);
  }
  expect(it.claude.violations).toEqual([]);
  const summaries = it.claude.requests.filter((request) =>
    textsOf(request).at(-1)?.startsWith("Write a summary"),
  );
  expect(summaries).toHaveLength(1);
  expect(textsOf(summaries[0])[0]).toBe("I am Ada and ordered 40 boats.");
  const last = textsOf(it.claude.requests.at(-1));
  expect(last[0]).toBe("<conversation_summary>\nAda ordered 40 boats.\n</conversation_summary>");
  const asked = last.filter((text) => text.startsWith("Question"));
  expect(asked.at(-1)).toBe("Question 12");
  expect(asked).toEqual(Array.from(asked, (_, i) => `Question ${12 - asked.length + 1 + i}`));
});

test("in a group each question says who asks, then and when Claude is reminded of it, and the facts of the moment come last", async () => {
  await using it = await start(() => ({ text: "Noted." }));
  await it.ask("We meet at nine.", "Ada");
  await it.ask("Make it ten.", "Bob");
  const texts = textsOf(it.claude.requests[1]);
  expect(texts.slice(0, 3)).toEqual(["Ada: We meet at nine.", "Noted.", "Bob: Make it ten."]);
  const [facts, ...more] = texts.slice(3);
  expect(more).toEqual([]);
  expect(facts).toContain('The last message was written by "Bob"');
  expect(facts).toContain("It is now ");
  expect(systemOf(it.claude.requests[1] as MessagesRequest)).not.toMatch(/Bob|20\d\d/);
});

test("a long conversation is summarised beside the chat, which goes on meanwhile", async () => {
  await using world = await startWorld(
    (_request, { lastUserText }) =>
      lastUserText.startsWith("Write a summary")
        ? { text: "Alice likes words.".padEnd(400, "."), chunkChars: 20, chunkMs: 100 }
        : { text: lastUserText.startsWith("Short") ? "Short it is." : "word ".repeat(3_200) },
    { rateLimits: false },
  );
  const { telegram, claude } = world;
  await world.claimTeam();
  const summaries = () =>
    claude.requests.filter((request) => textsOf(request).at(-1)?.startsWith("Write a summary"));
  for (let question = 1; question <= 8 && summaries().length === 0; question++) {
    telegram.say({ from: ALICE, text: `Question ${question}` });
    await until(() => world.log.filter(({ what }) => what === "ask").length === question);
  }
  expect(summaries()).toHaveLength(1);
  telegram.say({ from: ALICE, text: "Short answer, please" });
  await world.hears(ALICE, "Short it is.");
  await until(() =>
    world.log.some(({ action, stopReason }) => action === "summary" && stopReason === "end_turn"),
  );
  await until(() => claude.running === 0);
  telegram.say({ from: ALICE, text: "Short again" });
  await until(() => textsOf(claude.requests.at(-1)).includes("Short again"));
  expect(textsOf(claude.requests.at(-1))[0]).toStartWith("<conversation_summary>\nAlice likes words.");
});

test("/forget deletes on confirmation what was said, stops the answer under way and drops what waits", async () => {
  await using world = await startWorld(
    (_request, { lastUserText }) => ({
      text: `You said: ${lastUserText}. `.repeat(10),
      ...(lastUserText === "Slow, please" ? { chunkChars: 10, chunkMs: 100 } : {}),
    }),
    { rateLimits: false },
  );
  const { telegram, claude } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, text: "My PIN is 4711" });
  await world.hears(ALICE, "You said: My PIN");
  telegram.say({ from: ALICE, text: "/forget" });
  const asked = await world.hears(ALICE, "Shall I delete everything");
  world.press(ALICE, "Keep it");
  await world.hears(ALICE, "Nothing was deleted.");
  await telegram.waitFor(
    () => world.heard(ALICE).find(({ messageId }) => messageId === asked.messageId)?.buttons.length === 0,
  );

  telegram.say({ from: ALICE, text: "Slow, please" });
  await telegram.waitFor(() => world.heard(ALICE).some((message) => hasButton(message, "Stop")));
  telegram.say({ from: ALICE, text: "One that waits" });
  telegram.say({ from: ALICE, text: "/forget" });
  await telegram.waitFor(() => world.heard(ALICE).some((message) => hasButton(message, "Delete everything")));
  world.press(ALICE, "Delete everything");
  await world.hears(
    ALICE,
    "Deleted. I know nothing any more of what was said here, and dropped one waiting message.",
  );
  await world.hears(ALICE, "Stopped.");
  telegram.say({ from: ALICE, text: "What is my PIN?" });
  await world.hears(ALICE, "You said: What is my PIN?");
  expect(JSON.stringify(claude.requests.at(-1)?.messages)).not.toContain("4711");
  expect(claude.requests.map((request) => textsOf(request).at(-2))).not.toContain("One that waits");
});

test("admins tell in /settings how everybody is answered, within a limit, and take it back", async () => {
  await using world = await startWorld(() => ({ text: "As you wish." }), { rateLimits: false });
  const { telegram, claude } = world;
  await world.claimTeam();
  const ask = async (text: string): Promise<MessagesRequest> => {
    const count = claude.requests.length + 1;
    telegram.say({ from: ALICE, text });
    await until(() => claude.requests.length === count);
    await telegram.waitFor(() => world.heard(ALICE).every((message) => !hasButton(message, "Stop")));
    const request = claude.requests.at(-1);
    if (request === undefined) throw new Error("Claude was not asked");
    return request;
  };
  const plain = systemOf(await ask("Hello"));
  telegram.say({ from: ALICE, text: "/settings" });
  await world.hears(ALICE, "Your settings");
  world.press(ALICE, "How I answer “Alice's team”");
  await world.hears(ALICE, "Instructions: none");
  world.press(ALICE, "Write instructions");
  await world.hears(ALICE, "Up to 2,000 characters");
  telegram.say({ from: ALICE, text: "x".repeat(2_001) });
  await world.hears(ALICE, "That is 2,001 characters; instructions have at most 2,000.");
  telegram.say({ from: ALICE, text: "Be brief.\nNever say ASAP." });
  await world.hears(ALICE, "Instructions: Be brief.\nNever say ASAP.");
  world.press(ALICE, "Deutsch");
  await world.hears(ALICE, "Language: Deutsch");

  const first = systemOf(await ask("One"));
  expect(first).toContain("<team_instructions>\\nBe brief.\\nNever say ASAP.\\n</team_instructions>");
  expect(first).toContain("The team works in German");
  expect(systemOf(await ask("Two"))).toBe(first);
  world.press(ALICE, "Remove");
  await world.hears(ALICE, "Instructions: none");
  world.press(ALICE, "The language of the question");
  await world.hears(ALICE, "Language: that of the question");
  expect(systemOf(await ask("Three"))).toBe(plain);
});
