import { expect, test } from "bun:test";
import { type Failure, FAILURES, PARTIAL } from "./claude-failures.ts";
import { ALERTS, SENTENCES } from "./failure-sentences.ts";
import type { ClaudeReply, ClaudeScript } from "./claude/script.ts";
import type { SimMessage } from "./telegram/message.ts";
import { ALICE, BOB, hasButton, startWorld, until, type World, type WorldSettings } from "./world.ts";

const DORA = 1004;
const RITA = 1005;
/** One person for each language; Alice owns the team, so she is told of outages too. */
const PEOPLE = [
  { id: ALICE, retry: "Retry", anew: "New chat", reference: "Reference" },
  { id: DORA, retry: "Erneut fragen", anew: "Neues Gespräch", reference: "Referenz" },
  { id: RITA, retry: "Повторить", anew: "Новый разговор", reference: "Код:" },
] as const;
type Who = (typeof PEOPLE)[number];

const PAUSE_MS = 250;
// Together they take a fifth of it on a machine that does nothing else.
const PATIENCE_MS = 120_000;
/** What takes minutes in life, in tenths of seconds; nothing probes by itself and no question is offered. */
const SETTINGS: WorldSettings = {
  rateLimits: false,
  claude: {
    bounds: { headersMs: 800, firstEventMs: 800, idleMs: 800, idleAliveMs: 900 },
    breaker: { waitMs: PAUSE_MS, waitMaxMs: PAUSE_MS, pausedMs: PAUSE_MS },
  },
  monitor: { tickMs: 20, probeMs: 600_000, doubtMs: 600_000, blipMs: 50, repeatMs: 1, offerMs: 600_000 },
};

const LINE_KEYS =
  "correlationId orgId chatRef userRef action attempt modelAsked modelServed requestId credential credentialKind effort promptHash conversationWarm usage cost firstTextMs totalMs stopReason breaker error";

type Line = {
  correlationId: string;
  attempt: number;
  breaker: string;
  error: Record<string, unknown> | null;
};

const callsIn = (world: World): Line[] =>
  world.log.filter((line) => line["msg"] === "claude call") as unknown as Line[]; // safe: the message has this line alone

const isAlert = ({ text }: SimMessage) =>
  /^(?:Claude does not answer|Claude answers again|An answer of Claude's|Claude refused a request)/.test(
    text,
  );

async function startCast(script: ClaudeScript, settings = SETTINGS): Promise<World> {
  const world = await startWorld(script, settings);
  await world.claimTeam();
  world.telegram.addPerson({ id: DORA, firstName: "Dora", username: "dora", languageCode: "de" });
  world.telegram.addPerson({ id: RITA, firstName: "Rita", username: "rita", languageCode: "ru" });
  for (const [person, welcome] of [
    [BOB, "Welcome"],
    [DORA, "Willkommen"],
    [RITA, "Добро пожаловать"],
  ] as const) {
    const before = world.heard(ALICE).length;
    world.telegram.say({ from: ALICE, text: "/invite" });
    const link = /start=(\S+)/;
    const invite = await world.telegram.waitFor(() =>
      world
        .heard(ALICE)
        .slice(before)
        .find(({ text }) => link.test(text)),
    );
    world.telegram.say({ from: person, text: `/start ${link.exec(invite.text)?.[1] ?? ""}` });
    await world.hears(person, welcome);
  }
  return world;
}

