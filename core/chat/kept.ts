import { and, eq, exists, gt, gte, inArray, isNotNull, type SQL, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Tx } from "../../db/client.ts";
import { buttons, chats, turns } from "../../db/schema/chat.ts";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { audit } from "../audit.ts";
import { createKeyboard, takePress } from "../buttons.ts";
import { credentialOf } from "../claude/credentials.ts";
import { AppError } from "../errors.ts";
import { holds, type Lease } from "../pipeline/lease.ts";
import { enqueue } from "../pipeline/outbox.ts";
import { newCorrelationId, type Scope } from "../scope.ts";
import { sentence } from "../text/text.ts";
import { isOverBudget } from "./budget.ts";
import { scopeOfAsker, type AskerRow } from "./asker.ts";
import type { Place } from "./conversations.ts";
import { filesIn } from "./files.ts";
import { beginTurn, type Turn } from "./turns.ts";

const KEPT_HOURS = 24;
/** So many are answered at a place after an outage; older ones are left to their Retry buttons. */
const ANSWERED_MAX = 20;

/** Where a question is kept, and the scope of who asked the last one there. */
export type KeptPlace = { readonly scope: Scope; readonly chatId: number; readonly threadId: number };

type Raw = AskerRow & {
  turn_id: string;
  telegram_chat_id: string;
  thread_id: string;
  chat_kind: Place["kind"];
};

/** The places where questions are in this state, of all teams; nothing older than a day. */
export async function keptPlaces(app: App, lease: Lease, kept: "waiting" | "accepted"): Promise<KeptPlace[]> {
  const rows = await keptRows(app, lease, kept);
  const byPlace = Map.groupBy(rows, (row) => `${row.org_id}:${row.telegram_chat_id}:${row.thread_id}`);
  return [...byPlace.values()].flatMap((asked) => {
    const last = asked.at(-1);
    return last === undefined
      ? []
      : [
          {
            scope: scopeOfAsker(app, last, newCorrelationId()),
            chatId: Number(last.telegram_chat_id),
            threadId: Number(last.thread_id),
          },
        ];
  });
}

async function keptRows(app: App, lease: Lease, kept: "waiting" | "accepted"): Promise<Raw[]> {
  const since = new Date(app.clock.now() - KEPT_HOURS * 3_600_000).toISOString();
  return inSystem(app, (tx) =>
    tx.execute<Raw>(sql`SELECT * FROM auth.kept_questions(${lease.botId}, ${kept}, ${since}::timestamptz)`),
  );
}

/**
 * Claude is back: says so once at this place and asks whether to answer what was
 * asked meanwhile. Waits for `graceMs` after the last question there, in which
 * people may press Retry themselves. Returns how many questions the offer is for; 0
 * when there is none (yet).
 */
export async function offerKept(place: KeptPlace, lease: Lease, graceMs: number): Promise<number> {
  const { scope, chatId, threadId } = place;
  return inTenant(scope, async (tx) => {
    const here = at(scope, { lease, chatId, threadId });
    const isWaiting = and(here, eq(turns.kept, "waiting"), holds(lease));
    const isFresh = gte(turns.endedAt, ago(scope.app, graceMs));
    if ((await tx.$count(turns, and(isWaiting, isFresh))) > 0) return 0;
    await leaveAnswered(tx, here);
    const offered = await tx
      .update(turns)
      .set({ kept: "offered" })
      .where(isWaiting)
      .returning({ id: turns.id });
    if (offered.length === 0) return 0;
    const count = Math.min(ANSWERED_MAX, await tx.$count(turns, and(here, eq(turns.kept, "offered"))));
    const label = sentence(scope.locale, "button_answer_kept");
    const message = {
      text: sentence(scope.locale, "kept_offer", { count }),
      keyboard: await createKeyboard(tx, scope, chatId, [{ label, kind: "answer_kept" }]),
    };
    const { orgId, correlationId } = scope;
    const key = `kept:${correlationId}`;
    // Final, not a notice: when its fate is unknown it is said once more, for it is not offered again.
    const item = { orgId, correlationId, botId: lease.botId, chatId, threadId, message, key };
    await enqueue(tx, [{ ...item, kind: "final" }]);
    const actor = { type: "system", name: "claude" } as const;
    await audit(tx, { actor, correlationId }, "turn.offer", { target: String(chatId), detail: { count } });
    return count;
  });
}

// Who typed the same once more and was answered does not wait for an answer.
async function leaveAnswered(tx: Tx, here: SQL | undefined): Promise<void> {
  const later = alias(turns, "later");
  const answered = tx
    .select({ id: later.id })
    .from(later)
    .where(
      and(
        eq(later.orgId, turns.orgId),
        eq(later.conversationId, turns.conversationId),
        eq(later.askerId, turns.askerId),
        eq(later.question, turns.question),
        eq(later.status, "answered"),
        gt(later.createdAt, turns.createdAt),
      ),
    );
  await tx
    .update(turns)
    .set({ kept: null })
    .where(and(here, isNotNull(turns.kept), exists(answered)));
}

