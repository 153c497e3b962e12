import { readFileSync } from "node:fs";
import { turnsOf, type Turn } from "./conversation.ts";
import type { MessagesRequest } from "./request.ts";
import type { ClaudeScript } from "./script.ts";

const CHUNK_CHARS = 50;
const CHUNK_MS = 50;
const QUOTE_CHARS_MAX = 280;
const RECALLED_MAX = 3;
const LONG_SECTIONS = 12;
const NAME_CHARS_MAX = 64;

const SIGNATURE = "**Practice model, not Claude.**";

/** What one person said, without the name that the bot puts before it in a group. */
type Remark = { speaker: string | null; text: string };
type Conversation = { said: Remark; earlier: Remark[] };

/**
 * The script of the demo: says in every reply that it is not Claude, and gives a person something to try the
 * product with: formatting, a long answer, what was said before. Depends on nothing but the request.
 */
export const practiceScript: ClaudeScript = (request) => {
  const conversation = conversationOf(request);
  const answer = ANSWERS.find(({ asked }) => asked.test(conversation.said.text));
  const body = answer?.write(conversation) ?? friendly(conversation);
  const lines = [SIGNATURE, ...greeting(conversation.said.text), ...unreadable(request), body];
  return { text: lines.join("\n\n"), chunkChars: CHUNK_CHARS, chunkMs: CHUNK_MS };
};

type Answer = { asked: RegExp; write: (conversation: Conversation) => string };

