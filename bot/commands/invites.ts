import { addressOf } from "../../core/accounts/addresses.ts";
import { createInvite, INVITE_DAYS, listInvites, revokeInvite } from "../../core/accounts/invites.ts";
import { admitInvite, mailInvite } from "../../core/accounts/mailed-invites.ts";
import { takePress, type ButtonSpec } from "../../core/buttons.ts";
import { AppError } from "../../core/errors.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import type { Scope } from "../../core/scope.ts";
import { sentence } from "../../core/text/text.ts";
import { argumentOf } from "../addressing.ts";
import { conclude, saying } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { screen } from "./screen.ts";

const INVITES_SHOWN = 10;

/** /invite [admin] [ADDRESS]: a link for one person, here or by mail. Only in private: whoever has it can join. */
export async function invite(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  const words = argumentOf(ctx.message)
    .split(/\s+/)
    .filter((word) => word !== "");
  const role = words.some((word) => word.toLowerCase() === "admin") ? "admin" : "member";
  const given = words.find((word) => word.includes("@"));
  if (given !== undefined) {
    const email = addressOf(given);
    if (email === null) throw new AppError("email_invalid");
    await admitInvite(scope, { role, email });
    return conclude(ctx, visit, async () => {
      await mailInvite(scope, { role, email });
      return [saying(ctx, visit, "invite_mailed", { email, days: INVITE_DAYS, role, team: scope.team })];
    });
  }
  await conclude(ctx, visit, async () => {
    const { parameter } = await createInvite(scope, { role, email: null });
    const link = `https://t.me/${ctx.front.me.username}?start=${parameter}`;
    return [saying(ctx, visit, "invite_made", { link, days: INVITE_DAYS, role, team: scope.team })];
  });
}

/** The button under the members: the invites that can still be used. */
export async function invites(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    return [await page(ctx, scope, value)];
  });
}

/** A press on an invite: it cannot be used any more. */
export async function revoke(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    await revokeInvite(scope, value ?? "");
    return [await page(ctx, scope, null)];
  });
}

async function page(ctx: Ctx, scope: Scope, after: string | null): Promise<OutgoingMessage> {
  const { items, next } = await listInvites(scope, { after, limit: INVITES_SHOWN });
  const { locale, timeZone } = scope;
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone });
  const lines = items.map(({ role, email, invitedBy, expiresAt }, index) =>
    sentence(locale, "invite_line", {
      number: index + 1,
      role,
      name: invitedBy,
      email: email ?? "none",
      date: date.format(expiresAt),
    }),
  );
  const head = sentence(locale, items.length === 0 && after === null ? "invites_none" : "invites", {
    team: scope.team,
  });
  const revokes = items.map(({ id }, index): ButtonSpec => ({
    label: sentence(locale, "button_revoke", { number: index + 1 }),
    kind: "revoke_invite",
    value: id,
  }));
  return screen(ctx, scope, [head, ...(lines.length === 0 ? [] : ["", ...lines])].join("\n"), [
    ...inPairs(revokes),
    next === null ? [] : [{ label: sentence(locale, "button_next_page"), kind: "invites", value: next }],
    [{ label: sentence(locale, "button_all_members"), kind: "members" }],
  ]);
}

function inPairs<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / 2) }, (_, pair) =>
    items.slice(2 * pair, 2 * pair + 2),
  );
}
