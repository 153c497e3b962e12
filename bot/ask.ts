import type { Message } from "grammy/types";
import { answerTurn } from "../core/chat/answer.ts";
import { keyboardOf } from "../core/buttons.ts";
import { isOverBudget } from "../core/chat/budget.ts";
import { askedMessage, rewordWaiting, wasAskedOtherwise, type AskedMessage } from "../core/chat/edits.ts";
import { checkFiles } from "../core/chat/files.ts";
import { mayNeedSummary, summarise } from "../core/chat/summary.ts";
import { beginTurn, keepQuestion, type Question, type Turn } from "../core/chat/turns.ts";
import { AppError } from "../core/errors.ts";
import type { Scope } from "../core/scope.ts";
import { sentence } from "../core/text/text.ts";
import { conclude, messageOf, saying } from "./conclude.ts";
import type { Ctx, Front, Visit } from "./context.ts";
import { createPresentation } from "./presenter.ts";
import { questionOf } from "./question.ts";

const QUESTION_CHARS_MAX = 16_000;
const NOTICE_MS = 60_000;
// Older than this, a question may no longer be meant: we were away, or its lane was long.
const LATE_MS = 10 * 60_000;

/** What somebody said to the assistant: answered in its lane, or refused by name. Resolves when the turn has ended. */
export async function ask(ctx: Ctx): Promise<void> {
  const { message, visit } = ctx;
  if (message === undefined || visit === null || visit.scope === null) return conclude(ctx, null);
  const question = questionOf([message, ...ctx.rest], ctx.front.me);
  ctx.note.what = "ask";
  switch (question.kind) {
    case "nothing":
      return conclude(ctx, null);
    case "empty":
      return conclude(ctx, visit, async () => [saying(ctx, visit, "empty_message")]);
    case "unreadable":
      ctx.note.outcome = `refused: ${question.name}`;
      return conclude(ctx, visit, async () => [saying(ctx, visit, "unsupported", { kind: question.name })]);
    case "asked": {
      if (await tooFast(ctx, visit, visit.scope)) return;
      const said = sayable(visit, question);
      const ageMs = ctx.front.app.clock.now() - message.date * 1_000;
      return ageMs > LATE_MS
        ? offer(ctx, visit, visit.scope, { ...said, why: "late" })
        : answer(ctx, visit, visit.scope, said);
    }
  }
}

/**
 * An edited message never answers by itself: one that waits is asked as it
 * reads now, and when it was a question before, the new one is offered.
 */
export async function offerEdited(ctx: Ctx): Promise<void> {
  const { editedMessage: message, visit } = ctx;
  if (message === undefined || visit === null || visit.scope === null) return conclude(ctx, null);
  ctx.note.what = "edit";
  const { app, lease } = ctx.front;
  if (await rewordWaiting(app, lease, visit.place.lane, message)) return conclude(ctx, null);
  const question = questionOf([message], ctx.front.me);
  if (question.kind !== "asked" || question.text === "") return conclude(ctx, null);
  if (!(await wasAskedOtherwise(visit.scope, visit.place.chatId, asked(message)))) return conclude(ctx, null);
  await offer(ctx, visit, visit.scope, { ...sayable(visit, question), why: "edited" });
}

type Said = Pick<Question, "text" | "files">;

// Refuses what is too much for one question; files without a word get the usual question about them.
function sayable(visit: Visit, { text, files }: Said): Said {
  if (text.length > QUESTION_CHARS_MAX) throw new AppError("message_too_long", { max: QUESTION_CHARS_MAX });
  checkFiles(files);
  if (text !== "") return { text, files };
  const kind = files.every((file) => file.kind === "photo") ? "photo" : "document";
  return { text: sentence(visit.locale, "files_question", { kind, count: files.length }), files };
}

/** Keeps a question that nobody may be waiting for, and asks whether to answer it. */
async function offer(
  ctx: Ctx,
  visit: Visit,
  scope: Scope,
  { why, ...said }: Said & { why: "late" | "edited" },
): Promise<void> {
  ctx.note.outcome = why;
  await conclude(ctx, visit, async () => {
    const turnId = await keepQuestion(scope, { ...askedBy(ctx, visit), ...said }, why);
    if (turnId === null) return [];
    const label = sentence(visit.locale, why === "late" ? "button_answer_late" : "button_answer_edited");
    const keyboard = await keyboardOf(scope, visit.place.chatId, [{ label, kind: "retry", turnId }]);
    return [{ ...saying(ctx, visit, why === "late" ? "late_question" : "edited_question"), keyboard }];
  });
}

