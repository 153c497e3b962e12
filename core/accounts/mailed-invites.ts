import { inTenant } from "../../db/tenant.ts";
import { AppError } from "../errors.ts";
import { queueMail } from "../mail.ts";
import { requireRole, type Scope } from "../scope.ts";
import { createInvite } from "./invites.ts";
import { mailWaitMs } from "./magic-links.ts";

type MailedInvite = { readonly role: "admin" | "member"; readonly email: string };

/**
 * Whether this invite may be mailed now; charges one mail to the address. Before
 * the transaction of `mailInvite`, because the limits are asked over the network.
 * Throws `not_allowed`, `mail_not_set_up` or `mail_too_often`.
 */
export async function admitInvite(scope: Scope, { role, email }: MailedInvite): Promise<void> {
  requireRole(scope, role === "admin" ? "owner" : "admin");
  if (!scope.app.mail.connected) throw new AppError("mail_not_set_up");
  const waitMs = await mailWaitMs(scope.app, email);
  if (waitMs > 0) throw new AppError("mail_too_often", { minutes: Math.ceil(waitMs / 60_000) });
}

/**
 * Makes an invite and mails its link, once `admitInvite` has let it through.
 * Only the mail has it: whoever asks is not told. `linkTo` makes an address of
 * what opens the invite.
 */
export async function mailInvite(
  scope: Scope,
  { role, email, linkTo }: MailedInvite & { linkTo: (parameter: string) => string },
): Promise<void> {
  const { app, orgId, locale } = scope;
  await inTenant(scope, async (tx) => {
    const { id, parameter } = await createInvite(scope, { role, email });
    await queueMail(tx, app, { kind: "invite", orgId, inviteId: id, locale, url: linkTo(parameter) });
  });
}
