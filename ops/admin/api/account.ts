import { z } from "zod";
import { setPassword } from "../../../core/accounts/passwords.ts";
import { endAllSessions, endSession, listSessions, switchTeam } from "../../../core/accounts/sessions.ts";
import { setLanguage, setTimeZone } from "../../../core/accounts/settings.ts";
import { languageOf, LANGUAGES } from "../../../core/text/text.ts";
import { noRefreshCookie } from "../cookies.ts";
import { ownEndpoint, type Endpoint } from "./endpoint.ts";
import { id, me, moment, signedIn, signedInReply, team, who } from "./shapes.ts";

const PASSWORD_CHARS_MAX = 256;
const ZONE_CHARS_MAX = 64;

/** What somebody who is signed in does about themselves. */
export const ACCOUNT: readonly Endpoint[] = [
  ownEndpoint({
    method: "post",
    path: "/auth/team",
    group: "Account",
    summary: "Lets the session act for another team of this person. Earlier access tokens end.",
    body: z.strictObject({ id }),
    status: 200,
    answer: signedIn,
    run: async ({ caller, body }) => signedInReply(await switchTeam(caller, body.id)),
  }),
  ownEndpoint({
    method: "post",
    path: "/auth/password",
    group: "Account",
    summary:
      "Sets or changes the password. Takes the current one, or a sign-in by mail within the last ten minutes. The other sessions end, and so do all access tokens: refresh.",
    body: z.strictObject({
      current: z.string().max(PASSWORD_CHARS_MAX).optional(),
      password: z.string().max(PASSWORD_CHARS_MAX),
    }),
    status: 204,
    async run({ caller, body }) {
      await setPassword(caller, { current: body.current ?? null, password: body.password });
      return { body: null };
    },
  }),
  ownEndpoint({
    method: "get",
    path: "/auth/sessions",
    group: "Account",
    summary: "Where this person is signed in, newest first.",
    status: 200,
    answer: z.strictObject({
      items: z.array(
        z.strictObject({
          id,
          team,
          method: z.enum(["magic_link", "password"]),
          userAgent: z.string(),
          createdAt: moment,
          lastUsedAt: moment,
          expiresAt: moment,
          current: z.boolean(),
        }),
      ),
    }),
    async run({ caller }) {
      const items = (await listSessions(caller.scope)).map((session) => ({
        ...session,
        createdAt: session.createdAt.toISOString(),
        lastUsedAt: session.lastUsedAt.toISOString(),
        expiresAt: session.expiresAt.toISOString(),
        current: session.id === caller.sessionId,
      }));
      return { body: { items } };
    },
  }),
  ownEndpoint({
    method: "delete",
    path: "/auth/sessions",
    group: "Account",
    summary: "Signs this person out everywhere.",
    status: 200,
    answer: z.strictObject({ ended: z.int() }),
    run: async ({ caller }) => ({
      body: { ended: await endAllSessions(caller.scope) },
      cookies: [noRefreshCookie()],
    }),
  }),
  ownEndpoint({
    method: "delete",
    path: "/auth/sessions/{id}",
    group: "Account",
    summary: "Ends one session of this person.",
    params: z.object({ id }),
    status: 204,
    async run({ caller, params }) {
      await endSession(caller.scope, params.id);
      return { body: null };
    },
  }),
  ownEndpoint({
    method: "get",
    path: "/me",
    group: "Account",
    summary: "Who is signed in, for which team.",
    status: 200,
    answer: me,
    async run({ caller }) {
      const { hasPassword, hasTelegram, scope } = caller;
      const { timeZone, locale } = scope;
      return { body: { ...who(caller), language: languageOf(locale), timeZone, hasPassword, hasTelegram } };
    },
  }),
  ownEndpoint({
    method: "patch",
    path: "/me",
    group: "Account",
    summary: "Changes language and time zone, in every team.",
    body: z.strictObject({
      language: z.enum(LANGUAGES).optional(),
      timeZone: z.string().max(ZONE_CHARS_MAX).optional(),
    }),
    status: 200,
    answer: me,
    async run({ caller, body }) {
      const { hasPassword, hasTelegram } = caller;
      let { scope } = caller;
      if (body.timeZone !== undefined) scope = await setTimeZone(scope, body.timeZone);
      if (body.language !== undefined) scope = await setLanguage(scope, body.language);
      const { timeZone, locale } = scope;
      return { body: { ...who(caller), language: languageOf(locale), timeZone, hasPassword, hasTelegram } };
    },
  }),
];
