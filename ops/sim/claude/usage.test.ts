import { expect, test } from "bun:test";
import { createClaudeSim } from "./server.ts";
import { body, post } from "./test-client.ts";

test("a cached prefix is written once, read while it lives, and lost when it changes", async () => {
  let now = 0;
  const sim = await createClaudeSim({ clock: () => now, script: () => ({ text: "fine" }) });
  const ask = async (systemText: string, question: string) => {
    const system = [{ type: "text", text: systemText, cache_control: { type: "ephemeral", ttl: "1h" } }];
    const messages = [{ role: "user", content: question }];
    return (await body(post(sim, { stream: false, system, messages }))).usage;
  };
  const long = "rules ".repeat(1000);
  const first = await ask(long, "one");
  expect(first?.cache_creation_input_tokens).toBeGreaterThan(1000);
  expect(first?.cache_read_input_tokens).toBe(0);
  now += 59 * 60_000;
  const second = await ask(long, "two");
  expect(second).toMatchObject({
    cache_read_input_tokens: first?.cache_creation_input_tokens,
    cache_creation_input_tokens: 0,
    input_tokens: first?.input_tokens,
  });
  expect((await ask(`${long}!`, "three"))?.cache_read_input_tokens).toBe(0);
  now += 61 * 60_000;
  expect((await ask(long, "four"))?.cache_read_input_tokens).toBe(0);
  expect((await ask("short", "five"))?.cache_creation_input_tokens).toBe(0);
  await sim.stop();
});

test("what is read from the cache lives on for as long again, five minutes or an hour", async () => {
  let now = 0;
  const sim = await createClaudeSim({ clock: () => now, script: () => ({ text: "fine" }) });
  const ask = async (ttl: string) => {
    const system = [
      { type: "text", text: `${ttl} `.repeat(2000), cache_control: { type: "ephemeral", ttl } },
    ];
    return (await body(post(sim, { stream: false, system }))).usage?.cache_read_input_tokens;
  };
  for (const [ttl, minutes] of [
    ["5m", 4],
    ["1h", 59],
  ] as const) {
    expect(await ask(ttl)).toBe(0);
    for (let reads = 0; reads < 3; reads++) {
      now += minutes * 60_000;
      expect(await ask(ttl)).toBeGreaterThan(1000);
    }
    now += (minutes + 2) * 60_000;
    expect(await ask(ttl)).toBe(0);
  }
  await sim.stop();
});
