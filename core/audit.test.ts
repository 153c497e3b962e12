import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import type { Sql } from "../db/client.ts";
import { DatabaseError, inSystem, inTenant } from "../db/tenant.ts";
import { renameTeam } from "./accounts/teams.ts";
import { audit } from "./audit.ts";
import type { Scope } from "./scope.ts";
import { createTestApp } from "./test-app.ts";
import { addCredential } from "./vault/credentials.ts";

type Broken = { bad_seq: number; reason: string } | null;

async function append(scope: Scope, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await inTenant(scope, (tx) =>
      audit(tx, scope, "turn.answer", { target: `turn ${i}`, model: "claude-sonnet-5-5", detail: { i } }),
    );
  }
}

async function broken(scope: Scope): Promise<Broken> {
  const [row] = await inTenant(scope, (tx) =>
    tx.execute<{ bad_seq: string; reason: string }>(sql`SELECT * FROM auth.audit_verify()`),
  );
  return row === undefined ? null : { bad_seq: Number(row.bad_seq), reason: row.reason };
}

/** What the chain says after the database's administrator changed it; the change is undone. */
async function brokenAfter(admin: Sql, scope: Scope, change: (tx: Sql) => Promise<unknown>): Promise<Broken> {
  let found: Broken = null;
  const undo = new Error("undo");
  const work = admin.begin(async (tx) => {
    // safe: a transaction has every method of the client that is used here
    await change(tx as unknown as Sql);
    await tx`SELECT set_config('app.current_org_id', ${scope.orgId}, true)`;
    const [row] = await tx`SELECT bad_seq::int, reason FROM auth.audit_verify()`;
    found = row === undefined ? null : { bad_seq: Number(row["bad_seq"]), reason: String(row["reason"]) };
    throw undo;
  });
  await work.catch((err: unknown) => {
    if (err !== undo) throw err;
  });
  return found;
}

async function refusedCode(scope: Scope, statement: ReturnType<typeof sql>): Promise<string> {
  const err = await inTenant(scope, (tx) => tx.execute(statement)).catch((thrown: unknown) => thrown);
  return err instanceof DatabaseError ? err.code : "no error";
}

test("AU-01: the chain holds under two hundred appends at once, a tenth of them undone, each team with a chain of its own", async () => {
  await using it = await createTestApp();
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  const undone = (scope: Scope) =>
    inTenant(scope, async (tx) => {
      await audit(tx, scope, "turn.answer");
      throw new Error("changed my mind");
    }).catch((err: unknown) => err);
  await Promise.all(
    Array.from({ length: 200 }, (_, i) => (i % 10 === 9 ? undone : append)(i % 4 === 0 ? theirs : mine, 1)),
  );
  for (const [scope, count] of [
    [mine, 130],
    [theirs, 50],
  ] as const) {
    const rows =
      await it.admin`SELECT seq::int FROM app.audit_log WHERE org_id = ${scope.orgId} ORDER BY seq`;
    expect(rows.map((row) => Number(row["seq"]))).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    expect(await broken(scope)).toBeNull();
  }
});

test("AU-05: a change whose row cannot be written down is not made", async () => {
  await using it = await createTestApp();
  const scope = await it.team(1, "Before");
  await it.admin.unsafe(`CREATE FUNCTION public.full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no space left' USING errcode = '53100'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON app.audit_log FOR EACH ROW EXECUTE FUNCTION public.full_disk()`);
  await expect(renameTeam(scope, "After")).rejects.toMatchObject({ code: "53100" });
  await expect(addCredential(scope, "slack", "xoxb-" + "1".repeat(40))).rejects.toThrow();
  const left = () => it.admin`SELECT (SELECT name FROM app.organizations WHERE id = ${scope.orgId}) AS name,
    (SELECT count(*)::int FROM app.credentials) AS credentials`;
  expect([...(await left())]).toEqual([{ name: "Before", credentials: 0 }]);
  await it.admin`DROP TRIGGER full_disk ON app.audit_log`;
  await renameTeam(scope, "After");
  expect([...(await left())]).toEqual([{ name: "After", credentials: 0 }]);
});

test("AU-07: what people choose is written as it is, and cut when it is long", async () => {
  await using it = await createTestApp();
  const scope = await it.team(1);
  const target = 'a\r\nb \u001b[31m\u2028 {"level":"fatal"} \0';
  await inTenant(scope, (tx) =>
    audit(tx, scope, "group.claim", { target, detail: { title: "t".repeat(1_000_000) } }),
  );
  const [row] = await it.admin`SELECT target, length(detail->>'title') AS length FROM app.audit_log`;
  expect(row).toEqual({ target: target.replace("\0", ""), length: 1_024 });
  expect(await broken(scope)).toBeNull();
});

