import { isGivenUp, isPutAside, shownBy, tallyOf, type Tally } from "./loss-tally.ts";
import { traceOf } from "./loss-trace.ts";
import type { Program } from "./program.ts";
import { openStage, type Stage, type StageDatabase } from "./stage.ts";
import type { SimMessage } from "./telegram/message.ts";
import { hasButton } from "./world.ts";

export type LossPlan = {
  readonly chats: number;
  readonly questionsPerChat: number;
  readonly kills: number;
  /** Chooses the moments of the kills, who asks when, and how Claude answers. */
  readonly seed: number;
};

export type LossReport = Tally & {
  readonly plan: LossPlan;
  /** Unanswered questions at each kill. */
  readonly underWay: readonly number[];
  /** How often somebody was told to press Retry, because a question was interrupted twice or its answer may not have arrived. */
  readonly retries: number;
  /** How often somebody was told that something was put aside, and sent or pressed it again. */
  readonly putAside: number;
  /** From asking to the finished answer; of unanswered questions, nothing. */
  readonly longestWaitMs: number;
  /** From the last start of the program before the answer, when the question was older than that. */
  readonly longestAfterRestartMs: number;
  /** Updates, turns and messages that the program had not brought to an end. */
  readonly owed: number;
  readonly exitCode: number | null;
  /** What the database knows of each question that was lost. */
  readonly traces: readonly string[];
};

// A question that nobody answers for so long after the last start is counted as lost.
const PATIENCE_MS = 30_000;
const THINK_MS_MIN = 400;
const THINK_MS_MAX = 2_500;
const KILL_DELAY_MS_MAX = 2_500;
const DOWN_MS_MAX = 300;
const WORDS_MAX = 60;
const CHUNK_MS_MAX = 180;
const LOOK_EVERY_MS = 20;
// In a large run the owner hears of everybody who has joined, one a second.
const QUIET_MS_MAX = 120_000;

/**
 * Many people ask, the program is killed at random moments and started again,
 * and at the end it is counted what stands in their chats. Every second person
 * waits for an answer before the next question. A kill comes when enough has
 * been asked, so that any load is hit from its first to its last minute.
 */
export async function measureLoss(database: StageDatabase, plan: LossPlan): Promise<LossReport> {
  await using stage = await openStage(database);
  const random = randomFrom(plan.seed);
  const paces = Array.from({ length: 1_000 }, () => ({
    words: Math.floor(random() * WORDS_MAX),
    chunkMs: random() < 0.3 ? 0 : Math.floor(random() * CHUNK_MS_MAX),
  }));
  stage.answer((call) => paces[call % paces.length] ?? { words: 0, chunkMs: 0 });
  const first = stage.launch();
  await first.ready;
  // The owner only listens: their chat is busy with everybody who has joined.
  const people = (await stage.gather(plan.chats + 1)).slice(1);
  const course: Course = {
    stage,
    plan,
    starts: [performance.now()],
    asked: new Map(),
    answered: new Map(),
    retries: 0,
    putAside: 0,
  };
  const talks = people.map((person, number) => converse(course, { person, number, random }));
  const underWay = await killAtRandom(course, random);
  await Promise.all(talks);
  const owed = await owedWhenQuiet(stage);
  const exitCode = await stage.end();
  const chats = people.map((person) => stage.heard(person));
  const tally = tallyOf(chats, [...course.asked.keys()], stage.sent);
  return {
    plan,
    underWay,
    retries: course.retries,
    putAside: course.putAside,
    ...waits(course),
    owed,
    exitCode,
    ...tally,
    traces: await Promise.all(tally.lost.map((question) => traceOf(stage.sql, question))),
  };
}

/** The report in one line. */
export function lossLine(report: LossReport): string {
  const { plan } = report;
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  return [
    `seed ${plan.seed}: ${plan.kills} kills with ${report.underWay.join("/")} questions under way`,
    `${plan.chats * plan.questionsPerChat} questions in ${plan.chats} chats`,
    `${report.answered} answered, ${report.lost.length} lost`,
    `repeats ${report.repeatsLabelled} labelled (${report.labelledOnce} of them said once), ${report.repeatsUnlabelled.length} unlabelled`,
    `${report.orphans} orphans`,
    `${report.retries} asked again with Retry`,
    `${report.putAside} put aside and sent again`,
    `longest wait ${seconds(report.longestWaitMs)}, after a restart ${seconds(report.longestAfterRestartMs)}`,
  ].join("; ");
}

type Course = {
  readonly stage: Stage;
  readonly plan: LossPlan;
  /** When the program was started, each time. */
  readonly starts: number[];
  readonly asked: Map<string, number>;
  readonly answered: Map<string, number>;
  retries: number;
  putAside: number;
};

/** One person's questions. Resolves when they have been answered or given up. */
async function converse(
  course: Course,
  { person, number, random }: { person: number; number: number; random: () => number },
): Promise<void> {
  const { stage, plan, asked } = course;
  const patient = number % 2 === 0;
  const heeded = new Set<number>();
  const own: string[] = [];
  for (let index = 0; index < plan.questionsPerChat; index += 1) {
    await Bun.sleep(THINK_MS_MIN + random() * (THINK_MS_MAX - THINK_MS_MIN));
    const question = `q${number}x${index}`;
    stage.telegram.say({ from: person, text: `Please tell me about ${question}` });
    asked.set(question, performance.now());
    own.push(question);
    if (patient) await waitForAnswers(course, { person, own, heeded });
  }
  await waitForAnswers(course, { person, own, heeded });
}

