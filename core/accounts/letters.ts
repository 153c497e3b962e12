import { inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { audit } from "../audit.ts";
import type { Job } from "../jobs.ts";
import { writeLetter } from "../letter.ts";
import { MailDelayedError, openMailing, type Letter, type Mailing } from "../mail.ts";
import { servingBot } from "../pipeline/lease.ts";
import { languageOf, sentence } from "../text/text.ts";
import { INVITE_DAYS, readMailedInvite } from "./invites.ts";
import { tellMembers } from "./notices.ts";
import { inspectMagicLink, LINK_MINUTES, type MagicLink } from "./magic-links.ts";

type InviteMailing = Extract<Mailing, { kind: "invite" }>;

/**
 * One attempt at a mail. Ends quietly when it is no longer wanted, or when
 * nobody has that address. Throws when another attempt may succeed; when there
 * is none left, or the mail is refused for good, the person is told in Telegram.
 */
export async function deliverMail(app: App, job: Job): Promise<void> {
  const mailing = openMailing(app, job);
  if (mailing.kind === "address_changed") {
    await send(app, job, changeLetter(mailing));
    return;
  }
  if (mailing.kind === "invite") return deliverInvite(app, job, mailing);
  const link = await inspectMagicLink(app, { token: mailing.token, binding: null });
  if (link === null) return;
  const isSent = await send(app, job, linkLetter(app, link, mailing.token));
  const scope = { actor: { type: "system", name: "mail" }, correlationId: job.correlationId } as const;
  await inTenant({ app, orgId: link.orgId }, async (tx) => {
    if (!isSent)
      await tellMembers(tx, scope, [link.userId], { kind: "mail_failed", params: { email: link.email } });
    await audit(tx, scope, "auth.link.mail", { target: link.userId, outcome: isSent ? "ok" : "failed" });
  });
}

// Nothing is sent for an invite that was revoked meanwhile.
async function deliverInvite(app: App, job: Job, mailing: InviteMailing): Promise<void> {
  const { orgId, inviteId } = mailing;
  const invite = await readMailedInvite(app, orgId, inviteId);
  if (invite === null || invite.email === null) return;
  const { email, invitedBy } = invite;
  const bot = await servingBot(app);
  const ways = {
    page: `${app.publicUrl}/auth/invite#${mailing.token}`,
    telegram: bot === null ? null : `https://t.me/${bot.username}?start=${mailing.start}`,
  };
  const offer = { ...invite, email, name: invitedBy.name, locale: mailing.locale };
  const isSent = await send(app, job, inviteLetter(offer, ways));
  const scope = { actor: { type: "system", name: "mail" }, correlationId: job.correlationId } as const;
  await inTenant({ app, orgId }, async (tx) => {
    if (!isSent) await tellMembers(tx, scope, [invitedBy.id], { kind: "mail_failed", params: { email } });
    await audit(tx, scope, "invite.mail", { target: inviteId, outcome: isSent ? "ok" : "failed" });
  });
}

/** Whether it went out; false when it was given up for good. Throws `MailDelayedError` when another attempt will be made. */
async function send(app: App, job: Job, letter: Letter): Promise<boolean> {
  const { outcome, reason } = await app.mail.send(letter, `mail-${job.id}`);
  if (outcome === "late" && !job.isLast) throw new MailDelayedError(reason);
  if (outcome !== "sent") app.log.error({ jobId: job.id, reason }, "a mail was given up");
  return outcome === "sent";
}

function inviteLetter(
  offer: { email: string; name: string; team: string; role: string; locale: string },
  ways: { page: string; telegram: string | null },
): Letter {
  const { email, name, team, role } = offer;
  const language = languageOf(offer.locale);
  const subject = sentence(language, "mail_invite_subject", { name, team });
  return writeLetter({
    to: email,
    language,
    subject,
    headline: subject,
    paragraphs: [sentence(language, "mail_invite_text", { name, team, role, days: INVITE_DAYS })],
    button: {
      label: sentence(language, "mail_invite_button"),
      url: ways.page,
      hint: sentence(language, "mail_button_hint"),
    },
    ...(ways.telegram === null
      ? {}
      : { otherwise: { label: sentence(language, "mail_invite_telegram"), url: ways.telegram } }),
    notes: [sentence(language, "mail_invite_unasked", { name })],
  });
}

function changeLetter(change: Extract<Mailing, { kind: "address_changed" }>): Letter {
  const { to, telegram } = change;
  const language = languageOf(change.locale);
  return writeLetter({
    to,
    language,
    subject: sentence(language, "mail_changed_subject"),
    headline: sentence(language, "mail_changed_subject"),
    paragraphs: [sentence(language, "mail_changed_text", { telegram })],
    notes: [sentence(language, "mail_changed_unasked")],
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
