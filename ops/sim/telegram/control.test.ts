import { expect, test } from "bun:test";
import { greyPng } from "../picture.ts";
import { ANN, BEN, FORUM, GROUP, startSim } from "./test-sim.ts";

type Json = Record<string, unknown>;
type World = Awaited<ReturnType<typeof startSim>>;

async function get(world: World, path: string): Promise<Json> {
  return (await (await fetch(world.sim.url + path)).json()) as Json;
}

async function post(world: World, path: string, body: unknown): Promise<{ status: number; body: Json }> {
  const response = await fetch(world.sim.url + path, { method: "POST", body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Json };
}

test("the page sees people, chats, topics, commands and the flood switch", async () => {
  await using world = await startSim();
  await world.call("setMyCommands", { commands: [{ command: "help", description: "Help" }] });
  expect(await get(world, "/sim/state")).toEqual({
    bot: { id: 7001, username: "blockbot_test_bot", firstName: "BlockBot" },
    people: [
      { id: ANN, firstName: "Ann", username: "ann_test", languageCode: "en", blocked: false },
      { id: BEN, firstName: "Ben", blocked: false },
    ],
    chats: [
      { id: ANN, kind: "private", title: "Ann", members: [ANN], topics: [] },
      { id: BEN, kind: "private", title: "Ben", members: [BEN], topics: [] },
      { id: GROUP, kind: "group", title: "Team", members: [ANN, BEN], topics: [] },
      {
        id: FORUM,
        kind: "forum",
        title: "Forum",
        members: [ANN, BEN],
        topics: [
          { threadId: 2, name: "Bills" },
          { threadId: 3, name: "Plans" },
        ],
      },
    ],
    commands: [{ command: "help", description: "Help" }],
    groupCommands: [{ command: "help", description: "Help" }],
    flood: false,
  });
});

test("what people do in the page is what they do in a test", async () => {
  await using world = await startSim();
  const said = await post(world, "/sim/say", { from: ANN, chat: ANN, text: "helo" });
  expect(said.body).toEqual({ messageId: 1 });
  expect(await post(world, "/sim/edit", { from: ANN, messageId: 1, text: "hello" })).toEqual({
    status: 200,
    body: {},
  });
  const keyboard = { inline_keyboard: [[{ text: "Yes", callback_data: "y" }]] };
  await world.call("sendMessage", { chat_id: ANN, text: "Sure?", reply_markup: keyboard });
  const pressed = await post(world, "/sim/press", { from: ANN, chat: ANN, messageId: 2, data: "y" });
  expect(pressed.body["id"]).toBeString();
  const { messages } = await get(world, `/sim/messages?chat=${ANN}&as=${ANN}`);
  expect(messages).toEqual(JSON.parse(JSON.stringify(world.sim.messages(ANN))));
  expect(world.sim.messages(ANN).map(({ text }) => text)).toEqual(["hello", "Sure?"]);
  expect(world.sim.pendingUpdates()).toBe(3);

  await post(world, "/sim/block", { person: ANN, blocked: true });
  expect((await world.call("sendMessage", { chat_id: ANN, text: "x" })).status).toBe(403);
  await post(world, "/sim/block", { person: ANN, blocked: false });
  await post(world, "/sim/flood", { on: true });
  expect((await world.call("sendMessage", { chat_id: ANN, text: "x" })).status).toBe(429);
  await post(world, "/sim/flood", { on: false });
  await post(world, "/sim/fault", {
    method: "getMe",
    times: 1,
    kind: "error",
    errorCode: 502,
    description: "Bad Gateway",
  });
  expect((await world.call("getMe")).status).toBe(502);
});

test("a mistake is told in a sentence", async () => {
  await using world = await startSim();
  expect(await post(world, "/sim/say", { from: 99, text: "x" })).toEqual({
    status: 400,
    body: { error: "There is no person 99" },
  });
  expect((await post(world, "/sim/say", { from: "Ann", text: "x" })).status).toBe(400);
  expect((await post(world, "/sim/fault", { method: "getMe", times: 1, kind: "unknown" })).status).toBe(400);
  expect((await post(world, "/sim/nothing", {})).status).toBe(404);
});

test("a file goes to the bot and back to the page, and only harmless images are shown in place", async () => {
  await using world = await startSim();
  const picture = Buffer.from(greyPng(3, 2));
  const upload = async (name: string, type: string) => {
    const form = new FormData();
    form.set("from", String(ANN));
    form.set("chat", String(ANN));
    form.set("kind", type === "image/png" ? "photo" : "document");
    form.set("caption", "see");
    form.set("file", new File([type === "image/png" ? picture : "content"], name, { type }));
    expect((await fetch(`${world.sim.url}/sim/file`, { method: "POST", body: form })).status).toBe(200);
    const file = world.sim.messages(ANN).at(-1)?.file;
    return fetch(world.sim.url + file?.url);
  };
  const image = await upload("a.png", "image/png");
  expect(image.headers.get("content-type")).toBe("image/png");
  expect(image.headers.get("x-content-type-options")).toBe("nosniff");
  expect(Buffer.from(await image.bytes())).toEqual(picture);
  for (const [name, type] of [
    ["a.html", "text/html"],
    ["a.svg", "image/svg+xml"],
  ] as const) {
    const page = await upload(name, type);
    expect(page.headers.get("content-type")).toBe("application/octet-stream");
    expect(page.headers.get("content-disposition")).toBe(`attachment; filename*=UTF-8''${name}`);
  }
});

test("the event stream tells the page about everything that it shows", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const response = await fetch(`${world.sim.url}/sim/events`);
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const keyboard = { inline_keyboard: [[{ text: "Yes", callback_data: "y" }]] };
  const { result } = (await world.call("sendMessage", { chat_id: ANN, text: "one", reply_markup: keyboard }))
    .body;
  const messageId = Number(result["message_id"]);
  const id = world.sim.press({ from: ANN, messageId, data: "y" });
  await world.call("answerCallbackQuery", { callback_query_id: id, text: "Done" });
  await world.call("editMessageText", { chat_id: ANN, message_id: messageId, text: "two" });
  await world.call("deleteMessage", { chat_id: ANN, message_id: messageId });
  await world.call("setMyCommands", { commands: [] });
  world.sim.addPerson({ id: 77, firstName: "New" });

  const reader = response.body?.getReader();
  let text = "";
  while (!text.includes('"chats"')) text += new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data) as Json);
  expect(events).toMatchObject([
    { type: "message", message: { text: "one", fromBot: true } },
    { type: "callback", id, chat: ANN, text: "Done", showAlert: false },
    { type: "edited", message: { text: "two" } },
    { type: "deleted", chat: ANN, messageId },
    { type: "commands" },
    { type: "chats" },
  ]);
});

test("further servers are mounted by their prefix, behind the same door", async () => {
  const mail = (request: Request) => Response.json({ path: new URL(request.url).pathname });
  await using world = await startSim({ routes: { "/sim/mail": mail } });
  expect(await get(world, "/sim/mail")).toEqual({ path: "/sim/mail" });
  expect(await get(world, "/sim/mail/clear")).toEqual({ path: "/sim/mail/clear" });
  expect((await fetch(`${world.sim.url}/sim/mailbox`)).status).toBe(404);
  const foreign = await fetch(`${world.sim.url}/sim/mail`, { headers: { origin: "https://evil.test" } });
  expect(foreign.status).toBe(403);
});
