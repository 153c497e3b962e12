import { and, asc, eq, gt, isNull, sql } from "drizzle-orm";
import { randomBytes } from "node:crypto";
import type { Tx } from "../../db/client.ts";
import { invites, organizations, users } from "../../db/schema/teams.ts";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { alertOwners } from "../alerts.ts";
import { audit } from "../audit.ts";
import { AppError } from "../errors.ts";
import { pageOf, type Page, type PageRequest } from "../page.ts";
import { requireRole, type Role, type Scope } from "../scope.ts";
import { hashOf, newToken } from "./callers.ts";
import { ownerIds } from "./members.ts";
import { tellMembers } from "./notices.ts";
import type { TelegramPerson } from "./teams.ts";

export const INVITE_DAYS = 7;
export const OWNER_LINK_HOURS = 24;
const TOKEN_BYTES = 24; // 32 characters; Telegram allows 64 in a start parameter
const HOUR_MS = 3_600_000;

/** Marks an invite in a `?start=` parameter, so that an owner code is never looked up as one. */
export const INVITE_PREFIX = "i_";

/** An invite that can still be used. `email`: where it was sent, when it was mailed. */
export type Invite = {
  readonly id: string;
  readonly role: Role;
  readonly email: string | null;
  readonly invitedBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
};

/** The secrets of an invite, which are told this once and not stored. */
type MadeInvite = {
  readonly id: string;
  /** What Telegram's `?start=` takes. */
  readonly parameter: string;
  /** What the page takes; only for the mail. Null for an invite without an address. */
  readonly mailToken: string | null;
  readonly expiresAt: Date;
};

/** Makes a single-use invite, seven days valid. Admins only; only owners invite admins. */
export async function createInvite(
  scope: Scope,
  input: { role: "admin" | "member"; email: string | null },
): Promise<MadeInvite> {
  const { role, email } = input;
  requireRole(scope, role === "admin" ? "owner" : "admin");
  if (scope.actor.type !== "user") throw new AppError("not_member");
  const createdBy = scope.actor.userId;
  const expiresAt = new Date(scope.app.clock.now() + INVITE_DAYS * 24 * HOUR_MS);
  return inTenant(scope, async (tx) => {
    const made = await insertInvite(tx, scope, { role, email, createdBy, expiresAt });
    await audit(tx, scope, "invite.create", { target: made.id, detail: { role, mailed: email !== null } });
    return made;
  });
}

/**
 * The operator's way to a new owner: a link that makes whoever opens it first an
 * owner of the team, for a day. An earlier one stops working, and the owners are told.
 */
export async function createOwnerLink(scope: Scope): Promise<{ parameter: string; expiresAt: Date }> {
  if (scope.actor.type !== "operator") throw new AppError("not_allowed", { role: "owner" });
  const expiresAt = new Date(scope.app.clock.now() + OWNER_LINK_HOURS * HOUR_MS);
  return inTenant(scope, async (tx) => {
    await tx
      .update(invites)
      .set({ revokedAt: sql`now()` })
      .where(and(isOpen(scope), eq(invites.role, "owner")));
    const made = await insertInvite(tx, scope, { role: "owner", email: null, createdBy: null, expiresAt });
    const owners = await ownerIds(tx, scope.orgId);
    await tellMembers(tx, scope, owners, { kind: "owner_link", params: { team: scope.team } });
    await audit(tx, scope, "owner.link", { target: made.id });
    return made;
  });
}

/** The invites that can still be used, oldest first. Admins only. */
export async function listInvites(scope: Scope, request: PageRequest): Promise<Page<Invite>> {
  requireRole(scope, "admin");
  const rows = await inTenant(scope, (tx) =>
    tx
      .select({
        id: invites.id,
        role: invites.role,
        email: invites.email,
        invitedBy: users.displayName,
        createdAt: invites.createdAt,
        expiresAt: invites.expiresAt,
      })
      .from(invites)
      .innerJoin(users, and(eq(users.orgId, invites.orgId), eq(users.id, invites.createdBy)))
      .where(
        and(
          isOpen(scope),
          request.after === null
            ? undefined
            : sql`(${invites.createdAt}, ${invites.id}) > (SELECT i.created_at, i.id FROM app.invites i WHERE i.org_id = ${scope.orgId} AND i.id = ${request.after})`,
        ),
      )
      .orderBy(asc(invites.createdAt), asc(invites.id))
      .limit(request.limit + 1),
  );
  return pageOf(rows, request.limit, { cursor: (row) => row.id, item: (row) => row });
}

