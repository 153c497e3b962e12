import { z } from "zod";
import type { Mail } from "./mail-store.ts";

const RECIPIENTS_MAX = 50;
const ADDRESS = /^(?:[^<>\r\n]*<[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+)$/;
const TAG = /^[a-zA-Z0-9_-]{1,256}$/;

const mailBody = z.object({
  from: z.string(),
  to: z.array(z.string()),
  subject: z.string(),
  html: z.string().nullish(),
  text: z.string().nullish(),
  cc: z.array(z.string()).optional(),
  bcc: z.array(z.string()).optional(),
  reply_to: z.array(z.string()).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  tags: z.array(z.object({ name: z.string().regex(TAG), value: z.string().regex(TAG) })).optional(),
});
const ADDRESS_FIELDS = ["to", "from", "cc", "bcc", "reply_to"] as const;

type Refusal = { name: "missing_required_field" | "validation_error"; problem: string };

/** A mail, or the first thing that the service would name: `to`, the content, `subject` and `from` in this order. */
export function parseMail(body: string): Omit<Mail, "id" | "at"> | Refusal {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (err) {
    return { name: "validation_error", problem: `The request body is not valid JSON: ${String(err)}` };
  }
  if (typeof json !== "object" || json === null) {
    return { name: "validation_error", problem: "The request body must be an object." };
  }
  const given = new Map<string, unknown>(Object.entries(json));
  for (const field of ["to", "cc", "bcc", "reply_to"]) {
    const value = given.get(field);
    if (typeof value === "string") given.set(field, [value]);
  }
  const missing = missingField(given);
  if (missing !== null) return { name: "missing_required_field", problem: `Missing ${missing} field.` };
  const parsed = mailBody.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return {
      name: "validation_error",
      problem: `Invalid \`${issue?.path.join(".")}\` field. ${issue?.message}`,
    };
  }
  const mail = parsed.data;
  for (const field of ADDRESS_FIELDS) {
    if ([mail[field] ?? []].flat().every((address) => ADDRESS.test(address))) continue;
    const format =
      "The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.";
    return { name: "validation_error", problem: `Invalid \`${field}\` field. ${format}` };
  }
  if (mail.to.length > RECIPIENTS_MAX) {
    return {
      name: "validation_error",
      problem: `The \`to\` field must have at most ${RECIPIENTS_MAX} recipients.`,
    };
  }
  return {
    from: mail.from,
    to: mail.to,
    subject: mail.subject,
    html: mail.html ?? null,
    text: mail.text ?? null,
  };
}

function missingField(given: ReadonlyMap<string, unknown>): string | null {
  const absent = (field: string) => {
    const value = given.get(field);
    return (
      value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0)
    );
  };
  if (absent("to")) return "`to`";
  if (absent("html") && absent("text")) return "`html` or `text`";
  return ["subject", "from"].find(absent)?.replace(/.+/, "`$&`") ?? null;
}
