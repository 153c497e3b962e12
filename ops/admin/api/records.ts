import { z } from "zod";
import type { AuditAction } from "../../../core/audit.ts";
import { exportAudit } from "../../../core/audit-export.ts";
import { readAudit } from "../../../core/audit-log.ts";
import { ownUsage, teamUsage, type Use } from "../../../core/chat/usage.ts";
import { listConnections } from "../../../core/vault/credentials.ts";
import { ownEndpoint, type Endpoint } from "./endpoint.ts";
import { moment, pageAnswer, pageQuery, pageShape, scopeOf } from "./shapes.ts";

const WORD = /^[\w.-]{1,100}$/;
const SEQ = /^[1-9]\d{0,17}$/;

const teamId = z.object({ id: z.string() });
const meter = z.strictObject({
  used: z.number(),
  limit: z.number().nullable().describe("Null: none."),
  exact: z.boolean().describe("False when a part of it was estimated."),
});
const use = z.strictObject({ microUsd: meter, tokens: meter });

/** What a team has used, connected and done. */
export const RECORDS: readonly Endpoint[] = [
  ownEndpoint({
    method: "get",
    path: "/me/usage",
    group: "Records",
    summary: "What this person, and the team as a whole, have used this month.",
    status: 200,
    answer: z.strictObject({ period: z.string(), own: use, team: use }),
    async run({ caller }) {
      const { period, own, team } = await ownUsage(caller.scope);
      return { body: { period, own: shownUse(own), team: shownUse(team) } };
    },
  }),
  ownEndpoint({
    method: "get",
    path: "/teams/{id}/usage",
    group: "Records",
    summary: "What everybody in the team has used this month, most first. Admins.",
    params: teamId,
    status: 200,
    answer: z.strictObject({
      period: z.string(),
      team: use,
      members: z.array(z.strictObject({ name: z.string(), use })),
      sharedMicroUsd: z.number().describe("What no member's own budget pays for."),
    }),
    async run(call) {
      const { period, team, members, shared } = await teamUsage(scopeOf(call));
      const shownMembers = members.map(({ name, use }) => ({ name, use: shownUse(use) }));
      return { body: { period, team: shownUse(team), members: shownMembers, sharedMicroUsd: shared } };
    },
  }),
  ownEndpoint({
    method: "get",
    path: "/teams/{id}/credentials",
    group: "Records",
    summary: "What the team has connected: names and last characters, never a secret. Admins.",
    params: teamId,
    status: 200,
    answer: z.strictObject({
      items: z.array(
        z.strictObject({
          service: z.string(),
          kind: z.enum(["api_key", "oauth"]),
          last4: z.string().nullable(),
          status: z.enum(["active", "needs_reauth"]),
          connectedBy: z.string().nullable(),
          connectedAt: moment,
          lastUsedAt: moment.nullable(),
        }),
      ),
    }),
    async run(call) {
      const items = (await listConnections(scopeOf(call))).map((connection) => ({
        service: connection.service,
        kind: connection.kind,
        last4: connection.last4,
        status: connection.status,
        connectedBy: connection.connectedBy,
        connectedAt: connection.connectedAt.toISOString(),
        lastUsedAt: connection.lastUsedAt?.toISOString() ?? null,
      }));
      return { body: { items } };
    },
  }),
  ownEndpoint({
    method: "get",
    path: "/teams/{id}/audit",
    group: "Records",
    summary: "The team's audit log, newest first. All filters that are given must hold. Admins.",
    params: teamId,
    query: pageQuery.extend({
      after: z.string().regex(SEQ).optional().describe("The `next` of the page before."),
      action: z.string().regex(WORD).optional().describe("Such as `member.join`."),
      actor: z.string().regex(WORD).optional().describe("The id of a member, or the name of a program."),
      correlationId: z.string().regex(WORD).optional(),
      from: moment.optional(),
      until: moment.optional().describe("Not included."),
    }),
    status: 200,
    answer: pageShape(
      z.strictObject({
        seq: z.int(),
        at: moment,
        actorType: z.enum(["user", "system", "operator"]),
        actorId: z.string(),
        actorName: z.string().nullable(),
        action: z.string(),
        target: z.string().nullable(),
        outcome: z.string(),
        model: z.string().nullable(),
        correlationId: z.string(),
        detail: z.record(z.string(), z.unknown()).nullable(),
      }),
    ),
    async run(call) {
      const { after = null, limit, actor: actorId, correlationId, from, until } = call.query;
      // safe: an action that is none of ours finds no row
      const action = call.query.action as AuditAction | undefined;
      const filter = { action, actorId, correlationId, from: dateOf(from), until: dateOf(until) };
      const page = await readAudit(scopeOf(call), { after, limit }, filter);
      return { body: pageAnswer(page, (row) => ({ ...row, at: row.at.toISOString() })) };
    },
  }),
  ownEndpoint({
    method: "get",
    path: "/teams/{id}/audit.csv",
    group: "Records",
    summary: "The whole log with its hashes, oldest first. Admins.",
    params: teamId,
    status: 200,
    contentType: "text/csv; charset=utf-8",
    async run(call) {
      const { name, content } = await exportAudit(scopeOf(call));
      return { body: content, headers: { "Content-Disposition": `attachment; filename="${name}"` } };
    },
  }),
];

function shownUse({ microusd, tokens }: Use) {
  const shown = ({ used, lim, exact }: Use["tokens"]) => ({ used, limit: lim, exact });
  return { microUsd: shown(microusd), tokens: shown(tokens) };
}

function dateOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}
