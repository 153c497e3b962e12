import { expect, test } from "bun:test";
import { greyPng } from "../../picture.ts";
import { ANN, BEN, FORUM, GROUP, startSim } from "../test-sim.ts";

test("a sent message is the same for the bot, for the chat and in the answer", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const { body } = await world.call("sendMessage", {
    chat_id: ANN,
    text: "Take one",
    entities: [{ type: "bold", offset: 0, length: 4 }],
    reply_markup: {
      inline_keyboard: [
        [
          { text: "Yes", callback_data: "y" },
          { text: "Read", url: "https://x.test" },
        ],
      ],
    },
    link_preview_options: { is_disabled: true },
  });
  expect(body.result).toMatchObject({
    message_id: 2,
    from: { id: 7001, is_bot: true },
    chat: { id: ANN, type: "private", first_name: "Ann" },
    text: "Take one",
    entities: [{ type: "bold", offset: 0, length: 4 }],
  });
  expect(world.sim.messages(ANN).at(-1)).toMatchObject({
    messageId: 2,
    fromBot: true,
    fromName: "BlockBot",
    text: "Take one",
    buttons: [
      [
        { text: "Yes", data: "y" },
        { text: "Read", url: "https://x.test" },
      ],
    ],
  });
});

test("a text has 1 to 4096 code points, counted after its marks are read", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const send = (params: object) => world.refusal("sendMessage", { chat_id: ANN, ...params });
  expect(await send({ text: "👍".repeat(4096) })).toBeUndefined();
  expect(await send({ text: `<b>${"x".repeat(4096)}</b>`, parse_mode: "HTML" })).toBeUndefined();
  expect(await send({ text: "x".repeat(4097) })).toBe("Bad Request: message is too long");
  expect(await send({ text: " \n " })).toBe("Bad Request: message text is empty");
  expect(await send({ text: "<b></b>", parse_mode: "HTML" })).toBe("Bad Request: message text is empty");
  expect(world.sim.violations).toHaveLength(3);
});

test("an inline keyboard needs buttons that can work", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const button = (fields: object) =>
    world.refusal("sendMessage", { chat_id: ANN, text: "x", reply_markup: { inline_keyboard: [[fields]] } });
  expect(await button({ text: "x", callback_data: "é".repeat(32) })).toBeUndefined();
  expect(await button({ text: "x", callback_data: `${"é".repeat(32)}x` })).toBe(
    "Bad Request: BUTTON_DATA_INVALID",
  );
  expect(await button({ text: "x", callback_data: "" })).toBe("Bad Request: BUTTON_DATA_INVALID");
  expect(await button({ text: "x" })).toContain("Text buttons are unallowed in the inline keyboard");
  expect(await button({ text: "x", callback_data: "y", url: "https://x.test" })).toContain("Only one action");
  expect(await button({ text: " ", callback_data: "y" })).toContain("text must be non-empty");
  expect(await button({ text: "x", url: "javascript:1" })).toContain("Unsupported URL protocol");
  expect(await button({ text: "x", url: "http://localhost:3000/" })).toContain("Wrong HTTP URL");
  expect(await button({ text: "x", data: "y" })).toContain("unexpected field data");
  const many = Array.from({ length: 101 }, (_, at) => [{ text: "x", callback_data: String(at) }]);
  const tooMany = { chat_id: ANN, text: "x", reply_markup: { inline_keyboard: many } };
  expect(await world.refusal("sendMessage", tooMany)).toBe("Bad Request: reply markup is too long");
  const other = { chat_id: ANN, text: "x", reply_markup: { force_reply: true, selective: true } };
  expect(await world.refusal("sendMessage", other)).toBeUndefined();
});

test("a reply names an existing message, and may go out without it when asked to", async () => {
  await using world = await startSim();
  const asked = world.sim.say({ from: ANN, text: "how are you?" });
  const reply = async (parameters: object) => {
    const params = { chat_id: ANN, text: "fine", reply_parameters: parameters };
    return (await world.call("sendMessage", params)).body;
  };
  expect((await reply({ message_id: asked, quote: "how" })).result["reply_to_message"]).toMatchObject({
    message_id: asked,
    text: "how are you?",
  });
  expect((await reply({ message_id: 99 })).description).toBe("Bad Request: message to be replied not found");
  const alone = await reply({ message_id: 99, allow_sending_without_reply: true });
  expect(alone.ok).toBe(true);
  expect(alone.result["reply_to_message"]).toBeUndefined();
  expect((await reply({ message_id: asked, quote: "who" })).description).toBe(
    "Bad Request: QUOTE_TEXT_INVALID",
  );
});

