import { expect, test } from "bun:test";
import { createSecret } from "../../core/vault/secret.ts";
import { createSql } from "../../db/client.ts";
import { dumpOf } from "./test-dump.ts";
import { ALICE, BOB, GROUP, hasButton, startWorld, until, type World } from "./world.ts";

// Made up, in the shape of the real ones; no part of them may turn up anywhere but in the sealed row.
const SLACK = "xoxb-2718281828-canarySlackTokenA1b2";
const SLACK_NEXT = "xoxb-1618033988-canarySlackTokenC3d4";
const CLICKUP = "pk_31415926_CANARYCLICKUPTOKENE5F6";
const CANARIES = [SLACK, SLACK_NEXT, CLICKUP].map((token) => token.slice(-16, -4));

/** What stands in the chat of the person, whoever wrote it. */
const shown = (world: World, chat: number) => world.telegram.messages(chat).map(({ text }) => text);

test("VA-07: a token is sent in private, deleted at once, and stands nowhere but in its sealed row", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, text: "/connect" });
  const choice = await world.hears(ALICE, "What do you want to connect");
  expect(choice.buttons.flat().map(({ text }) => text)).toContain("Slack");
  world.press(ALICE, "Slack");
  await world.hears(ALICE, "Send me the token of Slack");
  telegram.say({ from: ALICE, text: `  ${SLACK}\n` });
  const done = await world.hears(ALICE, "Slack is connected");
  expect(done.text).toContain("ends in A1b2");
  expect(done.text).toContain("I have deleted your message");

  // In one go, and in the place of the one before.
  telegram.say({ from: ALICE, text: `/connect slack ${SLACK_NEXT}` });
  await world.hears(ALICE, "ends in C3d4 instead of A1b2");
  telegram.say({ from: ALICE, text: "/connect clickup" });
  await world.hears(ALICE, "Send me the token of ClickUp");
  telegram.say({ from: ALICE, text: CLICKUP });
  await world.hears(ALICE, "ClickUp is connected");

  telegram.say({ from: ALICE, text: "/connections" });
  const list = await world.hears(ALICE, "has connected:");
  expect(list.text).toMatch(/ClickUp …E5F6\nConnected by Alice on .*, not used yet/);
  telegram.say({ from: ALICE, text: "what have I connected?" });
  await world.hears(ALICE, "Hello from Claude.");

  const places = [
    ...shown(world, ALICE),
    JSON.stringify(world.log),
    JSON.stringify(world.claude.requests),
    await (await fetch(`${world.adminUrl}/health`)).text(),
    await dumpOf(world),
  ];
  for (const canary of CANARIES)
    expect(places.filter((text) => text.includes(canary)).map((text) => text.slice(0, 200))).toEqual([]);
});

test("a message that is no token connects nothing, is deleted all the same, and the next one is a question again", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, text: "/connect slack" });
  await world.hears(ALICE, "Send me the token of Slack");
  telegram.say({ from: ALICE, text: `my token is ${SLACK}` });
  const refused = await world.hears(ALICE, "not a whole token of Slack");
  expect(hasButton(refused, "Send it again")).toBe(true);
  expect(shown(world, ALICE).join()).not.toContain("my token is");
  telegram.say({ from: ALICE, text: "what is the weather like?" });
  await world.hears(ALICE, "Hello from Claude.");

  // A token of another service would be told to the wrong one.
  const again = async (after: number) => {
    const message = await telegram.waitFor(() =>
      world.heard(ALICE).find((each) => each.messageId > after && hasButton(each, "Send it again")),
    );
    world.press(ALICE, "Send it again");
    return telegram.waitFor(() =>
      world.heard(ALICE).find((each) => each.messageId === message.messageId && hasButton(each, "Cancel")),
    );
  };
  const asked = await again(0);
  telegram.say({ from: ALICE, text: CLICKUP });
  await again(asked.messageId);
  world.press(ALICE, "Cancel");
  await world.hears(ALICE, "Nothing was connected");
  telegram.say({ from: ALICE, text: "thanks" });
  await telegram.waitFor(() => (world.claude.requests.length === 2 ? true : undefined));
  telegram.say({ from: ALICE, text: "/connections" });
  await world.hears(ALICE, "has connected nothing yet");
});

