import { inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { audit } from "../audit.ts";
import type { Job } from "../jobs.ts";
import { writeLetter } from "../letter.ts";
import { MailDelayedError, openMailing, type Letter } from "../mail.ts";
import { tellPerson } from "../notices.ts";
import { newCorrelationId } from "../scope.ts";
import { languageOf, sentence } from "../text/text.ts";
import { inspectMagicLink, LINK_MINUTES, type MagicLink } from "./magic-links.ts";

/**
 * One attempt at a mail. Ends quietly when it is no longer wanted, or when
 * nobody has that address. Throws when another attempt may succeed; when there
 * is none left, or the mail is refused for good, the person is told in Telegram.
 */
export async function deliverMail(app: App, job: Job): Promise<void> {
  const { token } = openMailing(app, job);
  const link = await inspectMagicLink(app, { token, binding: null });
  if (link === null) return;
  const { outcome, reason } = await app.mail.send(linkLetter(app, link, token), `mail-${job.id}`);
  if (outcome === "late" && !job.isLast) throw new MailDelayedError(reason);
  if (outcome !== "sent") app.log.error({ jobId: job.id, reason }, "a mail was given up");
  const scope = { actor: { type: "system", name: "mail" }, correlationId: newCorrelationId() } as const;
  await inTenant({ app, orgId: link.orgId }, async (tx) => {
    if (outcome !== "sent" && link.telegramUserId !== null) {
      const text = sentence(link.locale, "mail_failed", { email: link.email });
      await tellPerson(tx, { telegramUserId: link.telegramUserId, key: `mail-failed:${job.id}`, text });
    }
    await audit(tx, scope, "auth.link.mail", {
      target: link.userId,
      outcome: outcome === "sent" ? "ok" : "failed",
    });
  });
}

function linkLetter(app: App, link: MagicLink, token: string): Letter {
  const language = languageOf(link.locale);
  const { email, team } = link;
  const telegram = link.telegramName ?? "";
  const isTie = link.purpose === "link_telegram";
  const minutes = LINK_MINUTES;
  return writeLetter({
    to: email,
    language,
    subject: isTie
      ? sentence(language, "mail_tie_subject", { telegram })
      : sentence(language, "mail_login_subject", { team }),
    headline: isTie
      ? sentence(language, "mail_tie_headline", { telegram })
      : sentence(language, "mail_login_headline", { team }),
    paragraphs: isTie
      ? [sentence(language, "mail_tie_text", { telegram, email, team, minutes })]
      : [sentence(language, "mail_login_text", { email, minutes })],
    button: {
      label: isTie ? sentence(language, "mail_tie_button") : sentence(language, "mail_login_button"),
      url: `${app.publicUrl}/auth/magic#${token}`,
      hint: sentence(language, "mail_button_hint"),
    },
    notes: isTie
      ? [sentence(language, "mail_tie_unasked")]
      : [sentence(language, "mail_login_code"), sentence(language, "mail_login_unasked")],
  });
}
