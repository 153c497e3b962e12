import { expect, test } from "bun:test";
import { Bot } from "grammy";
import type { Update, User } from "grammy/types";
import { createApp } from "../core/app.ts";
import type { Clock } from "../core/clock.ts";
import { createLog } from "../core/log.ts";
import { takeLease } from "../core/pipeline/lease.ts";
import { storeBatch, undone } from "../core/pipeline/updates.ts";
import { testSettings } from "../core/test-app.ts";
import { createTestDatabase } from "../db/test-db.ts";
import { conclude } from "./conclude.ts";
import type { Ctx, Front } from "./context.ts";
import { flood } from "./flood.ts";

const ME = { id: 4711, is_bot: true, first_name: "Bot", username: "block_bot" };
const ALICE = 1001;
const BOB = 1002;
const UPDATES_MAX = 60;
const WINDOW_MS = 10_000;
const PEOPLE_MAX = 10_000;

test("sixty updates of a person pass in ten seconds; the rest is ended, logged once, and costs nobody else", async () => {
  await using it = await start();
  await it.arrive(Array.from({ length: 100 }, () => said(ALICE)));
  expect(it.passed()).toEqual({ [ALICE]: UPDATES_MAX });
  await it.arrive([said(BOB), said(BOB)]);
  expect(it.passed()).toEqual({ [ALICE]: UPDATES_MAX, [BOB]: 2 });
  // Nothing is left to be handled again, neither what passed nor what was dropped.
  expect(await it.left()).toBe(0);
  expect([it.outcomes("dropped: flood"), it.floodLines()]).toEqual([40, 1]);
  expect(it.calls()).toEqual([]);

  it.pass(WINDOW_MS - 1);
  await it.arrive([said(ALICE)]);
  expect(it.passed()[ALICE]).toBe(UPDATES_MAX);
  it.pass(1);
  await it.arrive(Array.from({ length: 70 }, () => said(ALICE)));
  expect(it.passed()[ALICE]).toBe(UPDATES_MAX * 2);
  expect(it.floodLines()).toBe(2);
  // A clock that is set back shuts nobody out.
  it.pass(-3_600_000);
  await it.arrive([said(ALICE)]);
  expect(it.passed()[ALICE]).toBe(UPDATES_MAX * 2 + 1);
});

test("every button of a flood is answered, also when Telegram refuses the answer", async () => {
  await using it = await start();
  await it.arrive(Array.from({ length: UPDATES_MAX }, () => said(ALICE)));
  await it.arrive([pressed(ALICE, "one"), said(ALICE), pressed(ALICE, "refused"), pressed(ALICE, "two")]);
  while (it.calls().length < 3) await Bun.sleep(1); // nothing waits for these answers
  expect(it.calls()).toEqual([
    { method: "answerCallbackQuery", body: { callback_query_id: "one" } },
    { method: "answerCallbackQuery", body: { callback_query_id: "refused" } },
    { method: "answerCallbackQuery", body: { callback_query_id: "two" } },
  ]);
  expect(it.passed()).toEqual({ [ALICE]: UPDATES_MAX });
  expect(await it.left()).toBe(0);
});

test("endless people do not grow the process: the window that began first is forgotten first", async () => {
  await using it = await start();
  await it.arrive([said(ALICE), said(BOB)]);
  it.pass(WINDOW_MS);
  await it.arrive(Array.from({ length: UPDATES_MAX + 1 }, () => said(ALICE)));
  for (let id = 2_000; id < 2_000 + PEOPLE_MAX - 1; id += 1) await it.handle(said(id));
  await it.arrive([said(ALICE)]);
  expect(it.passed()[ALICE]).toBe(1 + UPDATES_MAX); // windows that have ended make room first
  await it.arrive([said(BOB), said(ALICE)]);
  expect(it.passed()[ALICE]).toBe(1 + UPDATES_MAX + 1);
});

