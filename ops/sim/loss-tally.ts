import { sentence } from "../../core/text/text.ts";
import type { SimMessage } from "./telegram/message.ts";
import { hasButton } from "./world.ts";

/** One message of the bot that shows an answer of the stage's Claude, or the beginning of one. */
export type Shown = {
  readonly message: SimMessage;
  readonly questions: readonly string[];
  /** With a Stop button under it. */
  readonly growing: boolean;
  /** All that Claude sent, and nothing else but our own lines. */
  readonly whole: boolean;
  /** No more and no less than a beginning of what Claude sent. */
  readonly partial: boolean;
  /** "I was restarted and am answering this again." */
  readonly restarted: boolean;
  /** "(may be a repeat)" */
  readonly labelled: boolean;
};

export type Tally = {
  readonly answered: number;
  /** Questions without a finished message that shows the whole answer. */
  readonly lost: readonly string[];
  /** Finished whole answers with the label. */
  readonly repeatsLabelled: number;
  /** Those of them that repeat nothing: the first one never arrived. */
  readonly labelledOnce: number;
  /** Questions with more than one finished whole answer that has no label, and no Retry between them. */
  readonly repeatsUnlabelled: readonly string[];
  /** Beginnings with a Stop button that nobody writes any more. */
  readonly orphans: number;
  /** Beginnings without a Stop button, left standing when a turn was given up. */
  readonly partials: number;
  /** Finished messages that show something else than what Claude sent. */
  readonly damaged: readonly string[];
};

const FORM = /^Answer (a\d+) to ([qx\d ]+):/;
const RESTARTED = `${sentence("en", "restarted")}\n\n`;
const REPEAT = `\n\n${sentence("en", "repeat_label")}`;
const GAVE_UP = sentence("en", "gave_up_after_restarts", { code: "" }).split("(")[0] ?? "";
const NOT_SHOWN = sentence("en", "answer_not_shown");
const PARKED = sentence("en", "message_parked");

/** Null for a message that shows no answer. `sent` is what Claude sent, by the answer's id. */
export function shownBy(message: SimMessage, sent: ReadonlyMap<string, string>): Shown | null {
  const restarted = message.text.startsWith(RESTARTED);
  const labelled = message.text.endsWith(REPEAT);
  const text = message.text.slice(
    restarted ? RESTARTED.length : 0,
    labelled ? -REPEAT.length : message.text.length,
  );
  const [, id = "", questions = ""] = FORM.exec(text) ?? [];
  const whole = sent.get(id);
  if (whole === undefined) return null;
  return {
    message,
    questions: questions.split(" "),
    growing: hasButton(message, "Stop"),
    whole: text === whole,
    partial: text.length < whole.length && whole.startsWith(text),
    restarted,
    labelled,
  };
}

/** Whether a message says that a question or an answer was given up, and offers to ask again. */
export function isGivenUp(message: SimMessage): boolean {
  return message.text.startsWith(GAVE_UP) || message.text.startsWith(NOT_SHOWN);
}

/** Whether a message says that something was put aside, and is to be sent again. */
export function isPutAside(message: SimMessage): boolean {
  return message.text.startsWith(PARKED);
}

/** Counts what stands in the chats when all is over; `questions` are the ids of all that was asked. */
export function tallyOf(
  chats: readonly (readonly SimMessage[])[],
  questions: readonly string[],
  sent: ReadonlyMap<string, string>,
): Tally {
  const shown = chats.flatMap((messages) => answersIn(messages, sent));
  const finished = shown.filter(({ growing }) => !growing);
  const whole = finished.filter((answer) => answer.whole);
  const copies = (question: string) => whole.filter((answer) => answer.questions.includes(question));
  const labelled = whole.filter((answer) => answer.labelled);
  const lost = questions.filter((question) => copies(question).length === 0);
  return {
    answered: questions.length - lost.length,
    lost,
    repeatsLabelled: labelled.length,
    labelledOnce: labelled.filter(({ questions: [question = ""] }) => copies(question).length === 1).length,
    repeatsUnlabelled: questions.filter((question) => {
      const rounds = copies(question).flatMap((answer) => (answer.labelled ? [] : [answer.round]));
      return new Set(rounds).size < rounds.length;
    }),
    orphans: shown.length - finished.length,
    partials: finished.filter(({ partial }) => partial).length,
    damaged: finished.filter((answer) => !answer.whole && !answer.partial).map(({ message }) => message.text),
  };
}

// A round ends when something was given up: its last frame may show all of the answer, and Retry brings another one.
function answersIn(
  messages: readonly SimMessage[],
  sent: ReadonlyMap<string, string>,
): (Shown & { round: number })[] {
  let round = 0;
  return messages.flatMap((message) => {
    if (isGivenUp(message)) round += 1;
    const shown = shownBy(message, sent);
    return shown === null ? [] : [{ ...shown, round }];
  });
}
