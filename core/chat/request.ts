import { createHmac } from "node:crypto";
import type { CallAbout } from "../claude/call-line.ts";
import type { ClaudeMessage, ClaudeRequest } from "../claude/messages.ts";
import { systemPrompt, type Voice } from "../claude/prompt.ts";
import type { Scope } from "../scope.ts";
import type { Place } from "./conversations.ts";

const REF_CHARS = 32;

/** What Claude is asked in a conversation, for whatever end: `warm` says that its cache likely knows the beginning. */
type Asked = {
  readonly botName: string;
  readonly voice: Voice;
  readonly place: Place;
  readonly askerId: string;
  readonly messages: readonly ClaudeMessage[];
  readonly maxTokens: number;
  readonly warm: boolean;
  readonly about: Pick<CallAbout, "action" | "attempt">;
};

/** One request under the team's system prompt; the provider learns nobody's id. */
export function requestFor(scope: Scope, asked: Asked): ClaudeRequest {
  const { place, askerId, about } = asked;
  return {
    system: systemPrompt({ name: scope.team, botName: asked.botName, voice: asked.voice }),
    messages: asked.messages,
    maxTokens: asked.maxTokens,
    userRef: opaque(scope, askerId),
    conversationWarm: asked.warm,
    about: {
      ...about,
      incident: scope.correlationId,
      orgId: scope.orgId,
      chatRef: opaque(scope, `chat/${place.chatId}/${place.threadId}`),
    },
  };
}

// The same name every time, from which nobody without the master key learns whose it is.
function opaque(scope: Scope, id: string): string {
  return createHmac("sha256", scope.app.vault.derive("claude-user"))
    .update(`${scope.orgId}/${id}`)
    .digest("hex")
    .slice(0, REF_CHARS);
}
