import { expect, test } from "bun:test";
import { createClaudeSim } from "./server.ts";
import { HEADERS, body, post } from "./test-client.ts";

test("thinking is bound to everything before it", async () => {
  const sim = await createClaudeSim({
    script: (_, { index }) => ({ thinking: `thought ${index}`, text: "ok" }),
  });
  const turn = async (messages: unknown[]) => {
    const { content } = await body(post(sim, { stream: false, messages }));
    return { role: "assistant", content: content ?? [] };
  };
  const ask = (content: string) => ({ role: "user", content });
  const [one, two, three, four] = [ask("one"), ask("two"), ask("three"), ask("four")];
  const a = await turn([one]);
  const b = await turn([one, a, two]);
  const c = await turn([one, a, two, b, three]);
  const bare = (message: typeof a) => ({ ...message, content: message.content.slice(1) });
  const status = async (...messages: unknown[]) => (await post(sim, { messages })).status;

  expect(await status(one, a, two, b, three, c, four)).toBe(200);
  expect(await status(one, bare(a), two, bare(b), three, bare(c), four)).toBe(200);
  expect(await status(one, bare(a), two, b, three, c, four)).toBe(200);
  expect(await status(one, a, two, b, three, bare(c), four)).toBe(200);
  expect(sim.violations).toEqual([]);

  expect(await status(one, a, two, bare(b), three, c, four)).toBe(400);
  expect(await status(ask("edited"), a, two)).toBe(400);
  expect(await status(two, b, three)).toBe(400);
  expect((await post(sim, { messages: [one, a, two], system: "new" })).status).toBe(400);
  expect(
    (await post(sim, { messages: [one, a, two], tools: [{ name: "t", input_schema: { type: "object" } }] }))
      .status,
  ).toBe(400);
  const other = { headers: { ...HEADERS, authorization: "Bearer other" } };
  expect((await post(sim, { messages: [one, a, two] }, other)).status).toBe(400);
  expect(sim.violations.every(({ description }) => description.includes("bound to a different"))).toBe(true);
  await sim.stop();
});
