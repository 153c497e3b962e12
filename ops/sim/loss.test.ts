import { expect, test } from "bun:test";
import { createTestDatabase } from "../../db/test-db.ts";
import { hashOf } from "../../core/accounts/callers.ts";
import { lossLine, measureLoss } from "./loss.ts";
import { isGivenUp, shownBy } from "./loss-tally.ts";
import { openStage, type Pace, type Stage } from "./stage.ts";
import type { SimMessage } from "./telegram/message.ts";
import { hasButton } from "./world.ts";

const TEST_MS_MAX = 120_000;
const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 20;
const SEED = 1;
const GATE = 4711;
const QUESTION = "Please tell me about q0x0";

const AT_ONCE: Pace = () => ({ words: 3, chunkMs: 0 });
// Long enough for a first frame, and for edits of it.
const SLOWLY: Pace = () => ({ words: 40, chunkMs: 150 });
const SILENT_AT_FIRST: Pace = (call) => (call === 0 ? "no headers" : { words: 3, chunkMs: 0 });
const SILENT: Pace = () => "no headers";
const IN_TWO_MESSAGES: Pace = () => ({ words: 700, chunkMs: 0 });

/** Where a killing is to happen: just before the program writes such a row. */
type Row = { readonly table: string; readonly event: "INSERT" | "UPDATE"; readonly row: string };

const FETCHED = { table: "pipeline.updates", event: "INSERT", row: "true" } as const;
const STORED = { table: "app.turns", event: "INSERT", row: "true" } as const;
const sending = (kind: string, more = "true"): Row => ({
  table: "pipeline.outbox",
  event: "UPDATE",
  row: `NEW.kind = '${kind}' AND NEW.state = 'sending' AND ${more}`,
});
const sent = (kind: string): Row => ({
  table: "pipeline.outbox",
  event: "UPDATE",
  row: `NEW.kind = '${kind}' AND NEW.state = 'sent'`,
});

test(
  "killed before a question is a turn: fetched but not stored, or stored but not begun, it is answered once and as if nothing had happened",
  async () => {
    for (const at of [FETCHED, STORED]) {
      await using killed = await killedAt(AT_ONCE, at);
      const { stage, before } = killed;
      expect(before.heard).toEqual([]);
      // Telegram has it until we have stored it, and from then on only we do.
      expect(before.pendingUpdates).toBe(at === FETCHED ? 1 : 0);
      await stage.launch().ready;
      await killed.settled();
      expect(killed.answers()).toMatchObject([{ whole: true, restarted: false, labelled: false }]);
      expect(stage.claude.requests).toHaveLength(1);
    }
  },
  TEST_MS_MAX,
);

test(
  "killed while Claude is silent, the question is asked once more, in the open; killed in mid-answer, the same message is written over",
  async () => {
    {
      await using killed = await killedWhen(SILENT_AT_FIRST, ({ claude }) => claude.requests.length === 1);
      expect(killed.before.heard).toEqual([]);
      await killed.stage.launch().ready;
      await killed.settled();
      expect(killed.answers()).toMatchObject([{ whole: true, restarted: true, labelled: false }]);
      expect(killed.stage.claude.requests).toHaveLength(2);
    }
    await using killed = await killedWhen(SLOWLY, (_stage, [frame]) => frame?.editDate != null);
    const [frame] = killed.before.heard;
    expect(frame !== undefined && hasButton(frame, "Stop")).toBe(true);
    await killed.stage.launch().ready;
    await killed.settled();
    expect(killed.answers()).toMatchObject([{ whole: true, restarted: true, labelled: false }]);
    expect(killed.heard().map(({ messageId }) => messageId)).toEqual([frame?.messageId ?? 0]);
    expect(killed.stage.claude.requests).toHaveLength(2);
  },
  TEST_MS_MAX,
);

