import { and, eq, gt, isNull, sql } from "drizzle-orm";
import { randomBytes } from "node:crypto";
import type { Tx } from "../db/client.ts";
import { buttons } from "../db/schema/chat.ts";
import { inTenant } from "../db/tenant.ts";
import { AppError } from "./errors.ts";
import type { Scope } from "./scope.ts";

/** What a press can do. */
export type ButtonKind =
  | "retry"
  | "continue"
  | "answer_kept"
  | "new_chat"
  | "forget"
  | "forget_not"
  | "keep_name"
  | "rename_team"
  | "settings"
  | "set_language"
  | "time_zone"
  | "set_time_zone"
  | "health_alerts"
  | "voice"
  | "ask_instructions"
  | "remove_instructions"
  | "set_team_language"
  | "end_session"
  | "end_sessions"
  | "teams"
  | "choose_team"
  | "new_team"
  | "leave_team"
  | "leave_team_sure"
  | "members"
  | "member"
  | "member_role"
  | "hand_over"
  | "hand_over_sure"
  | "remove_member"
  | "remove_member_sure"
  | "connect"
  | "connect_not"
  | "connections"
  | "disconnect"
  | "disconnect_sure"
  | "invites"
  | "mydata"
  | "mydata_send"
  | "mydata_erase"
  | "mydata_erase_sure"
  | "audit"
  | "audit_kinds"
  | "audit_actors"
  | "audit_export"
  | "audit_settings"
  | "audit_keep"
  | "audit_report"
  | "audit_verify"
  | "revoke_invite";

/** A button before it has an id: what it says, does and chooses, and who may press it (nobody named: anyone of the team). */
export type ButtonSpec = {
  readonly label: string;
  readonly kind: ButtonKind;
  readonly turnId?: string;
  /** What is chosen by the press, where there is a choice. At most 200 characters. */
  readonly value?: string;
  readonly userId?: string;
};

/** A press that was taken: `value` is what its button chooses. */
export type Pressed = {
  readonly kind: ButtonKind;
  readonly turnId: string | null;
  readonly value: string | null;
};

const BUTTON_DAYS = 7;
const ID_BYTES = 12; // 16 characters of base64url; callback data may have 64 bytes

/** Stores the buttons of one message and returns its keyboard: one button a row, a list of them side by side. */
export async function createKeyboard(
  tx: Tx,
  scope: Pick<Scope, "app" | "orgId">,
  telegramChatId: number,
  specs: readonly (ButtonSpec | readonly ButtonSpec[])[],
) {
  if (specs.length === 0) return [];
  const expiresAt = new Date(scope.app.clock.now() + BUTTON_DAYS * 86_400_000);
  const rows = specs.map((row) =>
    [row].flat().map((spec) => ({ ...spec, id: randomBytes(ID_BYTES).toString("base64url") })),
  );
  await tx.insert(buttons).values(
    rows.flat().map(({ id, kind, turnId = null, value = null, userId = null }) => ({
      orgId: scope.orgId,
      id,
      kind,
      turnId,
      value,
      userId,
      telegramChatId,
      expiresAt,
    })),
  );
  return rows.map((row) => row.map(({ label, id }) => ({ text: label, data: id })));
}

/** `createKeyboard` for a message of its own; joins the transaction around it. */
export async function keyboardOf(
  scope: Scope,
  telegramChatId: number,
  specs: readonly (ButtonSpec | readonly ButtonSpec[])[],
) {
  return inTenant(scope, (tx) => createKeyboard(tx, scope, telegramChatId, specs));
}

/** What a press would do, without using the button up. Throws `button_gone` or `button_not_yours`, as the press would. */
export async function buttonKind(scope: Scope, id: string, telegramChatId: number): Promise<ButtonKind> {
  const button = await inTenant(scope, (tx) => usable(tx, scope, id, telegramChatId));
  // safe: only createKeyboard writes this column
  return button.kind as ButtonKind;
}

/**
 * Takes one press: checks chat, person and time, and uses the button up, so
 * that a second press finds nothing. Throws `button_gone` or `button_not_yours`.
 */
export async function takePress(scope: Scope, id: string, telegramChatId: number): Promise<Pressed> {
  return inTenant(scope, (tx) => take(tx, scope, id, telegramChatId));
}

async function take(tx: Tx, scope: Scope, id: string, telegramChatId: number): Promise<Pressed> {
  await usable(tx, scope, id, telegramChatId);
  const [taken] = await tx
    .update(buttons)
    .set({ usedAt: sql`now()` })
    .where(and(eq(buttons.orgId, scope.orgId), eq(buttons.id, id), isNull(buttons.usedAt)))
    .returning();
  if (taken === undefined) throw new AppError("button_gone");
  // safe: only createKeyboard writes this column
  return { kind: taken.kind as ButtonKind, turnId: taken.turnId, value: taken.value };
}

async function usable(tx: Tx, scope: Scope, id: string, telegramChatId: number) {
  const [button] = await tx
    .select()
    .from(buttons)
    .where(
      and(
        eq(buttons.orgId, scope.orgId),
        eq(buttons.id, id),
        eq(buttons.telegramChatId, telegramChatId),
        isNull(buttons.usedAt),
        gt(buttons.expiresAt, sql`now()`),
      ),
    );
  if (button === undefined) throw new AppError("button_gone");
  const presser = scope.actor.type === "user" ? scope.actor.userId : null;
  if (button.userId !== null && button.userId !== presser) throw new AppError("button_not_yours");
  return button;
}
