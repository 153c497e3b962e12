import { createHash, createHmac } from "node:crypto";
import { turnsOf } from "./conversation.ts";
import type { Block, CountRequest } from "./request.ts";

// The simulator signs for itself only; the signature has to be stable between its runs, not secret.
const SIGNING_KEY = "simulated";

/**
 * Signs a thinking block that answers this request. The signature binds it to the model, the account and
 * everything before it (system, tools, messages without their thinking), and counts it within the thinking
 * that the request replays.
 */
export function signThinking(request: CountRequest, account: string, thinking: string): string {
  const turns = turnsOf(request.messages);
  const ordinals = turns.flatMap((turn) => turn.blocks).flatMap((block) => ordinalOf(block) ?? []);
  return signature((ordinals.at(-1) ?? 0) + 1, prefixHash(request, account, turns.length, []), thinking);
}

/**
 * The sentence of the first replayed thinking block whose prefix was edited, or that stands after a gap; null
 * when all are intact. Leaving out all of them, the oldest, or the newest is allowed.
 */
export function thinkingError(request: CountRequest, account: string): string | null {
  let expected: number | null = null;
  for (const [i, turn] of turnsOf(request.messages).entries()) {
    for (const [j, block] of turn.blocks.entries()) {
      if (block.type !== "thinking") continue;
      const ordinal = ordinalOf(block);
      const hash = prefixHash(request, account, i, turn.blocks.slice(0, j));
      const intact = ordinal !== null && signature(ordinal, hash, block.thinking) === block.signature;
      if (!intact || (expected !== null && ordinal !== expected)) {
        return (
          `messages.${turn.at}.content.${j}: Invalid \`signature\` in \`thinking\` block: ` +
          "the block is bound to a different conversation"
        );
      }
      expected = ordinal + 1;
    }
  }
  return null;
}

function ordinalOf(block: Block): number | null {
  if (block.type !== "thinking") return null;
  const ordinal = Number(block.signature.split(".")[0]);
  return Number.isSafeInteger(ordinal) ? ordinal : null;
}

function signature(ordinal: number, prefix: string, thinking: string): string {
  const mac = createHmac("sha256", SIGNING_KEY).update(JSON.stringify([ordinal, prefix, thinking]));
  return `${ordinal}.${mac.digest("base64url")}`;
}

function prefixHash(request: CountRequest, account: string, turns: number, partOfTurn: Block[]): string {
  const before = turnsOf(request.messages)
    .slice(0, turns)
    .map((turn) => [turn.role, bare(turn.blocks)]);
  const system =
    typeof request.system === "string" ? [request.system] : (request.system ?? []).map((b) => b.text);
  const tools = (request.tools ?? []).map((tool) => ({ ...tool, cache_control: undefined }));
  return createHash("sha256")
    .update(JSON.stringify([request.model, account, system, tools, before, bare(partOfTurn)]))
    .digest("base64url");
}

function bare(blocks: readonly Block[]): unknown[] {
  return blocks
    .filter((block) => block.type !== "thinking")
    .map((block) => ({ ...block, cache_control: undefined }));
}