/** What the mail of an invite says; null when nobody can use it any more. */
export async function readMailedInvite(app: App, orgId: string, id: string) {
  const [invite] = await inTenant({ app, orgId }, (tx) =>
    tx
      .select({
        email: invites.email,
        role: invites.role,
        team: organizations.name,
        invitedBy: { id: users.id, name: users.displayName },
      })
      .from(invites)
      .innerJoin(users, and(eq(users.orgId, invites.orgId), eq(users.id, invites.createdBy)))
      .innerJoin(organizations, eq(organizations.id, invites.orgId))
      .where(and(isOpen({ orgId }), eq(invites.id, id))),
  );
  return invite ?? null;
}

/** Makes an invite useless. Admins only; only owners revoke an admin's. Throws `invite_unknown`. */
export async function revokeInvite(scope: Scope, id: string): Promise<void> {
  requireRole(scope, "admin");
  await inTenant(scope, async (tx) => {
    const [revoked] = await tx
      .update(invites)
      .set({ revokedAt: sql`now()` })
      .where(and(isOpen(scope), eq(invites.id, id)))
      .returning({ role: invites.role });
    if (revoked === undefined || revoked.role === "owner") throw new AppError("invite_unknown");
    if (revoked.role === "admin") requireRole(scope, "owner");
    await audit(tx, scope, "invite.revoke", { target: id });
  });
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
    const [row] = await tx.execute<Joined>(
      sql`SELECT * FROM auth.accept_invite(${hashOf(token)}, ${person.id}, ${person.name}, ${person.locale})`,
    );
    const joining = usableInvite(row);
    if (joining.outcome === "joined") await noteJoin(app, joining, { ...input, name: person.name });
    return {
      joined: joining.outcome === "joined",
      orgId: joining.org_id,
      team: joining.org_name,
      role: joining.role,
    };
  });
}

/** What came of an invite. Throws `invite_used`, `invite_expired` or `invite_unknown` when it cannot be used. */
export function usableInvite<Row extends { outcome: string }>(row: Row | undefined): Row {
  if (row?.outcome === "used") throw new AppError("invite_used");
  if (row?.outcome === "expired") throw new AppError("invite_expired");
  if (row === undefined || row.outcome === "unknown") throw new AppError("invite_unknown");
  return row;
}

export type Joined = {
  outcome: string;
  org_id: string;
  user_id: string;
  account_id: string;
  role: Role;
  org_name: string;
  invited_by: string | null;
};

/** Writes down that somebody has joined, and tells who should know; in the transaction of it. */
export async function noteJoin(
  app: App,
  joined: Joined,
  { name, correlationId }: { name: string; correlationId: string },
): Promise<void> {
  const { org_id: orgId, user_id: userId, role, org_name: team, invited_by: invitedBy } = joined;
  const actor = { type: "user", userId, accountId: joined.account_id, role, name } as const;
  await inTenant({ app, orgId }, async (tx) => {
    // An owner link was made by nobody of the team: all of its other owners learn who has used it.
    const told = invitedBy === null ? (await ownerIds(tx, orgId)).filter((id) => id !== userId) : [invitedBy];
    await tellMembers(tx, { correlationId }, told, {
      kind: invitedBy === null ? "owner_joined" : "joined",
      params: { name, team },
    });
    if (role === "admin")
      await alertOwners(
        tx,
        { app, orgId },
        {
          kind: "new_admin",
          key: `${correlationId}:${userId}`,
          params: { team, name, role },
          except: told,
        },
      );
    await audit(tx, { actor, correlationId }, "member.join", { target: userId, detail: { role } });
  });
}

async function insertInvite(
  tx: Tx,
  scope: Scope,
  invite: { role: Role; email: string | null; createdBy: string | null; expiresAt: Date },
): Promise<MadeInvite> {
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  const mailToken = invite.email === null ? null : newToken();
  const mailTokenHash = mailToken === null ? null : hashOf(mailToken);
  const [row] = await tx
    .insert(invites)
    .values({ ...invite, orgId: scope.orgId, tokenHash: hashOf(token), mailTokenHash })
    .returning({ id: invites.id });
  if (row === undefined) throw new Error("the invite was not made");
  return { id: row.id, parameter: INVITE_PREFIX + token, mailToken, expiresAt: invite.expiresAt };
}

function isOpen(scope: Pick<Scope, "orgId">) {
  return and(
    eq(invites.orgId, scope.orgId),
    isNull(invites.usedAt),
    isNull(invites.revokedAt),
    gt(invites.expiresAt, sql`now()`),
  );
}
