import { sql } from "drizzle-orm";
import { randomBytes } from "node:crypto";
import { invites } from "../../db/schema/teams.ts";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { audit } from "../audit.ts";
import { AppError } from "../errors.ts";
import { hashOf } from "../instance.ts";
import { requireRole, type Role, type Scope } from "../scope.ts";
import type { TelegramPerson } from "./teams.ts";

export const INVITE_DAYS = 7;
const TOKEN_BYTES = 24; // 32 characters; Telegram allows 64 in a start parameter

/** Marks an invite in a `?start=` parameter, so that an owner code is never looked up as one. */
export const INVITE_PREFIX = "i_";

/** Makes a single-use invite, seven days valid, and returns its start parameter. Admins only; only owners invite admins. */
export async function createInvite(scope: Scope, role: "admin" | "member"): Promise<string> {
  requireRole(scope, role === "admin" ? "owner" : "admin");
  if (scope.actor.type !== "user") throw new AppError("not_member");
  const createdBy = scope.actor.userId;
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  await inTenant(scope, async (tx) => {
    const expiresAt = new Date(scope.app.clock.now() + INVITE_DAYS * 86_400_000);
    const [row] = await tx
      .insert(invites)
      .values({ orgId: scope.orgId, tokenHash: hashOf(token), role, createdBy, expiresAt })
      .returning({ id: invites.id });
    await audit(tx, scope, "invite.create", { target: row?.id ?? "", detail: { role } });
  });
  return INVITE_PREFIX + token;
}

/**
 * Joins the team that the invite is for. A person who is in it already leaves
 * the invite unused. Throws `invite_unknown`, `invite_used` or `invite_expired`.
 */
export async function acceptInvite(
  app: App,
  input: { parameter: string; person: TelegramPerson; correlationId: string },
) {
  const { person } = input;
  const token = input.parameter.slice(INVITE_PREFIX.length);
  return inSystem(app, async (tx) => {
    const [row] = await tx.execute<{
      outcome: string;
      org_id: string;
      user_id: string;
      role: Role;
      org_name: string;
      invited_by: string | null;
    }>(
      sql`SELECT * FROM auth.accept_invite(${hashOf(token)}, ${person.id}, ${person.name}, ${person.locale})`,
    );
    if (row?.outcome === "used") throw new AppError("invite_used");
    if (row?.outcome === "expired") throw new AppError("invite_expired");
    if (row?.outcome !== "joined" && row?.outcome !== "member") throw new AppError("invite_unknown");
    if (row.outcome === "joined") {
      const actor = {
        type: "user",
        userId: row.user_id,
        accountId: "",
        role: row.role,
        name: person.name,
      } as const;
      await inTenant({ app, orgId: row.org_id }, (tenantTx) =>
        audit(tenantTx, { actor, correlationId: input.correlationId }, "member.join", {
          target: row.user_id,
          detail: { role: row.role },
        }),
      );
    }
    return {
      joined: row.outcome === "joined",
      orgId: row.org_id,
      team: row.org_name,
      role: row.role,
      invitedBy: row.invited_by === null ? null : Number(row.invited_by),
    };
  });
}