for (const [what, failures] of Object.entries(FAILURES)) {
  test.concurrent(
    `${what}: one call each, one sentence, one line, the right alert, and Retry`,
    async () => {
      let reply: Failure["reply"] = HEALTHY;
      await using world = await startCast((_request, { lastUserText }) => {
        const text = `Echo: ${lastUserText}`;
        if (lastUserText.startsWith("slow")) return { text, chunkChars: 4, chunkMs: 15 };
        return reply === HEALTHY || typeof reply === "string" ? { text } : reply;
      });
      const alerts: string[] = [];
      for (const [n, failure] of failures.entries()) {
        reply = failure.reply;
        alerts.push(...(await meet(world, failure, n)));
        reply = HEALTHY;
        if (failure.reply === "offline") await world.claude.goOnline();
        await mend(world, failure, n);
        if (ALERTS[failure.kind] !== undefined && failure.breaker !== "passes")
          alerts.push("Claude answers again");
        await until(() => world.heard(ALICE).filter(isAlert).length >= alerts.length);
      }
      const heard = world.heard(ALICE).filter(isAlert);
      expect(heard.map(({ text }) => alerts.find((part) => text.includes(part)))).toEqual(alerts);
    },
    PATIENCE_MS,
  );
}

const HEALTHY = { text: "" };

/** Three people ask into a failure that counts, one into any other. */
const askersOf = ({ breaker }: Failure, n: number): readonly Who[] =>
  breaker === "counts" ? PEOPLE : [PEOPLE[n % PEOPLE.length] ?? PEOPLE[0]];

/** Returns the alert that it was worth. */
async function meet(world: World, failure: Failure, n: number): Promise<string[]> {
  const asking = askersOf(failure, n);
  const [requests, lines] = [world.claude.requests.length, callsIn(world).length];
  const isReached = typeof failure.reply !== "string";
  const isAnswered = isReached && failure.breaker !== "opens";
  if (failure.reply === "offline") await world.claude.goOffline();
  if (isAnswered) {
    world.telegram.say({ from: BOB, text: `slow ${n}` });
    // Begun before the others, so that it neither counts among them nor finds the breaker open.
    if (failure.breaker === "counts") await until(() => world.claude.requests.length > requests);
  }
  for (const { id } of asking) world.telegram.say({ from: id, text: `number ${n}` });
  for (const who of asking) await sorry(world, who, failure);

  // Others are answered meanwhile, and commands work in any case.
  if (isAnswered) await world.hears(BOB, `Echo: slow ${n}`);
  await expectStatus(world, failure);
  const calls = callsIn(world)
    .slice(lines)
    .filter(({ error }) => error !== null);
  const found = calls.map(({ attempt, error }) => ({ attempt, error }));
  expect({ what: failure.what, found }).toMatchObject({
    found: asking.map(() => ({ attempt: 1, error: { kind: failure.kind, ...failure.log } })),
  });
  expect(calls.map(({ breaker }) => breaker).sort()).toEqual(
    { counts: ["closed", "closed", "open"], opens: ["open"], passes: ["closed"] }[failure.breaker],
  );
  expect(world.claude.requests.length - requests).toBe(isReached ? asking.length + (isAnswered ? 1 : 0) : 0);
  expect(Object.keys(calls[0] ?? {})).toEqual(expect.arrayContaining(LINE_KEYS.split(" ")));

  const alert = ALERTS[failure.kind];
  if (alert === undefined) return [];
  await until(() => world.heard(ALICE).filter(isAlert).at(-1)?.text.includes(alert) === true);
  return [alert];
}

/** The sentence in the person's language, with the reference of the log line, and the partial text above it. */
async function sorry(world: World, who: Who, { kind, reply, what }: Failure): Promise<void> {
  const message = await world.telegram.waitFor(
    () => world.heard(who.id).findLast((found) => hasButton(found, who.retry) || hasButton(found, who.anew)),
    20_000,
  );
  const code = /\(\S+ ([^\s)]+)\)/.exec(message.text)?.[1] ?? "";
  const line = callsIn(world).find(({ correlationId }) => correlationId === code);
  expect({ what, kind: line?.error?.["kind"] }).toEqual({ what, kind });
  const sentence = SENTENCES[kind]?.[PEOPLE.indexOf(who)] ?? "";
  const isPartial = typeof reply === "object" && "fault" in reply && reply.text !== undefined;
  const shown = `${isPartial ? `${PARTIAL}\n\n` : ""}${sentence} (${who.reference} ${code})`;
  // Whether an outage is known by then depends on who came last.
  expect([shown, `${shown} ${KEPT[PEOPLE.indexOf(who)]}`]).toContain(message.text);
}

