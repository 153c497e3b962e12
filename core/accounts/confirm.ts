import { sql } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { inSystem } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import { queueMail } from "../mail.ts";
import { personOf, type Scope } from "../scope.ts";
import { hashOf, isToken, type SignedIn, type Visitor } from "./callers.ts";
import { codeHash } from "./magic-links.ts";
import { tellMembers, tellTelegram } from "./notices.ts";
import { openSession } from "./sessions.ts";

const CODE_ATTEMPTS_MAX = 5;

type Taken = {
  outcome: "ok" | "gone" | "code_needed" | "code_wrong" | "overlap";
  account_id: string;
  org_id: string;
  email: string;
  purpose: "login" | "link_telegram";
  telegram_name: string | null;
  former_telegram: string | null;
  former_email: string | null;
  overlap: string | null;
  left_over: number | null;
};

/**
 * Uses a link up and signs its owner in. Besides the link it takes the cookie of
 * the browser that asked, or the code that was shown where it was asked for. A
 * link from Telegram also ties the address to that account; two accounts of one
 * person become one. Whatever is refused leaves the link as it was, except the
 * fifth wrong code. Throws `link_gone`, `link_code_needed`, `link_code_wrong`
 * and `accounts_overlap`.
 */
export async function confirmMagicLink(
  app: App,
  input: { token: string; binding: string | null; code: string | null; visitor: Visitor },
): Promise<SignedIn & { tiedTo: string | null }> {
  const { token, binding, code, visitor } = input;
  if (!isToken(token)) throw new AppError("link_gone");
  const result = await inSystem(app, async (tx) => {
    const [taken] = await tx.execute<Taken>(
      sql`SELECT *, array_to_string(teams, ', ') AS overlap FROM auth.take_magic_link(${hashOf(token)}, ${binding === null ? null : hashOf(binding)},
        ${code === null ? null : codeHash(app, token, code)}, ${CODE_ATTEMPTS_MAX}, ${visitor.correlationId})`,
    );
    if (taken === undefined) throw new Error("auth.take_magic_link returned no row");
    // Thrown in here, it undoes the taking: whoever has left one of the two teams may press again.
    if (taken.outcome === "overlap") throw new AppError("accounts_overlap", { teams: taken.overlap ?? "" });
    if (taken.outcome !== "ok") return { outcome: taken.outcome, left: taken.left_over ?? 0 };
    const { account_id: accountId, org_id: orgId } = taken;
    const signedIn = await openSession(tx, app, { accountId, orgId, method: "magic_link", visitor });
    if (taken.purpose === "link_telegram") await tellOfTie(tx, signedIn.caller.scope, taken);
    return { outcome: taken.outcome, signedIn, tiedTo: taken.telegram_name };
  });
  switch (result.outcome) {
    case "ok":
      return { ...result.signedIn, tiedTo: result.tiedTo };
    case "code_needed":
      throw new AppError("link_code_needed");
    case "code_wrong":
      throw new AppError("link_code_wrong", { left: result.left });
    case "gone":
      throw new AppError("link_gone");
  }
}

// Everybody who had the address or the account before hears of it where they can be reached.
async function tellOfTie(tx: Tx, scope: Scope, taken: Taken): Promise<void> {
  const { email, telegram_name: name, former_telegram: former, former_email: formerEmail } = taken;
  const { userId } = personOf(scope);
  const telegram = name ?? "";
  await tellMembers(tx, scope, [userId], { kind: "address_tied", params: { email } });
  if (former !== null) {
    const to = { telegramUserId: Number(former), locale: scope.locale };
    await tellTelegram(tx, scope, to, { kind: "address_moved", params: { email, telegram } });
  }
  if (formerEmail !== null)
    await queueMail(tx, scope, { kind: "address_changed", to: formerEmail, locale: scope.locale, telegram });
}
