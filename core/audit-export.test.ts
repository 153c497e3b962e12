import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { inTenant } from "../db/tenant.ts";
import { audit } from "./audit.ts";
import { exportAudit } from "./audit-export.ts";
import { createTestApp, refusalOf } from "./test-app.ts";

/** The cells of a CSV file; an empty cell that was not quoted is null. */
function cellsIn(csv: string): (string | null)[][] {
  const rows: (string | null)[][] = [[]];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)?.push(quoted === undefined ? plain || null : quoted.replaceAll('""', '"'));
    if (end !== ",") rows.push([]);
  }
  return rows.slice(0, -1);
}

const sha256 = (...parts: (Buffer | string)[]) =>
  createHash("sha256")
    .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
    .digest("hex");

/** Checks an exported log with nothing but the file: the numbers of the rows that do not hold. */
function brokenIn(csv: string): number[] {
  const [header = [], ...rows] = cellsIn(csv);
  let before: string | null = null;
  return rows.flatMap((cells) => {
    const row = Object.fromEntries(header.map((name, at) => [name, cells[at] ?? null]));
    const [, second = "", micros = ""] = /^(.{19})\.(\d{6})Z$/.exec(row["at"] ?? "") ?? [];
    const epoch = `${Date.parse(`${second}Z`) / 1000}.${micros}`;
    const fields = ["actor_type", "actor_id", "action", "target", "outcome", "model", "correlation_id"];
    const texts = fields.map((name) => JSON.stringify(row[name])).join(", ");
    const content = `["${row["org_id"]}", ${row["seq"]}, ${epoch}, [${texts}], "${row["detail_hash"]}"]`;
    const holds =
      (before === null || before === row["prev_hash"]) &&
      sha256(row["detail"] ?? "null") === row["detail_hash"] &&
      sha256(Buffer.from(row["prev_hash"] ?? "", "hex"), content) === row["hash"];
    before = row["hash"] ?? null;
    return holds ? [] : [Number(row["seq"])];
  });
}

test("AU-09: an export holds this team's rows alone, with the hashes by which anybody can check it", async () => {
  await using it = await createTestApp();
  const [mine, theirs] = [await it.team(1, "Mine"), await it.team(2, "Theirs")];
  const admin = await it.member(mine, 3, "admin");
  await it.admin`UPDATE app.users SET display_name = '=HYPERLINK("x")' WHERE org_id = ${mine.orgId} AND role = 'admin'`;
  await inTenant(theirs, (tx) => audit(tx, theirs, "team.rename", { target: "not yours" }));
  await inTenant(mine, (tx) =>
    audit(tx, mine, "team.rename", { target: 'a, "b"\r\nc \u2028\u001b[0m\\ é😀' }),
  );
  await inTenant(mine, (tx) => audit(tx, mine, "turn.answer", { model: "claude-sonnet-5-5", outcome: "" }));
  await inTenant(mine, (tx) =>
    audit(tx, mine, "budget.set", { detail: { limit: 1.5, measure: "x,y", z: null } }),
  );
  await inTenant(admin, (tx) => audit(tx, admin, "invite.create"));
  const { name, content, rows, left } = await exportAudit(admin);
  expect([name.slice(0, 6), rows, left]).toEqual(["audit-", 4, 0]);
  expect(content).not.toContain(theirs.orgId);
  expect(content).toContain(`"'=HYPERLINK(""x"")"`);
  expect(cellsIn(content)[1]?.[6]).toBe('a, "b"\r\nc \u2028\u001b[0m\\ é😀');
  expect(brokenIn(content)).toEqual([]);
  expect(brokenIn(content.replace("invite.create", "invite.revoke"))).toEqual([4]);
  expect(brokenIn(content.replace("1.5", "2.5"))).toEqual([3]);

  // That it was exported is in the next one.
  const again = await exportAudit(admin);
  expect(cellsIn(again.content).at(-1)?.[5]).toBe("audit.export");
  expect(brokenIn(again.content)).toEqual([]);
  const member = await it.member(mine, 4, "member");
  expect(await refusalOf(exportAudit(member))).toBe("not_allowed");
});
