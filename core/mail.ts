import { Resend } from "resend";
import { z } from "zod";
import type { Tx } from "../db/client.ts";
import type { Job, Jobs } from "./jobs.ts";
import type { Vault } from "./vault/cipher.ts";

export type MailSettings = {
  readonly apiKey: string;
  readonly baseUrl: string;
  /** An address, or `Name <address>`. */
  readonly from: string;
};

/** One mail to one person, as it is read with and without HTML. */
export type Letter = {
  readonly to: string;
  readonly subject: string;
  readonly html: string;
  readonly text: string;
};

/** `late`: the service was away or busy, and the same again may work. `refused`: it never will. */
export type MailOutcome = "sent" | "late" | "refused";

/** What a mail is about; the letter itself is written when it is sent. */
const mailing = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("magic_link"), token: z.string() }),
  z.object({
    kind: z.literal("invite"),
    orgId: z.string(),
    inviteId: z.string(),
    locale: z.string(),
    /** For the page. */
    token: z.string(),
    /** For Telegram. */
    start: z.string(),
  }),
  z.object({ kind: z.literal("address_changed"), to: z.string(), locale: z.string(), telegram: z.string() }),
]);
export type Mailing = z.infer<typeof mailing>;

/** A mail could not be sent now; the job engine tries again. */
export class MailDelayedError extends Error {
  constructor(reason: string) {
    super(`the mail could not be sent: ${reason}`);
    this.name = "MailDelayedError";
  }
}

/** `send_only`: the key is good, and may not look domains up. `away`: nobody answers, or not now. */
export type SenderState = "verified" | "unverified" | "send_only" | "refused" | "away";

const SEND_TIMEOUT_MS = 10_000;
const DOMAINS_MAX = 100;
const TOO_MANY = 429;
const CONFLICT = 409; // the same key is being sent at this moment
const SEALED_AT = { orgId: "", record: "job", name: "mail" };

/** The way to Resend. Without settings nothing is connected, and nothing may be sent. */
export function createMail(settings: MailSettings | null) {
  const client = settings === null ? null : new Resend(settings.apiKey, { baseUrl: settings.baseUrl });
  return {
    connected: client !== null,

    /** Sends once per `key`, however often it is called within a day. Ten seconds at most; never throws. */
    async send(letter: Letter, key: string): Promise<{ outcome: MailOutcome; reason: string }> {
      if (client === null || settings === null) return { outcome: "refused", reason: "not set up" };
      const signal = AbortSignal.timeout(SEND_TIMEOUT_MS);
      const { error } = await client.emails.send(
        { from: settings.from, ...letter },
        { idempotencyKey: key, signal },
      );
      if (error === null) return { outcome: "sent", reason: "" };
      const status = error.statusCode;
      const isLate = status === null || status >= 500 || status === TOO_MANY || status === CONFLICT;
      // Its name only: the message may quote the address.
      return { outcome: isLate ? "late" : "refused", reason: `${error.name} (${status ?? "no answer"})` };
    },

    /** Whether the service would send from the sender's domain. Ten seconds at most; never throws. */
    async checkSender(): Promise<{ domain: string; state: SenderState }> {
      const domain = /@([^@>]+)>?$/.exec(settings?.from ?? "")?.[1]?.toLowerCase() ?? "";
      if (client === null) return { domain, state: "refused" };
      const late = new Promise<null>((resolve) => setTimeout(resolve, SEND_TIMEOUT_MS, null).unref());
      const answer = await Promise.race([client.domains.list({ limit: DOMAINS_MAX }), late]);
      if (answer === null) return { domain, state: "away" };
      if (answer.error !== null) return { domain, state: refusalOf(answer.error) };
      const known = answer.data.data.find(({ name }) => name === domain);
      return { domain, state: known?.status === "verified" ? "verified" : "unverified" };
    },
  };
}

function refusalOf({ name, statusCode }: { name: string; statusCode: number | null }): SenderState {
  if (name === "restricted_api_key") return "send_only";
  return statusCode === 401 || statusCode === 403 ? "refused" : "away";
}

export type Mail = ReturnType<typeof createMail>;

/** Asks for a mail in the transaction and under the reference of what it is about. A token inside is sealed, so that no reader of the queue can use it. */
export async function queueMail(
  tx: Tx,
  {
    app,
    correlationId,
  }: { readonly app: { readonly jobs: Jobs; readonly vault: Vault }; readonly correlationId: string },
  mail: Mailing,
): Promise<void> {
  const sealed = Buffer.from(app.vault.seal(JSON.stringify(mail), SEALED_AT)).toString("base64");
  await app.jobs.enqueue(tx, "mail", { correlationId, data: { sealed } });
}

/** What a mail job is about. Throws `VaultError` when its key is gone. */
export function openMailing(app: { readonly vault: Vault }, job: Job): Mailing {
  const { sealed } = z.object({ sealed: z.base64() }).parse(job.data);
  return mailing.parse(JSON.parse(app.vault.open(Buffer.from(sealed, "base64"), SEALED_AT).expose()));
}
