import type { Token } from "markdown-it";

const LANGUAGE = /^[A-Za-z0-9_+#.-]{1,32}$/;

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ["bash", "sh"],
  ["c++", "cpp"],
  ["c#", "cs"],
  ["csharp", "cs"],
  ["golang", "go"],
  ["javascript", "js"],
  ["kotlin", "kt"],
  ["latex", "tex"],
  ["markdown", "md"],
  ["perl", "pl"],
  ["python", "py"],
  ["ruby", "rb"],
  ["rust", "rs"],
  ["shell", "sh"],
  ["typescript", "ts"],
  ["yaml", "yml"],
]);
const PLAIN_EXTENSION = /^[a-z0-9]{1,5}$/;

export type CodeBlock = {
  language: string;
  /** What follows the language on the opening line, often a file name; "" when there is nothing. */
  caption: string;
  /** As it was written. */
  content: string;
};

export function codeBlockOf(token: Token): CodeBlock {
  const info = token.info.trim();
  const first = info.split(/\s/, 1)[0] ?? "";
  if (!LANGUAGE.test(first)) return { language: "", caption: info, content: token.content };
  return { language: first, caption: info.slice(first.length).trim(), content: token.content };
}

/** The code as a message can show it: its first line at the margin, because Telegram cuts white space off both ends. */
export function shownCode(content: string): string {
  const lines = content.trimEnd().split("\n");
  const start = lines.findIndex((line) => line.trim() !== "");
  if (start < 0) return "";
  const shown = lines.slice(start);
  const margin = shown.reduce(
    (common, line) => (line.trim() === "" ? common : sharedIndent(common, line)),
    indentOf(shown[0]),
  );
  const moved = shown.map((line) => (line.startsWith(margin) ? line.slice(margin.length) : line.trimStart()));
  return moved.join("\n").trimStart();
}

function indentOf(line = ""): string {
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

function sharedIndent(common: string, line: string): string {
  let length = 0;
  while (length < common.length && common[length] === line[length]) length++;
  return common.slice(0, length);
}

/** The name of the `number`th file of an answer. */
export function codeFileName(language: string, number: number): string {
  const name = language.toLowerCase();
  const extension = EXTENSIONS.get(name) ?? (PLAIN_EXTENSION.test(name) ? name : "txt");
  return `code-${number}.${extension}`;
}
