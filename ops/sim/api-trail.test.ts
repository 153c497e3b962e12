import { expect, test } from "bun:test";
import { createSql, type Sql } from "../../db/client.ts";
import { ENDPOINTS } from "../admin/api/endpoints.ts";
import { dumpOf } from "./test-dump.ts";
import { ALICE, BOB, startWorld, until, type World } from "./world.ts";

const TEST_MS_MAX = 60_000;
const ALICE_MAIL = "alice@example.com";
const CAROL_MAIL = "carol@example.com";
const PASSWORD = "canary battery staple";
const CANARY = "canary-of-somebody";
const ROOMY = {
  LIMIT_MAGIC_LINK_PER_MINUTE: "1000",
  LIMIT_MAGIC_LINK_PER_15_MINUTES: "1000",
  LIMIT_MAGIC_LINK_PER_DAY: "1000",
  LIMIT_SIGN_IN_ADDRESS_PER_15_MINUTES: "1000",
  LIMIT_SIGN_IN_ACCOUNT_PER_15_MINUTES: "1000",
};
const ROUTES = ENDPOINTS.map(({ method, path }) => `${method} ${path}`);

test(
  "AU-06: every route that changes something leaves its row, under the reference of its request; those that only look leave none",
  async () => {
    await using world = await startWorld(undefined, { rateLimits: false, limits: ROOMY });
    await using it = await openApi(world);
    await walk(it);
    expect([...it.left.keys()].toSorted()).toEqual(ROUTES.toSorted());
    const odd =
      await it.sql`SELECT seq, action FROM app.audit_log WHERE actor_id = '' OR correlation_id = ''`;
    expect([...odd]).toEqual([]);
  },
  TEST_MS_MAX,
);

test(
  "VA-07: whatever is asked over HTTP and however it fails, there and in the jobs behind it, no secret is logged, told or stored",
  async () => {
    await using world = await startWorld(undefined, { rateLimits: false, limits: ROOMY });
    await using it = await openApi(world);
    await walk(it);
    const secrets = () => [...it.secrets, PASSWORD, CANARY, "re_simulated"];
    const told: string[] = [];
    for (const fail of [askBadly, askWhileNothingCanBeWrittenDown, mailInVain]) {
      await it.step("post /auth/login", "auth.login", { email: ALICE_MAIL, password: PASSWORD });
      await it.step("post /auth/team", "auth.team", { id: it.ids["id"] });
      told.push(...(await fail(it)));
    }
    expect(it.secrets.size).toBeGreaterThan(8);
    expect(told.filter((text) => secrets().some((secret) => text.includes(secret)))).toEqual([]);
    for (const [msg, level] of [
      ["request", "info"],
      ["request", "error"],
      ["job", "info"],
      ["job", "error"],
      ["a mail was given up", "error"],
    ])
      expect([msg, level, world.log.some((line) => line["msg"] === msg && line["level"] === level)]).toEqual([
        msg,
        level,
        true,
      ]);
    const lines = world.log.map((line) => JSON.stringify(line));
    expect(lines.filter((line) => secrets().some((secret) => line.includes(secret)))).toEqual([]);
    const dump = await dumpOf(world);
    expect(dump).toContain(ALICE_MAIL);
    expect(secrets().filter((secret) => dump.includes(secret))).toEqual([]);
  },
  TEST_MS_MAX,
);

