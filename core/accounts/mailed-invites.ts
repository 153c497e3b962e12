import { sql } from "drizzle-orm";
import { inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import { queueMail } from "../mail.ts";
import { servingBot } from "../pipeline/lease.ts";
import { requireRole, type Role, type Scope } from "../scope.ts";
import { hashOf, isToken, type SignedIn, type Visitor } from "./callers.ts";
import { createInvite, noteJoin, usableInvite, type Joined } from "./invites.ts";
import { admitMail, issueLinkAfterInvite } from "./magic-links.ts";
import { tellMembers } from "./notices.ts";
import { openSession } from "./sessions.ts";

type MailedInvite = { readonly role: "admin" | "member"; readonly email: string };

/** What the page of a mailed invite says before its button is pressed. */
export type InviteOffer = {
  readonly email: string;
  readonly role: Role;
  readonly team: string;
  readonly invitedBy: string;
};

/** What came of a press on it. `signedIn` is null when the address had an account, which is mailed a link to sign in. */
export type InviteJoin = {
  readonly email: string;
  readonly role: Role;
  readonly team: { readonly id: string; readonly name: string };
  /** The bot's name in Telegram; null before there was one. */
  readonly bot: string | null;
  readonly signedIn: SignedIn | null;
};

/**
 * Whether this invite may be mailed now; charges one mail to the address. Before
 * the transaction of `mailInvite`, because the limits are asked over the network.
 * Throws `not_allowed`, `mail_not_set_up` or `mail_too_often`.
 */
export async function admitInvite(scope: Scope, { role, email }: MailedInvite): Promise<void> {
  requireRole(scope, role === "admin" ? "owner" : "admin");
  await admitMail(scope.app, email);
}

/**
 * Makes an invite and mails both of its links, once `admitInvite` has let it
 * through. Only the mail has them: whoever asks is not told.
 */
export async function mailInvite(
  scope: Scope,
  { role, email }: MailedInvite,
): Promise<{ id: string; expiresAt: Date }> {
  const { orgId, locale } = scope;
  return inTenant(scope, async (tx) => {
    const { id, parameter, mailToken, expiresAt } = await createInvite(scope, { role, email });
    if (mailToken === null) throw new Error("an invite with an address has no secret for its mail");
    const mailing = { inviteId: id, token: mailToken, start: parameter };
    await queueMail(tx, scope, { kind: "invite", orgId, locale, ...mailing });
    return { id, expiresAt };
  });
}

/** Makes an invite: mailed if there is an address, else its `start` is told. Throws what `admitInvite` throws. */
export async function offerInvite(
  scope: Scope,
  { role, email }: { role: "admin" | "member"; email?: string | undefined },
): Promise<{ id: string; start: string | null; expiresAt: Date }> {
  if (email === undefined) {
    const { id, parameter: start, expiresAt } = await createInvite(scope, { role, email: null });
    return { id, start, expiresAt };
  }
  await admitInvite(scope, { role, email });
  return { ...(await mailInvite(scope, { role, email })), start: null };
}

/** What a mailed invite would do. Uses nothing up. Throws `invite_unknown`, `invite_used` or `invite_expired`. */
export async function inspectMailedInvite(app: App, token: string): Promise<InviteOffer> {
  if (!isToken(token)) throw new AppError("invite_unknown");
  const [row] = await inSystem(app, (tx) =>
    tx.execute<{ outcome: string; email: string; role: Role; team: string; invited_by: string }>(
      sql`SELECT * FROM auth.mailed_invite(${hashOf(token)})`,
    ),
  );
  const { email, role, team, invited_by: invitedBy } = usableInvite(row);
  return { email, role, team, invitedBy };
}

/**
 * Joins the team by the mail of an invite, and signs in. The click proves the
 * mailbox, and that is all an invite asks: nobody waits elsewhere whom it could
 * let in, so there is no asker to tie it to by a cookie or a code. But the mail
 * is good for days, and a session is good for all teams of its account. So it
 * opens one only for the account that it makes, which has nothing yet but this
 * team. An account that was there joins, and is mailed a link that lives for
 * minutes and belongs to the browser that has `binding`.
 * Throws `invite_unknown`, `invite_used` or `invite_expired`.
 */
export async function joinByMail(
  app: App,
  input: { token: string; binding: string; locale: string; visitor: Visitor },
): Promise<InviteJoin> {
  const { token, binding, locale, visitor } = input;
  if (!isToken(token)) throw new AppError("invite_unknown");
  const join = await inSystem(app, async (tx) => {
    const [row] = await tx.execute<Joined & { email: string; name: string; known: boolean }>(
      sql`SELECT * FROM auth.accept_mailed_invite(${hashOf(token)}, ${locale})`,
    );
    const joining = usableInvite(row);
    const { outcome, email, org_id: orgId, org_name: team, account_id: accountId, user_id: userId } = joining;
    const { correlationId } = visitor;
    if (outcome === "joined") await noteJoin(app, joining, { name: joining.name, correlationId });
    const bot = (await servingBot(app))?.username ?? null;
    const member = { email, role: joining.role, team: { id: orgId, name: team }, bot };
    if (!joining.known) {
      const method = "magic_link";
      return { ...member, signedIn: await openSession(tx, app, { accountId, orgId, method, visitor }) };
    }
    if (outcome === "joined")
      await inTenant({ app, orgId }, (tenantTx) =>
        tellMembers(tenantTx, visitor, [userId], { kind: "joined_by_mail", params: { email, team } }),
      );
    return { ...member, signedIn: null };
  });
  if (join.signedIn === null && app.mail.connected)
    await issueLinkAfterInvite(app, { email: join.email, binding, correlationId: visitor.correlationId });
  return join;
}
