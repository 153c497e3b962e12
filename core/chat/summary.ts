import { and, eq, isNull, sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { conversations, turns } from "../../db/schema/chat.ts";
import { inTenant } from "../../db/tenant.ts";
import { audit } from "../audit.ts";
import type { ClaudeMessage } from "../claude/messages.ts";
import { claudeAccess } from "../claude/credentials.ts";
import { promptTokensOf, tokensOf, type Usage } from "../claude/pricing.ts";
import { SUMMARY_REQUEST, SUMMARY_TAG, withoutTag } from "../claude/prompt.ts";
import { holds } from "../pipeline/lease.ts";
import type { Scope } from "../scope.ts";
import { isOverBudget, releaseStale, reserve, settle } from "./budget.ts";
import { estimateOf } from "./estimate.ts";
import { fitting, isLong, mayBeLong, messagesOf, newest, recall } from "./history.ts";
import { requestFor } from "./request.ts";
import type { Outcome, Turn } from "./turns.ts";

const SUMMARY_TOKENS_MAX = 1_500;
const SUMMARY_CHARS_MAX = 12_000;
/** What stays word for word: the newest turns, but not so much that the next summary is due at once. */
const KEPT = { turns: 6, share: 0.4 };
const ACTOR = { type: "system", name: "summary" } as const;

/** One summary that has been paid for and not written yet. */
type Task = {
  readonly conversationId: string;
  readonly messages: readonly ClaudeMessage[];
  /** The turns that it is about, and the last of them. */
  readonly about: readonly string[];
  readonly upTo: string;
  readonly before: string | null;
};

type Written = {
  readonly text: string;
  readonly usage: Usage | null;
  readonly model: string;
  readonly outcome: string;
};

/** Whether the conversation may have become long with this turn; costs nothing. */
export function mayNeedSummary(turn: Turn, outcome: Outcome): boolean {
  if (outcome.status !== "answered") return false;
  const tokens = promptTokensOf(outcome.usage) + outcome.usage.outputTokens;
  return mayBeLong(tokens, turn.history.messages.length / 2 + 1);
}

/**
 * Puts a summary in the place of the older part of a turn's conversation when it has become long. One at a time
 * per conversation, paid by the team and by nobody's own budget. When it cannot be made, the conversation stays as
 * it is: what does not fit is left out, and the next turn tries again. Never throws for Claude's failures.
 */
export async function summarise(
  scope: Scope,
  turn: Turn,
  given: { botName: string; signal: AbortSignal },
): Promise<void> {
  const task = await begin(scope, turn).catch((err: unknown) => {
    if (!isOverBudget(err)) throw err;
    scope.log.info({ outcome: err.code }, "a long conversation was not summarised");
    return null;
  });
  if (task === null) return;
  const written = await write(scope, turn, task, given);
  await end(scope, turn, task, written);
}

// Short transaction 1: is it long, is nobody at it already, and what may it cost.
async function begin(scope: Scope, turn: Turn): Promise<Task | null> {
  return inTenant(scope, async (tx) => {
    const [open] = await tx
      .select({ id: conversations.id, before: sql<string | null>`${conversations.summarisedTo}::text` })
      .from(turns)
      .innerJoin(
        conversations,
        and(eq(conversations.orgId, turns.orgId), eq(conversations.id, turns.conversationId)),
      )
      .where(
        and(
          eq(turns.orgId, scope.orgId),
          eq(turns.id, turn.id),
          isNull(conversations.closedAt),
          holds(turn.lease),
        ),
      );
    if (open === undefined) return null;
    const memory = await recall(tx, scope, open.id);
    const kept = newest(memory, KEPT);
    const covered = fitting(memory).filter((said) => !kept.includes(said));
    const about = covered.map(({ turnId }) => turnId);
    const upTo = about.at(-1);
    if (!isLong(memory) || upTo === undefined) return null;
    const call = { id: open.id, userId: null };
    if (!(await releaseStale(tx, scope, call))) return null;
    const messages = [
      ...messagesOf(memory.summary, covered),
      { role: "user", text: SUMMARY_REQUEST } as const,
    ];
    const { amount } = estimateOf(scope, { voice: turn.voice, messages, maxTokens: SUMMARY_TOKENS_MAX });
    await reserve(tx, scope, call, amount);
    return { conversationId: open.id, messages, about, upTo, before: open.before };
  });
}

async function write(
  scope: Scope,
  turn: Turn,
  task: Task,
  { botName, signal }: { botName: string; signal: AbortSignal },
): Promise<Written> {
  const request = requestFor(scope, {
    botName,
    voice: turn.voice,
    place: turn.place,
    askerId: turn.askerId,
    messages: task.messages,
    maxTokens: SUMMARY_TOKENS_MAX,
    warm: turn.history.warm,
    about: { action: "summary", attempt: 1 },
  });
  let text = "";
  for await (const event of scope.app.claude.stream(request, signal, await claudeAccess(scope))) {
    if (event.type === "text") text += event.text;
    if (event.type === "end") return { text, usage: event.usage, model: event.model, outcome: "ok" };
    if (event.type === "unavailable")
      return { text: "", usage: event.usage, model: scope.app.claude.model, outcome: event.kind };
  }
  throw new Error("Claude's stream ended without an end");
}

// Short transaction 2: what it cost, and the summary if the conversation is still what it was.
async function end(scope: Scope, turn: Turn, task: Task, written: Written): Promise<void> {
  const { app } = scope;
  const { usage, model } = written;
  const cost = usage === null ? null : app.prices.costOf(model, usage, app.clock.now());
  await inTenant(scope, async (tx) => {
    const replaced = written.outcome === "ok" && (await replace(tx, scope, task, written.text));
    await settle(tx, scope, {
      call: { id: task.conversationId, userId: null },
      spent: {
        microUsd: cost?.microUsd ?? 0,
        tokens: usage === null ? 0 : tokensOf(usage),
        exact: cost?.exact ?? true,
      },
      botId: turn.lease.botId,
    });
    await audit(tx, { ...scope, actor: ACTOR }, "conversation.summarise", {
      target: task.conversationId,
      outcome: written.outcome === "ok" && !replaced ? "outdated" : written.outcome,
      model,
      detail: { outputTokens: usage?.outputTokens ?? null },
    });
  });
}

async function replace(tx: Tx, scope: Scope, task: Task, text: string): Promise<boolean> {
  const summary = withoutTag(text.replaceAll("\0", ""), SUMMARY_TAG)
    .trim()
    .slice(0, SUMMARY_CHARS_MAX)
    .toWellFormed();
  if (summary === "") return false;
  const upTo = tx
    .select({ at: turns.createdAt })
    .from(turns)
    .where(and(eq(turns.orgId, scope.orgId), eq(turns.id, task.upTo)));
  const rows = await tx
    .update(conversations)
    .set({ summary, summarisedTo: sql`(${upTo})` })
    .where(
      and(
        eq(conversations.orgId, scope.orgId),
        eq(conversations.id, task.conversationId),
        isNull(conversations.closedAt),
        // Somebody may have had their words deleted meanwhile.
        sql`(SELECT count(*) FROM app.turns t WHERE t.org_id = ${scope.orgId} AND t.id IN ${[...task.about]}) = ${task.about.length}`,
        sql`${conversations.summarisedTo} IS NOT DISTINCT FROM ${task.before}::timestamptz`,
      ),
    )
    .returning({ id: conversations.id });
  return rows.length > 0;
}
