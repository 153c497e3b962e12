import { sql } from "drizzle-orm";
import type { Tx } from "../db/client.ts";
import { inTenant } from "../db/tenant.ts";
import { requireRole, type Scope } from "./scope.ts";

/** One row of the chain as somebody keeps it outside: its number, and its hash or the beginning of it, as hexadecimal digits. */
export type Anchor = { readonly seq: number; readonly hash: string };

/** The first row that is not as it was written: `seq` is its number, `reason` what is wrong with it. */
type Break = {
  readonly seq: number;
  readonly reason: "gap" | "prev_hash" | "detail" | "hash" | "tail" | "head";
};

export type ChainReport = {
  readonly rows: number;
  /** The newest row; null while there is none. */
  readonly head: Anchor | null;
  readonly broken: Break | null;
  /** Whether the row of the anchor is still the one it was; `purged` when its time had come. Null without an anchor. */
  readonly anchor: "holds" | "differs" | "purged" | null;
};

/** How much of a hash is told to people: 128 bits. */
const ANCHOR_DIGITS = 32;
const ANCHOR = /^#?(?<seq>\d{1,15})\s+(?<hash>[0-9a-f]{16,64})$/i;

/** Reads an anchor as it was sent, such as `42 9f8e7d…`. Null when it is none. */
export function anchorIn(words: string): Anchor | null {
  const { seq, hash } = ANCHOR.exec(words.trim())?.groups ?? {};
  return seq === undefined || hash === undefined ? null : { seq: Number(seq), hash: hash.toLowerCase() };
}

/** Checks every row of the team's log, and whether a row that was noted outside is still there. Admins only. */
export async function verifyAudit(scope: Scope, noted: Anchor | null = null): Promise<ChainReport> {
  requireRole(scope, "admin");
  return inTenant(scope, async (tx) => {
    const [count] = await tx.execute<{ rows: number }>(
      sql`SELECT count(*)::int AS rows FROM app.audit_log WHERE org_id = ${scope.orgId}`,
    );
    return {
      rows: count?.rows ?? 0,
      head: await readHead(tx, scope.orgId),
      broken: await findBreak(tx),
      anchor: noted === null ? null : await compare(tx, scope.orgId, noted),
    };
  });
}

/** The first broken link of the current team's chain. */
export async function findBreak(tx: Tx): Promise<Break | null> {
  const [row] = await tx.execute<{ bad_seq: string; reason: Break["reason"] }>(
    sql`SELECT bad_seq, reason FROM auth.audit_verify()`,
  );
  return row === undefined ? null : { seq: Number(row.bad_seq), reason: row.reason };
}

/** The newest row of a team's log as an anchor; null while there is none. */
export async function readHead(tx: Tx, orgId: string): Promise<Anchor | null> {
  const [row] = await tx.execute<{ seq: string; hash: string }>(
    sql`SELECT seq, encode(hash, 'hex') AS hash FROM app.audit_log WHERE org_id = ${orgId} ORDER BY seq DESC LIMIT 1`,
  );
  return row === undefined ? null : { seq: Number(row.seq), hash: row.hash.slice(0, ANCHOR_DIGITS) };
}

async function compare(tx: Tx, orgId: string, { seq, hash }: Anchor): Promise<ChainReport["anchor"]> {
  const [row] = await tx.execute<{ hash: string | null; purged: string }>(sql`SELECT
      coalesce((SELECT encode(l.hash, 'hex') FROM app.audit_log l WHERE l.org_id = ${orgId} AND l.seq = ${seq}),
        (SELECT encode(c.hash, 'hex') FROM app.audit_checkpoints c WHERE c.org_id = ${orgId} AND c.seq = ${seq})) AS hash,
      coalesce((SELECT max(c.seq) FROM app.audit_checkpoints c WHERE c.org_id = ${orgId}), 0) AS purged`);
  const known = row?.hash ?? null;
  if (known === null) return seq <= Number(row?.purged ?? 0) ? "purged" : "differs";
  return known.startsWith(hash) ? "holds" : "differs";
}
