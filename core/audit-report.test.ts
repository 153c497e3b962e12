import { expect, test } from "bun:test";
import { inTenant } from "../db/tenant.ts";
import { audit } from "./audit.ts";
import { anchorIn, verifyAudit } from "./audit-chain.ts";
import { reportAudit } from "./audit-report.ts";
import { setAuditReport } from "./audit-settings.ts";
import { createTestApp, leaseOf, refusalOf } from "./test-app.ts";

const DAY_MS = 86_400_000;

test("each morning owners read what happened the day before, with an anchor that holds, once, unless they muted it", async () => {
  await using it = await createTestApp();
  await leaseOf(it.app);
  const mine = await it.team(1, "Blue Harbour");
  await it.team(2, "Quiet");
  const admin = await it.member(mine, 3, "admin");
  const said = async () =>
    (await it.admin`SELECT chat_id::int, payload->>'text' AS text FROM pipeline.outbox ORDER BY id`).map(
      (row) => ({
        chat: Number(row["chat_id"]),
        text: String(row["text"]),
      }),
    );
  for (const scope of [mine, mine, admin]) await inTenant(scope, (tx) => audit(tx, scope, "team.rename"));
  await inTenant(mine, (tx) => audit(tx, mine, "invite.create"));
  await reportAudit(it.app);
  expect(await said()).toEqual([]); // the day is not over
  it.pass(DAY_MS);
  await reportAudit(it.app);
  await reportAudit(it.app);
  const [report, ...others] = await said();
  expect([report?.chat, others]).toEqual([1, []]);
  expect(report?.text).toMatch(
    /^4 events in “Blue Harbour” on \d+ \w+ \(UTC\), by 2 people\.\nTeam: 3\nInvites: 1\n\n/,
  );
  const anchor = anchorIn(/outside: (\d+ [0-9a-f]+)/.exec(report?.text ?? "")?.[1] ?? "");
  expect(anchor?.seq).toBe(4);
  expect((await verifyAudit(mine, anchor)).anchor).toBe("holds");

  expect(await refusalOf(setAuditReport(admin, false))).toBe("not_allowed");
  await setAuditReport(mine, false);
  await it.admin`DELETE FROM pipeline.outbox`;
  await reportAudit(it.app);
  expect(await said()).toEqual([]);
  await setAuditReport(mine, true);
  await reportAudit(it.app);
  expect(await said()).toHaveLength(1);
});

test("that a log was changed is told to its owners and the operator once, muted or not", async () => {
  await using it = await createTestApp();
  await leaseOf(it.app);
  await it.team(1, "First");
  const other = await it.team(2, "Other");
  await setAuditReport(other, false);
  await it.admin`UPDATE app.audit_log SET outcome = 'ok' WHERE org_id = ${other.orgId} AND seq = 1`;
  await reportAudit(it.app);
  await reportAudit(it.app);
  const rows =
    await it.admin`SELECT chat_id::int AS chat, payload->>'text' AS text FROM pipeline.outbox ORDER BY chat_id`;
  expect(rows.map((row) => row["chat"])).toEqual([1, 2]);
  expect(rows[0]?.["text"]).toContain("The audit log of “Other” was changed");
});
