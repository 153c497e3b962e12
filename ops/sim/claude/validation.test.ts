import { expect, test } from "bun:test";
import { createClaudeSim } from "./server.ts";
import { HEADERS } from "./test-client.ts";

const GOOD = {
  model: "claude-sonnet-5-5",
  max_tokens: 100,
  messages: [{ role: "user", content: "Hello" }] as unknown[],
};
const TOOL = { name: "search", input_schema: { type: "object" } };
const CALL = { type: "tool_use", id: "t1", name: "search", input: {} };
const RESULT = { type: "tool_result", tool_use_id: "t1", content: "found" };
const SHORT = { type: "ephemeral" };
const LONG = { type: "ephemeral", ttl: "1h" };
const marked = (marker: object, i: number) => ({ type: "text", text: `part ${i}`, cache_control: marker });
const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const system = (content: unknown) => ({ role: "system", content });
const talk = (...messages: unknown[]) => ({ messages });

async function ask(url: string, body: unknown, headers: Record<string, string> = HEADERS) {
  const sent = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(`${url}/v1/messages`, { method: "POST", headers, body: sent });
  const json = (await response.json()) as { error?: { type: string; message: string } };
  return { status: response.status, type: json.error?.type, message: json.error?.message ?? "" };
}

const REFUSED: Record<string, [change: object, message: RegExp]> = {
  "no max_tokens": [{ max_tokens: undefined }, /^max_tokens: Field required$/],
  "max_tokens above the model's": [{ max_tokens: 128_001 }, /^max_tokens: 128001 > 128000/],
  "no messages": [{ messages: undefined }, /^messages: Field required$/],
  "an empty list of messages": [talk(), /^messages: at least one message is required$/],
  "an unknown field": [{ foo: 1 }, /^foo: Extra inputs are not permitted$/],
  "a sampling parameter at its default": [{ temperature: 1 }, /^temperature: Extra inputs/],
  "an unknown field in a block": [
    talk(user([{ type: "text", text: "a", colour: "red" }])),
    /^messages\.0\.content\.0\.colour: Extra inputs/,
  ],
  "an unknown block": [talk(user([{ type: "video" }])), /^messages\.0\.content\.0\.type: /],
  "an unknown role": [talk({ role: "robot", content: "a" }), /^messages\.0\.role: /],
  "an answer first": [talk(assistant("a"), user("b")), /first message must use the "user" role/],
  "a prefill": [talk(user("a"), assistant("b")), /prefill/],
  "empty content": [talk(user([])), /non-empty content/],
  "empty text": [talk(user([{ type: "text", text: "" }])), /text content blocks must be non-empty/],
  "blank text": [talk(user(" \n")), /non-whitespace/],
  "a system message before a user turn": [talk(user("a"), system("b"), user("c")), /must follow a user turn/],
  "a system message after an answer": [
    talk(user("a"), assistant("b"), system("c"), user("d")),
    /must follow a user turn/,
  ],
  "a tool call without its result": [
    talk(user("a"), assistant([CALL]), user("b")),
    /without `tool_result` blocks immediately after: t1/,
  ],
  "one of two results": [
    talk(user("a"), assistant([CALL, { ...CALL, id: "t2" }]), user([RESULT])),
    /immediately after: t2/,
  ],
  "a result without its call": [talk(user([RESULT])), /unexpected `tool_use_id`.*t1/],
  "two results of one call": [talk(user("a"), assistant([CALL]), user([RESULT, RESULT])), /single result/],
  "a result after text": [
    talk(user("a"), assistant([CALL]), user([{ type: "text", text: "b" }, RESULT])),
    /must come first/,
  ],
  "two calls of one id": [
    talk(user("a"), assistant([CALL]), user([RESULT]), assistant([CALL]), user([RESULT])),
    /ids must be unique/,
  ],
  "a document in an answer": [
    talk(
      user("a"),
      assistant([{ type: "document", source: { type: "text", media_type: "text/plain", data: "a" } }]),
      user("b"),
    ),
    /`document` blocks are not permitted in assistant/,
  ],
  "citations in a question": [
    talk(user([{ type: "text", text: "a", citations: [{}] }])),
    /citations are not permitted/,
  ],
  "a tool name with a space": [{ tools: [{ ...TOOL, name: "two words" }] }, /^tools\.0\.name: /],
  "two tools of one name": [{ tools: [TOOL, TOOL] }, /names must be unique/],
  "a tool whose input is no object": [
    { tools: [{ ...TOOL, input_schema: { type: "string" } }] },
    /^tools\.0\.input_schema\.type: /,
  ],
  "a forced tool": [{ tools: [TOOL], tool_choice: { type: "any" } }, /'any' is not supported/],
  "a named tool": [{ tools: [TOOL], tool_choice: { type: "tool", name: "search" } }, /'tool' is not/],
  "no thinking": [{ thinking: { type: "disabled" } }, /'disabled' is not supported/],
  "a thinking budget": [{ thinking: { type: "enabled", budget_tokens: 1024 } }, /'enabled' is not supported/],
  "between_tools with an effort above high": [
    { thinking: { type: "between_tools" }, output_config: { effort: "xhigh" } },
    /'xhigh' is not supported/,
  ],
  "between_tools with a field": [
    { thinking: { type: "between_tools", display: "omitted" } },
    /^thinking\.display: Extra inputs/,
  ],
  "block binding without its beta": [
    { thinking: { type: "adaptive", block_binding: {} } },
    /^thinking\.block_binding: Extra inputs/,
  ],
  "five cache markers": [
    { system: [0, 1, 2, 3, 4].map((i) => marked(SHORT, i)) },
    /A maximum of 4 blocks.*Found 5/,
  ],
  "an hour after five minutes": [{ system: [marked(SHORT, 0), marked(LONG, 1)] }, /must not come after/],
  "an e-mail address as user id": [{ metadata: { user_id: "ann@example.com" } }, /email address/],
  "an unknown effort": [{ output_config: { effort: "huge" } }, /^output_config\.effort: /],
};

