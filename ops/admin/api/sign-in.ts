import { z } from "zod";
import { newToken } from "../../../core/accounts/callers.ts";
import { confirmMagicLink } from "../../../core/accounts/confirm.ts";
import { inspectMailedInvite, joinByMail } from "../../../core/accounts/mailed-invites.ts";
import { inspectMagicLink, issueSignInLink, LINK_MINUTES } from "../../../core/accounts/magic-links.ts";
import { signInByPassword } from "../../../core/accounts/passwords.ts";
import { endByRefresh, refreshSession } from "../../../core/accounts/refresh.ts";
import { AppError } from "../../../core/errors.ts";
import { bindingCookie, noRefreshCookie } from "../cookies.ts";
import { openEndpoint, type Endpoint } from "./endpoint.ts";
import { email, role, signedIn, signedInReply, team } from "./shapes.ts";

const TOKEN_CHARS_MAX = 200;
const PASSWORD_CHARS_MAX = 256;

const token = z.string().max(TOKEN_CHARS_MAX).describe("What follows the # in the mailed link.");

/** Proving who one is, and going on with it. */
export const SIGN_IN: readonly Endpoint[] = [
  openEndpoint({
    method: "post",
    path: "/auth/magic-link",
    group: "Sign-in",
    access: "sign_in",
    summary:
      "Mails a link to an address. The answer is the same whether somebody has that address or not. The link is completed in the browser that asked, by its cookie, or anywhere with `code`.",
    body: z.strictObject({ email }),
    status: 202,
    answer: z.strictObject({
      code: z.string().describe("Six digits."),
      expiresIn: z.int().describe("Seconds."),
    }),
    async run({ app, body, cookies, visitor }) {
      // The same for all links of one browser, so that asking again does not make the first mail useless there.
      const binding = cookies.binding ?? newToken();
      const code = await issueSignInLink(app, { ...body, binding, correlationId: visitor.correlationId });
      return { body: { code, expiresIn: LINK_MINUTES * 60 }, cookies: [bindingCookie(binding)] };
    },
  }),
  openEndpoint({
    method: "post",
    path: "/auth/magic-link/inspect",
    group: "Sign-in",
    access: "sign_in",
    summary: "What a link would do. Uses nothing up.",
    body: z.strictObject({ token }),
    status: 200,
    answer: z.strictObject({
      purpose: z.enum(["login", "link_telegram"]),
      email: z.string(),
      team: z.string(),
      telegram: z.string().nullable().describe("The Telegram account that would be tied to the address."),
      codeNeeded: z.boolean(),
    }),
    async run({ app, body, cookies }) {
      const link = await inspectMagicLink(app, { token: body.token, binding: cookies.binding });
      if (link === null) throw new AppError("link_gone");
      const { purpose, email, team, telegramName: telegram, codeNeeded } = link;
      return { body: { purpose, email, team, telegram, codeNeeded } };
    },
  }),
  openEndpoint({
    method: "post",
    path: "/auth/magic-link/confirm",
    group: "Sign-in",
    access: "sign_in",
    summary:
      "Uses a link up and signs in. Without the cookie of the browser that asked it takes the six-digit code; five wrong ones end the link.",
    body: z.strictObject({ token, code: z.string().max(20).optional() }),
    status: 200,
    answer: signedIn,
    async run({ app, body, cookies, visitor }) {
      const code = body.code?.replaceAll(/\s/g, "") ?? null;
      const { token } = body;
      return signedInReply(await confirmMagicLink(app, { token, binding: cookies.binding, code, visitor }));
    },
  }),
  ...invite(),
  openEndpoint({
    method: "post",
    path: "/auth/login",
    group: "Sign-in",
    access: "sign_in",
    summary: "Signs in by password.",
    body: z.strictObject({ email, password: z.string().max(PASSWORD_CHARS_MAX) }),
    status: 200,
    answer: signedIn,
    async run({ app, body, visitor }) {
      return signedInReply(await signInByPassword(app, { ...body, visitor }));
    },
  }),
  openEndpoint({
    method: "post",
    path: "/auth/refresh",
    group: "Sign-in",
    access: "anybody",
    summary:
      "A new access token for the refresh cookie, which is replaced. A cookie that was used before ends the session, unless two requests raced or the answer was lost within a minute.",
    status: 200,
    answer: signedIn,
    async run({ app, cookies, visitor }) {
      return signedInReply(await refreshSession(app, cookies.refresh ?? "", visitor));
    },
  }),
  openEndpoint({
    method: "post",
    path: "/auth/logout",
    group: "Sign-in",
    access: "anybody",
    summary: "Ends the session of the refresh cookie and takes the cookie away.",
    status: 204,
    async run({ app, cookies, visitor }) {
      await endByRefresh(app, cookies.refresh ?? "", visitor.correlationId);
      return { body: null, cookies: [noRefreshCookie()] };
    },
  }),
];

function invite(): readonly Endpoint[] {
  const token = z.string().max(TOKEN_CHARS_MAX).describe("What follows the # in the mailed invite.");
  return [
    openEndpoint({
      method: "post",
      path: "/auth/invite/inspect",
      group: "Sign-in",
      access: "sign_in",
      summary: "What a mailed invite would do. Uses nothing up.",
      body: z.strictObject({ token }),
      status: 200,
      answer: z.strictObject({ email: z.string(), team: z.string(), role, invitedBy: z.string() }),
      run: async ({ app, body }) => ({ body: await inspectMailedInvite(app, body.token) }),
    }),
    openEndpoint({
      method: "post",
      path: "/auth/invite/confirm",
      group: "Sign-in",
      access: "sign_in",
      summary:
        "Joins the team of a mailed invite, with a new account for its address, and signs in. An address that had an account joins with that one and is mailed a link to sign in, for this browser.",
      body: z.strictObject({ token }),
      status: 200,
      answer: z.strictObject({
        email: z.string(),
        role,
        team,
        bot: z.string().nullable().describe("The name of the bot in Telegram."),
        signedIn: signedIn.nullable().describe("Null when the address had an account."),
      }),
      async run({ app, body, cookies, visitor, locale }) {
        const binding = cookies.binding ?? newToken();
        const { signedIn: session, ...joined } = await joinByMail(app, { ...body, binding, locale, visitor });
        if (session === null)
          return { body: { ...joined, signedIn: null }, cookies: [bindingCookie(binding)] };
        const reply = signedInReply(session);
        return { ...reply, body: { ...joined, signedIn: reply.body } };
      },
    }),
  ];
}
