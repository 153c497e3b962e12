import type { Presentation } from "../core/chat/answer.ts";
import type { AnswerPart, Turn } from "../core/chat/turns.ts";
import type { OutboxItem, OutgoingMessage } from "../core/pipeline/outbox.ts";
import type { Scope } from "../core/scope.ts";
import { sentence } from "../core/text/text.ts";
import { closingButtons, closingLine, withClosingLine } from "./closing.ts";
import type { Front } from "./context.ts";
import { plainPart, renderAnswer, renderFrame, type RenderedPart } from "./render/answer.ts";

const FIRST_FRAME_MS = 600;
const FIRST_FRAME_CHARS = 60;
const FRAME_MS_PRIVATE = 1_100;
const FRAME_MS_GROUP = 3_100;
const TYPING_MS = 4_000;
const TICK_MS = 100;
// Files are never edits of an open message, so their parts are counted apart.
const FILE_PART_FROM = 10_000;

/** The callback data of a Stop button; it needs no row, for it lives no longer than its turn. */
export const STOP_PREFIX = "stop:";

type Shown = { messageId: number; content: string };

/**
 * Shows one running turn: typing, then one message that grows, with a Stop
 * button, split when it gets too long. `opened` are the messages of an earlier
 * attempt, by part: they are written over.
 */
export function createPresentation(
  front: Front,
  scope: Scope,
  turn: Turn,
  opened: readonly { part: number; messageId: number }[],
): Presentation {
  const canvas = createCanvas(front, scope, turn, opened);
  const preface = turn.attempt > 1 ? `_${sentence(scope.locale, "restarted")}_\n\n` : "";
  const finished = new AbortController();
  let text = "";
  const loop = animate(front, turn, canvas, {
    text: () => (text.trim() === "" ? "" : preface + text),
    finished: finished.signal,
  });

  return {
    show(current) {
      text = current;
    },
    async close(outcome, notice) {
      finished.abort();
      await loop;
      const answer = outcome.text.trim() === "" ? [] : rendered(scope, renderAnswer, preface + outcome.text);
      const line = closingLine(outcome, scope.locale, scope.correlationId, notice);
      return canvas.final(withClosingLine(answer, line), closingButtons(outcome, scope.locale, turn.id));
    },
    end: () => finished.abort(),
  };
}

/** Draws a frame whenever it is time and there is something new, until it is finished. */
async function animate(
  front: Front,
  turn: Turn,
  canvas: Canvas,
  running: { text: () => string; finished: AbortSignal },
): Promise<void> {
  const { clock } = front.app;
  const frameMs = turn.place.kind === "private" ? FRAME_MS_PRIVATE : FRAME_MS_GROUP;
  const startedAt = clock.now();
  let typedAt = -Infinity;
  let triedAt = -Infinity;
  let typing = true;
  for (; !running.finished.aborted; await clock.sleep(TICK_MS, running.finished)) {
    const now = clock.now();
    const text = running.text();
    if (typing && now - Math.max(typedAt, canvas.drawnAt()) >= TYPING_MS) {
      typedAt = now;
      void front.sender.typing(turn.place).then((isSeen) => {
        typing = isSeen;
      });
    }
    const hasBegun = canvas.begun() || text.length >= FIRST_FRAME_CHARS || now - startedAt >= FIRST_FRAME_MS;
    if (text === "" || !hasBegun || now - triedAt < frameMs) continue;
    if (!canvas.begun() && !front.sender.mayOpen(turn.place.chatId)) continue; // as soon as there is room
    triedAt = now;
    // A frame is never worth its answer: whoever closes this one must not hear of a database that was away.
    await canvas
      .draw(text)
      .catch((err: unknown) => front.app.log.debug({ err, turnId: turn.id }, "a frame was dropped"));
  }
}

type Canvas = ReturnType<typeof createCanvas>;

