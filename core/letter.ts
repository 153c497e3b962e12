import type { Letter } from "./mail.ts";

/** What a letter says, in its reader's words. Plain text everywhere: nothing here is markup. */
export type LetterContent = {
  readonly to: string;
  /** BCP 47 tag of the language that all of this is in. */
  readonly language: string;
  readonly subject: string;
  readonly headline: string;
  readonly paragraphs: readonly string[];
  /** The one thing to do, if there is one. */
  readonly button?: { readonly label: string; readonly url: string; readonly hint: string };
  /** Another way to do it. */
  readonly otherwise?: { readonly label: string; readonly url: string };
  /** Small print below. */
  readonly notes: readonly string[];
};

const SANS = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

// Clients that know dark mode read this; the others show the colours of the elements themselves.
const STYLE = `:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (prefers-color-scheme:dark){.ground{background:#171614!important}.card{background:#211f1d!important;border-color:#35322e!important}
.ink{color:#efece6!important}.soft{color:#a8a39a!important}.act{background:#efece6!important;color:#1d1c1a!important}}
@media (max-width:480px){.card{padding:24px!important}.act{display:block!important;text-align:center!important}}`;

/** Lays a letter out as HTML that loads nothing, in light and dark, and as plain text that says the same. */
export function writeLetter(content: LetterContent): Letter {
  const { to, subject } = content;
  return { to, subject: oneLine(subject), html: htmlOf(content), text: textOf(content) };
}

function textOf({ headline, paragraphs, button, otherwise, notes }: LetterContent): string {
  const action = [button, otherwise].flatMap((way) =>
    way === undefined ? [] : [`${way.label}:\n${way.url}`],
  );
  return [`BlockBot`, headline, ...paragraphs, ...action, `--\n${notes.join("\n\n")}`].join("\n\n");
}

function htmlOf({
  language,
  subject,
  headline,
  paragraphs,
  button,
  otherwise,
  notes,
}: LetterContent): string {
  const text = (words: string, look: string) =>
    `<p class="${look}" style="margin:0 0 16px;font:16px/1.5 ${SANS};color:${look === "ink" ? "#1d1c1a" : "#65625c"}">${escaped(words)}</p>`;
  const action =
    button === undefined
      ? ""
      : `<p style="margin:24px 0"><a class="act" href="${escaped(button.url)}" style="display:inline-block;padding:14px 24px;border-radius:8px;background:#1d1c1a;color:#ffffff;font:600 16px/1.25 ${SANS};text-decoration:none">${escaped(button.label)}</a></p>
<p class="soft" style="margin:0 0 16px;font:13px/1.5 ${SANS};color:#65625c">${escaped(button.hint)}<br><a class="soft" href="${escaped(button.url)}" style="color:#65625c;word-break:break-all">${escaped(button.url)}</a></p>`;
  const other =
    otherwise === undefined
      ? ""
      : `<p class="ink" style="margin:0 0 16px;font:16px/1.5 ${SANS};color:#1d1c1a"><a class="ink" href="${escaped(otherwise.url)}" style="color:#1d1c1a">${escaped(otherwise.label)}</a></p>`;
  const small = notes
    .map(
      (note) =>
        `<p class="soft" style="margin:0 0 12px;font:13px/1.5 ${SANS};color:#65625c">${escaped(note)}</p>`,
    )
    .join("\n");
  return `<!doctype html>
<html lang="${escaped(language)}" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${escaped(subject)}</title>
<style>${STYLE}</style>
</head>
<body class="ground" style="margin:0;padding:0;background:#f6f5f2">
<table role="presentation" class="ground" width="100%" cellpadding="0" cellspacing="0" style="background:#f6f5f2"><tr><td align="center" style="padding:32px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:520px"><tr><td>
<p class="soft" style="margin:0 0 12px;font:600 14px/1.5 ${SANS};color:#65625c">BlockBot</p>
</td></tr><tr><td class="card" style="padding:32px;border:1px solid #e4e1da;border-radius:12px;background:#ffffff">
<h1 class="ink" style="margin:0 0 16px;font:650 22px/1.3 ${SANS};color:#1d1c1a">${escaped(headline)}</h1>
${paragraphs.map((words) => text(words, "ink")).join("\n")}
${action}
${other}
</td></tr><tr><td style="padding:16px 4px 0">
${small}
</td></tr></table>
</td></tr></table>
</body>
</html>
`;
}

function escaped(words: string): string {
  return words
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

// A team's name may hold anything; a subject is one line.
function oneLine(words: string): string {
  return words.replaceAll(/\s+/g, " ").trim();
}
