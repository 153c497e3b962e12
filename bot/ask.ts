import { answerTurn } from "../core/chat/answer.ts";
import { beginTurn, type Turn } from "../core/chat/turns.ts";
import { AppError } from "../core/errors.ts";
import type { Scope } from "../core/scope.ts";
import { spokenText } from "./addressing.ts";
import { conclude, saying } from "./conclude.ts";
import type { Ctx, Front, Visit } from "./context.ts";
import { createPresentation } from "./presenter.ts";

const QUESTION_CHARS_MAX = 16_000;

// What a message can hold that we cannot read yet, by the key that Telegram gives it.
const UNREADABLE = [
  "photo",
  "document",
  "voice",
  "audio",
  "video",
  "video_note",
  "animation",
  "sticker",
  "location",
  "venue",
  "contact",
  "poll",
  "dice",
  "story",
  "game",
  "checklist",
] as const;

/** A message to the assistant: answered in its lane, or refused by name. Resolves when the turn has ended. */
export async function ask(ctx: Ctx): Promise<void> {
  const { message, visit } = ctx;
  if (message === undefined || visit === null || visit.scope === null) return conclude(ctx, null);
  const refusal = refusalOf(message);
  if (refusal !== null) {
    ctx.note.outcome = "refused kind";
    return conclude(ctx, visit, async () =>
      refusal === "" ? [] : [saying(ctx, visit, "unsupported", { kind: refusal })],
    );
  }
  const text = spokenText(message, ctx.front.me.username);
  if (text === "") return conclude(ctx, visit, async () => [saying(ctx, visit, "empty_message")]);
  if (text.length > QUESTION_CHARS_MAX) throw new AppError("message_too_long", { max: QUESTION_CHARS_MAX });
  ctx.note.what = "ask";
  await askText(ctx, visit, visit.scope, text);
}

/** Starts a turn with this text and sees it to its end. Must run in the visit's lane. */
async function askText(ctx: Ctx, visit: Visit, scope: Scope, text: string): Promise<void> {
  const { front } = ctx;
  if (await tooFast(ctx, visit, scope)) return;
  const inGroup = visit.place.kind !== "private";
  const turn = await beginTurn(scope, {
    lease: front.lease,
    place: visit.place,
    updateIds: ctx.updateIds,
    text,
    speaker: inGroup ? visit.from.name : null,
    replyTo: inGroup ? (ctx.msg?.message_id ?? null) : null,
  });
  if (turn === null) return;
  ctx.note.outcome = await runTurn(front, scope, turn);
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
        signal: controller.signal,
      };
      const outcome = await answerTurn(scope, turn, answering);
      if (outcome !== null) ended = outcome.status === "failed" ? `failed: ${outcome.kind}` : outcome.status;
    },
  );
  front.sender.wake();
  return ended;
}

async function tooFast(ctx: Ctx, visit: Visit, scope: Scope): Promise<boolean> {
  const { front } = ctx;
  const windowMs = 60_000;
  const person = `{${scope.orgId}}:person:${visit.from.id}`;
  const { allowed, retryAfterMs } = await front.app.limits.take([
    { key: `${person}:ask`, limit: front.limits.personPerMinute, windowMs },
    { key: `{${scope.orgId}}:ask`, limit: front.limits.teamPerMinute, windowMs },
  ]);
  if (allowed) return false;
  // One word about it a minute; the rest of the flood is dropped without a reply.
  const notice = await front.app.limits.take([{ key: `${person}:notice`, limit: 1, windowMs }]);
  ctx.note.outcome = "limited";
  await conclude(ctx, visit, async () =>
    notice.allowed ? [saying(ctx, visit, "too_fast", { seconds: Math.ceil(retryAfterMs / 1000) })] : [],
  );
  return true;
}

// The name of what cannot be read, "" for service messages that nobody expects an answer to, null for text.
function refusalOf(message: NonNullable<Ctx["message"]>): string | null {
  if (message.text !== undefined) return null;
  // An animation and some others also carry `document`: the more telling name stands first in Telegram's own order.
  const kind = ["animation", ...UNREADABLE].find((name) => name in message);
  return kind ?? "";
}