/** Everything that a client can ask for once, in an order that works. */
async function walk(it: Api): Promise<void> {
  await it.step("post /auth/magic-link", "auth.link.mail", { email: ALICE_MAIL });
  const token = await it.mailed("magic");
  await it.step("post /auth/magic-link/inspect", null, { token });
  await it.step("post /auth/magic-link/confirm", "auth.login", { token });
  await it.step("post /auth/password", "auth.password", { password: PASSWORD });
  await it.step("post /auth/refresh", null);
  await it.step("get /me", null);
  await it.step("patch /me", "account.language", { language: "en" });

  const made = await it.step("post /teams", "team.create", { name: "Second" });
  const first = it.ids["id"] ?? "";
  await it.step("post /auth/team", "auth.team", { id: made.id });
  await it.step("post /auth/team", "auth.team", { id: first });
  for (const route of ["get /teams", "get /teams/{id}", "get /teams/{id}/members", "get /me/usage"])
    await it.step(route, null);
  for (const part of ["usage", "credentials", "audit", "invites"])
    await it.step(`get /teams/{id}/${part}`, null);
  await it.step("get /teams/{id}/audit.csv", "audit.export");
  await it.step("patch /teams/{id}", "team.rename", { name: "Harbour" });

  const revoked = await it.step("post /teams/{id}/invites", "invite.create", {});
  it.secrets.add(revoked.start);
  it.ids["inviteId"] = revoked.id;
  await it.step("delete /teams/{id}/invites/{inviteId}", "invite.revoke");
  await it.step("post /teams/{id}/invites", "invite.mail", { email: CAROL_MAIL });
  const invite = { token: await it.mailed("invite") };
  await it.step("post /auth/invite/inspect", null, invite);
  const mine = it.session();
  const joined = await it.step("post /auth/invite/confirm", "member.join", invite);
  it.session(mine);
  const { items } = await it.step("get /teams/{id}/members", null);
  const memberOf = (name: string): string =>
    items.find((member: { name: string }) => member.name === name).id;
  it.ids["memberId"] = joined.signedIn.user.id;
  await it.step("patch /teams/{id}/members/{memberId}", "member.role", { role: "admin" });
  await it.step("delete /teams/{id}/members/{memberId}", "member.remove");
  it.ids["memberId"] = memberOf("Bob");
  await it.step("post /teams/{id}/owner", "owner.transfer", { memberId: memberOf("Bob") });

  await it.step("post /auth/login", "auth.login", { email: ALICE_MAIL, password: PASSWORD });
  const sessions = await it.step("get /auth/sessions", null);
  const other = sessions.items.find(({ current }: { current: boolean }) => !current).id;
  await it.step("delete /auth/sessions/{id}", "auth.logout", undefined, { id: other });
  await it.step("post /auth/logout", "auth.logout");
  await it.step("post /auth/login", "auth.login", { email: ALICE_MAIL, password: PASSWORD });
  await it.step("delete /auth/sessions", "auth.logout_all");
}

/** Each route, asked in every way in which it should not be. Returns what was answered. */
async function askBadly(it: Api): Promise<string[]> {
  const texts: string[] = [];
  for (const route of ROUTES) {
    const json = { "Content-Type": "application/json" };
    const wrong = {
      token: CANARY,
      email: `${CANARY}@`,
      password: CANARY,
      name: CANARY,
      id: CANARY,
      role: CANARY,
    };
    for (const { body, headers } of [
      { body: `{"password": ${CANARY}`, headers: json },
      { body: `"${CANARY}"`, headers: json },
      { body: JSON.stringify(wrong), headers: json },
      { body: CANARY, headers: { "Content-Type": "text/plain" } },
      { body: undefined, headers: { Authorization: `Bearer ${CANARY}` } },
      { body: undefined, headers: { Authorization: `Basic ${CANARY}`, "X-Request-Id": `${CANARY} x` } },
      { body: undefined, headers: { Cookie: `__Host-rt=${CANARY.padEnd(43, "x")}; __Host-mlb=${CANARY}` } },
      { body: undefined, headers: { Origin: `https://${CANARY}.example`, Referer: `https://x/?${CANARY}` } },
    ]) {
      const response = await it.ask(route, { body, headers, query: `?after=${CANARY}&token=${CANARY}` });
      expect([route, response.status < 500]).toEqual([route, true]);
      texts.push(response.text);
    }
  }
  return texts;
}

/** Every change with its row; without the table, each fails where it is furthest. */
async function askWhileNothingCanBeWrittenDown(it: Api): Promise<string[]> {
  await it.sql`ALTER TABLE app.audit_log RENAME TO audit_log_away`;
  const texts: string[] = [];
  for (const [route, body] of [
    ["post /auth/login", { email: ALICE_MAIL, password: PASSWORD }],
    ["post /auth/password", { current: PASSWORD, password: `${PASSWORD} too` }],
    ["patch /me", { language: "de" }],
    ["post /auth/magic-link", { email: ALICE_MAIL }], // its job fails
    ["get /teams/{id}/audit", undefined],
    ["delete /auth/sessions", undefined],
  ] as const) {
    const headers = { "Content-Type": "application/json" };
    const response = await it.ask(route, { headers, body: body === undefined ? body : JSON.stringify(body) });
    expect([route, response.status]).toEqual([route, route.endsWith("magic-link") ? 202 : 500]);
    if (response.status === 500) texts.push(response.text);
  }
  await until(() => it.world.log.some((line) => line["msg"] === "job" && line["outcome"] === "failed"));
  await it.sql`ALTER TABLE app.audit_log_away RENAME TO audit_log`;
  return texts;
}