test("a row says who did what under which reference, and commits with its change or not at all", async () => {
  await using it = await createTestApp();
  const scope = await it.team(1);
  const undone = inTenant(scope, async (tx) => {
    await audit(tx, scope, "team.rename");
    throw new Error("changed my mind");
  });
  await expect(undone).rejects.toThrow("changed my mind");
  const machine = { actor: { type: "system", name: "telegram" } as const, correlationId: "ref" };
  await inTenant(scope, async (tx) => {
    await audit(tx, scope, "invite.create", { target: "an invite", detail: { role: "admin" } });
    await audit(tx, machine, "group.move", { outcome: "moved" });
  });
  const rows = await inTenant(scope, (tx) =>
    tx.execute(
      sql`SELECT seq::int, actor_type, actor_id, action, target, outcome, model, correlation_id, detail FROM app.audit_log ORDER BY seq`,
    ),
  );
  const nothing = { model: null, target: null, detail: null };
  expect([...rows]).toEqual([
    {
      ...nothing,
      seq: 1,
      actor_type: "user",
      actor_id: scope.actor.type === "user" ? scope.actor.userId : "",
      action: "invite.create",
      target: "an invite",
      outcome: "ok",
      correlation_id: scope.correlationId,
      detail: { role: "admin" },
    },
    {
      ...nothing,
      seq: 2,
      actor_type: "system",
      actor_id: "telegram",
      action: "group.move",
      outcome: "moved",
      correlation_id: "ref",
    },
  ]);
  expect(await broken(scope)).toBeNull();
});

test("AU-02: what the database's administrator changes afterwards is found, where it was changed", async () => {
  await using it = await createTestApp();
  const scope = await it.team(1);
  await append(scope, 6);
  const after = (change: (tx: Sql) => Promise<unknown>) => brokenAfter(it.admin, scope, change);
  expect(await after(async () => undefined)).toBeNull();
  for (const [column, value] of [
    ["actor_id", "somebody else"],
    ["actor_type", "operator"],
    ["action", "team.rename"],
    ["target", "another turn"],
    ["target", null],
    ["outcome", "stopped"],
    ["model", "another model"],
    ["correlation_id", "another"],
    ["at", "2026-01-01T00:00:00Z"],
  ] as const) {
    const found = await after((tx) => tx`UPDATE app.audit_log SET ${tx(column)} = ${value} WHERE seq = 3`);
    expect([column, found]).toEqual([column, { bad_seq: 3, reason: "hash" }]);
  }
  expect(await after((tx) => tx`UPDATE app.audit_log SET detail = '{"i": 9}' WHERE seq = 3`)).toEqual({
    bad_seq: 3,
    reason: "detail",
  });
  expect(await after((tx) => tx`DELETE FROM app.audit_log WHERE seq = 1`)).toEqual({
    bad_seq: 1,
    reason: "gap",
  });
  expect(await after((tx) => tx`DELETE FROM app.audit_log WHERE seq = 4`)).toEqual({
    bad_seq: 4,
    reason: "gap",
  });
  expect(await after((tx) => tx`DELETE FROM app.audit_log WHERE seq = 6`)).toEqual({
    bad_seq: 6,
    reason: "tail",
  });
  expect(await after((tx) => tx`DELETE FROM app.audit_log`)).toEqual({ bad_seq: 6, reason: "tail" });
  expect(await after((tx) => tx`UPDATE app.audit_heads SET hash = '\\x01'`)).toEqual({
    bad_seq: 6,
    reason: "tail",
  });
  expect(await after((tx) => tx`UPDATE app.audit_heads SET seq = 9`)).toEqual({ bad_seq: 9, reason: "tail" });
  const beheaded = await after(async (tx) => {
    await tx`DELETE FROM app.audit_log WHERE seq >= 5`;
    await tx`DELETE FROM app.audit_heads`;
  });
  expect(beheaded).toEqual({ bad_seq: 5, reason: "head" });
  const emptied = await after(async (tx) => {
    await tx`DELETE FROM app.audit_log`;
    await tx`DELETE FROM app.audit_heads`;
  });
  expect(emptied).toEqual({ bad_seq: 1, reason: "head" });
  const renumbered = await after(async (tx) => {
    await tx`DELETE FROM app.audit_log WHERE seq = 4`;
    await tx`UPDATE app.audit_log SET seq = 4 WHERE seq = 5`;
  });
  expect(renumbered).toEqual({ bad_seq: 4, reason: "prev_hash" });
  const planted = await after(
    (
      tx,
    ) => tx`INSERT INTO app.audit_log SELECT org_id, 7, at, actor_type, actor_id, action, target, outcome, model, correlation_id,
      detail, detail_hash, hash, hash FROM app.audit_log WHERE seq = 6`,
  );
  expect(planted).toEqual({ bad_seq: 7, reason: "hash" });
  expect(await broken(scope)).toBeNull();
});

