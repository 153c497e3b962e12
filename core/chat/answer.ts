import type { ClaudeFile, ClaudeMessage, ClaudeRequest } from "../claude/messages.ts";
import { volatileFacts } from "../claude/prompt.ts";
import { isAway } from "../../db/tenant.ts";
import type { Scope } from "../scope.ts";
import { answerTokensMax } from "./estimate.ts";
import { loadFiles, type FetchFile } from "./file-content.ts";
import { spoken } from "./history.ts";
import { requestFor } from "./request.ts";
import { noticeOf, type Notice } from "./notice.ts";
import { finishTurn, type AnswerPart, type Outcome, type Turn } from "./turns.ts";

const FINISH_RETRY_MS = 1_000;
const FINISH_RETRY_MS_MAX = 30_000;

/**
 * How a running turn is shown. `show` gets the whole text so far and never
 * waits; `close` stops drawing and returns what is owed; `end` only stops
 * drawing, and does nothing after `close`.
 */
export type Presentation = {
  show(text: string): void;
  close(outcome: Outcome, notice: Notice): Promise<readonly AnswerPart[]>;
  end(): void;
};

/** What one turn is answered with. A signal aborted with any other reason than `stop` leaves the turn running, for the next start. */
export type Answering = {
  readonly botName: string;
  readonly presentation: Presentation;
  readonly fetchFile: FetchFile;
  readonly signal: AbortSignal;
};

/**
 * Fetches the files of the question, asks Claude and shows the answer as it comes, then writes it down with what
 * is to be shown. Claude's failures are outcomes, not exceptions. Returns null
 * when the process is going down: the turn stays running and is asked again.
 */
export async function answerTurn(scope: Scope, turn: Turn, answering: Answering): Promise<Outcome | null> {
  const { presentation, signal } = answering;
  try {
    const outcome = await outcomeOf(scope, turn, answering);
    if (isShutdown(signal)) return null;
    const parts = await presentation.close(outcome, await noticeWhenPossible(scope, turn, outcome));
    await finishWhenPossible(scope, turn, { outcome, parts }, signal);
    return outcome;
  } finally {
    presentation.end();
  }
}

// With the database away rather one notice too many than an answer that is never closed.
async function noticeWhenPossible(scope: Scope, turn: Turn, outcome: Outcome): Promise<Notice> {
  return noticeOf(scope, turn, outcome).catch((err: unknown) => {
    scope.log.warn({ err, turnId: turn.id }, "whether an outage was told here could not be read");
    return "plain";
  });
}

async function outcomeOf(
  scope: Scope,
  turn: Turn,
  { botName, presentation, fetchFile, signal }: Answering,
): Promise<Outcome> {
  let text = "";
  try {
    const files = await loadFiles(turn.files, fetchFile, signal);
    if (typeof files === "string")
      return signal.aborted
        ? { status: "stopped", text, usage: null }
        : { status: "failed", text, usage: null, kind: files, retryAfterSeconds: null };
    const request = requestOf(scope, turn, { botName, files });
    for await (const event of scope.app.claude.stream(request, signal, turn.access)) {
      switch (event.type) {
        case "text":
          text += event.text;
          presentation.show(text);
          break;
        case "tool_call":
          scope.log.warn({ tool: event.name }, "Claude asked for a tool that it was not offered");
          break;
        case "end":
          return {
            status: "answered",
            text,
            stopReason: event.stopReason,
            usage: event.usage,
            model: event.model,
          };
        case "unavailable": {
          const { kind, usage, retryAfterSeconds = null } = event;
          if (kind === "stopped") return { status: "stopped", text, usage };
          return { status: "failed", text, usage, kind, retryAfterSeconds };
        }
      }
    }
    throw new Error("Claude's stream ended without an end");
  } catch (err) {
    // A bug of ours, and still the person must not be left with an answer that never ends.
    scope.log.error({ err, turnId: turn.id }, "a turn failed");
    return { status: "failed", text, usage: null, kind: "our_bug", retryAfterSeconds: null };
  }
}

function isShutdown(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason !== "stop";
}

function requestOf(
  scope: Scope,
  turn: Turn,
  { botName, files }: { botName: string; files: readonly ClaudeFile[] },
): ClaudeRequest {
  const facts = volatileFacts({
    now: new Date(scope.app.clock.now()),
    timeZone: scope.timeZone,
    chatKind: turn.place.kind === "private" ? "private" : "group",
    ...(turn.speaker === null ? {} : { speaker: turn.speaker }),
  });
  const messages: ClaudeMessage[] = [
    ...turn.history.messages,
    { role: "user", text: spoken(turn.speaker, turn.question), files },
    { role: "system", text: facts },
  ];
  return requestFor(scope, {
    botName,
    voice: turn.voice,
    place: turn.place,
    askerId: turn.askerId,
    messages,
    maxTokens: answerTokensMax(turn.files),
    warm: turn.history.warm,
    about: { action: "answer", attempt: turn.attempt },
  });
}

// An answer that was shown must not be lost because Postgres was away for a minute.
async function finishWhenPossible(
  scope: Scope,
  turn: Turn,
  end: { outcome: Outcome; parts: readonly AnswerPart[] },
  signal: AbortSignal,
): Promise<void> {
  for (let waitMs = FINISH_RETRY_MS; ; waitMs = Math.min(waitMs * 2, FINISH_RETRY_MS_MAX)) {
    try {
      return await finishTurn(scope, turn, end.outcome, end.parts);
    } catch (err) {
      if (!isAway(err) || isShutdown(signal)) throw err;
      scope.log.warn({ err, waitMs }, "the answer could not be written yet");
      await scope.app.clock.sleep(waitMs);
    }
  }
}
