import { Api, GrammyError, HttpError, type ApiClientOptions } from "grammy";

/** How long Telegram may hold a poll open. */
export const POLL_SECONDS = 30;
const SEND_TIMEOUT_SECONDS = 20;
const QUOTED = /(["'`]).*\1/gs;
const POLL_GRACE_SECONDS = 10;

/** The network failed. Says nothing about where to: the address holds the bot's token. */
class TelegramUnreachableError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`Telegram could not be reached: ${code}`);
    this.name = "TelegramUnreachableError";
    this.code = code;
  }
}

/** The typed client. Neither its errors nor their causes carry the token. */
export function createApi(settings: { token: string; apiRoot: string }, purpose: "send" | "poll"): Api {
  return new Api(settings.token, clientOptions(settings.apiRoot, purpose));
}

/** How grammY reaches Telegram, for a client of its own. */
export function clientOptions(apiRoot: string, purpose: "send" | "poll"): ApiClientOptions {
  return {
    apiRoot,
    timeoutSeconds: purpose === "poll" ? POLL_SECONDS + POLL_GRACE_SECONDS : SEND_TIMEOUT_SECONDS,
    sensitiveLogs: false,
    fetch: fetchWithoutAddress,
  };
}

/** Why a call failed, by numeric code and method; wordings only where Telegram has no code of its own. */
export type CallFailure =
  | { readonly kind: "retry_after"; readonly seconds: number }
  | { readonly kind: "unreachable"; readonly code: string }
  | { readonly kind: "server" }
  | { readonly kind: "revoked" }
  | { readonly kind: "conflict" }
  /** Nobody is there any more: blocked, kicked, deleted, deactivated. */
  | { readonly kind: "gone"; readonly reason: string }
  | { readonly kind: "migrated"; readonly chatId: number }
  | { readonly kind: Exclude<BadRequest, "gone"> }
  | { readonly kind: "rejected"; readonly reason: string }
  | { readonly kind: "not_telegram" };

type BadRequest =
  | "not_modified"
  | "cannot_parse"
  | "no_thread"
  | "no_message"
  | "undeletable"
  | "too_long"
  /** We are there, and may not write: no right to, or a closed topic. */
  | "muted"
  | "gone";

// The only texts that are matched: Telegram gives these 400s no number.
const BAD_REQUESTS: readonly [RegExp, BadRequest][] = [
  [/message is not modified/i, "not_modified"],
  [/can't parse entities|ENTITY_/i, "cannot_parse"],
  [/message thread not found/i, "no_thread"],
  [/message to edit not found|message can't be edited|message to delete not found/i, "no_message"],
  [/message can't be deleted/i, "undeletable"],
  [/message is too long|MESSAGE_TOO_LONG/i, "too_long"],
  [/not enough rights to send|have no rights to send|CHAT_WRITE_FORBIDDEN|TOPIC_CLOSED/i, "muted"],
  [/chat not found|PEER_ID_INVALID|user is deactivated|group chat was deleted/i, "gone"],
];

export function failureOf(err: unknown): CallFailure {
  if (err instanceof GrammyError) {
    const { error_code: code, description, parameters } = err;
    if (parameters.migrate_to_chat_id !== undefined)
      return { kind: "migrated", chatId: parameters.migrate_to_chat_id };
    if (code === 429) return { kind: "retry_after", seconds: parameters.retry_after ?? 1 };
    if (code === 401 || code === 404) return { kind: "revoked" };
    if (code === 403) return { kind: "gone", reason: description };
    if (code === 409) return { kind: "conflict" };
    if (code >= 500) return { kind: "server" };
    const kind = BAD_REQUESTS.find(([pattern]) => pattern.test(description))?.[1] ?? "rejected";
    // Telegram quotes what it does not like: a tag, an address, a piece of the message.
    const reason = description.replace(QUOTED, "…");
    return kind === "rejected" || kind === "gone" ? { kind, reason } : { kind };
  }
  if (!(err instanceof HttpError)) return { kind: "not_telegram" };
  const cause = err.error;
  return { kind: "unreachable", code: cause instanceof TelegramUnreachableError ? cause.code : "unknown" };
}

async function fetchWithoutAddress(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  try {
    const response = await fetch(input, { ...init, redirect: "error" });
    // A connection that breaks in the middle of the answer names the address too, so it is read here.
    return new Response(await response.arrayBuffer(), { status: response.status });
  } catch (err) {
    const code =
      err instanceof Error && "code" in err && typeof err.code === "string"
        ? err.code
        : err instanceof Error
          ? err.name
          : "unknown";
    throw new TelegramUnreachableError(code);
  }
}