// Starts a turn with this question and sees it to its end; one that no budget covers is kept for later.
async function answer(ctx: Ctx, visit: Visit, scope: Scope, said: Said): Promise<void> {
  const question = { ...askedBy(ctx, visit), ...said };
  const turn = await beginTurn(scope, question).catch((err: unknown) => {
    if (isOverBudget(err)) return err;
    throw err;
  });
  if (turn instanceof AppError) return keepUnpaid(ctx, visit, scope, { question, err: turn });
  ctx.adopted();
  if (turn === null) return;
  ctx.note.outcome = await runTurn(ctx.front, scope, turn);
}

async function keepUnpaid(
  ctx: Ctx,
  visit: Visit,
  scope: Scope,
  { question, err }: { question: Question; err: AppError },
): Promise<void> {
  ctx.note.outcome = `refused: ${err.code}`;
  await conclude(ctx, visit, async () => {
    const turnId = await keepQuestion(scope, question, "budget");
    if (turnId === null) return [];
    const retry = { label: sentence(visit.locale, "button_retry"), kind: "retry", turnId } as const;
    const lines = [sentence(visit.locale, err.code, err.params), sentence(visit.locale, "budget_kept")];
    return [
      {
        ...messageOf(ctx, visit, lines.join(" ")),
        keyboard: await keyboardOf(scope, visit.place.chatId, [retry]),
      },
    ];
  });
}

function askedBy(ctx: Ctx, visit: Visit): Omit<Question, keyof Said> {
  const inGroup = visit.place.kind !== "private";
  return {
    lease: ctx.front.lease,
    place: visit.place,
    updateIds: ctx.updateIds,
    speaker: inGroup ? visit.from.name : null,
    asked: [...(ctx.msg === undefined ? [] : [ctx.msg]), ...ctx.rest].map(asked),
    replyTo: inGroup ? (ctx.msg?.message_id ?? null) : null,
  };
}

function asked(message: Message): AskedMessage {
  return askedMessage(message.message_id, message.text ?? message.caption ?? "");
}

/** Answers a turn that has begun, in its lane, where it can be found and stopped. Returns how it ended. */
export async function runTurn(
  front: Front,
  scope: Scope,
  turn: Turn,
  opened: readonly { part: number; messageId: number }[] = [],
): Promise<string> {
  const controller = new AbortController();
  let ended = "left for the next start";
  await front.lanes.whileRunning(
    turn.place.lane,
    { turnId: turn.id, askerId: turn.askerId, controller },
    async () => {
      const presentation = createPresentation(front, scope, turn, opened);
      const answering = {
        botName: front.me.first_name,
        presentation,
        fetchFile: front.fetchFile,
        signal: controller.signal,
      };
      const work = async (): Promise<void> => {
        const outcome = await answerTurn(scope, turn, answering);
        if (outcome === null) return;
        if (mayNeedSummary(turn, outcome)) summariseBeside(front, scope, turn);
        ended = outcome.status === "failed" ? `failed: ${outcome.kind}` : outcome.status;
      };
      await (turn.files.length === 0 ? work() : front.withFileSlot(work, controller.signal));
    },
  );
  return ended;
}

// In a lane of its own: the next question does not wait for it, and the next summary does.
function summariseBeside(front: Front, scope: Scope, turn: Turn): void {
  const lane = `${turn.place.lane}:summary`;
  const controller = new AbortController();
  const running = { turnId: turn.id, askerId: turn.askerId, controller };
  const given = { botName: front.me.first_name, signal: controller.signal };
  void front.lanes
    .enter(lane, () => front.lanes.whileRunning(lane, running, () => summarise(scope, turn, given)))
    .catch((err: unknown) => scope.log.error({ err, turnId: turn.id }, "a summary failed"));
}

async function tooFast(ctx: Ctx, visit: Visit, scope: Scope): Promise<boolean> {
  const { front } = ctx;
  const { bot } = front.app.limitRules;
  const person = `{${scope.orgId}}:person:${visit.from.id}`;
  const { allowed, retryAfterMs } = await front.app.limits.take([
    { key: `${person}:ask`, ...bot.person },
    { key: `{${scope.orgId}}:ask`, ...bot.team },
  ]);
  if (allowed) return false;
  // One word about it a minute; the rest of the flood is dropped without a reply.
  const notice = await front.app.limits.take([{ key: `${person}:notice`, limit: 1, windowMs: NOTICE_MS }]);
  ctx.note.outcome = "limited";
  await conclude(ctx, visit, async () =>
    notice.allowed ? [saying(ctx, visit, "too_fast", { seconds: Math.ceil(retryAfterMs / 1000) })] : [],
  );
  return true;
}
