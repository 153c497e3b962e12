import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { inSystem, inTenant } from "../db/tenant.ts";
import { audit } from "./audit.ts";
import { anchorIn, readHead, verifyAudit } from "./audit-chain.ts";
import { createTestApp, refusalOf } from "./test-app.ts";

test("AU-08: an anchor of an earlier day holds a week later, and does not when the log was rewritten behind it", async () => {
  await using it = await createTestApp();
  const mine = await it.team(1);
  const append = async (count: number) => {
    for (let row = 0; row < count; row++) await inTenant(mine, (tx) => audit(tx, mine, "team.rename"));
  };
  const rewrite = (statement: string) => it.admin.unsafe(statement);
  expect(await verifyAudit(mine)).toEqual({ rows: 0, head: null, broken: null, anchor: null });
  await append(3);
  const noted = await inTenant(mine, (tx) => readHead(tx, mine.orgId));
  if (noted === null) throw new Error("there is no head");
  expect(anchorIn(`  #${noted.seq} ${noted.hash.toUpperCase()} `)).toEqual(noted);
  await append(7);
  expect(await verifyAudit(mine, noted)).toMatchObject({ rows: 10, broken: null, anchor: "holds" });

  // Whoever owns the database can make a whole chain of other rows. The anchor finds it.
  await rewrite(`DELETE FROM app.audit_log; DELETE FROM app.audit_heads`);
  await append(10);
  expect(await verifyAudit(mine, noted)).toMatchObject({ rows: 10, broken: null, anchor: "differs" });
  expect(await verifyAudit(mine, { ...noted, seq: 99 })).toMatchObject({ broken: null, anchor: "differs" });

  const later = await inTenant(mine, (tx) => readHead(tx, mine.orgId));
  await rewrite(`UPDATE app.audit_log SET at = at - interval '40 days'`);
  await inSystem(it.app, (tx) => tx.execute(sql`SELECT auth.audit_purge(now())`));
  expect(await verifyAudit(mine, later)).toMatchObject({
    rows: 0,
    head: null,
    broken: null,
    anchor: "holds",
  });
  expect(await verifyAudit(mine, noted)).toMatchObject({ anchor: "purged" });
  const member = await it.member(mine, 2, "member");
  expect(await refusalOf(verifyAudit(member))).toBe("not_allowed");
});

test("what is no anchor is not taken for one", () => {
  for (const words of [
    "",
    "42",
    "x 9f8e7d6c5b4a39281706",
    "42 9f8e",
    "42 hash-of-something-else",
    "-1 9f8e7d6c5b4a39281706",
  ])
    expect(anchorIn(words)).toBeNull();
});
