import { sql } from "drizzle-orm";
import type { Tx } from "../db/client.ts";
import type { Scope } from "./scope.ts";

/** The closed vocabulary of what is written down, also by functions of the database. */
export type AuditAction =
  | "team.create"
  | "team.rename"
  | "team.choose"
  | "member.join"
  | "account.address"
  | "account.merge"
  | "account.language"
  | "account.time_zone"
  | "account.export"
  | "account.erase"
  | "account.alerts"
  | "member.role"
  | "member.leave"
  | "member.remove"
  | "owner.transfer"
  | "owner.link"
  | "invite.create"
  | "invite.revoke"
  | "invite.mail"
  | "auth.link"
  | "auth.link.mail"
  | "auth.login"
  | "auth.logout"
  | "auth.logout_all"
  | "auth.refresh.reuse"
  | "auth.password"
  | "auth.team"
  | "group.claim"
  | "group.move"
  | "chat.leave"
  | "audit.export"
  | "audit.keep"
  | "audit.report"
  | "ratelimit.degraded"
  | "chat.return"
  | "credential.add"
  | "credential.use"
  | "credential.remove"
  | "credential.refresh"
  | "credential.reseal"
  | "team.instructions"
  | "team.language"
  | "budget.set"
  | "conversation.new"
  | "conversation.summarise"
  | "conversation.forget"
  | "turn.answer"
  | "turn.keep"
  | "turn.offer"
  | "turn.stop"
  | "turn.retry"
  | "turn.restart";

const TEXT_CHARS_MAX = 1_024;

/**
 * Appends one row to the team's hash chain, in the transaction of the change it
 * records: both commit or neither does. It locks the team's head, so call it
 * last. Never pass message text or a secret. Texts are cut at
 * 1 024 characters.
 */
export async function audit(
  tx: Tx,
  scope: Pick<Scope, "actor" | "correlationId">,
  action: AuditAction,
  details: {
    target?: string;
    outcome?: string;
    model?: string;
    detail?: Record<string, string | number | boolean | null>;
  } = {},
): Promise<void> {
  const actorId = scope.actor.type === "user" ? scope.actor.userId : scope.actor.name;
  const detail =
    details.detail === undefined ? null : JSON.stringify(details.detail, (_, value: unknown) => cut(value));
  await tx.execute(sql`SELECT auth.audit_append(${scope.actor.type}, ${actorId}, ${action}, ${cut(details.target ?? null)},
    ${cut(details.outcome ?? "ok")}, ${details.model ?? null}, ${scope.correlationId}, ${detail}::jsonb)`);
}

function cut<T>(value: T): T | string {
  return typeof value === "string"
    ? value.slice(0, TEXT_CHARS_MAX).toWellFormed().replaceAll("\0", "")
    : value;
}
