import { expect, test } from "bun:test";
import { createSql, type Sql } from "../../db/client.ts";
import type { ClaudeFault, ClaudeReply } from "./claude/script.ts";
import { ALICE, FORUM, GROUP, startWorld, TOKEN, until, type World, type WorldSettings } from "./world.ts";

const TEST_MS_MAX = 120_000;
const SETTLED_MS_MAX = 40_000;
const AT = "@blockbot_demo_bot";
const CLAUDE_FAULTS: readonly ClaudeFault[] = [
  "reset_before_headers",
  "reset_mid_stream",
  "eof_mid_stream",
  "no_headers",
  "headers_then_silence",
  "pings_only",
  "stall_mid_stream",
  "sse_error_overloaded",
  "bad_json",
  "redirect",
  "html_200",
  "empty_content",
  "refusal",
  "unknown_stop_reason",
  "pause_turn",
  "context_window",
];
const CLAUDE_STATUSES = [400, 401, 402, 403, 404, 413, 429, 500, 503, 529];
/** Claude lets each question through, however many have failed before. */
const PATIENT: WorldSettings = {
  rateLimits: false,
  claude: {
    bounds: { headersMs: 200, firstEventMs: 200, idleMs: 200, idleAliveMs: 300, totalMs: 5_000 },
    breaker: { failuresMax: 1_000, windowMs: 1, waitMs: 1, waitMaxMs: 1, pausedMs: 1, limitedMs: 1 },
  },
};

/** Words that stand in messages only: what people say, what Claude says, and what both say in anger. */
const SAID = /heliotrope|gentian/i;

// Services repeat what they were asked, their errors name it, and a proxy shows the address with the token in it.
const replies = (telegram: () => string): ((text: string) => ClaudeReply)[] => [
  ...CLAUDE_FAULTS.map((fault) => (text: string) => ({ fault, text: `gentian ${text}`, afterChars: 12 })),
  ...CLAUDE_STATUSES.map((status) => (text: string) => ({
    status,
    message: `messages.0: "${text}" at ${telegram()}`,
  })),
  (text) => ({ text: `gentian ${text}`, stopReason: "max_tokens" }),
];

test(
  "whatever fails at Telegram, at Claude or in Postgres, the log has neither a token nor a word of what was said",
  async () => {
    let address = "";
    const scripts = replies(() => address);
    const replyTo = (text: string): ClaudeReply =>
      scripts[Number(/heliotrope(\d+)/.exec(text)?.[1])]?.(text) ?? { text: `gentian ${text}` };
    await using world = await startWorld((_request, { lastUserText }) => replyTo(lastUserText), PATIENT);
    address = `${world.telegram.url}/bot${TOKEN}/getUpdates`;
    await using sql = disposable(createSql(world.adminDatabaseUrl, { max: 2 }));
    await world.claimTeam();
    for (const chat of [GROUP, FORUM]) world.telegram.say({ from: ALICE, chat, text: `/claim${AT}` });
    await world.hears(GROUP, "now belongs to");
    await world.hears(FORUM, "now belongs to");

    await failAtClaude(world, sql.sql, scripts.length);
    await failAtTelegram(world, sql.sql, address);
    await failInPostgres(world, sql.sql);
    await world.restart();

    const lines = world.log.map((line) => JSON.stringify(line));
    for (const msg of ["polling failed", "claude call", "a handler failed", "update"])
      expect([msg, world.log.some((line) => line["msg"] === msg)]).toEqual([msg, true]);
    const secrets = [TOKEN, TOKEN.slice(TOKEN.indexOf(":") + 1), "a-key-for-the-simulator"];
    expect(
      lines.filter((line) => SAID.test(line) || secrets.some((secret) => line.includes(secret))),
    ).toEqual([]);
  },
  TEST_MS_MAX,
);

async function failAtClaude(world: World, sql: Sql, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const place = PLACES[index % PLACES.length];
    if (place !== undefined) ask(world, place, index);
    if (index % PLACES.length === PLACES.length - 1) await settled(world, sql);
  }
  await settled(world, sql);
}

async function failAtTelegram(world: World, sql: Sql, address: string): Promise<void> {
  const { telegram } = world;
  const methods = ["getUpdates", "sendMessage", "editMessageText", "sendChatAction", "answerCallbackQuery"];
  for (const method of methods) {
    for (const kind of ["reset_after", "truncate"] as const) telegram.fault({ method, times: 1, kind });
    // Each refused poll is waited for longer than the one before.
    for (const errorCode of method === "getUpdates" ? [429] : [400, 429, 502]) {
      const description = `Bad Request: "heliotrope" at ${address}`;
      telegram.fault({ method, times: 1, kind: "error", errorCode, description, retryAfter: 1 });
    }
  }
  for (const place of PLACES) ask(world, place, 1_000);
  const from = { id: ALICE, is_bot: false, first_name: "Alice" };
  telegram.inject({ callback_query: { id: "1", from, chat_instance: "1", data: "heliotrope" } });
  telegram.inject({ message: { text: "heliotrope", from: 1, chat: { id: "heliotrope" } } });
  await settled(world, sql);
  telegram.clearFaults();
}

async function failInPostgres(world: World, sql: Sql): Promise<void> {
  await sql`REVOKE INSERT ON app.turns FROM blockbot_app`;
  for (const place of PLACES) ask(world, place, 1_001);
  await until(() => world.log.filter(({ msg }) => msg === "a handler failed").length >= PLACES.length);
  await sql`GRANT INSERT ON app.turns TO blockbot_app`;
  await settled(world, sql);
  for (const place of PLACES) ask(world, place, 1_002);
  for (let i = 0; i < 5; i += 1) {
    await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND usename = 'blockbot_app'`;
    await Bun.sleep(20);
  }
}

type Where = { readonly from: number; readonly chat: number; readonly threadId?: number };

const PLACES: readonly Where[] = [
  { from: ALICE, chat: ALICE },
  { from: ALICE, chat: GROUP },
  { from: ALICE, chat: FORUM },
];

function ask({ telegram }: World, { from, chat }: Where, index: number): void {
  telegram.say({ from, chat, text: `${chat > 0 ? "" : `${AT} `}heliotrope${index}, please` });
}

/** Everything that was said has been handled, and whatever is to be said about it has been. */
async function settled({ telegram }: World, sql: Sql): Promise<void> {
  for (
    const startedAt = performance.now();
    performance.now() - startedAt < SETTLED_MS_MAX;
    await Bun.sleep(20)
  ) {
    if (telegram.pendingUpdates() > 0) continue;
    const owed = await sql`SELECT FROM pipeline.updates WHERE state = 'ready'
      UNION ALL SELECT FROM app.turns WHERE status = 'running'
      UNION ALL SELECT FROM pipeline.outbox WHERE state IN ('queued', 'sending')`;
    if (owed.length === 0) return;
  }
  throw new Error("something is still owed");
}

function disposable(sql: Sql) {
  return { sql, [Symbol.asyncDispose]: () => sql.end() };
}