test("a topic is addressed by its id, the General topic by none", async () => {
  await using world = await startSim();
  const [bills] = world.sim.topics(FORUM);
  const thread = bills?.threadId ?? 0;
  const send = async (chat: number, more: object) =>
    (await world.call("sendMessage", { chat_id: chat, text: "x", ...more })).body;

  const inTopic = await send(FORUM, { message_thread_id: thread });
  expect(inTopic.result).toMatchObject({ message_thread_id: thread, is_topic_message: true });
  const general = await send(FORUM, {});
  expect(general.result["message_thread_id"]).toBeUndefined();
  expect(world.sim.messages(FORUM, thread).map(({ text }) => text)).toEqual(["", "x"]);

  for (const [chat, id] of [
    [FORUM, 1000],
    [FORUM, Number(general.result["message_id"])],
    [GROUP, 1000],
  ] as const) {
    expect((await send(chat, { message_thread_id: id })).description).toBe(
      "Bad Request: message thread not found",
    );
  }
  expect(world.sim.violations).toEqual([]);
});

test("a reply in a group without topics carries a thread id that is no topic", async () => {
  await using world = await startSim();
  const first = world.sim.say({ from: ANN, chat: GROUP, text: "/ask something" });
  const { result } = (
    await world.call("sendMessage", { chat_id: GROUP, text: "x", reply_parameters: { message_id: first } })
  ).body;
  expect(result).toMatchObject({ message_thread_id: first });
  expect(result["is_topic_message"]).toBeUndefined();
  expect(world.sim.messages(GROUP).at(-1)?.thread).toBeNull();
});

test("the bot cannot write to those who never met it, blocked it, left, or removed it", async () => {
  await using world = await startSim();
  const send = async (chat: number) => {
    const { status, body } = await world.call("sendMessage", { chat_id: chat, text: "x" });
    return `${status} ${body.description ?? "ok"}`;
  };
  world.sim.addPerson({ id: 13, firstName: "Stranger" });
  world.sim.addGroup({ id: -1003, title: "Not invited", members: [ANN], botIsMember: false });
  await world.meetAnn();
  expect(await send(13)).toBe("400 Bad Request: chat not found");
  expect(await send(-1003)).toBe("400 Bad Request: chat not found");
  expect(await send(BEN)).toBe("403 Forbidden: bot can't initiate conversation with a user");
  world.sim.setBlocked(ANN, true);
  expect(await send(ANN)).toBe("403 Forbidden: bot was blocked by the user");
  world.sim.setBlocked(ANN, false);
  expect(await send(ANN)).toBe("200 ok");
  world.sim.setDeactivated(ANN, true);
  expect(await send(ANN)).toBe("403 Forbidden: user is deactivated");
  world.sim.setBotMember(GROUP, false);
  expect(await send(GROUP)).toBe("403 Forbidden: bot was kicked from the supergroup chat");
  await world.call("leaveChat", { chat_id: FORUM });
  expect(await send(FORUM)).toBe("403 Forbidden: bot is not a member of the supergroup chat");
  expect(world.sim.violations).toEqual([]);
});

test("a file that is sent can be fetched again, and sent again by its id", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const form = new FormData();
  form.set("chat_id", String(ANN));
  form.set("document", "attach://part");
  form.set("caption", "<b>report</b>");
  form.set("parse_mode", "HTML");
  form.set("part", new File(["a,b\n1,2"], "../report.csv", { type: "text/csv" }));
  const url = `${world.sim.url}/bot${world.token}`;
  const sent = await fetch(`${url}/sendDocument`, { method: "POST", body: form });
  const { result } = (await sent.json()) as { result: { document: { file_id: string } } };
  expect(result).toMatchObject({
    caption: "report",
    caption_entities: [{ type: "bold", offset: 0, length: 6 }],
    document: { mime_type: "text/csv", file_size: 7 },
  });

  const id = result.document.file_id;
  const { body } = await world.call("getFile", { file_id: id });
  const path = String(body.result["file_path"]);
  expect(path).toMatch(/^documents\/file_\d+\.csv$/);
  expect(await (await fetch(`${world.sim.url}/file/bot${world.token}/${path}`)).text()).toBe("a,b\n1,2");
  expect((await fetch(`${world.sim.url}/file/bot1:WRONG/${path}`)).status).toBe(401);
  expect((await fetch(`${world.sim.url}/file/bot${world.token}/documents/none`)).status).toBe(404);

  expect(await world.refusal("sendDocument", { chat_id: ANN, document: id })).toBeUndefined();
  expect(await world.refusal("sendPhoto", { chat_id: ANN, photo: id })).toContain(
    "can't use this file as photo",
  );
  const web = { chat_id: ANN, document: "https://x.test/a.pdf" };
  expect(await world.refusal("sendDocument", web)).toContain("failed to get HTTP URL content");
  const lost = { chat_id: ANN, photo: "attach://nowhere" };
  expect(await world.refusal("sendPhoto", lost)).toContain("can't find the uploaded file");
});