test("a token that nobody asked for is deleted and never becomes a question, even after its ten minutes", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, text: "/connect slack" });
  await world.hears(ALICE, "Send me the token of Slack");
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  await sql`UPDATE app.pending_inputs SET expires_at = now() - interval '1 second'`;
  telegram.say({ from: ALICE, text: "look at this:" });
  telegram.say({ from: ALICE, text: SLACK });
  const said = await world.hears(ALICE, "That looked like a token");
  expect(said.text).toContain("I have deleted your message");
  await world.hears(ALICE, "Hello from Claude.");
  const asked = telegram.messages(ALICE).find(({ text }) => text === "look at this:");
  telegram.edit({ from: ALICE, chat: ALICE, messageId: asked?.messageId ?? 0, text: SLACK_NEXT });
  await telegram.waitFor(
    () =>
      world.heard(ALICE).filter(({ text }) => text.includes("looked like a token")).length === 2 || undefined,
  );
  expect(shown(world, ALICE).join()).not.toContain("canary");
  expect(JSON.stringify(world.claude.requests)).not.toContain("canary");
  expect(await sql`SELECT 1 FROM app.credentials`).toHaveLength(0);
  await sql.end();
});

test("when Telegram does not delete the message, the person is told to", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, text: "/connect slack" });
  await world.hears(ALICE, "Send me the token of Slack");
  const refusal = { errorCode: 400, description: "Bad Request: message can't be deleted" };
  telegram.fault({ method: "deleteMessage", kind: "error", ...refusal, times: 1 });
  telegram.say({ from: ALICE, text: SLACK });
  const done = await world.hears(ALICE, "Slack is connected");
  expect(done.text).toContain("please delete it yourself");
  // What passes is tried again.
  telegram.fault({ method: "deleteMessage", kind: "reset_before", times: 1 });
  telegram.say({ from: ALICE, text: `/connect slack ${SLACK_NEXT}` });
  const replaced = await world.hears(ALICE, "instead of A1b2");
  expect(replaced.text).toContain("I have deleted your message");
});

test("only owners and admins connect, only in private, and whoever lost the right meanwhile connects nothing", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, text: "/invite admin" });
  const link = await world.hears(ALICE, "?start=");
  telegram.say({ from: BOB, text: `/start ${/start=(\S+)/.exec(link.text)?.[1]}` });
  await world.hears(BOB, "Welcome to");
  telegram.say({ from: BOB, text: "/connect slack" });
  await world.hears(BOB, "Send me the token of Slack");
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  await sql`UPDATE app.users SET role = 'member' WHERE role = 'admin'`;
  telegram.say({ from: BOB, text: SLACK });
  await world.hears(BOB, "I have deleted your message");
  expect(shown(world, BOB).join()).not.toContain("canary");
  expect(await sql`SELECT 1 FROM app.credentials`).toHaveLength(0);
  await sql.end();
  for (const command of ["/connect slack", "/connections", "/disconnect slack"]) {
    const before = world.heard(BOB).length;
    telegram.say({ from: BOB, text: command });
    const refused = await telegram.waitFor(() => world.heard(BOB)[before]);
    expect(refused.text).toContain("Only an admin");
  }
  telegram.say({ from: ALICE, chat: GROUP, text: "/claim@blockbot_demo_bot" });
  await world.hears(GROUP, "now belongs to");
  telegram.say({ from: ALICE, chat: GROUP, text: "/connect@blockbot_demo_bot slack" });
  await world.hears(GROUP, "That works in our private chat only");
});

test("/disconnect forgets a connection after a second press", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, text: `/connect slack ${SLACK}` });
  await world.hears(ALICE, "Slack is connected");
  telegram.say({ from: ALICE, text: "/disconnect slack" });
  await world.hears(ALICE, "forget its connection to Slack?");
  world.press(ALICE, "Cancel");
  await world.hears(ALICE, "has connected:");
  world.press(ALICE, "Disconnect Slack");
  await world.hears(ALICE, "forget its connection to Slack?");
  world.press(ALICE, "Disconnect Slack");
  await world.hears(ALICE, "has forgotten its connection to Slack");
  world.press(ALICE, "Back");
  await world.hears(ALICE, "has connected nothing yet");
  telegram.say({ from: ALICE, text: "/disconnect slack" });
  await telegram.waitFor(
    () => world.heard(ALICE).at(-1)?.text.includes("has connected nothing yet") || undefined,
  );
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  const rows = await sql`SELECT action FROM app.audit_log WHERE action LIKE 'credential.%' ORDER BY seq`;
  await sql.end();
  expect(rows.map((row) => row["action"])).toEqual(["credential.add", "credential.remove"]);
});