const KEPT = [
  "I will also ask you here when Claude is back.",
  "Ich melde mich auch hier, sobald Claude wieder da ist.",
  "Когда Claude вернётся, я тоже напишу сюда.",
];

async function expectStatus(world: World, { breaker, kind }: Failure): Promise<void> {
  const before = world.heard(BOB).length;
  world.telegram.say({ from: BOB, text: "/status" });
  const { text } = await world.telegram.waitFor(() =>
    world
      .heard(BOB)
      .slice(before)
      .find((message) => message.text.includes("Nothing is being answered")),
  );
  const expected = breaker === "passes" ? "Claude answers (" : (STATUS[kind] ?? "it stopped working at");
  expect({ kind, text }).toEqual({ kind, text: expect.stringContaining(expected) });
}

const STATUS: Partial<Record<Failure["kind"], string>> = {
  not_connected: "Claude is not connected yet. Everything else works.",
  auth: "The assistant is paused since",
  billing: "The assistant is paused by its operator since",
  forbidden: "our Claude account may not do this",
  model_missing: "its Claude model is not available",
  rate_limited: "Claude takes no further questions from us",
  busy: "Claude takes no further questions from us",
};

/** Claude is there again: the first press finds out, and all get their answers. */
async function mend(world: World, failure: Failure, n: number): Promise<void> {
  const { claude, claudeHealth } = world.app;
  await until(() => claudeHealth.report(claude.credential).breaker !== "open");
  const [first, ...others] = askersOf(failure, n);
  const again = async (who: Who | undefined): Promise<void> => {
    if (who === undefined) return;
    world.press(who.id, failure.kind === "too_long" ? who.anew : who.retry);
    await world.hears(who.id, `Echo: number ${n}`);
  };
  await again(first);
  await Promise.all(others.map(again));
  expect(claudeHealth.report(claude.credential)).toMatchObject({ state: "ok", breaker: "closed" });
}

test.concurrent(
  "the name, the certificate or the key is wrong: the same, and a start with the right one mends it",
  async () => {
    await using world = await startCast((_request, { lastUserText }) => ({ text: `Echo: ${lastUserText}` }));
    const { claude } = SETTINGS;
    using plain = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n") },
    });
    const wrongs: (Failure & { changed: NonNullable<WorldSettings["claude"]> })[] = [
      {
        row: 2,
        what: "a name that nobody has",
        changed: { baseUrl: "http://claude.invalid" },
        reply: "elsewhere",
        kind: "unreachable",
        breaker: "counts",
        log: { source: "connection", class: "APIConnectionError" },
      },
      {
        row: 3,
        what: "no TLS where it should be",
        changed: { baseUrl: `https://127.0.0.1:${plain.port}` },
        reply: "elsewhere",
        kind: "intercepted",
        breaker: "opens",
        log: { source: "connection", class: "APIConnectionError" },
      },
      {
        row: 30,
        what: "no key",
        changed: { apiKey: null },
        reply: "elsewhere",
        kind: "not_connected",
        breaker: "opens",
        log: { source: "credential", class: null },
      },
    ];
    for (const [n, { changed, ...failure }] of wrongs.entries()) {
      await world.restart({ claude: { ...claude, ...changed } });
      await meet(world, failure, n);
      await world.restart();
      await Bun.sleep(PAUSE_MS); // it has read of the outage, whose wait is over
      await mend(world, failure, n);
      await until(() =>
        (world.heard(ALICE).filter(isAlert).at(-1)?.text ?? "").startsWith("Claude answers again"),
      );
      expect(world.heard(ALICE).filter(isAlert)).toHaveLength(2 * (n + 1));
    }
  },
  PATIENCE_MS,
);

