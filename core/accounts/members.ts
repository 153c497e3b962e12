import { and, asc, eq, inArray, isNull, sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { pendingInputs } from "../../db/schema/chat.ts";
import { invites, organizations, users } from "../../db/schema/teams.ts";
import { inTenant } from "../../db/tenant.ts";
import { alertOwners } from "../alerts.ts";
import { audit } from "../audit.ts";
import { AppError } from "../errors.ts";
import { pageOf, type Page, type PageRequest } from "../page.ts";
import { mayActAs, ranksAtLeast, requireRole, userOf, type Role, type Scope } from "../scope.ts";
import { tellMembers } from "./notices.ts";

export type Member = {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly joinedAt: Date;
};

/** NOTIFY says here whose membership has just ended; the payload is the id of the member. */
export const REMOVED_CHANNEL = "member_removed";

/** The people of the team, in the order in which they joined. For any member. */
export async function listMembers(scope: Scope, request: PageRequest): Promise<Page<Member>> {
  requireRole(scope, "member");
  const rows = await inTenant(scope, (tx) =>
    tx
      .select(MEMBER)
      .from(users)
      .where(
        and(
          ofTeam(scope),
          request.after === null
            ? undefined
            : sql`(${users.createdAt}, ${users.id}) > (SELECT u.created_at, u.id FROM app.users u WHERE u.org_id = ${scope.orgId} AND u.id = ${request.after})`,
        ),
      )
      .orderBy(asc(users.createdAt), asc(users.id))
      .limit(request.limit + 1),
  );
  return pageOf(rows, request.limit, { cursor: (row) => row.id, item: (row) => row });
}

/** One person of the team. Throws `member_unknown`. */
export async function readMember(scope: Scope, userId: string): Promise<Member> {
  requireRole(scope, "member");
  const [member] = await inTenant(scope, (tx) =>
    tx
      .select(MEMBER)
      .from(users)
      .where(and(ofTeam(scope), eq(users.id, userId))),
  );
  if (member === undefined) throw new AppError("member_unknown");
  return member;
}

/** What the person who asks may do about another one; the verbs decide again. */
export function actionsOn(
  scope: Scope,
  member: Member,
): { roles: Role[]; handOver: boolean; remove: boolean } {
  const isOther = scope.actor.type === "user" && scope.actor.userId !== member.id;
  const owns = isOther && mayActAs(scope, "owner");
  return {
    roles: owns ? [member.role === "admin" ? "member" : "admin"] : [],
    handOver: owns && member.role !== "owner",
    remove: owns || (isOther && mayActAs(scope, "admin") && member.role === "member"),
  };
}

/**
 * Gives one person another role. Owners only; a team always keeps an owner.
 * Their access tokens end, because a token carries the role. Throws
 * `member_unknown` or `last_owner`.
 */
export async function changeRole(scope: Scope, userId: string, role: Role): Promise<Member> {
  requireRole(scope, "owner");
  return inTenant(scope, async (tx) => {
    const { target, owners } = await lockMembers(tx, scope, userId, "owner");
    if (target.role === role) return target;
    if (target.role === "owner" && owners === 1) throw new AppError("last_owner");
    await setRole(tx, scope, target, role);
    await audit(tx, scope, "member.role", { target: userId, detail: { from: target.role, to: role } });
    return { ...target, role };
  });
}

/** Makes one person the owner and the asking owner an admin. Throws `member_unknown`. */
export async function transferOwnership(scope: Scope, userId: string): Promise<Member> {
  requireRole(scope, "owner");
  return inTenant(scope, async (tx) => {
    const { asking, target } = await lockMembers(tx, scope, userId, "owner");
    if (asking === null || asking.id === target.id) throw new AppError("member_unknown");
    await setRole(tx, scope, target, "owner");
    await setRole(tx, scope, asking, "admin");
    await audit(tx, scope, "owner.transfer", { target: userId });
    return { ...target, role: "owner" };
  });
}

/**
 * Ends a membership: one's own, or for admins another's. Admins remove members,
 * owners anybody; the last owner stays. From the next message and request on
 * the person is a stranger; what they have running is stopped. Throws
 * `member_unknown` or `last_owner`.
 */
export async function removeMember(scope: Scope, userId: string): Promise<Member> {
  const leaves = scope.actor.type === "user" && scope.actor.userId === userId;
  requireRole(scope, leaves ? "member" : "admin");
  return inTenant(scope, async (tx) => {
    const locked = await lockMembers(tx, scope, userId, leaves ? "member" : "admin");
    const { asking, target, owners } = locked;
    if (!leaves && asking?.role === "admin" && target.role !== "member")
      throw new AppError("not_allowed", { role: "owner" });
    if (target.role === "owner" && owners === 1) throw new AppError("last_owner");
    await endMembership(tx, scope, target);
    if (!leaves) await tellMembers(tx, scope, [userId], { kind: "removed", params: { team: scope.team } });
    await audit(tx, scope, leaves ? "member.leave" : "member.remove", {
      target: userId,
      detail: { role: target.role },
    });
    return target;
  });
}

/** The owners of the team, for those who have to be told. */
export async function ownerIds(tx: Tx, orgId: string): Promise<string[]> {
  const rows = await tx
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.orgId, orgId), eq(users.status, "active"), eq(users.role, "owner")));
  return rows.map(({ id }) => id);
}