test("/connect claude tries an owner's key first, and then the team is answered with it", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  const { telegram, claude } = world;
  const key = "sk-ant-api03-canary-of-the-team-K9w8";
  const seen: string[] = [];
  claude.acceptKeys((used) => {
    seen.push(used);
    return used !== "sk-ant-api03-a-key-that-was-revoked";
  });
  await world.claimTeam();
  telegram.say({ from: ALICE, text: "/connect claude sk-ant-api03-a-key-that-was-revoked" });
  await world.hears(
    ALICE,
    "Claude does not accept this key. Nothing was changed. I have deleted your message.",
  );
  world.press(ALICE, "Send it again");
  await world.hears(ALICE, "Send me the token of Claude");
  telegram.say({ from: ALICE, text: "sk-ant-oat01-a-subscription-of-somebody" });
  await world.hears(ALICE, "I need an API key from the Claude Console");
  telegram.say({ from: ALICE, text: `/connect claude ${key}` });
  await world.hears(ALICE, "Claude is connected");
  telegram.say({ from: ALICE, text: "hello" });
  await world.hears(ALICE, "Hello from Claude.");
  expect(seen.slice(-2)).toEqual([key, key]);
  telegram.say({ from: ALICE, text: "/status" });
  await world.hears(ALICE, "Claude answers (claude-sonnet-5-5)");

  claude.acceptKeys((used) => used !== key);
  telegram.say({ from: ALICE, text: "hello again" });
  await world.hears(ALICE, "Retry");
  telegram.say({ from: ALICE, text: "/status" });
  await world.hears(ALICE, "Claude does not accept our key");
  telegram.say({ from: ALICE, text: "/disconnect claude" });
  await world.hears(ALICE, "forget its connection to Claude?");
  world.press(ALICE, "Disconnect Claude");
  await world.hears(ALICE, "has forgotten its connection to Claude");
  telegram.say({ from: ALICE, text: "and now?" });
  await telegram.waitFor(() => world.heard(ALICE).filter(({ text }) => text === "Hello from Claude.")[1]);
  expect([...shown(world, ALICE), JSON.stringify(world.log), await dumpOf(world)].join()).not.toContain(
    "canary-of",
  );
});

test("what the environment brings is connected when the first owner comes, and they are told", async () => {
  const secret = createSecret(SLACK);
  const seeds = [{ service: "slack", key: "SLACK_TOKEN", secret } as const];
  await using world = await startWorld(undefined, { rateLimits: false, connections: { seeds } });
  await world.claimTeam();
  await world.hears(ALICE, "has connected Slack (…A1b2), from SLACK_TOKEN in the server's settings");
  world.telegram.say({ from: ALICE, text: "/connections" });
  await world.hears(ALICE, "Slack …A1b2");
  expect([JSON.stringify(world.log), await dumpOf(world)].join()).not.toContain("canary");
});

test("a team's own key has an outage of its own: its owner is told, it is probed, and a restart goes on with it", async () => {
  const monitor = { tickMs: 20, probeMs: 60, doubtMs: 60, blipMs: 60, repeatMs: 1, offerMs: 20, graceMs: 50 };
  await using world = await startWorld(undefined, { rateLimits: false, monitor });
  const { telegram, claude } = world;
  const key = "sk-ant-api03-the-key-of-the-team-alone";
  await world.claimTeam();
  telegram.say({ from: ALICE, text: `/connect claude ${key}` });
  await world.hears(ALICE, "Claude is connected");
  const refuse = () => claude.acceptKeys((used) => used !== key);
  refuse();
  telegram.say({ from: ALICE, text: "is anybody there?" });
  await world.hears(ALICE, "Claude does not accept our key");
  // By then it is written down for the next start.
  const down = await world.hears(ALICE, "when asked with a team's own key: it refuses that key");
  expect(down.text).toContain("/connect claude");
  await world.restart();
  await until(() => world.app.claudeHealth.outages().length > 0);
  telegram.say({ from: ALICE, text: "/status" });
  await world.hears(ALICE, "The assistant is paused since");
  claude.acceptKeys(() => true);
  await world.hears(ALICE, "Claude is back");
  await telegram.waitFor(() => world.heard(ALICE).find((message) => hasButton(message, "Answer now")));
  world.press(ALICE, "Answer now");
  await world.hears(ALICE, "Hello from Claude.");
});