/** The press on that offer: uses it up and accepts what is kept at this place. Throws `nothing_kept`, and as a press does. */
export async function acceptKept(scope: Scope, lease: Lease, place: Place, buttonId: string): Promise<void> {
  await inTenant(scope, async (tx) => {
    await takePress(scope, buttonId, place.chatId);
    const here = at(scope, { lease, ...place });
    await leaveAnswered(tx, here);
    const kept = and(here, inArray(turns.kept, ["waiting", "offered"]));
    const known = await tx.select({ id: turns.id }).from(turns).where(kept).orderBy(turns.endedAt);
    const ids = known.slice(-ANSWERED_MAX).map(({ id }) => id);
    if (ids.length === 0) throw new AppError("nothing_kept");
    const older = known.slice(0, -ANSWERED_MAX).map(({ id }) => id);
    if (older.length > 0)
      await tx
        .update(turns)
        .set({ kept: null })
        .where(and(here, inArray(turns.id, older)));
    await tx
      .update(turns)
      .set({ kept: "accepted" })
      .where(and(here, inArray(turns.id, ids)));
    await audit(tx, scope, "turn.retry", { target: String(place.chatId), detail: { kept: ids.length } });
  });
}

/**
 * Begins a turn with the oldest question that was accepted at this place, for
 * the person who asked it. Null when none is left, or none can be paid for,
 * which is said there. When the one before could not be answered either
 * (`after`), the rest waits for Claude again instead.
 */
export async function beginAccepted(
  app: App,
  lease: Lease,
  place: Pick<Place, "chatId" | "threadId" | "lane">,
  after: "nothing" | "another",
): Promise<{ scope: Scope; turn: Turn } | null> {
  const rows = await keptRows(app, lease, "accepted");
  const here = rows.filter(
    (row) => Number(row.telegram_chat_id) === place.chatId && Number(row.thread_id) === place.threadId,
  );
  for (const row of here) {
    const scope = scopeOfAsker(app, row, newCorrelationId());
    if (after === "another" && !isThere(scope)) {
      await giveBackAccepted(scope, lease, place, "waiting");
      app.claudeHealth.noteWaiting();
      return null;
    }
    try {
      const turn = await beginKept(scope, lease, { ...place, kind: row.chat_kind }, row.turn_id);
      if (turn !== null) return { scope, turn };
    } catch (err) {
      if (!isOverBudget(err)) throw err;
      await decline(scope, lease, place, err);
      return null;
    }
  }
  return null;
}

function isThere(scope: Scope): boolean {
  const { state } = scope.app.claudeHealth.report(credentialOf(scope));
  return state === "ok" || state === "unknown";
}

// The questions keep their Retry buttons.
async function decline(
  scope: Scope,
  lease: Lease,
  { chatId, threadId }: { chatId: number; threadId: number },
  err: AppError,
): Promise<void> {
  await inTenant(scope, async (tx) => {
    await giveBackAccepted(scope, lease, { chatId, threadId }, null);
    const message = { text: sentence(scope.locale, err.code, err.params) };
    const { orgId, correlationId } = scope;
    const key = `kept:${correlationId}:declined`;
    const item = { orgId, correlationId, botId: lease.botId, chatId, threadId, message, key };
    await enqueue(tx, [{ ...item, kind: "notice" }]);
  });
}

// Null when it has been asked again or forgotten meanwhile.
async function beginKept(
  scope: Scope,
  lease: Lease,
  place: Omit<Place, "title">,
  turnId: string,
): Promise<Turn | null> {
  return inTenant(scope, async (tx) => {
    const [asked] = await tx
      .update(turns)
      .set({ kept: null })
      .where(
        and(at(scope, { lease, ...place }), eq(turns.id, turnId), eq(turns.kept, "accepted"), holds(lease)),
      )
      .returning();
    if (asked === undefined) return null;
    // Its Retry button would have it answered a second time.
    await tx
      .update(buttons)
      .set({ usedAt: sql`now()` })
      .where(and(eq(buttons.orgId, scope.orgId), eq(buttons.turnId, asked.id)));
    const [chat] = await tx
      .select({ title: chats.title })
      .from(chats)
      .where(
        and(
          eq(chats.orgId, scope.orgId),
          eq(chats.botId, lease.botId),
          eq(chats.telegramChatId, place.chatId),
        ),
      );
    return beginTurn(scope, {
      lease,
      place: { ...place, title: chat?.title ?? "" },
      updateIds: [],
      text: asked.question,
      files: filesIn(asked.files),
      speaker: asked.speaker,
      asked: [],
      replyTo: asked.replyTo,
    });
  });
}

/**
 * What was accepted at this place and is not to be answered after all: it waits
 * again, or (null) is left to its Retry buttons. Returns how many that are.
 */
export async function giveBackAccepted(
  scope: Scope,
  lease: Lease,
  place: Pick<Place, "chatId" | "threadId">,
  to: "waiting" | null,
): Promise<number> {
  return inTenant(scope, async (tx) => {
    const given = await tx
      .update(turns)
      .set({ kept: to })
      .where(and(at(scope, { lease, ...place }), eq(turns.kept, "accepted"), holds(lease)))
      .returning({ id: turns.id });
    return given.length;
  });
}

/** How many questions of this place wait for Claude, or for a word whether to answer them. */
export async function countKept(scope: Scope, lease: Lease, place: Place): Promise<number> {
  return inTenant(scope, (tx) =>
    tx.$count(turns, and(at(scope, { lease, ...place }), inArray(turns.kept, ["waiting", "offered"]))),
  );
}

function at(scope: Scope, { lease, chatId, threadId }: { lease: Lease; chatId: number; threadId: number }) {
  return and(
    eq(turns.orgId, scope.orgId),
    eq(turns.botId, lease.botId),
    eq(turns.telegramChatId, chatId),
    eq(turns.threadId, threadId),
    gte(turns.endedAt, ago(scope.app, KEPT_HOURS * 3_600_000)),
  );
}

function ago(app: App, ms: number): Date {
  return new Date(app.clock.now() - ms);
}
