import { expect, test } from "bun:test";
import { COMMANDS } from "../../bot/commands/table.ts";
import { createSql } from "../../db/client.ts";
import type { ClaudeScript } from "./claude/script.ts";
import { ALICE, BOB, GROUP, startWorld, type World } from "./world.ts";

const SLOW: ClaudeScript = (_request, { lastUserText }) =>
  lastUserText.includes("slow")
    ? { text: "word ".repeat(400), chunkChars: 10, chunkMs: 100 }
    : { text: "Forty-two." };
const SLACK = `xoxb-${"1".repeat(12)}-${"2".repeat(12)}-${"c".repeat(24)}`;

/** What is said, which buttons are pressed then, one after the other, and what is answered at last. */
type Steps = {
  readonly say: string;
  readonly press?: readonly string[];
  readonly answer?: string;
  readonly chat?: number;
};

/** Every command with the row that it leaves; null for those that only look. */
const CATALOGUE: Readonly<Record<string, readonly [action: string | null, steps: Steps]>> = {
  retry: ["turn.retry", { say: "/retry" }],
  new: ["conversation.new", { say: "/new" }],
  forget: ["conversation.forget", { say: "/forget", press: ["Delete everything"] }],
  stop: ["turn.stop", { say: "something slow", press: ["Stop"] }],
  status: [null, { say: "/status" }],
  settings: ["account.language", { say: "/settings", press: ["English"] }],
  login: ["auth.link", { say: "/login alice@example.com" }],
  sessions: [null, { say: "/sessions" }],
  usage: [null, { say: "/usage" }],
  budget: ["budget.set", { say: "/budget team 40" }],
  audit: ["audit.export", { say: "/audit export" }],
  team: ["team.rename", { say: "/team", press: ["Rename"], answer: "Harbour" }],
  members: [null, { say: "/members" }],
  invite: ["invite.create", { say: "/invite" }],
  remove: [
    "member.remove",
    { say: "/remove", press: ["Bob", "Remove from the team", "Remove from the team"] },
  ],
  connect: ["credential.add", { say: `/connect slack ${SLACK}` }],
  connections: [null, { say: "/connections" }],
  disconnect: ["credential.remove", { say: "/disconnect slack", press: ["Disconnect Slack"] }],
  claim: ["group.claim", { say: "/claim@blockbot_demo_bot", chat: GROUP }],
  mydata: ["account.export", { say: "/mydata", press: ["Send me everything"] }],
  help: [null, { say: "/help" }],
};

async function take(world: World, { say, press = [], answer, chat = ALICE }: Steps): Promise<void> {
  const { telegram } = world;
  const before = telegram.calls.length;
  telegram.say({ from: ALICE, chat, text: say });
  await telegram.waitFor(
    () =>
      telegram.calls.length > before &&
      telegram.calls.slice(before).some(({ method }) => method.startsWith("send")),
  );
  const pressed = new Set<string>();
  for (const label of press) {
    // The same label may come again under the same message, on another button.
    const next = await telegram.waitFor(() =>
      world
        .heard(chat)
        .flatMap(({ messageId, buttons }) => buttons.flat().map((button) => ({ ...button, messageId })))
        .findLast(({ text, data }) => text === label && data !== undefined && !pressed.has(data)),
    );
    pressed.add(next.data ?? "");
    telegram.press({ from: ALICE, chat, messageId: next.messageId, data: next.data ?? "" });
  }
  if (answer !== undefined) telegram.say({ from: ALICE, text: answer });
}

test("AU-06: every command of the catalogue leaves its row, with who did it and under which reference, and every answer its model", async () => {
  expect(Object.keys(CATALOGUE).toSorted()).toEqual(COMMANDS.map(({ name }) => name).toSorted());
  await using world = await startWorld(SLOW, { rateLimits: false });
  const { telegram } = world;
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  await world.claimTeam();
  telegram.say({ from: ALICE, text: "/invite" });
  const { text } = await world.hears(ALICE, "https://t.me/");
  telegram.say({ from: BOB, text: `/start ${/start=(\S+)/.exec(text)?.[1] ?? ""}` });
  await world.hears(BOB, "You are a member");
  telegram.say({ from: ALICE, text: "What is six times seven?" });
  await world.hears(ALICE, "Forty-two.");

  for (const [action, steps] of Object.values(CATALOGUE)) {
    const [last] = await sql`SELECT coalesce(max(seq), 0)::int AS seq FROM app.audit_log`;
    const since = async () =>
      (await sql`SELECT action FROM app.audit_log WHERE seq > ${Number(last?.["seq"])}`).map((row) =>
        String(row["action"]),
      );
    await take(world, steps);
    // Mail and the end of an answer come when they come.
    const own = (await since()).filter((each) => each !== "auth.link.mail" && !each.startsWith("turn."));
    if (action === null) expect([steps.say, own]).toEqual([steps.say, []]);
    else while (!(await since()).includes(action)) await Bun.sleep(50);
  }
  const odd =
    await sql`SELECT seq, action FROM app.audit_log WHERE actor_id = '' OR correlation_id = '' OR outcome = ''
    OR (action = 'turn.answer' AND model IS NULL)`;
  expect([...odd]).toEqual([]);
  const [mine] =
    await sql`SELECT count(DISTINCT actor_id)::int AS n FROM app.audit_log l JOIN app.users u ON u.id::text = l.actor_id`;
  expect(mine?.["n"]).toBe(2);
  await sql.end();
});
