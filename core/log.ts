import pino, { type DestinationStream, type Logger } from "pino";

export type Log = Logger;

// Keys whose value must never reach a log, wherever they stand in a line.
const SECRET_KEYS = [
  "token",
  "secret",
  "password",
  "apiKey",
  "authorization",
  "cookie",
  "key",
  "text",
  "question",
  "answer",
  "payload",
];
const CAUSES_MAX = 5; // an error may be its own cause
const TEXT_CHARS_MAX = 1_024;
// JSON allows them raw, and many readers of logs take them for the end of a line.
const LINE_ENDS = /[\u2028\u2029]/g;
const BOT_TOKEN = /\d{3,}:[A-Za-z0-9_-]{20,}/g;

/**
 * JSON lines on stdout, each value of a line cut at 1 024 characters. Bot tokens are cut out of every line, whatever put
 * them there, and errors keep their name, message and stack only.
 */
export function createLog(options: { level: string; destination?: DestinationStream }): Log {
  const to = options.destination ?? pino.destination({ fd: 1, sync: true });
  const redacting: DestinationStream = {
    write: (line) =>
      to.write(
        line
          .replace(BOT_TOKEN, "[bot token]")
          .replace(LINE_ENDS, (end) => (end === "\u2028" ? "\\u2028" : "\\u2029")),
      ),
  };
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: cutTexts },
      redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]), censor: "[redacted]" },
      serializers: { err: (err: unknown) => safeError(err) },
    },
    redacting,
  );
}

// Names and titles are chosen by people, and nobody needs more of them.
function cutTexts(line: Record<string, unknown>): Record<string, unknown> {
  const isLong = (value: unknown): value is string =>
    typeof value === "string" && value.length > TEXT_CHARS_MAX;
  if (!Object.values(line).some(isLong)) return line;
  return Object.fromEntries(
    Object.entries(line).map(([name, value]) => [
      name,
      isLong(value) ? value.slice(0, TEXT_CHARS_MAX).toWellFormed() : value,
    ]),
  );
}

/** What of an error may be logged: name, message and stack; never its own properties, which carry URLs and bodies. */
function safeError(err: unknown, causes = CAUSES_MAX): Record<string, unknown> {
  if (!(err instanceof Error)) return { name: typeof err };
  return {
    name: err.name,
    message: err.message,
    stack: err.stack,
    ...(err.cause instanceof Error && causes > 0 ? { cause: safeError(err.cause, causes - 1) } : {}),
  };
}
