import { expect, test } from "bun:test";
import { ANN, startSim } from "./test-sim.ts";

test("answers come in the service's envelope, with its codes for a wrong token, path and method", async () => {
  await using world = await startSim();
  const { sim, token, call } = world;
  const me = await call("GETME");
  expect(me.status).toBe(200);
  expect(me.body).toMatchObject({
    ok: true,
    result: { id: 7001, is_bot: true, username: "blockbot_test_bot" },
  });

  for (const [path, status, description] of [
    ["/bot1:WRONG/getMe", 401, "Unauthorized"],
    [`/bot${token}/noSuchMethod`, 404, "Not Found"],
    [`/bot${token}/`, 404, "Not Found"],
    ["/elsewhere", 404, "Not Found"],
  ] as const) {
    const response = await fetch(sim.url + path);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ ok: false, error_code: status, description });
  }
  expect(sim.violations.map(({ method }) => method)).toEqual(["noSuchMethod"]);
});

test("a call means the same as JSON, urlencoded, multipart and query", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const url = `${world.sim.url}/bot${world.token}/sendMessage`;
  const fields = {
    chat_id: String(ANN),
    text: "hello",
    disable_notification: "true",
    entities: '[{"type":"bold","offset":0,"length":5}]',
  };
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  const json = {
    chat_id: ANN,
    text: "hello",
    disable_notification: true,
    entities: JSON.parse(fields.entities),
  };

  const answers = await Promise.all([
    fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(json),
    }),
    fetch(url, { method: "POST", body: new URLSearchParams(fields) }),
    fetch(url, { method: "POST", body: form }),
    fetch(`${url}?${new URLSearchParams(fields)}`),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  for (const { params } of world.sim.calls.slice(-4)) expect(params).toEqual(json);
  const sent = world.sim.messages(ANN).filter(({ fromBot }) => fromBot);
  for (const message of sent) expect(message.entities).toEqual([{ type: "bold", offset: 0, length: 5 }]);
});

test("parameters are checked against the API's declarations and every wrong one is a violation", async () => {
  await using world = await startSim();
  await world.meetAnn();
  const wrong: [string, Record<string, unknown>, string][] = [
    ["sendMessage", { text: "x" }, "chat_id is empty"],
    ["sendMessage", { chat_id: ANN }, "message text is empty"],
    [
      "sendMessage",
      { chat_id: ANN, text: "x", disable_web_page_preview: true },
      "unexpected parameter disable_web_page_preview",
    ],
    ["sendMessage", { chat_id: ANN, text: 5 }, "parameter text must be string"],
    [
      "sendMessage",
      { chat_id: ANN, text: "x", message_thread_id: "7" },
      "parameter message_thread_id must be number",
    ],
    ["sendMessage", { chat_id: ANN, text: "a\ud800" }, "strings must be encoded in UTF-8"],
    ["sendMessage", { chat_id: ANN, text: "x", parse_mode: "Text" }, "unsupported parse_mode"],
    [
      "sendMessage",
      { chat_id: ANN, text: "x", link_preview_options: { disabled: true } },
      "unexpected field disabled in link_preview_options",
    ],
    ["sendChatAction", { chat_id: ANN, action: "dancing" }, "wrong parameter action in request"],
    ["setMessageReaction", { chat_id: ANN }, "parameter message_id is required"],
    ["sendVideo", { chat_id: ANN, video: "x" }, "this simulator does not implement sendVideo"],
  ];
  for (const [method, params, description] of wrong) {
    expect(await world.refusal(method, params)).toBe(`Bad Request: ${description}`);
  }
  expect(world.sim.violations.map(({ method }) => method)).toEqual(wrong.map(([method]) => method));
  expect(world.sim.violations.map(({ description }) => description)).toEqual(
    wrong.map(([, , description]) => `Bad Request: ${description}`),
  );
});

test("what a correct bot can run into is refused but is no violation", async () => {
  await using world = await startSim();
  await world.meetAnn();
  expect(await world.refusal("sendMessage", { chat_id: 999, text: "x" })).toBe("Bad Request: chat not found");
  expect(await world.refusal("deleteMessage", { chat_id: ANN, message_id: 999 })).toBe(
    "Bad Request: message to delete not found",
  );
  expect(world.sim.violations).toEqual([]);
});

test("other sites and other names of this machine are turned away", async () => {
  await using world = await startSim();
  const { url } = world.sim;
  const port = new URL(url).port;
  const status = async (path: string, headers: Record<string, string>) =>
    (await fetch(url + path, { headers })).status;
  expect(await status("/sim/state", { host: "evil.test" })).toBe(403);
  expect(await status("/sim/state", { host: `evil.test:${port}` })).toBe(403);
  expect(await status("/sim/state", { origin: "https://evil.test" })).toBe(403);
  expect(await status("/sim/state", { origin: `http://localhost:${Number(port) + 1}` })).toBe(403);
  expect(await status(`/bot${world.token}/getMe`, { origin: "https://evil.test" })).toBe(403);
  expect(await status("/sim/state", { origin: url })).toBe(200);
  expect(await status("/sim/state", { host: `localhost:${port}` })).toBe(200);
});