test("a photo may be uploaded under its own name, and a caption has at most 1024 characters", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const send = async (caption: string, bytes = greyPng(3, 2)) => {
    const form = new FormData();
    form.set("chat_id", String(ANN));
    form.set("caption", caption);
    form.set("photo", new File([Buffer.from(bytes)], "a.png", { type: "image/png" }));
    const response = await fetch(`${world.sim.url}/bot${world.token}/sendPhoto`, {
      method: "POST",
      body: form,
    });
    return (await response.json()) as { description?: string };
  };
  expect(await send("x".repeat(1024))).toMatchObject({ result: { photo: [{ width: 3 }, { width: 90 }] } });
  expect((await send("", new Uint8Array([1]))).description).toBe("Bad Request: IMAGE_PROCESS_FAILED");
  expect((await send("x".repeat(1025))).description).toBe("Bad Request: message caption is too long");
});

test("files over 20 MB cannot be fetched", async () => {
  await using world = await startSim();
  const bytes = new Uint8Array(20 * 1024 * 1024 + 1);
  world.sim.sendFile({ from: ANN, kind: "video", name: "a.mp4", mime: "video/mp4", bytes });
  const { result } = (await world.call("getUpdates")).body;
  const id = result[0]?.["message"]?.["video"]?.["file_id"] as unknown;
  expect(await world.refusal("getFile", { file_id: id })).toBe("Bad Request: file is too big");
});

test("a file can be downloaded for an hour after its link was asked for, and a download can fail in each way", async () => {
  let now = 1_800_000_000_000;
  await using world = await startSim({ clock: () => now });
  const bytes = new Uint8Array(1000).fill(7);
  world.sim.sendFile({ from: ANN, kind: "document", name: "a.txt", mime: "text/plain", bytes });
  const { result } = (await world.call("getUpdates")).body;
  const id = result[0]?.["message"]?.["document"]?.["file_id"] as unknown;
  const url = `${world.sim.url}/file/bot${world.token}/`;
  const path = String((await world.call("getFile", { file_id: id })).body.result["file_path"]);
  const download = async (): Promise<string> => {
    const response = await fetch(url + path);
    return response.ok ? `${(await response.bytes()).length} bytes` : String(response.status);
  };
  expect(await download()).toBe("1000 bytes");
  now += 61 * 60_000;
  expect(await download()).toBe("404");
  await world.call("getFile", { file_id: id });
  const fault = { method: "download", times: 1 };
  world.sim.fault({ ...fault, kind: "error", errorCode: 502, description: "Bad Gateway" });
  expect(await download()).toBe("502");
  world.sim.fault({ ...fault, kind: "truncate" });
  expect(await download()).toBe("500 bytes");
  for (const kind of ["reset_before", "reset_after"] as const) {
    world.sim.fault({ ...fault, kind, times: 2 }); // a GET on a connection that closed is begun once more
    expect(await download().catch(() => "broken")).toBe("broken");
  }
  world.sim.clearFaults();
  world.sim.fault({ ...fault, kind: "hang" });
  const silent = fetch(url + path, { signal: AbortSignal.timeout(100) }).then((response) => response.bytes());
  expect(await silent.catch((err: Error) => err.name)).toBe("TimeoutError");
  expect(world.sim.violations.map(({ method }) => method)).toEqual(["download"]);
});

test("typing is shown where it was asked for and is no message", async () => {
  await using world = await startSim();
  const events = await fetch(`${world.sim.url}/sim/events`);
  const thread = world.sim.topics(FORUM)[0]?.threadId ?? 0;
  await world.call("sendChatAction", { chat_id: FORUM, message_thread_id: thread, action: "typing" });
  const reader = events.body?.getReader();
  let text = "";
  while (!text.includes("typing")) text += new TextDecoder().decode((await reader?.read())?.value);
  expect(text).toContain(`data: {"type":"typing","chat":${FORUM},"thread":${thread}}`);
  await reader?.cancel();
});
