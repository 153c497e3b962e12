import { z } from "zod";
import { INVITE_DAYS, listInvites, revokeInvite } from "../../../core/accounts/invites.ts";
import { offerInvite } from "../../../core/accounts/mailed-invites.ts";
import {
  changeRole,
  listMembers,
  removeMember,
  transferOwnership,
  type Member,
} from "../../../core/accounts/members.ts";
import { createTeam, listTeams, renameTeam } from "../../../core/accounts/teams.ts";
import { ownEndpoint, type Endpoint } from "./endpoint.ts";
import { email, id, moment, pageAnswer, pageQuery, pageShape, role, scopeOf } from "./shapes.ts";

const NAME_CHARS_MAX = 200;

const teamId = z.object({ id: z.string() });
const memberId = z.object({ id: z.string(), memberId: id });
const name = z.string().max(NAME_CHARS_MAX);
const team = z.strictObject({ id, name: z.string(), role });
const openInvite = z.strictObject({
  id,
  role,
  email: z.string().nullable().describe("Where it was mailed."),
  invitedBy: z.string(),
  createdAt: moment,
  expiresAt: moment,
});
const member = z.strictObject({ id, name: z.string(), role, joinedAt: moment });

/** Teams and who is in them. */
export const TEAMS: readonly Endpoint[] = [
  ownEndpoint({
    method: "get",
    path: "/teams",
    group: "Teams",
    summary: "The teams of this person, in the order in which they joined.",
    status: 200,
    answer: z.strictObject({ items: z.array(team) }),
    run: async ({ caller }) => ({
      body: { items: (await listTeams(caller.scope)).map(({ id, name, role }) => ({ id, name, role })) },
    }),
  }),
  ownEndpoint({
    method: "post",
    path: "/teams",
    group: "Teams",
    summary: "Makes a team, owned by this person. Who may is for TEAM_CREATION to say.",
    body: z.strictObject({ name }),
    status: 201,
    answer: team,
    async run({ caller, body }) {
      const { id, name, role } = await createTeam(caller.scope, body.name);
      return { body: { id, name, role } };
    },
  }),
  ownEndpoint({
    method: "get",
    path: "/teams/{id}",
    group: "Teams",
    summary: "The team that the session acts for.",
    params: teamId,
    status: 200,
    answer: team,
    async run(call) {
      const { orgId, team, actor } = scopeOf(call);
      const role = actor.type === "user" ? actor.role : "member";
      return { body: { id: orgId, name: team, role } };
    },
  }),
  ownEndpoint({
    method: "patch",
    path: "/teams/{id}",
    group: "Teams",
    summary: "Renames the team. Admins.",
    params: teamId,
    body: z.strictObject({ name }),
    status: 200,
    answer: z.strictObject({ id, name: z.string() }),
    async run(call) {
      const scope = scopeOf(call);
      return { body: { id: scope.orgId, name: await renameTeam(scope, call.body.name) } };
    },
  }),
  ownEndpoint({
    method: "get",
    path: "/teams/{id}/members",
    group: "Teams",
    summary: "Who is in the team, in the order in which they joined.",
    params: teamId,
    query: pageQuery,
    status: 200,
    answer: pageShape(member),
    async run(call) {
      const { after = null, limit } = call.query;
      return { body: pageAnswer(await listMembers(scopeOf(call), { after, limit }), shown) };
    },
  }),
  ownEndpoint({
    method: "patch",
    path: "/teams/{id}/members/{memberId}",
    group: "Teams",
    summary: "Gives somebody another role. Owners. Making one the owner does not end one's own ownership.",
    params: memberId,
    body: z.strictObject({ role }),
    status: 200,
    answer: member,
    async run(call) {
      return { body: shown(await changeRole(scopeOf(call), call.params.memberId, call.body.role)) };
    },
  }),
  ownEndpoint({
    method: "delete",
    path: "/teams/{id}/members/{memberId}",
    group: "Teams",
    summary:
      "Removes somebody, at once, or leaves. Admins remove members, owners anybody; the last owner stays.",
    params: memberId,
    status: 204,
    async run(call) {
      await removeMember(scopeOf(call), call.params.memberId);
      return { body: null };
    },
  }),
  ownEndpoint({
    method: "post",
    path: "/teams/{id}/owner",
    group: "Teams",
    summary: "Hands the team over: that person becomes the owner, the asking owner an admin.",
    params: teamId,
    body: z.strictObject({ memberId: id }),
    status: 200,
    answer: member,
    async run(call) {
      return { body: shown(await transferOwnership(scopeOf(call), call.body.memberId)) };
    },
  }),
  ...invites(),
];

function invites(): readonly Endpoint[] {
  const invitable = z.enum(["admin", "member"]);
  return [
    ownEndpoint({
      method: "get",
      path: "/teams/{id}/invites",
      group: "Teams",
      summary: "The invites that can still be used, oldest first. Admins.",
      params: teamId,
      query: pageQuery,
      status: 200,
      answer: pageShape(openInvite),
      async run(call) {
        const { after = null, limit } = call.query;
        const page = await listInvites(scopeOf(call), { after, limit });
        return {
          body: pageAnswer(page, ({ id, role, email, invitedBy, createdAt, expiresAt }) => ({
            id,
            role,
            email,
            invitedBy,
            createdAt: createdAt.toISOString(),
            expiresAt: expiresAt.toISOString(),
          })),
        };
      },
    }),
    ownEndpoint({
      method: "post",
      path: "/teams/{id}/invites",
      group: "Teams",
      summary: `Makes an invite that works once, within ${INVITE_DAYS} days, and mails it if there is an address. Admins; only owners invite admins.`,
      params: teamId,
      body: z.strictObject({
        role: invitable.default("member"),
        email: email.optional().describe("Where to mail it, in the language of whoever asks."),
      }),
      status: 201,
      answer: z.strictObject({
        id,
        start: z
          .string()
          .nullable()
          .describe(
            "For `https://t.me/BOT?start=…`, told this once. Null when it is mailed: only the mail has it.",
          ),
        expiresAt: moment,
      }),
      async run(call) {
        const { id, start, expiresAt } = await offerInvite(scopeOf(call), call.body);
        return { body: { id, start, expiresAt: expiresAt.toISOString() } };
      },
    }),
    ownEndpoint({
      method: "delete",
      path: "/teams/{id}/invites/{inviteId}",
      group: "Teams",
      summary: "Makes an invite useless. Admins; only owners revoke an admin's.",
      params: z.object({ id: z.string(), inviteId: id }),
      status: 204,
      async run(call) {
        await revokeInvite(scopeOf(call), call.params.inviteId);
        return { body: null };
      },
    }),
  ];
}

function shown({ id, name, role, joinedAt }: Member) {
  return { id, name, role, joinedAt: joinedAt.toISOString() };
}