test(
  "killed between a first frame and the note of it, the answer begins anew, and the orphan's Stop button says where it goes on",
  async () => {
    await using killed = await killedAt(SLOWLY, sent("open"));
    const { stage } = killed;
    expect(killed.before.heard).toHaveLength(1);
    await stage.launch().ready;
    await killed.settled();
    expect(killed.answers()).toMatchObject([
      { growing: true, partial: true, restarted: false },
      { growing: false, whole: true, restarted: true, labelled: false },
    ]);
    const [orphan] = killed.heard();
    const data = orphan?.buttons.flat()[0]?.data ?? "";
    const press = stage.telegram.press({ from: killed.person, messageId: orphan?.messageId ?? 0, data });
    const answer = await stage.telegram.waitFor(() => stage.telegram.callbackAnswer(press));
    expect(answer.text).toContain("goes on in a message below");
  },
  TEST_MS_MAX,
);

test(
  "killed when the answer is stored but not shown, it is shown once, without a word about it, be it one message, an edit or two messages",
  async () => {
    for (const [pace, at] of [
      [AT_ONCE, sending("final")],
      [SLOWLY, sending("final")],
      [IN_TWO_MESSAGES, sending("final", "NEW.part = 1")],
    ] as const) {
      await using killed = await killedAt(pace, at);
      await killed.stage.launch().ready;
      await killed.settled();
      expect(textOf(killed.heard())).toBe([...killed.stage.sent.values()].join());
      expect(killed.heard()).toHaveLength(pace === IN_TWO_MESSAGES ? 2 : 1);
      expect(killed.stage.claude.requests).toHaveLength(1);
    }
  },
  TEST_MS_MAX,
);

test(
  "killed between an answer's last call and the note of it, a new message comes once more with a label, an edit without",
  async () => {
    {
      await using killed = await killedAt(AT_ONCE, sent("final"));
      expect(killed.before.heard).toHaveLength(1);
      const gate = await closeGate(killed.stage, sent("final"));
      expect(await killed.again(gate.isReached)).toHaveLength(2);
      await gate.open();
      await killed.stage.launch().ready;
      await killed.settled();
      expect(killed.answers()).toMatchObject([
        { whole: true, labelled: false },
        { whole: true, labelled: true, restarted: false },
        { whole: true, labelled: true, restarted: false },
      ]);
      expect(killed.stage.claude.requests).toHaveLength(1);
    }
    {
      await using killed = await killedAt(SLOWLY, sent("final"));
      expect(killed.answers()).toMatchObject([{ whole: true, growing: false }]);
      await killed.stage.launch().ready;
      await killed.settled();
      expect(killed.answers()).toMatchObject([{ whole: true, labelled: false, restarted: false }]);
      expect(killed.stage.claude.requests).toHaveLength(1);
    }
    // The connection breaks after the message went out, and then we die before it is sent once more.
    await using killed = await killedWhen(
      AT_ONCE,
      async ({ sql }) =>
        (await sql`SELECT FROM pipeline.outbox WHERE state = 'queued' AND maybe_sent > 0`).length > 0,
      (stage) => stage.telegram.fault({ method: "sendMessage", kind: "reset_after", times: 1 }),
    );
    expect(killed.before.heard).toHaveLength(1);
    await killed.stage.launch().ready;
    await killed.settled();
    expect(killed.answers()).toMatchObject([
      { whole: true, labelled: false },
      { whole: true, labelled: true },
    ]);
  },
  TEST_MS_MAX,
);

test(
  "killed while it says that it gives up after two restarts, it says so once more: nothing else tells of the question",
  async () => {
    await using killed = await killedWhen(SILENT, ({ claude }) => claude.requests.length === 1);
    const { stage } = killed;
    await killed.again(() => stage.claude.requests.length === 2);
    stage.telegram.fault({ method: "sendMessage", kind: "hang", times: 1 });
    const heard = await killed.again(
      async () => (await stage.sql`SELECT FROM pipeline.outbox WHERE state = 'sending'`).length > 0,
    );
    expect(heard).toEqual([]);
    stage.telegram.clearFaults(); // it may have died before its call arrived
    await stage.launch().ready;
    await killed.settled();
    const [notice, ...more] = killed.heard();
    expect(more).toEqual([]);
    expect(notice !== undefined && isGivenUp(notice) && hasButton(notice, "Retry")).toBe(true);
    expect(stage.claude.requests).toHaveLength(2);
  },
  TEST_MS_MAX,
);

