import { ConfigError } from "../core/config.ts";
import { RefusedToStart } from "../core/instance.ts";
import { DatabaseError } from "../db/tenant.ts";

/** What whoever started a program reads when it cannot go on. */
export function explain(err: unknown): string {
  if (err instanceof ConfigError || err instanceof RefusedToStart) return err.message;
  if (err instanceof DatabaseError) {
    return `The database refused or cannot be reached (${err.code}). Check DATABASE_URL and that Postgres runs; for missing roles see ops/postgres/roles.sql.`;
  }
  return err instanceof Error ? err.message : String(err);
}
