import { createHash } from "node:crypto";
import type { Sql } from "./client.ts";

/** A team with one row in every table. `id` names a row of it by the table's name. */
export type SeededTeam = {
  readonly orgId: string;
  readonly number: number;
  readonly id: (table: string) => string;
};

type Row = Record<string, unknown>;

/**
 * One row of each table of schema `app` that holds a team's rows, in the order of their
 * foreign keys, with every foreign key set. A table that is missing here fails
 * the matrix in db/tenancy-matrix.test.ts.
 */
const SEEDS: Readonly<Record<string, (team: SeededTeam) => Row>> = {
  organizations: ({ orgId, number }) => ({ id: orgId, name: `team ${number}` }),
  users: ({ id }) => ({ id: id("users"), account_id: id("accounts"), role: "owner", display_name: "Person" }),
  invites: ({ id }) => ({
    id: id("invites"),
    token_hash: digest(id("invites")),
    role: "member",
    created_by: id("users"),
    expires_at: later(),
    used_by: id("users"),
  }),
  groups: ({ id, orgId }) => ({ id: id("groups"), name: `canary ${orgId}` }),
  group_members: ({ id }) => ({ group_id: id("groups"), user_id: id("users") }),
  team_settings: () => ({ time_zone: "UTC" }),
  chats: ({ id, number }) => ({
    id: id("chats"),
    bot_id: 1,
    telegram_chat_id: number,
    kind: "private",
    group_id: id("groups"),
  }),
  conversations: ({ id }) => ({ id: id("conversations"), chat_id: id("chats") }),
  turns: ({ id, number }) => ({
    id: id("turns"),
    conversation_id: id("conversations"),
    bot_id: 1,
    update_id: number,
    lane: "lane",
    telegram_chat_id: number,
    asker_id: id("users"),
    question: `secret of team ${number}`,
    correlation_id: "c",
  }),
  pending_inputs: ({ id, number }) => ({
    user_id: id("users"),
    telegram_chat_id: number,
    kind: "team_name",
    expires_at: later(),
  }),
  buttons: ({ id, number }) => ({
    id: id("buttons"),
    kind: "retry",
    turn_id: id("turns"),
    user_id: id("users"),
    telegram_chat_id: number,
    expires_at: later(),
  }),
  quotas: () => ({ resource: "team:microusd", period: "2026-01-01", used: 1, lim: 10 }),
  budgets: () => ({ resource: "team:microusd", lim: 10 }),
  reservations: ({ id }) => ({
    id: id("reservations"),
    user_id: id("users"),
    period: "2026-01-01",
    microusd: 1,
    tokens: 1,
  }),
  cloud_connections: ({ id }) => ({
    id: id("cloud_connections"),
    provider: "slack",
    created_by: id("users"),
  }),
  credentials: ({ id }) => ({
    id: id("credentials"),
    connection_id: id("cloud_connections"),
    name: "slack",
    kind: "api_key",
    kid: 1,
    envelope: Buffer.alloc(40, 1),
  }),
  audit_log: ({ id }) => ({
    seq: 1,
    at: new Date(0),
    actor_type: "user",
    actor_id: id("users"),
    action: "team.create",
    outcome: "ok",
    correlation_id: "c",
    detail_hash: digest("detail"),
    prev_hash: digest("before"),
    hash: digest("hash"),
  }),
  audit_heads: () => ({ seq: 1, hash: digest("hash") }),
  audit_checkpoints: () => ({ seq: 1, hash: digest("hash"), purged: 1, purged_before: new Date(0) }),
  folders: ({ id }) => ({ id: id("folders"), parent_id: id("folders"), name: "folder" }),
  topics: ({ id }) => ({ id: id("topics"), name: "topic" }),
  documents: ({ id }) => ({
    id: id("documents"),
    folder_id: id("folders"),
    owner_id: id("users"),
    title: "title",
    mime: "text/plain",
    bytes: 1,
    sha256: digest("document"),
  }),
  document_topics: ({ id }) => ({ document_id: id("documents"), topic_id: id("topics") }),
  shares: ({ id }) => ({ document_id: id("documents"), group_id: id("groups") }),
  document_chunks: ({ id }) => ({ document_id: id("documents"), seq: 1, content: "content" }),
};

/** The tables that have a seed. */
export const SEEDED_TABLES: readonly string[] = Object.keys(SEEDS);

/** Makes a team with one row in every table. Its rows have the same ids for the same number in every database. */
export async function seedTeam(admin: Sql, number: number): Promise<SeededTeam> {
  const id = (table: string): string => uuidOf(`${table} of team ${number}`);
  const team: SeededTeam = { orgId: id("organizations"), number, id };
  await admin.begin(async (tx) => {
    await tx`INSERT INTO auth.accounts (id, telegram_user_id, current_org_id) VALUES (${id("accounts")}, ${number}, NULL)`;
    for (const [table, rowOf] of Object.entries(SEEDS)) {
      const row = table === "organizations" ? rowOf(team) : { org_id: team.orgId, ...rowOf(team) };
      await tx`INSERT INTO ${tx(`app.${table}`)} ${tx(row)}`;
    }
  });
  return team;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function uuidOf(text: string): string {
  const hex = digest(text).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function later(): Date {
  return new Date(Date.now() + 3_600_000);
}
