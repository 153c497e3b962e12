import type { CallAbout } from "./call-line.ts";

/** A file as Claude is shown it. A title may be empty. */
export type ClaudeFile =
  | {
      readonly type: "image";
      readonly mediaType: "image/jpeg" | "image/png" | "image/gif" | "image/webp";
      readonly base64: string;
    }
  | { readonly type: "pdf"; readonly title: string; readonly base64: string }
  | { readonly type: "text"; readonly title: string; readonly text: string };

/**
 * `text` is never empty. A `system` message carries volatile facts: it follows a user turn and is the last message.
 * `files` belong to the last user message alone: later requests have marks in their place.
 */
export type ClaudeMessage = {
  readonly role: "user" | "assistant" | "system";
  readonly text: string;
  readonly files?: readonly ClaudeFile[];
};

/**
 * `userRef` is opaque to the provider, never a name or an id of ours. `conversationWarm` says that the previous
 * turn of this conversation is less than five minutes old, so that caching its tail pays. `about` is for the log
 * and never sent.
 */
export type ClaudeRequest = {
  system: string;
  messages: readonly ClaudeMessage[];
  maxTokens: number;
  userRef: string;
  conversationWarm: boolean;
  about: CallAbout;
};

/**
 * The messages as the API takes them, files before the words about them. `warm` caches all that the next request
 * will repeat: not the volatile facts, and not a message with files.
 */
export function paramsOf(messages: readonly ClaudeMessage[], warm: boolean) {
  const tail = warm
    ? messages.findLastIndex((message) => message.role !== "system" && !message.files?.length)
    : -1;
  return messages.map(({ role, text, files = [] }, index) => {
    const words = {
      type: "text" as const,
      text: text.toWellFormed(),
      ...(index === tail && { cache_control: { type: "ephemeral" as const, ttl: "5m" as const } }),
    };
    return role === "user" ? { role, content: [...files.map(blockOf), words] } : { role, content: [words] };
  });
}

function blockOf(file: ClaudeFile) {
  switch (file.type) {
    case "image":
      return {
        type: "image" as const,
        source: { type: "base64" as const, media_type: file.mediaType, data: file.base64 },
      };
    case "pdf":
      return {
        type: "document" as const,
        source: { type: "base64" as const, media_type: "application/pdf" as const, data: file.base64 },
        ...titled(file.title),
      };
    case "text":
      return {
        type: "document" as const,
        source: { type: "text" as const, media_type: "text/plain" as const, data: file.text.toWellFormed() },
        ...titled(file.title),
      };
  }
}

function titled(title: string): { title?: string } {
  return title === "" ? {} : { title };
}