test("the details of a row can be taken out without breaking the chain", async () => {
  await using it = await createTestApp();
  const scope = await it.team(1);
  await append(scope, 3);
  await it.admin`UPDATE app.audit_log SET detail = NULL WHERE seq = 2`;
  await append(scope, 1);
  expect(await broken(scope)).toBeNull();
});

test("a purge removes what is old, leaves a checkpoint, and the chain goes on from there", async () => {
  await using it = await createTestApp();
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  await append(mine, 6);
  await append(theirs, 2);
  const purge = async () => {
    const [row] = await inSystem(it.app, (tx) =>
      tx.execute<{ n: string }>(sql`SELECT auth.audit_purge(now()) AS n`),
    );
    return Number(row?.n);
  };
  expect(await purge()).toBe(0); // thirty days are kept, whatever is asked for
  await it.admin`UPDATE app.audit_log SET at = at - interval '31 days' WHERE org_id = ${mine.orgId} AND seq <= 4`;
  expect(await purge()).toBe(4);
  expect(await purge()).toBe(0);
  const kept = await it.admin`SELECT seq::int FROM app.audit_log WHERE org_id = ${mine.orgId} ORDER BY seq`;
  expect(kept.map((row) => Number(row["seq"]))).toEqual([5, 6]);
  const checkpoints = await it.admin`SELECT org_id, seq::int, purged::int FROM app.audit_checkpoints`;
  expect([...checkpoints]).toEqual([{ org_id: mine.orgId, seq: 4, purged: 4 }]);
  expect(await broken(mine)).toBeNull();
  await append(mine, 1);
  expect(await broken(mine)).toBeNull();
  expect(await broken(theirs)).toBeNull();

  const after = (change: (tx: Sql) => Promise<unknown>) => brokenAfter(it.admin, mine, change);
  expect(await after((tx) => tx`DELETE FROM app.audit_log WHERE seq = 5`)).toEqual({
    bad_seq: 5,
    reason: "gap",
  });
  expect(await after((tx) => tx`DELETE FROM app.audit_checkpoints`)).toEqual({ bad_seq: 1, reason: "gap" });
  expect(await after((tx) => tx`UPDATE app.audit_checkpoints SET hash = '\\x01'`)).toEqual({
    bad_seq: 5,
    reason: "prev_hash",
  });
});

test("AU-03: the program itself can only append: it changes, removes and plants no row, and writes for no other team", async () => {
  await using it = await createTestApp();
  const [mine, theirs] = [await it.team(1), await it.team(2)];
  await append(mine, 2);
  await append(theirs, 1);
  for (const statement of [
    sql`UPDATE app.audit_log SET outcome = 'x'`,
    sql`DELETE FROM app.audit_log`,
    sql`TRUNCATE app.audit_log`,
    sql`INSERT INTO app.audit_log SELECT * FROM app.audit_log`,
    sql`SELECT * FROM app.audit_heads`,
    sql`UPDATE app.audit_heads SET seq = 0`,
    sql`DELETE FROM app.audit_heads`,
    sql`INSERT INTO app.audit_checkpoints SELECT org_id, seq, hash, 1, now() FROM app.audit_log`,
    sql`DELETE FROM app.audit_checkpoints`,
    sql`ALTER TABLE app.audit_log DISABLE ROW LEVEL SECURITY`,
  ]) {
    expect(await refusedCode(mine, statement)).toBe("42501");
  }
  const seen = await inTenant(mine, (tx) =>
    tx.execute<{ org_id: string }>(sql`SELECT org_id FROM app.audit_log`),
  );
  expect(seen.map((row) => row.org_id)).toEqual([mine.orgId, mine.orgId]);
  const outside = inSystem(it.app, (tx) => audit(tx, mine, "team.rename"));
  await expect(outside).rejects.toMatchObject({ code: "42501" });
  expect(await broken(mine)).toBeNull();
  expect(await broken(theirs)).toBeNull();
});
