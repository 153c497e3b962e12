import { expect, test } from "bun:test";
import { PRESSES } from "../../bot/commands/press.ts";
import { COMMANDS } from "../../bot/commands/table.ts";
import type { ButtonKind } from "../../core/buttons.ts";
import { createSql, type Sql } from "../../db/client.ts";
import type { ClaudeScript } from "./claude/script.ts";
import { ALICE, BOB, hasButton, startWorld, until, type World } from "./world.ts";

const KINDS = Object.keys(PRESSES) as ButtonKind[]; // safe: the table's keys are the kinds
const CANARY = "canary of the first team";
const SLOW = "slow";
// Numbers of messages and rows, ids, hashes.
const VARIABLE = /#?[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16,}|#?\d+/g;
const ECHO: ClaudeScript = (_request, { lastUserText }) =>
  lastUserText.includes(SLOW)
    ? { text: `${lastUserText} `.repeat(40), chunkChars: 12, chunkMs: 200 }
    : { text: `Echo: ${lastUserText}` };

test("TN-03: no button takes another team's id, whatever it does, and none of another team's buttons can be pressed", async () => {
  await using it = await start();
  const { world, sql, mine, theirs } = it;
  const before = await it.fingerprint();
  // The button itself is the other team's: its id has leaked.
  const leaked = await it.press({ kind: "remove_member_sure", value: mine.person, orgId: theirs.team });
  expect(leaked).toBe("That button no longer works. Send the command or the question again.");
  for (const kind of KINDS) {
    const foreign = await it.press({ kind, value: valueOf(kind, theirs) });
    const unknown = await it.press({ kind, value: valueOf(kind, it.nobody()) });
    expect([kind, foreign]).toEqual([kind, unknown]);
  }
  expect(await it.fingerprint()).toEqual(before);
  await expectNothingOf(world, sql, "Alice");
}, 120_000);

test("TN-03: the Stop button of another team's answer stops nothing, and no command tells of another team", async () => {
  await using it = await start();
  const { world, sql } = it;
  world.telegram.say({ from: ALICE, text: `${SLOW}ly` });
  const growing = await world.telegram.waitFor(() =>
    world.heard(ALICE).find((message) => hasButton(message, "Stop")),
  );
  const [stop = ""] = growing.buttons.flat().map(({ data }) => data);
  world.telegram.say({ from: BOB, text: `${SLOW} too` });
  const own = await world.telegram.waitFor(() =>
    world.heard(BOB).find((message) => hasButton(message, "Stop")),
  );
  // A client may send any data, so not as the simulator lets a person press.
  const press = async (id: string, data: string) => {
    world.telegram.inject({
      callback_query: {
        id,
        from: { id: BOB, is_bot: false, first_name: "Bob", language_code: "en" },
        chat_instance: "1",
        data,
        message: {
          message_id: own.messageId,
          date: 1,
          chat: { id: BOB, type: "private", first_name: "Bob" },
        },
      },
    });
    const called = await world.telegram.waitFor(() =>
      world.telegram.calls.find(({ params }) => params["callback_query_id"] === id),
    );
    return called.params["text"];
  };
  const foreign = await press("900001", stop);
  expect(foreign).toBe(await press("900002", stop.replace(/[0-9a-f-]{36}/, crypto.randomUUID())));
  expect(world.claude.running).toBe(2);
  for (const { name } of COMMANDS) {
    const handled = it.handled();
    world.telegram.say({ from: BOB, text: `/${name} Alice` });
    await handled();
  }
  world.telegram.say({ from: BOB, text: "what do you know?" });
  await world.hears(BOB, "Echo: what do you know?");
  expect(JSON.stringify(world.claude.requests.at(-1))).not.toContain(CANARY);
  await expectNothingOf(world, sql, "Alice");
  expect(world.heard(ALICE).some(({ text }) => text.includes("Stopped."))).toBe(false);
}, 120_000);

/** What stands in a button of this kind when it means this team. */
function valueOf(kind: ButtonKind, ids: Ids): string {
  if (kind === "set_language" || kind === "set_team_language") return "en";
  if (kind === "set_time_zone") return "UTC";
  if (kind === "choose_team") return ids.team;
  if (kind === "member_role") return `admin:${ids.person}`;
  if (kind === "revoke_invite" || kind === "invites") return ids.invite;
  return ids.person;
}

type Ids = { team: string; person: string; invite: string };

async function expectNothingOf(world: World, sql: Sql, name: string): Promise<void> {
  await settled(sql);
  for (const { text } of world.heard(BOB)) {
    expect(text).not.toContain(CANARY);
    expect(text.replaceAll(/\/\w+ Alice|“Alice”/g, "")).not.toContain(name);
  }
}

