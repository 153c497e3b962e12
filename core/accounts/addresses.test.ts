import { expect, test } from "bun:test";
import { addressOf } from "./addresses.ts";

test("ML-14: an address has one spelling, and what is not exactly one address is none", () => {
  for (const [given, stored] of [
    ["Ann@Example.COM", "ann@example.com"],
    ["a.b+tag@mail.example.co", "a.b+tag@mail.example.co"],
    ["o'neil@xn--bcher-kva.example", "o'neil@xn--bcher-kva.example"],
  ] as const) {
    expect(addressOf(given)).toBe(stored);
  }
  const wrong = [
    "",
    "ann",
    "ann@",
    "@example.com",
    "ann@localhost",
    " ann@example.com",
    "ann@example.com ",
    "ann@example.com,bob@example.com",
    "ann@example.com\nBcc: bob@example.com",
    "ann@example.com\r\n",
    "Ann <ann@example.com>",
    "\uff21nn@example.com", // a full-width A
    "\u212aelvin@example.com", // the Kelvin sign, whose lower case is k
    "stra\u00dfe@example.com",
    "ann@b\u00fccher.example",
    "\u202eann@example.com",
    "ann@exam\u0000ple.com",
    "ann..b@example.com",
    ".ann@example.com",
    "ann@-example.com",
    "ann@example..com",
    '"a b"@example.com',
    `${"a".repeat(65)}@example.com`,
    `a@${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(60)}.${"e".repeat(60)}.${"f".repeat(20)}.com`,
    "a".repeat(100_000),
  ];
  for (const text of wrong) expect([text.slice(0, 40), addressOf(text)]).toEqual([text.slice(0, 40), null]);
});