/** What ends an answer without failing it: what stands under the text, and the button there. */
const ENDINGS = [
  {
    reply: { text: "Cut at its limit.", stopReason: "max_tokens" },
    under: [
      "The answer reached its length limit.",
      "Die Antwort hat ihre Höchstlänge erreicht.",
      "Ответ достиг предельной длины.",
    ],
    button: ["Continue", "Fortsetzen", "Продолжить"],
    next: ["Please go on exactly", "Bitte mach genau dort weiter", "Пожалуйста, продолжите ровно"],
  },
  {
    reply: { fault: "context_window", text: "Cut at the window." },
    under: [
      "Here the conversation became too long for Claude. Press New chat, and I answer your question in a new one.",
      "Hier wurde das Gespräch für Claude zu lang. Tippe auf „Neues Gespräch“, dann beantworte ich deine Frage in einem neuen.",
      "Здесь разговор стал слишком длинным для Claude. Нажмите «Новый разговор», и я отвечу на ваш вопрос в новом.",
    ],
    button: ["New chat", "Neues Gespräch", "Новый разговор"],
    next: ["Cut at the window?", "Cut at the window?", "Cut at the window?"],
  },
] as const;

test.concurrent(
  "an answer that ends in its own way is an answer, and Stop is nobody's failure",
  async () => {
    let reply: ClaudeReply = HEALTHY;
    await using world = await startCast((_request, { lastUserText }) =>
      reply === HEALTHY ? { text: `Echo: ${lastUserText}` } : reply,
    );
    for (const ending of ENDINGS) {
      ({ reply } = ending);
      for (const { id } of PEOPLE)
        world.telegram.say({ from: id, text: ending.reply.text.replace(".", "?") });
      for (const [n, { id }] of PEOPLE.entries())
        await world.hears(id, `${ending.reply.text}\n\n${ending.under[n]}`);
      reply = HEALTHY;
      for (const [n, { id }] of PEOPLE.entries()) {
        world.press(id, ending.button[n] ?? "");
        await world.hears(id, `Echo: ${ending.next[n]}`);
      }
    }
    reply = { fault: "unknown_stop_reason", text: "Ended for a new reason." };
    world.telegram.say({ from: ALICE, text: "Why?" });
    const odd = await world.hears(ALICE, "Ended for a new reason.");
    expect(odd).toMatchObject({ text: "Ended for a new reason.", buttons: [] });
    expect(callsIn(world).filter(({ error }) => error !== null)).toEqual([]);

    // A pause before any text is gone on with, under the same reference.
    const before = callsIn(world).length;
    world.claude.setScript((_request, { index }) =>
      index === 0 ? { fault: "pause_turn" } : { text: "After a pause." },
    );
    world.telegram.say({ from: DORA, text: "Wie spät ist es?" });
    await world.hears(DORA, "After a pause.");
    const [paused, resumed] = callsIn(world).slice(before);
    expect([paused, resumed]).toMatchObject([
      { attempt: 1, stopReason: "pause_turn" },
      { attempt: 2, stopReason: "end_turn", correlationId: paused?.correlationId },
    ]);

    world.claude.setScript(() => ({ text: `${PARTIAL} `.repeat(100), chunkChars: 40, chunkMs: 20 }));
    world.telegram.say({ from: RITA, text: "Расскажи" });
    await until(() => world.heard(RITA).some((message) => hasButton(message, "Стоп")));
    world.press(RITA, "Стоп");
    const stopped = await world.telegram.waitFor(() =>
      world.heard(RITA).find(({ text }) => text.endsWith("Остановлено.")),
    );
    expect(stopped.text).toStartWith(PARTIAL);
    const { claude, claudeHealth } = world.app;
    expect(callsIn(world).at(-1)).toMatchObject({
      breaker: "closed",
      error: { kind: "stopped", source: "person" },
    });
    world.claude.setScript(() => ({ text: "Here is all of it." }));
    world.press(RITA, "Повторить");
    await world.hears(RITA, "Here is all of it.");
    expect(claudeHealth.report(claude.credential)).toMatchObject({ state: "ok", breaker: "closed" });
    expect(world.heard(ALICE).filter(isAlert)).toEqual([]);
  },
  PATIENCE_MS,
);