async function settled(sql: Sql): Promise<void> {
  for (;;) {
    const [row] = await sql`SELECT
        (SELECT count(*) FROM pipeline.updates WHERE state NOT IN ('done', 'parked'))
        + (SELECT count(*) FROM pipeline.outbox WHERE state IN ('queued', 'sending')) AS n`;
    if (Number(row?.["n"]) === 0) return;
    await Bun.sleep(10);
  }
}

/** Alice owns a team with a bit of everything, and Bob another one: he presses. */
async function start() {
  const world = await startWorld(ECHO, {
    rateLimits: false,
    limits: { LIMIT_FLOOD_PER_10_SECONDS: "100000" },
  });
  await world.claimTeam();
  world.telegram.say({ from: ALICE, text: CANARY });
  await world.hears(ALICE, `Echo: ${CANARY}`);
  world.telegram.say({ from: ALICE, text: "/invite" });
  await world.hears(ALICE, "https://t.me/");
  const sql = createSql(world.adminDatabaseUrl, { max: 1 });
  const theirs = await idsOf(sql, ALICE);
  const [account] =
    await sql`INSERT INTO auth.accounts (telegram_user_id, display_name) VALUES (${BOB}, 'Bob') RETURNING id`;
  const [team] = await sql`INSERT INTO app.organizations (name) VALUES ('Second') RETURNING id`;
  await sql`INSERT INTO app.users (org_id, account_id, role, display_name) VALUES (${team?.["id"]}, ${account?.["id"]}, 'owner', 'Bob')`;
  await sql`UPDATE auth.accounts SET current_org_id = ${team?.["id"]} WHERE id = ${account?.["id"]}`;
  world.telegram.say({ from: BOB, text: "/invite" });
  await world.hears(BOB, "https://t.me/");
  const mine = await idsOf(sql, BOB);

  /** Resolves when one more update of Bob's has been handled, with the line that the log has of it. */
  const handled = () => {
    const count = () => world.log.filter((line) => line["updateId"] !== undefined).length;
    const before = count();
    return async () => {
      await until(() => count() > before);
      await settled(sql);
    };
  };

  return {
    world,
    sql,
    mine,
    theirs,
    handled,
    nobody: (): Ids => ({
      team: crypto.randomUUID(),
      person: crypto.randomUUID(),
      invite: crypto.randomUUID(),
    }),
    /** Bob presses a button of his chat that does this: what he is answered, and else what he reads. */
    async press(button: { kind: ButtonKind; value: string; orgId?: string }): Promise<string> {
      const asked = handled();
      world.telegram.say({ from: BOB, text: "/team" });
      await asked();
      const id = world
        .heard(BOB)
        .findLast((message) => hasButton(message, "Leave"))
        ?.buttons.flat()
        .find(({ text }) => text.startsWith("Leave"))?.data;
      await sql`UPDATE app.buttons SET kind = ${button.kind}, value = ${button.value}, user_id = NULL, org_id = ${button.orgId ?? mine.team} WHERE id = ${id ?? ""}`;
      const before = texts(world);
      const pressed = handled();
      const query = world.press(BOB, "Leave");
      const answer = await world.telegram.waitFor(() => world.telegram.callbackAnswer(query));
      await pressed();
      const after = texts(world).filter((text) => !before.includes(text));
      return (answer.text ?? after.join("\n")).replaceAll(VARIABLE, "…");
    },
    /** Every row of Alice's team. */
    async fingerprint(): Promise<Record<string, string>> {
      const tables =
        await sql`SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id'
          WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r' AND c.relname <> 'buttons' ORDER BY 1`;
      const prints: Record<string, string> = {};
      for (const { name } of tables) {
        const [row] =
          await sql`SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) AS print FROM ${sql(`app.${name}`)} t WHERE org_id = ${theirs.team}`;
        prints[String(name)] = String(row?.["print"]);
      }
      return prints;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await sql.end();
      await world[Symbol.asyncDispose]();
    },
  };
}

function texts(world: World): string[] {
  return world.heard(BOB).map(({ messageId, text }) => `#${messageId} ${text}`);
}

async function idsOf(sql: Sql, person: number): Promise<Ids> {
  const [row] =
    await sql`SELECT u.org_id AS team, u.id AS person, (SELECT i.id FROM app.invites i WHERE i.org_id = u.org_id) AS invite
    FROM app.users u JOIN auth.accounts a ON a.id = u.account_id WHERE a.telegram_user_id = ${person}`;
  return { team: String(row?.["team"]), person: String(row?.["person"]), invite: String(row?.["invite"]) };
}