test("updates of nobody pass: whoever comes next decides about them", async () => {
  await using it = await start();
  const chat = { id: -100, type: "channel" as const, title: "News" };
  const post = { channel_post: { message_id: 1, date: 0, chat, text: "new" } };
  await it.arrive(Array.from({ length: UPDATES_MAX + 5 }, () => post));
  expect(it.passed()).toEqual({ nobody: UPDATES_MAX + 5 });
});

type Arriving = Omit<Update, "update_id">;

async function start() {
  const database = await createTestDatabase();
  const telegram = startTelegram();
  const lines: Record<string, unknown>[] = [];
  const log = createLog({
    level: "debug",
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  let now = 1_000_000_000_000;
  const clock: Clock = { now: () => now, sleep: () => new Promise(() => undefined) };
  const app = createApp(testSettings(database.databaseUrl), { clock, log });
  const lease = await takeLease(app, ME);
  if ("heldBy" in lease) throw new Error("a new database has a free lease");

  const passed: Record<string, number> = {};
  const outcomes: (string | undefined)[] = [];
  let stored = false;
  const bot = new Bot<Ctx>("4711:TEST", {
    // safe: only the id and the name are read here
    botInfo: ME as unknown as Bot<Ctx>["botInfo"],
    client: { apiRoot: telegram.url },
  });
  bot.use(async (ctx, next) => {
    // safe: what the shield and the end of an update use of the front
    ctx.front = { app, lease, sender: { wake: () => undefined } } as unknown as Front;
    ctx.updateIds = stored ? [ctx.update.update_id] : [];
    ctx.note = {};
    ctx.adopted = () => undefined;
    await next();
    outcomes.push(ctx.note.outcome);
  });
  bot.use(flood({ clock, rule: app.limitRules.flood }));
  bot.use(async (ctx) => {
    const who = ctx.from?.id ?? "nobody";
    passed[who] = (passed[who] ?? 0) + 1;
    if (stored) await conclude(ctx, null);
  });

  let updateId = 0;
  const numbered = (update: Arriving): Update => ({ ...update, update_id: (updateId += 1) });
  return {
    /** Stores the updates as the inbox does, and handles one after the other. */
    async arrive(updates: readonly Arriving[]): Promise<void> {
      const batch = updates.map(numbered);
      const rows = batch.map((payload) => ({
        updateId: payload.update_id,
        lane: "a",
        control: true,
        payload,
      }));
      await storeBatch(app, lease, rows);
      stored = true;
      for (const update of batch) await bot.handleUpdate(update);
      stored = false;
    },
    /** Handles one that was never stored, for tests that need very many. */
    handle: (update: Arriving) => bot.handleUpdate(numbered(update)),
    pass: (ms: number) => void (now += ms),
    passed: () => passed,
    outcomes: (outcome: string) => outcomes.filter((other) => other === outcome).length,
    floodLines: () => lines.filter(({ msg }) => msg === "a flood begins to be dropped").length,
    left: async () => (await undone(app, lease)).control.length,
    calls: () => telegram.calls,
    async [Symbol.asyncDispose](): Promise<void> {
      await app.close();
      await telegram.server.stop(true);
      await database.drop();
    },
  };
}

/** Records every call, and refuses to answer one button. */
function startTelegram() {
  const calls: { method: string; body: Record<string, unknown> }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const body = (await request.json()) as Record<string, unknown>;
      calls.push({ method: new URL(request.url).pathname.split("/").at(-1) ?? "", body });
      return body["callback_query_id"] === "refused"
        ? Response.json(
            { ok: false, error_code: 400, description: "Bad Request: query is too old" },
            { status: 400 },
          )
        : Response.json({ ok: true, result: true });
    },
  });
  return { server, calls, url: server.url.origin };
}

const person = (id: number): User => ({ id, is_bot: false, first_name: `Person ${id}` });

function said(from: number): Arriving {
  const chat = { id: from, type: "private" as const, first_name: "Person" };
  return { message: { message_id: 1, date: 0, chat, from: person(from), text: "hello" } };
}

function pressed(from: number, id: string): Arriving {
  return { callback_query: { id, from: person(from), chat_instance: "1", data: "button" } };
}
