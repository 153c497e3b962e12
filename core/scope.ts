import { randomInt } from "node:crypto";
import type { App } from "./app.ts";
import { AppError } from "./errors.ts";
import type { Log } from "./log.ts";

export type Role = "owner" | "admin" | "member";

type Actor =
  | {
      readonly type: "user";
      readonly userId: string;
      readonly accountId: string;
      readonly role: Role;
      readonly name: string;
    }
  | { readonly type: "system" | "operator"; readonly name: string };

/** Who asks, for which team. Made by the gate (or a job) for one piece of work. */
export type Scope = {
  readonly app: App;
  readonly orgId: string;
  /** The team's name, for sentences and for the system prompt. */
  readonly team: string;
  readonly actor: Actor;
  readonly correlationId: string;
  /** BCP 47 language of the person, for every sentence they read. */
  readonly locale: string;
  readonly timeZone: string;
  readonly log: Log;
};

const RANK: Record<Role, number> = { member: 0, admin: 1, owner: 2 };
const ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"; // no letters or digits that are mistaken for one another
const CORRELATION_LENGTH = 10;

/** Throws `not_allowed` unless the actor is a person with at least this role, or the operator on the server. */
export function requireRole(scope: Scope, role: Role): void {
  if (!mayActAs(scope, role)) throw new AppError("not_allowed", { role });
}

/** The person who asks. Throws `not_member` when a program does. */
export function personOf(scope: Pick<Scope, "actor">): Extract<Actor, { type: "user" }> {
  if (scope.actor.type !== "user") throw new AppError("not_member");
  return scope.actor;
}

/** Whether the actor is a person with at least this role, or the operator on the server. */
export function mayActAs(scope: Scope, role: Role): boolean {
  const { actor } = scope;
  return actor.type === "operator" || (actor.type === "user" && ranksAtLeast(actor.role, role));
}

export function ranksAtLeast(role: Role, least: Role): boolean {
  return RANK[role] >= RANK[least];
}

/** The member who acts; null for programs. */
export function userOf(actor: Scope["actor"]): string | null {
  return actor.type === "user" ? actor.userId : null;
}

/** Ten characters that a person can read out: in the log, the audit row and every apology. */
export function newCorrelationId(): string {
  return Array.from({ length: CORRELATION_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
}
