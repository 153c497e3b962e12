import type { Block, Message } from "./request.ts";

/** Consecutive messages of one role, as the API reads them; `at` is the index of the first of them. */
export type Turn = { role: Message["role"]; blocks: Block[]; at: number };

/** The API merges consecutive messages of one role instead of refusing them. */
export function turnsOf(messages: readonly Message[]): Turn[] {
  const turns: Turn[] = [];
  for (const [at, message] of messages.entries()) {
    const blocks: Block[] =
      typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content;
    const last = turns.at(-1);
    if (last?.role === message.role) last.blocks.push(...blocks);
    else turns.push({ role: message.role, blocks: [...blocks], at });
  }
  return turns;
}

/** The text of the last user turn, its blocks joined by newlines. */
export function lastUserText(messages: readonly Message[]): string {
  const turn = turnsOf(messages).findLast((turn) => turn.role === "user");
  return (turn?.blocks ?? []).flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n");
}

/** What the API refuses in this conversation, as its sentence; null when it is well formed. */
export function conversationError(messages: readonly Message[], systemTurnsAllowed: boolean): string | null {
  const turns = turnsOf(messages);
  const [first] = turns;
  const last = turns.at(-1);
  if (first?.role !== "user") return 'messages: first message must use the "user" role';
  // A turn that was paused while a tool of the service ran is given back as it is, to be gone on with.
  if (last?.role === "assistant" && last.blocks.at(-1)?.type !== "server_tool_use") {
    return "This model does not support assistant message prefill. The conversation must end with a user message.";
  }
  return emptyContent(messages) ?? misplaced(turns, systemTurnsAllowed) ?? unpairedTools(turns);
}

function emptyContent(messages: readonly Message[]): string | null {
  for (const [at, { content }] of messages.entries()) {
    if (content.length === 0) return `messages.${at}: all messages must have non-empty content`;
    const texts = typeof content === "string" ? [content] : content.flatMap(textsIn);
    if (texts.some((text) => text === "")) return `messages.${at}: text content blocks must be non-empty`;
    if (texts.some((text) => text.trim() === "")) {
      return `messages.${at}: text content blocks must contain non-whitespace text`;
    }
  }
  return null;
}

function textsIn(block: Block): string[] {
  if (block.type === "text") return [block.text];
  if (block.type !== "tool_result" || !Array.isArray(block.content)) return [];
  return block.content.flatMap((part) => (part.type === "text" ? [part.text] : []));
}

const ALLOWED_BLOCKS: Record<Message["role"], ReadonlySet<Block["type"]>> = {
  user: new Set(["text", "image", "document", "search_result", "tool_result"]),
  assistant: new Set(["text", "tool_use", "server_tool_use", "thinking"]),
  system: new Set(["text"]),
};

function misplaced(turns: readonly Turn[], systemTurnsAllowed: boolean): string | null {
  for (const [i, turn] of turns.entries()) {
    const odd = turn.blocks.find((block) => !ALLOWED_BLOCKS[turn.role].has(block.type));
    if (odd !== undefined)
      return `messages.${turn.at}: \`${odd.type}\` blocks are not permitted in ${turn.role} messages`;
    if (
      turn.role === "user" &&
      turn.blocks.some((block) => block.type === "text" && block.citations?.length)
    ) {
      return `messages.${turn.at}: citations are not permitted on text blocks in user messages`;
    }
    if (turn.role !== "system") continue;
    if (!systemTurnsAllowed) return `messages.${turn.at}.role: Input should be 'user' or 'assistant'`;
    const next = turns[i + 1];
    if (turns[i - 1]?.role !== "user" || (next !== undefined && next.role !== "assistant")) {
      return `messages.${turn.at}: a system message must follow a user turn and be last or precede an assistant turn`;
    }
  }
  return null;
}

function unpairedTools(turns: readonly Turn[]): string | null {
  const seen = new Set<string>();
  for (const [i, turn] of turns.entries()) {
    for (const block of turn.blocks) {
      if (block.type !== "tool_use") continue;
      if (seen.has(block.id)) return `messages.${turn.at}: \`tool_use\` ids must be unique`;
      seen.add(block.id);
    }
    const problem = unanswered(turn, turns[i + 1]) ?? unasked(turn, turns[i - 1]);
    if (problem !== null) return problem;
  }
  return null;
}

function unanswered(turn: Turn, next: Turn | undefined): string | null {
  const answers = resultIds(next);
  const open = callIds(turn).filter((id) => !answers.includes(id));
  if (open.length === 0) return null;
  return (
    `messages.${turn.at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
    `${open.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`
  );
}

function unasked(turn: Turn, previous: Turn | undefined): string | null {
  const results = resultIds(turn);
  if (results.length === 0) return null;
  const calls = callIds(previous);
  const orphan = results.find((id) => !calls.includes(id));
  if (orphan !== undefined) {
    return (
      `messages.${turn.at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${orphan}. ` +
      "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
    );
  }
  if (new Set(results).size < results.length) {
    return `messages.${turn.at}: each tool_use must have a single result`;
  }
  const leading = turn.blocks.slice(0, results.length);
  return leading.every((block) => block.type === "tool_result")
    ? null
    : `messages.${turn.at}: \`tool_result\` blocks must come first in the content`;
}

function callIds(turn: Turn | undefined): string[] {
  if (turn?.role !== "assistant") return [];
  return turn.blocks.flatMap((block) => (block.type === "tool_use" ? [block.id] : []));
}

function resultIds(turn: Turn | undefined): string[] {
  if (turn?.role !== "user") return [];
  return turn.blocks.flatMap((block) => (block.type === "tool_result" ? [block.tool_use_id] : []));
}
