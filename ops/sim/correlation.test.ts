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
  expect(await auditOf(world, [asked, invited, joined])).toEqual([
    ["turn.answer", asked],
    ["invite.create", invited],
    ["member.join", joined],
  ]);
});

test("and from a command or a request to the job that it asked for, to what the job writes down and to whom it tells", async () => {
  await using world = await startWorld(undefined, {
    rateLimits: false,
    limits: { LIMIT_MAGIC_LINK_PER_MINUTE: "5" },
  });
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: "/login alice@example.com" });
  const { text } = await world.hears(ALICE, "code");
  const asked = await delivered(world, "/login", 1);
  const mailed = async (reference: string) => {
    const about = () => world.log.filter((line) => line["correlationId"] === reference);
    await until(() => ["job", "delivery"].every((each) => about().some(({ msg }) => msg === each)));
    return (await linesOf(world, reference)).map(({ msg, outcome = null }) => [msg, outcome]).toSorted();
  };
  expect(await mailed(asked)).toEqual([
    ["delivery", "sent"],
    ["job", "ok"],
    ["update", "ok"],
  ]);
  const token = /#([\w-]{43})/.exec(world.mail.mails()[0]?.text ?? "")?.[1];
  const code = /\d{3} ?\d{3}/.exec(text)?.[0];
  const post = (path: string, reference: string, body: object) =>
    fetch(`${world.adminUrl}/api/v1/auth/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Request-Id": reference },
      body: JSON.stringify(body),
    });
  expect((await post("magic-link/confirm", "a-confirmation", { token, code })).status).toBe(200);
  await world.hears(ALICE, "is tied to this Telegram account now");

  // Over HTTP, with a mail that is refused for good: its addressee is told in Telegram.
  world.mail.fault({ kind: "error", times: 1, status: 422, name: "validation_error" });
  expect((await post("magic-link", "a-request", { email: "alice@example.com" })).status).toBe(202);
  await world.hears(ALICE, "could not be sent");
  expect(await mailed("a-request")).toEqual([
    ["a mail was given up", null],
    ["delivery", "sent"],
    ["job", "ok"],
    ["request", null],
  ]);
  expect(await auditOf(world, [asked, "a-confirmation", "a-request"])).toEqual([
    ["auth.link", asked],
    ["auth.link.mail", asked],
    ["account.address", "a-confirmation"],
    ["auth.login", "a-confirmation"],
    ["auth.link.mail", "a-request"],
  ]);
});

/** The rows of these references, in their order. */
async function auditOf(world: World, references: readonly string[]): Promise<unknown[][]> {
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  const rows =
    await sql`SELECT action, correlation_id FROM app.audit_log WHERE correlation_id IN ${sql(references)} ORDER BY seq`;
  await sql.end();
  return rows.map((row) => [row["action"], row["correlation_id"]]);
}
