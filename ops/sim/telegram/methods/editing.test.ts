import { expect, test } from "bun:test";
import { greyPng } from "../../picture.ts";
import { ANN, GROUP, startSim } from "../test-sim.ts";

const NOT_MODIFIED =
  "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message";
const keyboard = { inline_keyboard: [[{ text: "Stop", callback_data: "stop" }]] };

test("an edit changes the message in place and drops the keyboard unless it is given again", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const { result } = (await world.call("sendMessage", { chat_id: ANN, text: "one", reply_markup: keyboard }))
    .body;
  const target = { chat_id: ANN, message_id: result["message_id"] };
  const edited = await world.call("editMessageText", { ...target, text: "two" });
  expect(edited.body.result).toMatchObject({ message_id: target.message_id, text: "two" });
  expect(edited.body.result["edit_date"]).toBeNumber();
  const message = world.sim.messages(ANN).at(-1);
  expect(message).toMatchObject({ text: "two", buttons: [] });
  expect(message?.editDate).not.toBeNull();
  await world.call("editMessageReplyMarkup", { ...target, reply_markup: keyboard });
  expect(world.sim.messages(ANN).at(-1)).toMatchObject({
    text: "two",
    buttons: [[{ text: "Stop", data: "stop" }]],
  });
});

test("an edit that changes nothing is refused but is no violation", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const { result } = (await world.call("sendMessage", { chat_id: ANN, text: "one", reply_markup: keyboard }))
    .body;
  const same = { chat_id: ANN, message_id: result["message_id"], text: "one" };
  expect(await world.refusal("editMessageText", { ...same, reply_markup: keyboard })).toBe(NOT_MODIFIED);
  const { text: _, ...target } = same;
  expect(await world.refusal("editMessageReplyMarkup", { ...target, reply_markup: keyboard })).toBe(
    NOT_MODIFIED,
  );
  expect(world.sim.violations).toEqual([]);
  const bold = { ...same, entities: [{ type: "bold", offset: 0, length: 3 }], reply_markup: keyboard };
  expect(await world.refusal("editMessageText", bold)).toBeUndefined();
});

test("only an own message that exists and has the right content can be edited", async () => {
  await using world = await startSim();
  const hers = world.sim.say({ from: ANN, text: "mine" });
  const photo = new FormData();
  photo.set("chat_id", String(ANN));
  photo.set("photo", new File([Buffer.from(greyPng(3, 2))], "a.png"));
  const sent = await fetch(`${world.sim.url}/bot${world.token}/sendPhoto`, { method: "POST", body: photo });
  const { result } = (await sent.json()) as { result: { message_id: number } };
  const edit = (method: string, params: object) => world.refusal(method, { chat_id: ANN, ...params });

  expect(await edit("editMessageText", { message_id: hers, text: "x" })).toBe(
    "Bad Request: message can't be edited",
  );
  expect(await edit("editMessageText", { message_id: 99, text: "x" })).toBe(
    "Bad Request: message to edit not found",
  );
  expect(await edit("editMessageText", { text: "x" })).toBe(
    "Bad Request: message identifier is not specified",
  );
  expect(await edit("editMessageText", { message_id: 1, text: " " })).toBe(
    "Bad Request: message text is empty",
  );
  const long = { message_id: 1, text: "x".repeat(4097) };
  expect(await edit("editMessageText", long)).toBe("Bad Request: MESSAGE_TOO_LONG");
  const asText = { message_id: result.message_id, text: "x" };
  expect(await edit("editMessageText", asText)).toBe("Bad Request: there is no text in the message to edit");
  expect(await edit("editMessageCaption", { message_id: result.message_id, caption: "new" })).toBeUndefined();
  expect(world.sim.messages(ANN).at(-1)?.text).toBe("new");
});

test("the bot deletes what it may and its deleted messages are gone", async () => {
  let now = Date.UTC(2026, 0, 1);
  await using world = await startSim({ clock: () => now });
  const hers = world.sim.say({ from: ANN, text: "private" });
  const theirs = world.sim.say({ from: ANN, chat: GROUP, text: "/group" });
  const own = Number(
    (await world.call("sendMessage", { chat_id: GROUP, text: "x" })).body.result["message_id"],
  );

  const remove = (chat: number, id: number) =>
    world.refusal("deleteMessage", { chat_id: chat, message_id: id });
  expect(await remove(ANN, hers)).toBeUndefined();
  expect(await remove(ANN, hers)).toBe("Bad Request: message to delete not found");
  expect(await remove(GROUP, theirs)).toBe("Bad Request: message can't be deleted");
  expect(
    await world.refusal("deleteMessages", { chat_id: GROUP, message_ids: [theirs, own, 99] }),
  ).toBeUndefined();
  expect(world.sim.messages(GROUP).map(({ messageId }) => messageId)).toEqual([theirs]);

  const late = Number(
    (await world.call("sendMessage", { chat_id: ANN, text: "x" })).body.result["message_id"],
  );
  now += 48 * 60 * 60 * 1000 + 1000;
  expect(await remove(ANN, late)).toBe("Bad Request: message can't be deleted");
  const many = Array.from({ length: 101 }, (_, at) => at + 1);
  const tooMany = { chat_id: ANN, message_ids: many };
  expect(await world.refusal("deleteMessages", tooMany)).toBe(
    "Bad Request: too many message identifiers specified",
  );
});

test("a reaction is one emoji that the service knows", async () => {
  await using world = await startSim();
  const message = world.sim.say({ from: ANN, text: "x" });
  const react = (...emoji: string[]) => {
    const reaction = emoji.map((one) => ({ type: "emoji", emoji: one }));
    return world.refusal("setMessageReaction", { chat_id: ANN, message_id: message, reaction });
  };
  expect(await react("👀")).toBeUndefined();
  expect(await react()).toBeUndefined();
  expect(await react("🦖")).toBe("Bad Request: REACTION_INVALID");
  expect(await react("👀", "👍")).toBe("Bad Request: REACTIONS_TOO_MANY");
});
