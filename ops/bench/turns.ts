import type { Call } from "../sim/telegram/journal.ts";
import type { ClaudeScript } from "../sim/claude/script.ts";
import { openRig, type BotKind, type Rig } from "./rig.ts";

/** One question and what became of it, in ms after it was there to be fetched. */
type TurnTimes = { readonly anything: number; readonly text: number; readonly whole: number };

export type Course = {
  readonly times: readonly TurnTimes[];
  readonly wallMs: number;
  readonly botCpuMs: number;
  readonly postgresCpuMs: number;
};

const END = "that is all.";
const WORDS = 60;
const LOOK_EVERY_MS = 1;
const ANSWER_MS_MAX = 30_000;
const SENDS = new Set(["sendMessage", "editMessageText"]);

/** Claude's answer at the speed of the machine: about 400 characters, whose last words say that it is whole. */
export const instantAnswer: ClaudeScript = () => ({
  text: `${Array.from({ length: WORDS }, (_, index) => `word${index}`).join(" ")} and ${END}`,
});

/** So many chats, in which so many turns are asked in all. `pauseMs` is how long people think before the next, on average. */
export type Load = { readonly chats: number; readonly turns: number; readonly pauseMs: number };

/**
 * Everybody asks, waits for the whole answer, thinks and asks again, until so
 * many turns have been answered, after one round that is not counted.
 */
export async function measureTurns(kind: BotKind, load: Load): Promise<Course> {
  await using rig = await openRig({ kind, people: load.chats, script: instantAnswer });
  await runTurns(rig, { ...load, turns: load.chats });
  return await runTurns(rig, load);
}

/** As `measureTurns`, on a rig that is already warm. Rejects when an answer does not come. */
export async function runTurns(
  rig: Rig,
  { turns, pauseMs }: Pick<Load, "turns" | "pauseMs">,
): Promise<Course> {
  const watch = watchCalls(rig);
  const before = await rig.cpu();
  const startedAt = performance.now();
  let left = turns;
  const times: TurnTimes[] = [];
  const converse = async (person: number): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await Bun.sleep(2 * pauseMs * Math.random());
      times.push(await watch.ask(person));
    }
  };
  try {
    await Promise.all(rig.people.map(converse));
  } finally {
    watch.stop();
  }
  const wallMs = performance.now() - startedAt;
  const after = await rig.cpu();
  return {
    times,
    wallMs,
    botCpuMs: after.botMs - before.botMs,
    postgresCpuMs: after.postgresMs - before.postgresMs,
  };
}

type Waiting = { askedAt: number; anything: number; text: number; done: (times: TurnTimes) => void };

/** Follows the calls that the simulated Telegram answers, one open question per chat. */
function watchCalls({ telegram }: Rig) {
  const waiting = new Map<number, Waiting>();
  let last: Call | undefined = telegram.calls.at(-1);
  const look = (): void => {
    const news: Call[] = [];
    for (let at = telegram.calls.length - 1; at >= 0 && telegram.calls[at] !== last; at -= 1)
      news.push(telegram.calls[at] as Call); // safe: within bounds
    last = news[0] ?? last;
    for (const call of news.toReversed()) take(call);
  };
  const take = ({ method, params, at, errorCode }: Call): void => {
    const chat = Number(params["chat_id"]);
    const open = waiting.get(chat);
    if (open === undefined || errorCode !== null) return;
    open.anything ||= at - open.askedAt;
    if (!SENDS.has(method)) return;
    open.text ||= at - open.askedAt;
    if (!String(params["text"]).includes(END)) return;
    waiting.delete(chat);
    open.done({ anything: open.anything, text: open.text, whole: at - open.askedAt });
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  return {
    ask(person: number): Promise<TurnTimes> {
      const { promise, resolve, reject } = Promise.withResolvers<TurnTimes>();
      const patience = setTimeout(() => reject(new Error(`${person} got no answer`)), ANSWER_MS_MAX);
      const askedAt = performance.timeOrigin + performance.now();
      waiting.set(person, {
        askedAt,
        anything: 0,
        text: 0,
        done: (times) => {
          clearTimeout(patience);
          resolve(times);
        },
      });
      telegram.say({ from: person, text: "What do you think of this?" });
      return promise;
    },
    stop: () => clearInterval(timer),
  };
}
