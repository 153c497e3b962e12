import { and, eq, gte, isNotNull, ne } from "drizzle-orm";
import { turns } from "../../db/schema/chat.ts";
import { inTenant } from "../../db/tenant.ts";
import { credentialOf } from "../claude/credentials.ts";
import type { Scope } from "../scope.ts";
import { metOutage, type Outcome, type Turn } from "./turns.ts";

/** What is said of a failed question: why; that we come back to it, too; or nothing, because this place has been told. */
export type Notice = "plain" | "promise" | "silent";

/**
 * In a group an outage is told once, not once per message; whoever asks again
 * with a button or a command gets an answer all the same. The promise to come
 * back is made once the outage is one.
 */
export async function noticeOf(scope: Scope, turn: Turn, outcome: Outcome): Promise<Notice> {
  if (!metOutage(outcome)) return "plain";
  const { breaker, sinceMs } = scope.app.claudeHealth.report(credentialOf(scope));
  // What an attempt before us has shown needs an end, and so does the text of this one.
  const isRemark = turn.asked.length > 0 && turn.attempt === 1 && outcome.text.trim() === "";
  const isGroup = turn.place.kind !== "private";
  if (isGroup && isRemark && sinceMs !== null && (await wasToldSince(scope, turn, sinceMs))) return "silent";
  return breaker === "closed" ? "plain" : "promise";
}

async function wasToldSince(scope: Scope, turn: Turn, sinceMs: number): Promise<boolean> {
  const { place, lease } = turn;
  const told = await inTenant(scope, (tx) =>
    tx.$count(
      turns,
      and(
        eq(turns.orgId, scope.orgId),
        eq(turns.botId, lease.botId),
        eq(turns.telegramChatId, place.chatId),
        eq(turns.threadId, place.threadId),
        ne(turns.id, turn.id),
        isNotNull(turns.credential),
        gte(turns.endedAt, new Date(sinceMs)),
      ),
    ),
  );
  return told > 0;
}