/** Mails of which the service repeats what it was given; what people are told of it then. */
async function mailInVain(it: Api): Promise<string[]> {
  const { world } = it;
  const message = `"${CANARY}" may not be mailed`;
  const asked = {
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email: ALICE_MAIL }),
  };
  const lines = (msg: string) => world.log.filter((line) => line["msg"] === msg).length;
  for (const [fault, msg] of [
    [{ kind: "error", status: 422, name: "validation_error", message, times: 1 }, "a mail was given up"],
    [{ kind: "error", status: 503, name: "application_error", message, times: 1 }, "job"],
    [{ kind: "reset_after", times: 1 }, "job"],
  ] as const) {
    const before = lines(msg);
    world.mail.fault(fault);
    await it.ask("post /auth/magic-link", asked);
    await until(() => lines(msg) > before);
  }
  for (const { text } of world.mail.mails())
    for (const [, secret = ""] of text?.matchAll(/#([\w-]{43})/g) ?? []) it.secrets.add(secret);
  return world.heard(ALICE).map(({ text }) => text);
}

type Api = Awaited<ReturnType<typeof openApi>>;
type Asked = { body?: string | undefined; headers?: Record<string, string>; query?: string };

/** A client that is signed in, of a world in which Bob is a member and Alice has an address and a session. */
async function openApi(world: World) {
  const { telegram } = world;
  await world.claimTeam();
  telegram.say({ from: ALICE, text: "/invite" });
  const { text } = await world.hears(ALICE, "?start=");
  telegram.say({ from: BOB, text: `/start ${/start=(\S+)/.exec(text)?.[1]}` });
  await world.hears(BOB, "You are a member");
  const sql: Sql = createSql(world.adminDatabaseUrl, { max: 1 });
  await sql`UPDATE auth.accounts SET email = ${ALICE_MAIL} WHERE telegram_user_id = ${ALICE}`;
  const [team] = await sql`SELECT id FROM app.organizations`;
  const ids: Record<string, string> = { id: String(team?.["id"]) };
  const secrets = new Set<string>();
  const left = new Map<string, string | null>();
  let session = { token: "", cookies: new Map<string, string>() };
  let asked = 0;

  async function ask(
    route: string,
    { body, headers = {}, query = "" }: Asked,
    own: Record<string, string> = {},
  ) {
    const [method = "", path = ""] = route.split(" ");
    const at = path.replaceAll(
      /\{(\w+)\}/g,
      (_, name: string) => ({ ...ids, ...own })[name] ?? crypto.randomUUID(),
    );
    const cookie = [...session.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(`${world.adminUrl}/api/v1${at}${query}`, {
      method: method.toUpperCase(),
      headers: {
        ...(cookie === "" ? {} : { Cookie: cookie }),
        ...(session.token === "" ? {} : { Authorization: `Bearer ${session.token}` }),
        ...headers,
      },
      ...(body === undefined || method === "get" ? {} : { body }),
    });
    return { status: response.status, cookies: response.headers.getSetCookie(), text: await response.text() };
  }

  return {
    world,
    sql,
    ids,
    /** Everything that only a client or a mailbox may have. */
    secrets,
    /** The row of each route that was asked. */
    left,
    ask,
    /** Asks, and looks for the row that this leaves; its answer. */
    async step(route: string, leaves: string | null, body?: object, own: Record<string, string> = {}) {
      const reference = `request-${(asked += 1)}`;
      const headers: Record<string, string> = { "X-Request-Id": reference };
      if (body !== undefined) headers["Content-Type"] = "application/json";
      const { status, text, cookies } = await ask(
        route,
        { headers, body: body === undefined ? body : JSON.stringify(body) },
        own,
      );
      expect([route, status < 300 ? "done" : text]).toEqual([route, "done"]);
      for (const line of cookies) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        if (value !== "") secrets.add(value);
        session.cookies.set(name, value);
      }
      const json = text.startsWith("{") ? JSON.parse(text) : {};
      const { accessToken = json.signedIn?.accessToken } = json;
      if (accessToken !== undefined) {
        secrets.add(accessToken);
        session.token = accessToken;
      }
      const rows = async () =>
        (await sql`SELECT action FROM app.audit_log WHERE correlation_id = ${reference}`).map(
          (row) => row["action"],
        );
      if (leaves === null) expect([route, await rows()]).toEqual([route, []]);
      else while (!(await rows()).includes(leaves)) await Bun.sleep(20);
      left.set(route, leaves);
      return json;
    },
    /** Puts another session in the place of the one that there is; without one, tells which that is. */
    session(other = { token: session.token, cookies: new Map(session.cookies) }) {
      session = other;
      return { token: other.token, cookies: new Map(other.cookies) };
    },
    /** What the newest mail lets its reader do. */
    async mailed(what: "magic" | "invite"): Promise<string> {
      const newest = () => secretIn(world.mail.mails()[0]?.text ?? "", what);
      await until(() => newest() !== "");
      secrets.add(newest());
      return newest();
    },
    [Symbol.asyncDispose]: () => sql.end(),
  };
}

function secretIn(mail: string, what: "magic" | "invite"): string {
  return new RegExp(`/auth/${what}#([\\w-]{43})`).exec(mail)?.[1] ?? "";
}
