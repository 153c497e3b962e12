import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSql } from "../../db/client.ts";
import { ALICE, BOB, startWorld, until, type World } from "./world.ts";

/** The lines of a reference, as the operator's program finds them among others. */
async function linesOf(world: World, reference: string): Promise<Record<string, unknown>[]> {
  const folder = mkdtempSync(join(tmpdir(), "blockbot-logs-"));
  const file = join(folder, "log");
  const lines = world.log.map((line) => `bot-1  | ${JSON.stringify(line)}`);
  writeFileSync(file, ["BlockBot 0.1.0 {ready}", "", ...lines].join("\n"));
  const program = Bun.spawn([process.execPath, "ops/logs.ts", "--correlation", reference, file]);
  const found = await new Response(program.stdout).text();
  rmSync(folder, { recursive: true });
  return found
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Waits until the newest update of this kind has ended and `count` messages about it have been delivered; its reference. */
async function delivered(world: World, what: string, count: number): Promise<string> {
  const reference = () =>
    world.log.findLast((line) => line["msg"] === "update" && line["what"] === what)?.["correlationId"];
  await until(() => {
    const about = world.log.filter(
      (line) => line["correlationId"] === reference() && line["outcome"] === "sent",
    );
    return reference() !== undefined && about.filter(({ kind }) => kind !== "open").length === count;
  });
  return String(reference());
}

test("one reference leads from an update to the call of Claude, to each message about it, and to the audit log", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "a question" });
  await world.hears(ALICE, "Hello from Claude.");
  const asked = await delivered(world, "ask", 1);
  const lines = await linesOf(world, asked);
  const messages = lines.filter(({ kind }) => kind !== "open").map(({ msg }) => msg);
  expect(messages.toSorted()).toEqual(["claude call", "delivery", "update"]);
  expect(lines.find(({ kind }) => kind === "final")).toMatchObject({ outcome: "sent", attempt: 1 });

  world.telegram.say({ from: ALICE, text: "/invite" });
  const { text } = await world.hears(ALICE, "start=i_");
  const invited = await delivered(world, "/invite", 1);
  world.telegram.say({ from: BOB, text: `/start ${/start=(\S+)/.exec(text)?.[1]}` });
  const joined = await delivered(world, "/start", 2); // Bob is welcomed, and Alice told
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  const rows =
    await sql`SELECT action, correlation_id FROM app.audit_log WHERE correlation_id IN ${sql([asked, invited, joined])}
    ORDER BY seq`;
  await sql.end();
  expect(rows.map((row) => [row["action"], row["correlation_id"]])).toEqual([
    ["turn.answer", asked],
    ["invite.create", invited],
    ["member.join", joined],
  ]);
});
