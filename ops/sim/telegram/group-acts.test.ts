import { expect, test } from "bun:test";
import { ANN, BEN, FORUM, GROUP, startSim } from "./test-sim.ts";

type World = Awaited<ReturnType<typeof startSim>>;
type Told = Record<string, Record<string, Record<string, unknown>>>;

const BASIC = -4711;
const UPGRADED = -1_004_711;
const CHANNEL = { id: -1_009_999, title: "News" };

async function told({ call }: World): Promise<Told[]> {
  return (await call("getUpdates", { offset: -100 })).body.result;
}

async function sent({ call }: World, chat: number, more: object = {}): Promise<string> {
  const { status, body } = await call("sendMessage", { chat_id: chat, text: "x", ...more });
  return `${status} ${body.description ?? "ok"}`;
}

test("an anonymous admin, a channel and a linked channel's post hide who wrote", async () => {
  await using world = await startSim();
  const { sim } = world;
  sim.say({ from: ANN, chat: GROUP, text: "/one", as: "group" });
  sim.say({ from: BEN, chat: GROUP, text: "/two", as: CHANNEL });
  sim.postInChannel(GROUP, CHANNEL, "/three");
  const messages = (await told(world)).map(({ message }) => message);
  expect(messages).toMatchObject([
    {
      from: { id: 1_087_968_824, is_bot: true, username: "GroupAnonymousBot" },
      sender_chat: { id: GROUP, type: "supergroup" },
    },
    {
      from: { id: 136_817_688, is_bot: true, username: "Channel_Bot" },
      sender_chat: { id: CHANNEL.id, type: "channel" },
    },
    {
      from: { id: 777_000, is_bot: false },
      sender_chat: { id: CHANNEL.id },
      is_automatic_forward: true,
      forward_origin: { type: "channel", chat: { id: CHANNEL.id } },
    },
  ]);
});

test("a forwarded message says where it is from and keeps its marks", async () => {
  await using world = await startSim();
  world.sim.say({ from: ANN, text: "/invite", forward: { type: "user", person: BEN } });
  world.sim.say({ from: ANN, text: "hi", forward: { type: "hidden_user", name: "Somebody" } });
  expect((await told(world)).map(({ message }) => message)).toMatchObject([
    {
      from: { id: ANN },
      forward_origin: { type: "user", sender_user: { id: BEN } },
      entities: [{ type: "bot_command", offset: 0, length: 7 }],
    },
    { from: { id: ANN }, forward_origin: { type: "hidden_user", sender_user_name: "Somebody" } },
  ]);
});

test("a basic group that is upgraded goes on under another id, and says so to whoever asks for the old one", async () => {
  await using world = await startSim();
  const { sim, call } = world;
  sim.addGroup({ id: BASIC, title: "Friends", members: [ANN], basic: true });
  await world.meetAnn();
  const { result } = (await call("sendMessage", { chat_id: BASIC, text: "x" })).body;
  expect(result).toMatchObject({ message_id: 2, chat: { id: BASIC, type: "group" } }); // counted with Ann's
  sim.upgradeGroup(BASIC, UPGRADED);
  const updates = await told(world);
  expect(updates).toMatchObject([
    { my_chat_member: { chat: { id: UPGRADED, type: "supergroup" }, new_chat_member: { status: "member" } } },
    { message: { chat: { id: UPGRADED }, migrate_from_chat_id: BASIC } },
    { message: { chat: { id: BASIC, type: "group" }, migrate_to_chat_id: UPGRADED } },
  ]);
  const { status, body } = await call("sendMessage", { chat_id: BASIC, text: "x" });
  expect([status, body]).toMatchObject([
    400,
    {
      description: "Bad Request: group chat was upgraded to a supergroup chat",
      parameters: { migrate_to_chat_id: UPGRADED },
    },
  ]);
  expect(await sent(world, UPGRADED)).toBe("200 ok");
  expect(() => sim.upgradeGroup(GROUP, -1)).toThrow("a supergroup already");
});

test("a deleted group, a removed bot and one that may not write are refused as the service does", async () => {
  await using world = await startSim();
  const { sim } = world;
  sim.addGroup({ id: BASIC, title: "Friends", members: [ANN], basic: true });
  sim.setBotStanding(BASIC, "left");
  expect(await sent(world, BASIC)).toBe("403 Forbidden: bot is not a member of the group chat");
  sim.deleteGroup(BASIC);
  expect(await sent(world, BASIC)).toBe("403 Forbidden: the group chat was deleted");
  sim.setBotStanding(GROUP, "restricted");
  expect(await sent(world, GROUP)).toBe(
    "400 Bad Request: not enough rights to send text messages to the chat",
  );
  sim.setBotStanding(GROUP, "administrator");
  expect(await sent(world, GROUP)).toBe("200 ok");
  sim.deleteGroup(GROUP);
  expect(await sent(world, GROUP)).toBe("403 Forbidden: bot is not a member of the supergroup chat");
  expect((await told(world)).map(({ my_chat_member: change }) => change?.["new_chat_member"])).toMatchObject([
    { status: "left" },
    { status: "restricted", is_member: true, can_send_messages: false },
    { status: "administrator", can_manage_chat: true },
    { status: "left" },
  ]);
  expect(sim.violations).toEqual([]);
});

test("a closed topic takes nothing from a member, a deleted one is unknown, slow mode spaces messages out", async () => {
  let now = Date.UTC(2026, 0, 1);
  await using world = await startSim({ clock: () => now });
  const { sim } = world;
  const [bills, plans] = sim.topics(FORUM).map(({ threadId }) => threadId);
  sim.closeTopic(FORUM, bills);
  expect(await sent(world, FORUM, { message_thread_id: bills })).toBe("400 Bad Request: TOPIC_CLOSED");
  expect(await sent(world, FORUM)).toBe("200 ok");
  sim.closeTopic(FORUM);
  expect(await sent(world, FORUM)).toBe("400 Bad Request: TOPIC_CLOSED");
  sim.setBotStanding(FORUM, "administrator");
  expect(await sent(world, FORUM, { message_thread_id: bills })).toBe("200 ok");
  sim.deleteTopic(FORUM, plans ?? 0);
  expect(await sent(world, FORUM, { message_thread_id: plans })).toBe(
    "400 Bad Request: message thread not found",
  );
  sim.setSlowMode(GROUP, 30);
  expect(await sent(world, GROUP)).toBe("200 ok");
  now += 20_000;
  expect(await sent(world, GROUP)).toBe("429 Too Many Requests: retry after 10");
  now += 10_000;
  expect(await sent(world, GROUP)).toBe("200 ok");
  const closed = (await told(world)).filter(({ message }) => message?.["forum_topic_closed"] !== undefined);
  expect(closed).toHaveLength(2);
});

test("without privacy mode, or as an admin, the bot hears everything", async () => {
  await using world = await startSim();
  const { sim, call } = world;
  sim.say({ from: ANN, chat: GROUP, text: "one" });
  sim.setBotStanding(GROUP, "administrator");
  sim.say({ from: ANN, chat: GROUP, text: "two" });
  sim.setBotStanding(GROUP, "member");
  sim.setHearsAll(true);
  sim.say({ from: ANN, chat: GROUP, text: "three" });
  expect((await call("getMe")).body.result).toMatchObject({ can_read_all_group_messages: true });
  expect((await told(world)).flatMap(({ message }) => message?.["text"] ?? [])).toEqual(["two", "three"]);
});
