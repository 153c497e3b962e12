import type { Sql } from "../../db/client.ts";

type TurnRow = { id: string; status: string; attempt: number; error_kind: string | null };
type SentRow = { kind: string; state: string; attempts: number; maybe_sent: number; error: string | null };

/** What became of one question, in states and counts: its updates that never ended, its turns, and what they sent. */
export async function traceOf(sql: Sql, question: string): Promise<string> {
  const asked = `\\m${question}\\M`;
  const updates = await sql<
    { state: string; attempts: number }[]
  >`SELECT state, attempts FROM pipeline.updates
    WHERE payload->'message'->>'text' ~ ${asked}`;
  const turns = await sql<
    TurnRow[]
  >`SELECT id, status, attempt, error_kind FROM app.turns WHERE question ~ ${asked}`;
  const shown = await Promise.all(
    turns.map(async ({ id, status, attempt, error_kind: kind }) => {
      const rows = await sql<SentRow[]>`SELECT kind, state, attempts, maybe_sent, error FROM pipeline.outbox
        WHERE turn_id = ${id} ORDER BY id`;
      const sent = rows.map(
        (row) =>
          `${row.kind} ${row.state} (attempts ${row.attempts}, unsure ${row.maybe_sent}, ${row.error ?? "-"})`,
      );
      return `turn ${status} (attempt ${attempt}, ${kind ?? "-"}): ${sent.join(", ")}`;
    }),
  );
  const left = updates.map(({ state, attempts }) => `update ${state} (attempts ${attempts})`);
  return [question, ...left, ...shown].join("; ");
}
