import { expect, test } from "bun:test";
import { botLink, safeHref, withAddresses } from "./links.ts";

test("a message can only link to schemes that are safe to open", () => {
  expect(safeHref("javascript:alert(1)")).toBeNull();
  expect(safeHref("JavaScript:alert(1)")).toBeNull();
  expect(safeHref("data:text/html,x")).toBeNull();
  expect(safeHref("file:///etc/passwd")).toBeNull();
  expect(safeHref("example.com/a?b=c")).toBe("https://example.com/a?b=c");
  expect(safeHref("mailto:ann@example.com")).toBe("mailto:ann@example.com");
});

test("a link to this bot opens its chat with the start code, and other links do not", () => {
  expect(botLink("https://t.me/Demo_Bot?start=abc-1_Z", "demo_bot")).toEqual({ code: "abc-1_Z" });
  expect(botLink("t.me/demo_bot", "demo_bot")).toEqual({ code: null });
  expect(botLink("tg://resolve?domain=demo_bot&start=abc", "demo_bot")).toEqual({ code: "abc" });
  expect(botLink("https://t.me/demo_bot?start=a%20b", "demo_bot")).toEqual({ code: null });
  expect(botLink("https://t.me/other_bot?start=abc", "demo_bot")).toBeNull();
  expect(botLink("https://example.com/demo_bot?start=abc", "demo_bot")).toBeNull();
});

test("addresses in a plain mail are found without the punctuation after them", () => {
  const text = "Open https://a.example/x#t=1_2. Or (http://b.example/y), bye";
  const parts = withAddresses(text);
  expect(parts.filter((p) => p.isAddress).map((p) => p.text)).toEqual([
    "https://a.example/x#t=1_2",
    "http://b.example/y",
  ]);
  expect(parts.map((p) => p.text).join("")).toBe(text);
});