/** `heeded` are the notices that the person has acted on. */
type Waiting = { person: number; own: readonly string[]; heeded: Set<number> };

async function waitForAnswers(course: Course, waiting: Waiting): Promise<void> {
  const { asked, answered, plan, starts } = course;
  // Many chats are looked at less often, or looking would be most of the work.
  for (; ; await Bun.sleep(LOOK_EVERY_MS + plan.chats)) {
    const messages = course.stage.heard(waiting.person);
    for (const shown of messages.map((message) => shownBy(message, course.stage.sent)))
      for (const question of shown?.whole === true && !shown.growing ? shown.questions : [])
        if (!answered.has(question)) answered.set(question, performance.now());
    const open = waiting.own.filter((question) => !answered.has(question));
    if (open.length === 0) return;
    const since = Math.max(starts.at(-1) ?? 0, asked.get(open.at(-1) ?? "") ?? 0);
    if (performance.now() - since > PATIENCE_MS) return;
    await heed(course, waiting, messages);
  }
}

// What a person does who is told to press Retry, or to send something again.
async function heed(
  course: Course,
  { person, heeded }: Waiting,
  messages: readonly SimMessage[],
): Promise<void> {
  const { telegram } = course.stage;
  const isNew = ({ messageId }: SimMessage): boolean => !heeded.has(messageId);
  const aside = messages.find((message) => isPutAside(message) && isNew(message));
  if (aside !== undefined) {
    heeded.add(aside.messageId);
    course.putAside += 1;
    const said = telegram.messages(person).find(({ messageId }) => messageId === aside.replyTo);
    if (said !== undefined) telegram.say({ from: person, text: said.text });
    // It was a press: every Retry that still stands is pressed again.
    else for (const message of messages.filter(isGivenUp)) heeded.delete(message.messageId);
  }
  const notice = messages.find(
    (message) => isGivenUp(message) && hasButton(message, "Retry") && isNew(message),
  );
  const data = notice?.buttons.flat()[0]?.data;
  // A press stops what is being answered and drops what waits, so it comes when nothing does.
  if (notice === undefined || data === undefined || !(await isIdle(course.stage, person))) return;
  heeded.add(notice.messageId);
  course.retries += 1;
  telegram.press({ from: person, messageId: notice.messageId, data });
}

async function isIdle({ telegram, sql }: Stage, person: number): Promise<boolean> {
  if (telegram.pendingUpdates() > 0) return false;
  const busy = await sql`SELECT FROM app.turns WHERE telegram_chat_id = ${person} AND status = 'running'
    UNION ALL SELECT FROM pipeline.updates WHERE state = 'ready' AND split_part(lane, ':', 2) = ${String(person)}`;
  return busy.length === 0;
}

async function killAtRandom(course: Course, random: () => number): Promise<number[]> {
  const { stage, plan, asked, answered, starts } = course;
  const total = plan.chats * plan.questionsPerChat;
  const underWay: number[] = [];
  let last: Program | null = null;
  for (let kill = 1; kill <= plan.kills; kill += 1) {
    while (asked.size < (total * kill) / (plan.kills + 1)) await Bun.sleep(LOOK_EVERY_MS);
    await Bun.sleep(random() * KILL_DELAY_MS_MAX);
    await stage.kill();
    underWay.push(asked.size - answered.size);
    await Bun.sleep(random() * DOWN_MS_MAX);
    // Not waited for: the next kill may hit it while it is still starting.
    last = stage.launch();
    starts.push(performance.now());
  }
  await last?.ready;
  return underWay;
}

async function owedWhenQuiet({ sql }: Stage): Promise<number> {
  for (const startedAt = performance.now(); ; await Bun.sleep(LOOK_EVERY_MS)) {
    const [row] = await sql<{ owed: number }[]>`SELECT (
      (SELECT count(*) FROM pipeline.outbox WHERE state IN ('queued', 'sending'))
      + (SELECT count(*) FROM app.turns WHERE status = 'running')
      + (SELECT count(*) FROM pipeline.updates WHERE state = 'ready'))::int AS owed`;
    if (row?.owed === 0 || performance.now() - startedAt > QUIET_MS_MAX) return row?.owed ?? 0;
  }
}

function waits({
  asked,
  answered,
  starts,
}: Course): Pick<LossReport, "longestWaitMs" | "longestAfterRestartMs"> {
  const all = [...answered].map(([question, at]) => {
    const askedAt = asked.get(question) ?? at;
    const startedAt = starts.findLast((start) => start < at) ?? at;
    return { fromAsking: at - askedAt, fromStart: startedAt > askedAt ? at - startedAt : 0 };
  });
  return {
    longestWaitMs: Math.max(0, ...all.map(({ fromAsking }) => fromAsking)),
    longestAfterRestartMs: Math.max(0, ...all.map(({ fromStart }) => fromStart)),
  };
}

/** Numbers from 0 to below 1, the same for the same seed (xorshift). */
function randomFrom(seed: number): () => number {
  let state = Math.imul(seed, 2_654_435_761) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
