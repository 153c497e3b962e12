import { bigint, text, timestamp, uuid } from "drizzle-orm/pg-core";
import { app, bytea } from "./teams.ts";

const moment = (name: string) => timestamp(name, { withTimezone: true });

export const cloudConnections = app.table("cloud_connections", {
  orgId: uuid("org_id").notNull(),
  id: uuid("id").notNull().defaultRandom(),
  provider: text("provider").notNull(),
  scopes: text("scopes").array().notNull().default([]),
  status: text("status", { enum: ["active", "needs_reauth"] })
    .notNull()
    .default("active"),
  createdBy: uuid("created_by"),
  createdAt: moment("created_at").notNull().defaultNow(),
  lastUsedAt: moment("last_used_at"),
  expiresAt: moment("expires_at"),
});

export const credentials = app.table("credentials", {
  orgId: uuid("org_id").notNull(),
  id: uuid("id").notNull().defaultRandom(),
  connectionId: uuid("connection_id").notNull(),
  name: text("name").notNull(),
  kind: text("kind", { enum: ["api_key", "oauth"] }).notNull(),
  kid: bigint("kid", { mode: "number" }).notNull(),
  envelope: bytea("envelope").notNull(),
  last4: text("last4"),
  updatedAt: moment("updated_at").notNull().defaultNow(),
});