const MEMBER = { id: users.id, name: users.displayName, role: users.role, joinedAt: users.createdAt };

function ofTeam(scope: Scope) {
  return and(eq(users.orgId, scope.orgId), eq(users.status, "active"));
}

// The scope's role was read a moment ago. What two people do to each other at once is settled behind this lock, so
// that a team keeps an owner.
async function lockMembers(
  tx: Tx,
  scope: Scope,
  userId: string,
  least: Role,
): Promise<{ asking: Member | null; target: Member; owners: number }> {
  await tx
    .select({ id: organizations.id })
    .from(organizations)
    .where(eq(organizations.id, scope.orgId))
    .for("no key update");
  const askingId = scope.actor.type === "user" ? scope.actor.userId : null;
  const wanted = askingId === null ? [userId] : [askingId, userId];
  const rows = await tx
    .select(MEMBER)
    .from(users)
    .where(and(ofTeam(scope), inArray(users.id, wanted)));
  const asking = rows.find(({ id }) => id === askingId) ?? null;
  if (askingId !== null && (asking === null || !ranksAtLeast(asking.role, least)))
    throw new AppError("not_allowed", { role: least });
  const target = rows.find(({ id }) => id === userId);
  if (target === undefined) throw new AppError("member_unknown");
  return { asking, target, owners: (await ownerIds(tx, scope.orgId)).length };
}

async function setRole(tx: Tx, scope: Scope, member: Member, role: Role): Promise<void> {
  await tx
    .update(users)
    .set({ role })
    .where(and(eq(users.orgId, scope.orgId), eq(users.id, member.id)));
  await tx.execute(sql`SELECT auth.raise_epoch(${member.id})`);
  if (role !== "member" && !ranksAtLeast(member.role, role))
    await alertOwners(tx, scope, {
      kind: "new_admin",
      key: `${scope.correlationId}:${member.id}`,
      params: { team: scope.team, name: member.name, role },
      except: [userOf(scope.actor), member.id],
    });
  if (userOf(scope.actor) === member.id) return;
  await tellMembers(tx, scope, [member.id], { kind: "role", params: { team: scope.team, role } });
}

async function endMembership(tx: Tx, scope: Scope, member: Member): Promise<void> {
  const { orgId } = scope;
  await tx
    .update(users)
    .set({ status: "removed" })
    .where(and(eq(users.orgId, orgId), eq(users.id, member.id)));
  await tx
    .delete(pendingInputs)
    .where(and(eq(pendingInputs.orgId, orgId), eq(pendingInputs.userId, member.id)));
  await tx.execute(sql`DELETE FROM app.group_members WHERE org_id = ${orgId} AND user_id = ${member.id}`);
  // Else they would come back to life with whoever made them.
  await tx
    .update(invites)
    .set({ revokedAt: sql`now()` })
    .where(
      and(
        eq(invites.orgId, orgId),
        eq(invites.createdBy, member.id),
        isNull(invites.usedAt),
        isNull(invites.revokedAt),
      ),
    );
  await tx.execute(sql`SELECT auth.raise_epoch(${member.id})`);
  await tx.execute(sql`SELECT pg_notify(${REMOVED_CHANNEL}, ${member.id})`);
}
