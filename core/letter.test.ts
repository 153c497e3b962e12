import { expect, test } from "bun:test";
import { writeLetter } from "./letter.ts";

const CONTENT = {
  to: "ann@example.com",
  language: "de",
  subject: "Anmelden bei „A\r\nBcc: x@example.com“",
  headline: `<script>"A" & 'B'</script>`,
  paragraphs: ["First <b>words</b>", "Second"],
  button: { label: "Go", url: `https://bot.example/auth/magic#a"b`, hint: "Or open:" },
  notes: ["Small & print"],
};

test("a letter loads nothing, escapes everything, and says the same without HTML", () => {
  const { subject, html, text, to } = writeLetter(CONTENT);
  expect(to).toBe(CONTENT.to);
  expect(subject).toBe("Anmelden bei „A Bcc: x@example.com“");
  expect(html).not.toMatch(
    /<script|<b>|<img|<link|src=|url\(|@import|@font-face|https?:(?!\/\/bot\.example)/,
  );
  expect(html).toContain("&lt;script&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/script&gt;");
  expect(html).toContain('href="https://bot.example/auth/magic#a&quot;b"');
  expect(html).toContain('<html lang="de"');
  expect(html).toContain("prefers-color-scheme:dark");
  for (const words of [CONTENT.headline, ...CONTENT.paragraphs, CONTENT.button.url, ...CONTENT.notes]) {
    expect(text).toContain(words);
  }
  expect(writeLetter(CONTENT)).toEqual({ to, subject, html, text }); // a repeat must be the same to the letter
});
