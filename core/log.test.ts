import { expect, test } from "bun:test";
import fc from "fast-check";
import { createLog, type Log } from "./log.ts";

const TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw-_";

function capture(level = "trace"): { log: Log; lines: string[]; last(): Record<string, unknown> } {
  const lines: string[] = [];
  const log = createLog({ level, destination: { write: (line) => void lines.push(line) } });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? "") };
}

test("a bot token is cut out wherever it stands in a line", () => {
  const { log, lines } = capture();
  const failed = new Error(`GET https://api.telegram.org/bot${TOKEN}/getUpdates failed`, {
    cause: new Error(`connect to /file/bot${TOKEN}/photo.jpg`),
  });
  log.info(`polling with ${TOKEN}`);
  log.error({ err: failed }, "polling");
  log.error(failed);
  log.info({ url: `/bot${TOKEN}/sendMessage`, [TOKEN]: 1, deep: { list: [`"${TOKEN}"`, { x: TOKEN }] } });
  log.child({ bot: TOKEN }).info("child");
  expect(lines).toHaveLength(5);
  for (const line of lines) {
    expect(line).not.toContain("AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw");
    expect(line).toContain("[bot token]");
  }
});

test("AU-07: whatever somebody calls themselves, it stays one line of JSON and one value of it, cut when it is long", () => {
  const { log, lines, last } = capture();
  const hostile = ['a\r\n{"level":"fatal"}', "\u001b[31mred", "b\u2028c\u2029d", '","level":"fatal","x":"'];
  for (const name of hostile) {
    log.child({ who: name }).info({ name }, "update");
    expect(lines.at(-1)?.trimEnd()).not.toMatch(/[\u0000-\u001f\u2028\u2029]/);
    expect(last()).toMatchObject({ level: "info", name, who: name, msg: "update" });
  }
  log.info({ name: "n".repeat(1_000_000), ms: 5 }, "update");
  expect(last()).toMatchObject({ name: "n".repeat(1_024), ms: 5 });
});

test("no bot token of any shape survives in the middle of any text", () => {
  const token = fc
    .tuple(fc.stringMatching(/^[1-9]\d{5,11}$/), fc.stringMatching(/^[A-Za-z0-9_-]{35}$/))
    .map(([id, secret]) => ({ text: `${id}:${secret}`, secret }));
  fc.assert(
    fc.property(fc.string(), token, fc.string(), (before, { text, secret }, after) => {
      const { log, lines } = capture();
      log.info({ field: `${before}${text}${after}` }, `${before}${text}${after}`);
      expect(lines.join("")).not.toContain(secret);
    }),
  );
});

test("what people wrote and what is secret is redacted at the top of a line and one level below", () => {
  const { log, lines, last } = capture();
  const keys = "token secret password apiKey authorization cookie key text question answer payload".split(
    " ",
  );
  const values = Object.fromEntries(keys.map((key) => [key, `private ${key}`]));
  log.info({ ...values, inner: values, headers: { ...values, accept: "json" } }, "line");
  expect(lines.join("")).not.toContain("private");
  const redacted = Object.fromEntries(keys.map((key) => [key, "[redacted]"]));
  expect(last()).toMatchObject({
    ...redacted,
    inner: redacted,
    headers: { ...redacted, accept: "json" },
    msg: "line",
  });
});

test("of an error only name, message and stack are logged, and the same of what caused it", () => {
  const { log, lines, last } = capture();
  const cause = Object.assign(new TypeError("fetch failed"), { body: "private body" });
  const err = Object.assign(new Error("the call failed", { cause }), {
    request: { url: "private url" },
    parameters: ["private parameter"],
  });
  log.error({ err }, "call");
  expect(lines.join("")).not.toContain("private");
  expect(last()["err"]).toEqual({
    name: "Error",
    message: "the call failed",
    stack: expect.stringContaining("the call failed"),
    cause: { name: "TypeError", message: "fetch failed", stack: expect.any(String) },
  });

  log.error(err);
  expect(lines.at(-1)).not.toContain("private");
  // What is thrown without being an error says nothing of itself.
  log.error({ err: "private words" }, "thrown");
  log.error({ err: { private: 1 } }, "thrown");
  expect(lines.slice(-2).join("")).not.toContain("private");
  expect(last()["err"]).toEqual({ name: "object" });
});

test("an error that is its own cause is still one line", () => {
  const { log, lines, last } = capture();
  const err = new Error("round");
  err.cause = new Error("and round", { cause: err });
  log.error({ err }, "circle");
  expect(lines).toHaveLength(1);
  expect(last()).toMatchObject({ msg: "circle", err: { message: "round", cause: { message: "and round" } } });
});

test("every entry is one line of JSON with a time and a level, whatever is in it", () => {
  const { log, lines } = capture();
  log.warn({ what: "a\nb\r\n\u2028\u0000\ud800" }, "line\nbreak");
  log.child({ orgId: "o", correlationId: "c" }).info({ ms: 3 }, "update");
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line.indexOf("\n")).toBe(line.length - 1);
  const [first, second] = lines.map((line) => JSON.parse(line));
  expect(first).toMatchObject({ level: "warn", msg: "line\nbreak" });
  expect(new Date(first.time).toISOString()).toBe(first.time);
  expect(Object.keys(second).sort()).toEqual(["correlationId", "level", "ms", "msg", "orgId", "time"]);
});

test("what is below the level is not written", () => {
  const { log, lines } = capture("warn");
  log.info("no");
  log.warn("yes");
  expect(lines).toHaveLength(1);
  const silent = capture("silent");
  silent.log.fatal("no");
  expect(silent.lines).toEqual([]);
});
