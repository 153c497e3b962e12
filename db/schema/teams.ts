import { boolean, customType, pgSchema, text, timestamp, uuid } from "drizzle-orm/pg-core";

/** Every table here but `instance` stands behind the wall of row-level security: see db/migrations. */
export const app = pgSchema("app");

export const bytea = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });

export const instance = app.table("instance", {
  id: boolean("id").primaryKey().default(true),
  kind: text("kind", { enum: ["demo", "real"] }).notNull(),
  keyCheck: bytea("key_check").notNull(),
  setupCodeHash: bytea("setup_code_hash"),
  setupUsedAt: timestamp("setup_used_at", { withTimezone: true }),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
});

export const organizations = app.table("organizations", {
  id: uuid("id").primaryKey().defaultRandom(),
  name: text("name").notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
});

export const users = app.table("users", {
  orgId: uuid("org_id").notNull(),
  id: uuid("id").notNull().defaultRandom(),
  accountId: uuid("account_id").notNull(),
  role: text("role", { enum: ["owner", "admin", "member"] })
    .notNull()
    .default("member"),
  status: text("status", { enum: ["active", "removed"] })
    .notNull()
    .default("active"),
  displayName: text("display_name").notNull().default(""),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
});

export const invites = app.table("invites", {
  orgId: uuid("org_id").notNull(),
  id: uuid("id").notNull().defaultRandom(),
  tokenHash: bytea("token_hash").notNull(),
  role: text("role", { enum: ["owner", "admin", "member"] }).notNull(),
  email: text("email"),
  mailTokenHash: bytea("mail_token_hash"),
  createdBy: uuid("created_by"),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
  expiresAt: timestamp("expires_at", { withTimezone: true }).notNull(),
  usedAt: timestamp("used_at", { withTimezone: true }),
  usedBy: uuid("used_by"),
  revokedAt: timestamp("revoked_at", { withTimezone: true }),
});

export const groups = app.table("groups", {
  orgId: uuid("org_id").notNull(),
  id: uuid("id").notNull().defaultRandom(),
  name: text("name").notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull().defaultNow(),
});