const TAKEN: Record<string, object> = {
  "a plain question": {},
  "consecutive messages of one role": talk(user("a"), user("b"), assistant("c"), assistant("d"), user("e")),
  "a system message at the end": talk(user("a"), assistant("b"), user("c"), system("It is Monday.")),
  "a system message before an answer": talk(user("a"), system("b"), assistant("c"), user("d")),
  "a tool loop": {
    tools: [TOOL],
    tool_choice: { type: "auto" },
    ...talk(user("a"), assistant([CALL]), user([RESULT, { type: "text", text: "go on" }])),
  },
  "the fields that the product sends": {
    system: [marked(LONG, 0)],
    thinking: { type: "between_tools" },
    output_config: { effort: "low" },
    service_tier: "standard_only",
    metadata: { user_id: "3f9a" },
    messages: [user([marked(SHORT, 0)])],
  },
};

test("a request that the API would refuse is refused for that reason, and noted", async () => {
  const sim = await createClaudeSim({});
  for (const [what, [change, message]] of Object.entries(REFUSED)) {
    const before = sim.violations.length;
    const refused = await ask(sim.url, { ...GOOD, ...change });
    expect({ what, status: refused.status, type: refused.type }).toEqual({
      what,
      status: 400,
      type: "invalid_request_error",
    });
    expect(refused.message).toMatch(message);
    expect(sim.violations).toHaveLength(before + 1);
    expect(sim.violations.at(-1)?.description).toContain(refused.message);
  }
  expect(sim.requests).toHaveLength(0);
  await sim.stop();
});

test("a request that the API would take is taken", async () => {
  const sim = await createClaudeSim({ script: () => ({ text: "fine" }) });
  for (const [what, change] of Object.entries(TAKEN)) {
    const taken = await ask(sim.url, { ...GOOD, ...change });
    expect({ what, status: taken.status, message: taken.message }).toEqual({
      what,
      status: 200,
      message: "",
    });
  }
  expect(sim.violations).toEqual([]);
  expect(sim.requests).toHaveLength(Object.keys(TAKEN).length);
  await sim.stop();
});

test("versions, bodies and the older model have their own rules", async () => {
  const sim = await createClaudeSim({ script: () => ({ text: "fine" }) });
  const unversioned = { authorization: HEADERS.authorization, "content-type": "application/json" };
  expect((await ask(sim.url, GOOD, unversioned)).message).toBe("anthropic-version: header is required");
  const strange = await ask(sim.url, GOOD, { ...HEADERS, "anthropic-version": "2024-01-01" });
  expect(strange.message).toMatch(/not a valid version/);
  expect((await ask(sim.url, GOOD, { ...HEADERS, "content-type": "text/plain" })).status).toBe(400);
  const older = await ask(sim.url, GOOD, { ...HEADERS, "anthropic-version": "2023-06-01" });
  expect(older.status).toBe(200);
  expect((await ask(sim.url, "{")).message).toMatch(/not valid JSON/);
  expect(sim.violations).toHaveLength(4);

  const sonnet5 = { ...GOOD, model: "claude-sonnet-5" };
  expect((await ask(sim.url, { ...sonnet5, thinking: { type: "disabled" } })).status).toBe(200);
  const forced = { ...sonnet5, tools: [TOOL], tool_choice: { type: "any" } };
  expect((await ask(sim.url, forced)).status).toBe(200);
  expect((await ask(sim.url, { ...sonnet5, ...talk(user("a"), system("b")) })).status).toBe(400);
  await sim.stop();
});