/** The first that was asked for is given. */
const ANSWERS: readonly Answer[] = [
  { asked: /^write a summary of the conversation so far, for yourself/i, write: summary },
  { asked: /\b(what('s| is)|tell me|know|remember) my name\b|\bwho am i\b/i, write: nameAnswer },
  { asked: /\bwhat (did|have) i (say|said|ask|asked|tell|told|write|written)\b/i, write: recall },
  { asked: /\b(my name is|call me)\s+\p{L}/iu, write: introduction },
  {
    asked:
      /\b(write|give|send|show|tell)\b.*\blong\b|\blong (answer|text|reply|message|story|one)\b|^(a |something )?long\b/i,
    write: long,
  },
  { asked: /\b(guide|handbook)\b/i, write: () => GUIDE },
  { asked: /\b(formatting|markdown)\b/i, write: () => [HEADINGS, LIST, CODE, TABLE].join("\n\n") },
  { asked: /\btables?\b/i, write: () => TABLE },
  { asked: /\bcode\b/i, write: () => CODE },
  { asked: /\blists?\b/i, write: () => LIST },
];

// As long as an answer of Claude's can be, with everything in it that an answer of Claude's has.
const GUIDE = readFileSync(new URL("guide.md", import.meta.url), "utf8").trim();

const HEADINGS = `# A heading

## A smaller heading

Text can be **bold**, *italic*, ~~struck out~~ or \`code\`, and it can hold [a link](https://example.com).

> A quotation stands apart from the rest.`;

const LIST = `Things to try next:

1. Ask for **a table** or for **code**
2. Ask for **a long answer** and watch it arrive
3. Tell me your name, then ask for it

- Bullets work too
  - and so do nested ones`;

const CODE = `A short program in TypeScript:

\`\`\`ts
const team = ["Ann", "Boris", "Chloé"];
for (const name of team) {
  console.log(\`Hello, \${name}! 1 < 2 && 3 > 2\`);
}
\`\`\``;

const TABLE = `| Part | In this demo | In production |
|---|---|---|
| Telegram | simulated | real |
| Claude | this practice model | Claude Sonnet |
| Mail | shown in the demo page | sent by Resend |`;

function nameAnswer({ said, earlier }: Conversation): string {
  const own = [...earlier, said].filter((remark) => remark.speaker === said.speaker);
  const name = own.map((remark) => nameIn(remark.text)).findLast((found) => found !== null) ?? said.speaker;
  if (name === null)
    return 'You have not told me your name in this conversation. Write "My name is …" and ask again.';
  return `Your name is ${name}.`;
}

function introduction({ said }: Conversation): string {
  return `Nice to meet you, ${nameIn(said.text) ?? "friend"}. Ask me later what your name is: I read it from the conversation.`;
}

function nameIn(text: string): string | null {
  const name = /\b(?:my name is|call me)\s+(\p{L}[\p{L}\p{M}'’-]*)/iu.exec(text)?.[1];
  return name === undefined ? null : name.slice(0, NAME_CHARS_MAX);
}

function recall({ said, earlier }: Conversation): string {
  const own = earlier.filter((remark) => remark.speaker === said.speaker).slice(-RECALLED_MAX);
  if (own.length === 0) return "You have not said anything before this in our conversation.";
  return `The last that you said before this:\n\n${own.map((remark) => quote(remark.text)).join("\n\n")}`;
}

function summary({ earlier }: Conversation): string {
  return `What was said, shortened:\n\n${earlier.map((remark) => quote(remark.text)).join("\n\n")}`;
}

function long({ said }: Conversation): string {
  const sections = Array.from({ length: LONG_SECTIONS }, (_, i) => {
    const number = i + 1;
    return `## Part ${number} of ${LONG_SECTIONS}

This part exists so that the answer grows beyond what fits into one Telegram message. While it is being written, the message is edited about once a second, and the **Stop** button under it ends the answer where it stands. When a message is full, the answer goes on in the next one, and nothing is lost between the two.

- Point ${number}.1: the parts are numbered, so that a missing one would be noticed
- Point ${number}.2: this line has \`code\` and *italics* in it

After part ${number} ${number < LONG_SECTIONS ? "another one follows" : "the answer is complete"}.`;
  });
  return [`You asked for something long:\n\n${quote(said.text)}`, ...sections].join("\n\n");
}

function friendly({ said }: Conversation): string {
  const to = said.speaker === null ? "" : `, ${said.speaker}`;
  if (said.text.trim() === "") return `I got your message${to}, but there is no text in it that I can read.`;
  return `Thanks for your message${to}. You wrote:

${quote(said.text)}

I only follow a few simple rules, so I cannot think about it as Claude would. Try "show me formatting", "a table", "code", "a long answer", "the guide", or tell me your name and ask for it.`;
}

const GREETINGS: readonly [RegExp, string][] = [
  [/^(hallo|guten (morgen|tag|abend)|servus|moin|grüß)/iu, "Hallo! Schön, dass du da bist."],
  [/^(привет|здравствуй|добр(ое|ый) )/iu, "Привет! Рад тебя видеть."],
  [/^(hi|hello|hey|good (morning|afternoon|evening))\b/i, "Hello! Good to see you."],
];

function greeting(text: string): string[] {
  return GREETINGS.flatMap(([pattern, line]) => (pattern.test(text.trim()) ? [line] : [])).slice(0, 1);
}

function unreadable(request: MessagesRequest): string[] {
  const blocks = turnsOf(request.messages).findLast((turn) => turn.role === "user")?.blocks ?? [];
  const pictures = blocks.filter((block) => block.type === "image").length;
  const documents = blocks.flatMap((block) =>
    block.type === "document" ? [block.title == null ? "a document" : `“${block.title}”`] : [],
  );
  const things = [
    ...(pictures === 0 ? [] : [pictures === 1 ? "a picture" : `${pictures} pictures`]),
    ...documents,
  ];
  if (things.length === 0) return [];
  const them = pictures + documents.length === 1 ? "it" : "them";
  return [`I got ${things.join(" and ")}, but only Claude can look into ${them}.`];
}

function quote(text: string): string {
  const cut = text.length > QUOTE_CHARS_MAX ? `${text.slice(0, QUOTE_CHARS_MAX).toWellFormed()}…` : text;
  return cut
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n");
}

function conversationOf(request: MessagesRequest): Conversation {
  const turns = turnsOf(request.messages);
  const told = turns.filter((turn) => turn.role === "system").map(textOf);
  const remarks = turns
    .filter((turn) => turn.role === "user")
    .flatMap((turn) => remarksIn(textOf(turn), /\bgroup\b/i.test(told.at(-1) ?? "")));
  return { said: remarks.at(-1) ?? { speaker: null, text: "" }, earlier: remarks.slice(0, -1) };
}

function textOf(turn: Turn): string {
  return turn.blocks.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n");
}

/** In a group every remark begins a line with "Name: "; lines without one belong to the remark before. */
function remarksIn(text: string, isGroup: boolean): Remark[] {
  if (!isGroup) return [{ speaker: null, text }];
  const remarks: Remark[] = [];
  for (const line of text.split("\n")) {
    const [, speaker, said] = /^([^:\n]{1,64}): (.*)$/.exec(line) ?? [];
    const last = remarks.at(-1);
    if (speaker !== undefined && said !== undefined) remarks.push({ speaker, text: said });
    else if (last === undefined) remarks.push({ speaker: null, text: line });
    else last.text += `\n${line}`;
  }
  return remarks;
}
