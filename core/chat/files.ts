import { z } from "zod";
import { AppError } from "../errors.ts";

const MB = 1024 * 1024;
const QUESTION_FILES_MAX = 10;
/** What the messenger lets a bot fetch; also what all files of one question may have together. */
export const FILE_BYTES_MAX = 20 * MB;
// Claude takes 5 MB of base64 for one picture, which has four characters for three bytes.
export const PICTURE_BYTES_MAX = (5 * MB * 3) / 4;
// Some 150 000 tokens: more text than anybody means to pay for in one question.
export const TEXT_BYTES_MAX = MB / 2;
/** What Claude takes in one request. */
export const PDF_PAGES_MAX = 100;
// What a file may cost, on the safe side: Claude counts a page as its text and as a picture.
const PICTURE_TOKENS_MAX = 5_000;
const PAGE_TOKENS_MAX = 5_000;
const PAGE_BYTES_MIN = 4_096;
const TEXT_BYTES_PER_TOKEN = 3;
const NAME_CHARS_MAX = 64;

const turnFile = z.object({
  kind: z.enum(["photo", "document"]),
  /** Empty for photos. Only ever shown. */
  name: z.string(),
  /** Empty when nobody says. */
  mime: z.string(),
  /** Null when nobody says. */
  bytes: z.number().nullable(),
  /** By which the messenger hands it over; null once retention has taken it. */
  ref: z.string().nullable(),
});

/** A file that belongs to a question, as its sender describes it: what it really is, its content says. */
export type TurnFile = Readonly<z.infer<typeof turnFile>>;

/** The files of a turn's row. */
export function filesIn(stored: unknown): readonly TurnFile[] {
  return z.array(turnFile).parse(stored);
}

/** Why a turn failed for its files; each is a sentence in core/text. */
export const FILE_FAILURES = [
  "file_gone", // the messenger does not have it any more
  "file_unreachable", // the messenger did not hand it over in time
  "file_too_large", // it had more bytes or pixels than it may
  "file_unreadable", // not what Claude can look at, whatever it was called
  "file_too_many_pages",
] as const;
export type FileFailure = (typeof FILE_FAILURES)[number];

export function isFileFailure(kind: string): kind is FileFailure {
  return FILE_FAILURES.some((known) => known === kind);
}

/** What a file can be made into, by what its sender says of it. */
type Expected = "picture" | "pdf" | "text";

const PICTURES: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);
const TEXT_TYPES =
  /^text\/|[+/](?:json|xml|yaml)$|^application\/(?:x-)?(?:json5|jsonl|ndjson|yaml|toml|javascript|typescript|ecmascript|sql|sh|shellscript|python|php|perl|ruby|tex|latex|subrip)$/;
// Clients name some of these as something else: .ts as a video, .csv as a spreadsheet.
const TEXT_ENDINGS =
  /\.(?:txt|md|markdown|rst|adoc|tex|csv|tsv|log|jsonl?|ndjson|ya?ml|toml|ini|cfg|conf|env|properties|xml|html?|css|scss|less|svg|[cm]?[jt]sx?|vue|svelte|py|rb|php|pl|lua|r|jl|java|kts?|scala|go|rs|swift|c|h|cc|cpp|hpp|cs|fs|dart|ex|exs|erl|hs|clj|sql|graphql|proto|sh|bash|zsh|fish|ps1|bat|dockerfile|tf|diff|patch|srt|vtt|ics|vcf|eml)$/i;

/**
 * Refuses what Claude could not look at, before a byte of it is fetched. A file
 * of no known kind may pass when it is small: its content decides. Throws
 * `file_unsupported`, `file_too_big`, `picture_too_big`, `files_too_many` or
 * `files_too_big`.
 */
export function checkFiles(files: readonly TurnFile[]): void {
  if (files.length > QUESTION_FILES_MAX) throw new AppError("files_too_many", { max: QUESTION_FILES_MAX });
  for (const file of files) checkFile(file);
  const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  if (bytes > FILE_BYTES_MAX) throw new AppError("files_too_big", sizes(bytes, FILE_BYTES_MAX));
}

function checkFile(file: TurnFile): void {
  const bytes = file.bytes ?? 0;
  const expected = expectedOf(file);
  const isNameless = /^$|^application\/octet-stream$/.test(file.mime);
  const name = shownName(file.name) || file.mime || file.kind;
  if (expected === null && !(isNameless && bytes <= TEXT_BYTES_MAX))
    throw new AppError("file_unsupported", { name, what: file.mime.split("/")[0] ?? "" });
  const max = bytesMaxOf(file);
  if (bytes <= max) return;
  // Beyond its own limit Telegram does not hand a file to a bot at all, whatever it is.
  const code = expected === "picture" && bytes <= FILE_BYTES_MAX ? "picture_too_big" : "file_too_big";
  throw new AppError(code, { name, ...sizes(bytes, max) });
}

/** How many bytes of this file are worth fetching. */
export function bytesMaxOf(file: TurnFile): number {
  switch (expectedOf(file)) {
    case "picture":
      return PICTURE_BYTES_MAX;
    case "pdf":
      return FILE_BYTES_MAX;
    case "text":
    case null:
      return TEXT_BYTES_MAX;
  }
}

/** As many tokens as Claude may count for this file, judged by what is said of it. */
export function fileTokensMax(file: TurnFile): number {
  const bytes = Math.min(file.bytes ?? Infinity, bytesMaxOf(file));
  switch (expectedOf(file)) {
    case "picture":
      return PICTURE_TOKENS_MAX;
    case "pdf":
      return Math.min(PDF_PAGES_MAX, Math.ceil(bytes / PAGE_BYTES_MIN)) * PAGE_TOKENS_MAX;
    case "text":
    case null:
      return Math.ceil(bytes / TEXT_BYTES_PER_TOKEN);
  }
}

function expectedOf({ kind, name, mime }: TurnFile): Expected | null {
  if (kind === "photo" || PICTURES.has(mime)) return "picture";
  if (mime === "application/pdf" || /\.pdf$/i.test(name)) return "pdf";
  return TEXT_TYPES.test(mime) || TEXT_ENDINGS.test(name) ? "text" : null;
}

// Rounded apart, so that no size reads like its limit.
function sizes(bytes: number, max: number): { size: number; max: number } {
  return { size: Math.ceil((bytes / MB) * 10) / 10, max: Math.floor((max / MB) * 10) / 10 };
}

/** What is left of files once their question has been answered: a mark for each, and then the words. */
export function withMarks(question: string, files: readonly TurnFile[]): string {
  const marks = files.map((file) =>
    file.kind === "photo" ? "[photo]" : `[document ${shownName(file.name)}]`.replace(" ]", "]"),
  );
  return [...marks, question].join("\n");
}

/** A file's name on one line, short and without what could be taken for something else; may be empty. */
export function shownName(name: string): string {
  return name
    .toWellFormed()
    .replaceAll(/[\p{C}\p{Z}[\]]+/gu, " ")
    .trim()
    .slice(0, NAME_CHARS_MAX)
    .toWellFormed();
}
