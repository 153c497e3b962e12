import { bigint, integer, jsonb, text, timestamp, uuid } from "drizzle-orm/pg-core";
import { app } from "./teams.ts";

const telegramId = (name: string) => bigint(name, { mode: "number" });

export const chats = app.table("chats", {
  orgId: uuid("org_id").notNull(),
  id: uuid("id").notNull().defaultRandom(),
  botId: telegramId("bot_id").notNull(),
  telegramChatId: telegramId("telegram_chat_id").notNull(),
  kind: text("kind", { enum: ["private", "group", "supergroup"] }).notNull(),
  title: text("title").notNull().default(""),
  groupId: uuid("group_id"),
  status: text("status", { enum: ["active", "inactive"] })
    .notNull()
    .default("active"),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
});

export const conversations = app.table("conversations", {
  orgId: uuid("org_id").notNull(),
  id: uuid("id").notNull().defaultRandom(),
  chatId: uuid("chat_id").notNull(),
  threadId: telegramId("thread_id").notNull().default(0),
  summary: text("summary"),
  summarisedTo: timestamp("summarised_to", { withTimezone: true }),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
  closedAt: timestamp("closed_at", { withTimezone: true }),
});

export const turns = app.table("turns", {
  orgId: uuid("org_id").notNull(),
  id: uuid("id").notNull().defaultRandom(),
  conversationId: uuid("conversation_id").notNull(),
  botId: telegramId("bot_id").notNull(),
  updateId: telegramId("update_id"),
  lane: text("lane").notNull(),
  telegramChatId: telegramId("telegram_chat_id").notNull(),
  threadId: telegramId("thread_id").notNull().default(0),
  replyTo: telegramId("reply_to"),
  askerId: uuid("asker_id").notNull(),
  speaker: text("speaker"),
  question: text("question").notNull(),
  files: jsonb("files").notNull().default([]),
  asked: jsonb("asked")
    .$type<readonly { readonly id: number; readonly hash: string }[]>()
    .notNull()
    .default([]),
  status: text("status", { enum: ["running", "answered", "failed", "stopped"] })
    .notNull()
    .default("running"),
  attempt: integer("attempt").notNull().default(1),
  answer: text("answer"),
  model: text("model"),
  stopReason: text("stop_reason"),
  inputTokens: telegramId("input_tokens"),
  cacheReadTokens: telegramId("cache_read_tokens"),
  cacheWriteTokens: telegramId("cache_write_tokens"),
  outputTokens: telegramId("output_tokens"),
  costMicrousd: telegramId("cost_microusd"),
  promptBytes: integer("prompt_bytes"),
  errorKind: text("error_kind"),
  correlationId: text("correlation_id").notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
  endedAt: timestamp("ended_at", { withTimezone: true }),
  credential: text("credential"),
  kept: text("kept", { enum: ["waiting", "offered", "accepted"] }),
});

export const pendingInputs = app.table("pending_inputs", {
  orgId: uuid("org_id").notNull(),
  userId: uuid("user_id").notNull(),
  telegramChatId: telegramId("telegram_chat_id").notNull(),
  kind: text("kind").notNull(),
  expiresAt: timestamp("expires_at", { withTimezone: true }).notNull(),
});

export const buttons = app.table("buttons", {
  orgId: uuid("org_id").notNull(),
  id: text("id").notNull(),
  kind: text("kind").notNull(),
  turnId: uuid("turn_id"),
  value: text("value"),
  userId: uuid("user_id"),
  telegramChatId: telegramId("telegram_chat_id").notNull(),
  expiresAt: timestamp("expires_at", { withTimezone: true }).notNull(),
  usedAt: timestamp("used_at", { withTimezone: true }),
});