test(
  "killed while messages wait for what their chat may be told, they come once, and without a label: none of them had been sent",
  async () => {
    const replies = 3;
    await using killed = await killedWhen(
      AT_ONCE,
      async ({ sql }, heard) => {
        const [turn] = await sql`SELECT FROM app.turns WHERE status = 'answered'`;
        return turn !== undefined && heard.length >= replies - 1 && heard.length <= replies;
      },
      ({ telegram }, person) => {
        for (let n = 0; n < replies; n += 1) telegram.say({ from: person, text: "/help" });
      },
    );
    await killed.stage.launch().ready;
    await killed.settled();
    expect(killed.heard()).toHaveLength(replies + 1);
    // A slow machine may handle the last command when the answer is there already.
    const answers = killed.answers().filter((answer) => answer !== null);
    expect(answers).toMatchObject([{ whole: true, labelled: false }]);
    expect(textOf(killed.heard())).not.toContain("(may be a repeat)");
  },
  TEST_MS_MAX,
);

test(
  "killed around a command's change and its reply, the change is there once; a reply that may not have arrived comes again with a label",
  async () => {
    const uncommitted = { table: "pipeline.outbox", event: "INSERT", row: "NEW.kind = 'notice'" } as const;
    for (const at of [uncommitted, sending("notice"), sent("notice")]) {
      await using killed = await killedAt(AT_ONCE, at, "/invite");
      const { stage, before } = killed;
      expect(before.heard).toHaveLength(at.row.includes("'sent'") ? 1 : 0);
      expect(await stage.sql`SELECT FROM app.invites`).toHaveLength(at === uncommitted ? 0 : 1);
      await stage.launch().ready;
      await killed.settled();
      const replies = killed.heard().map(({ text }) => text);
      const [, token = ""] = /start=i_(\S+)/.exec(replies[0] ?? "") ?? [];
      const labelled = replies.map((text) => text.endsWith("(may be a repeat)"));
      expect(labelled).toEqual(before.heard.length > 0 ? [false, true] : [false]);
      expect(replies.every((text) => text.includes(token))).toBe(true);
      expect([...(await stage.sql`SELECT token_hash FROM app.invites`)]).toEqual([
        { token_hash: Buffer.from(hashOf(token)) },
      ]);
    }
  },
  TEST_MS_MAX,
);

test(
  "under load and killed again and again, no question is lost, none is answered twice without a label, and each answer is what Claude sent",
  async () => {
    await using database = await createTestDatabase();
    const report = await measureLoss(database, { chats: 20, questionsPerChat: 3, kills: 5, seed: SEED });
    process.stdout.write(`${lossLine(report)}\n`);
    expect(report).toMatchObject({
      lost: [],
      repeatsUnlabelled: [],
      damaged: [],
      owed: 0,
      exitCode: 0,
      traces: [],
    });
    expect(report.partials).toBeLessThanOrEqual(report.retries); // each was given up in the open
  },
  TEST_MS_MAX,
);