/** The messages of one turn: which part stands where, and what it shows. */
function createCanvas(
  front: Front,
  scope: Scope,
  turn: Turn,
  opened: readonly { part: number; messageId: number }[],
) {
  const { sender } = front;
  const { place } = turn;
  const shown = new Map<number, Shown>(
    opened.map(({ part, messageId }) => [part, { messageId, content: "" }]),
  );
  let drawnAt = -Infinity;
  let refusals = 0;
  const stopButton = [[{ text: sentence(scope.locale, "button_stop"), data: STOP_PREFIX + turn.id }]];

  const itemOf = itemsOf(scope, turn);

  // True when this part is shown; false when the chat is paused, and the next frame tries again.
  async function drawPart(part: number, message: OutgoingMessage): Promise<boolean> {
    const content = JSON.stringify(message);
    const known = shown.get(part);
    if (known?.content === content) return true;
    if (known !== undefined) {
      return (
        (await sender.frame(place.chatId, known.messageId, message)) &&
        noteShown(part, { messageId: known.messageId, content })
      );
    }
    const item = itemOf("open", part, message);
    const opened = await sender.open({ ...item, key: `${item.key}:${refusals}` });
    if (opened === "later") refusals += 1;
    return typeof opened === "number" && noteShown(part, { messageId: opened, content });
  }

  function noteShown(part: number, now: Shown): true {
    shown.set(part, now);
    drawnAt = front.app.clock.now();
    return true;
  }

  return {
    begun: () => shown.size > 0,
    /** When something new was last shown, in milliseconds; never is -Infinity. */
    drawnAt: () => drawnAt,

    /** Shows the text so far, over as many messages as it needs, with the Stop button under the last. */
    async draw(text: string): Promise<void> {
      const parts = rendered(scope, renderFrame, text).filter((part) => "text" in part);
      for (const [index, part] of parts.entries()) {
        const keyboard = index === parts.length - 1 ? stopButton : [];
        if (!(await drawPart(index, { ...part, keyboard }))) return;
      }
    },

    /** What is owed at the end: every part in its message, and no message without a part. */
    final(parts: readonly RenderedPart[], buttons: AnswerPart["buttons"]): AnswerPart[] {
      let texts = 0;
      let files = FILE_PART_FROM;
      const owed = parts.map((part, index): AnswerPart => {
        const item =
          "file" in part
            ? itemOf("final", files++, { text: "", file: part.file })
            : itemOf("final", texts++, part);
        return { item, buttons: index === parts.length - 1 ? buttons : [] };
      });
      const superfluous = [...shown].filter(([part]) => part >= texts);
      return [
        ...owed,
        ...superfluous.map(([part, { messageId }]) => ({
          item: itemOf("delete", part, { text: "", messageId }),
          buttons: [],
        })),
      ];
    },
  };
}

// A turn's items in the outbox. A kind of item of one part is said once in an attempt.
function itemsOf(scope: Scope, turn: Turn) {
  const { place } = turn;
  return (kind: OutboxItem["kind"], part: number, message: OutgoingMessage): OutboxItem => ({
    orgId: scope.orgId,
    botId: turn.lease.botId,
    chatId: place.chatId,
    threadId: place.threadId,
    kind,
    part,
    turnId: turn.id,
    message:
      part === 0 && kind !== "delete" && turn.replyTo !== null
        ? { ...message, replyTo: turn.replyTo }
        : message,
    key: `turn:${turn.id}:${turn.attempt}:${kind}:${part}`,
    locale: scope.locale,
    correlationId: scope.correlationId,
  });
}

// A fault of the renderer must not cost an answer: then it is shown as it was written.
function rendered(
  scope: Scope,
  render: (markdown: string) => RenderedPart[],
  markdown: string,
): RenderedPart[] {
  try {
    return render(markdown);
  } catch (err) {
    scope.log.error({ err }, "an answer could not be rendered");
    return plainPart(markdown);
  }
}
