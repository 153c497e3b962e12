import { and, eq, sql } from "drizzle-orm";
import { pendingInputs } from "../db/schema/chat.ts";
import { inTenant } from "../db/tenant.ts";
import { AppError } from "./errors.ts";
import type { Scope } from "./scope.ts";
import type { PastedService } from "./vault/services.ts";

/** What a command can wait for from one person in one chat. */
export type InputKind =
  | "team_name"
  | "new_team_name"
  | "time_zone"
  | "team_instructions"
  | `secret_${PastedService}`;

const PENDING_MINUTES = 10;

/** The next message of this person in this chat is the answer to `kind`, for ten minutes. */
export async function awaitInput(scope: Scope, chatId: number, kind: InputKind): Promise<void> {
  const userId = userOf(scope);
  const expiresAt = sql`now() + ${PENDING_MINUTES} * interval '1 minute'`;
  await inTenant(scope, (tx) =>
    tx
      .insert(pendingInputs)
      .values({ orgId: scope.orgId, userId, telegramChatId: chatId, kind, expiresAt })
      .onConflictDoUpdate({
        target: [pendingInputs.orgId, pendingInputs.userId, pendingInputs.telegramChatId],
        set: { kind, expiresAt },
      }),
  );
}

/** Stops waiting for this person's input in this chat. */
export async function clearInput(scope: Scope, chatId: number): Promise<void> {
  const userId = userOf(scope);
  await inTenant(scope, (tx) =>
    tx
      .delete(pendingInputs)
      .where(
        and(
          eq(pendingInputs.orgId, scope.orgId),
          eq(pendingInputs.userId, userId),
          eq(pendingInputs.telegramChatId, chatId),
        ),
      ),
  );
}

function userOf(scope: Scope): string {
  if (scope.actor.type !== "user") throw new AppError("not_member");
  return scope.actor.userId;
}
