import { sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { inTenant } from "../../db/tenant.ts";
import { audit } from "../audit.ts";
import { INSTRUCTIONS_CHARS_MAX, type Voice } from "../claude/prompt.ts";
import { AppError } from "../errors.ts";
import { requireRole, type Scope } from "../scope.ts";
import type { Language } from "../text/text.ts";

/** How Claude speaks to this team. */
export async function readVoice(tx: Tx, orgId: string): Promise<Voice> {
  const [row] = await tx.execute<{ instructions: string | null; language: Language | null }>(
    sql`SELECT instructions, language FROM app.team_settings WHERE org_id = ${orgId}`,
  );
  return { instructions: row?.instructions ?? null, language: row?.language ?? null };
}

/** The same, for admins to look at. */
export async function voiceOf(scope: Scope): Promise<Voice> {
  requireRole(scope, "admin");
  return inTenant(scope, (tx) => readVoice(tx, scope.orgId));
}

/**
 * Tone and house rules in the admins' own words, in every prompt of the team from the next question on; null takes
 * them away. Admins only. Throws `instructions_too_long` and, for a text of nothing, `instructions_empty`.
 */
export async function setInstructions(scope: Scope, text: string | null): Promise<void> {
  requireRole(scope, "admin");
  const clean = text?.replaceAll("\0", "").toWellFormed().normalize("NFC").trim() ?? null;
  if (clean === "") throw new AppError("instructions_empty");
  const count = clean?.length ?? 0;
  if (count > INSTRUCTIONS_CHARS_MAX)
    throw new AppError("instructions_too_long", { count, max: INSTRUCTIONS_CHARS_MAX });
  await inTenant(scope, async (tx) => {
    await tx.execute(sql`INSERT INTO app.team_settings (org_id, instructions) VALUES (${scope.orgId}, ${clean})
      ON CONFLICT (org_id) DO UPDATE SET instructions = excluded.instructions, updated_at = now()`);
    await audit(tx, scope, "team.instructions", {
      outcome: clean === null ? "removed" : "ok",
      detail: { characters: count },
    });
  });
}

/** The language that Claude answers this team in; null is that of the question. Admins only. */
export async function setTeamLanguage(scope: Scope, language: Language | null): Promise<void> {
  requireRole(scope, "admin");
  await inTenant(scope, async (tx) => {
    await tx.execute(sql`INSERT INTO app.team_settings (org_id, language) VALUES (${scope.orgId}, ${language})
      ON CONFLICT (org_id) DO UPDATE SET language = excluded.language, updated_at = now()`);
    await audit(tx, scope, "team.language", { detail: { to: language } });
  });
}
