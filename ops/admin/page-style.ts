import { createHash } from "node:crypto";
import { raw } from "hono/html";

const BASE = `
:root { color-scheme: light dark; --ground: #f6f5f2; --card: #fff; --ink: #1d1c1a; --soft: #65625c; --line: #e4e1da;
  --accent: #1f5fbf; --on-accent: #fff; --good: #1f7a4d; --warn: #96600a; --bad: #b3261e; --idle: #7a766e; }
@media (prefers-color-scheme: dark) { :root { --ground: #171614; --card: #211f1d; --ink: #efece6; --soft: #a8a39a;
  --line: #35322e; --accent: #8ab4f8; --on-accent: #10233f; --good: #63c997; --warn: #e5ac4d; --bad: #ff8a80; --idle: #98938a; } }
* { box-sizing: border-box; margin: 0; }
body { background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; padding: 3rem 1rem; }
main { max-width: 40rem; margin: 0 auto; }
h1 { font-size: 1.75rem; line-height: 1.25; font-weight: 650; margin: .25rem 0 1.5rem; text-wrap: balance; }
.product { color: var(--soft); }
`;

/** The look of one page of the admin server: what all of them share and its own, whole, and the source that its policy allows. */
export function pageStyle(own: string) {
  const style = BASE + own;
  return {
    // Whole, because a single space more or less inside the element would change its hash.
    element: raw(`<style>${style}</style>`),
    source: `'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  };
}
