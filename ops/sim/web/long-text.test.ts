import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { messageParts } from "./long-text.ts";

test("a long text becomes several messages, none too long, and loses nothing but spaces at the cuts", () => {
  const words = fc.array(fc.constantFrom("ab", "\n", " ", "👩‍🚀", "x".repeat(900), "😀".repeat(700)), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(words, (pieces) => {
      const text = pieces.join("");
      const parts = messageParts(text);
      expect(parts.join("").replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
      for (const part of parts) {
        expect(part.length).toBeWithin(1, 4097);
        expect(part.isWellFormed()).toBe(true);
      }
    }),
  );
});

test("a text is cut between lines rather than between words", () => {
  const line = "some words ".repeat(30).trim();
  const text = Array(20).fill(line).join("\n");
  for (const part of messageParts(text)) expect(part.endsWith(line)).toBe(true);
});