/** A question, or a command, at which the program was killed. */
type Killed = {
  readonly stage: Stage;
  readonly person: number;
  /** As it stood when the program was dead. */
  readonly before: { heard: readonly SimMessage[]; pendingUpdates: number };
  /** What the bot has written since the question. */
  heard(): SimMessage[];
  answers(): ReturnType<typeof shownBy>[];
  /** Starts the program, kills it at the next moment, and returns what stands in the chat then. */
  again(reached: () => boolean | Promise<boolean>): Promise<SimMessage[]>;
  /** Resolves when nothing is owed any more. */
  settled(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

async function killedAt(pace: Pace, at: Row, text = QUESTION): Promise<Killed> {
  let gate: Gate | null = null;
  return killedWhen(
    pace,
    () => gate?.isReached() ?? false,
    async (stage) => void (gate = await closeGate(stage, at)),
    { text, dead: async () => gate?.open() },
  );
}

async function killedWhen(
  pace: Pace,
  reached: (stage: Stage, heard: readonly SimMessage[]) => boolean | Promise<boolean>,
  prepare: (stage: Stage, person: number) => unknown = () => undefined,
  { text = QUESTION, dead = async (): Promise<unknown> => undefined } = {},
): Promise<Killed> {
  await using cleanup = new AsyncDisposableStack();
  const database = cleanup.use(await createTestDatabase());
  const stage = cleanup.use(await openStage(database));
  stage.answer(pace);
  await stage.launch().ready;
  const [person = 0] = await stage.gather(1);
  const eventually = eventuallyOn(stage);
  await eventually("all said", () => isSettled(stage));
  const known = stage.heard(person).length;
  const heard = () => stage.heard(person).slice(known);
  await prepare(stage, person);
  stage.telegram.say({ from: person, text });
  await eventually("the moment", () => reached(stage, heard()));
  await stage.kill();
  const before = { heard: heard(), pendingUpdates: stage.telegram.pendingUpdates() };
  await dead();
  const owned = cleanup.move();
  return {
    stage,
    person,
    before,
    heard,
    answers: () => heard().map((message) => shownBy(message, stage.sent)),
    async again(reached) {
      stage.launch();
      await eventually("the moment", reached);
      await stage.kill();
      return heard();
    },
    settled: () => eventually("nothing owed", () => isSettled(stage)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Gate = { isReached(): Promise<boolean>; open(): Promise<void> };

/** Holds up every transaction that is about to write such a row, until it is opened. */
async function closeGate({ sql }: Stage, { table, event, row }: Row): Promise<Gate> {
  const keeper = await sql.reserve();
  await keeper.unsafe(`CREATE OR REPLACE FUNCTION public.pass() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared(${GATE}); RETURN NEW; END $$`);
  await keeper.unsafe(`CREATE OR REPLACE TRIGGER pass BEFORE ${event} ON ${table}
    FOR EACH ROW WHEN (${row}) EXECUTE FUNCTION public.pass()`);
  await keeper`SELECT pg_advisory_lock(${GATE})`;
  return {
    async isReached() {
      const waiting = await sql`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
      return waiting.length > 0;
    },
    async open() {
      // What waits here is of a dead process; its statement is not to be run after all.
      await sql`SELECT pg_terminate_backend(pid, ${PATIENCE_MS}) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
      await keeper`SELECT pg_advisory_unlock(${GATE})`;
      keeper.release();
    },
  };
}

async function isSettled({ sql, telegram }: Stage): Promise<boolean> {
  if (telegram.pendingUpdates() > 0) return false;
  const owed = await sql`SELECT FROM pipeline.updates WHERE state <> 'done'
    UNION ALL SELECT FROM app.turns WHERE status = 'running'
    UNION ALL SELECT FROM pipeline.outbox WHERE state IN ('queued', 'sending')`;
  return owed.length === 0;
}

/** The words of several messages as one line. */
function textOf(messages: readonly SimMessage[]): string {
  return messages.map(({ text }) => text).join(" ");
}

function eventuallyOn(stage: Stage) {
  return async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
    for (const startedAt = performance.now(); !(await holds()); await Bun.sleep(LOOK_EVERY_MS))
      if (performance.now() - startedAt > PATIENCE_MS)
        throw new Error(`${what}: waited in vain. The program's last words: ${stage.lastWords()}`);
  };
}
