import { and, eq, sql, type SQL } from "drizzle-orm";
import type { Tx } from "../../db/client.ts";
import { chats } from "../../db/schema/chat.ts";
import { groups, organizations } from "../../db/schema/teams.ts";
import { DatabaseError, inSystem, inTenant } from "../../db/tenant.ts";
import type { App } from "../app.ts";
import { alertOwners } from "../alerts.ts";
import { audit } from "../audit.ts";
import type { Place } from "../chat/conversations.ts";
import { AppError } from "../errors.ts";
import { personOf, requireRole, userOf, type Role, type Scope } from "../scope.ts";
import { hashOf } from "./callers.ts";

/** A Telegram person as they present themselves; `id` is the only identity, the name is for showing. */
export type TelegramPerson = { readonly id: number; readonly name: string; readonly locale: string };

/** A team as one of its people sees it. */
export type Team = {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Whether the person's private chat speaks to this one. */
  readonly chosen: boolean;
};

type RawTeam = { org_id: string; org_name: string; role: Role };

const TEAMS_OWNED_MAX = 20;
const TEAM_NAME_CHARS_MAX = 80;
const UNIQUE_VIOLATION = "23505";

/**
 * The owner link: the first person who opens it owns the first team, named
 * `teamName`. Throws `owner_link_used` or `owner_link_unknown`.
 */
export async function claimFirstTeam(
  app: App,
  input: { code: string; person: TelegramPerson; teamName: string; correlationId: string },
) {
  return inSystem(app, async (tx) => {
    const { person } = input;
    const [row] = await tx.execute<{ outcome: string; org_id: string; user_id: string; account_id: string }>(
      sql`SELECT * FROM auth.claim_first_team(${hashOf(input.code)}, ${person.id}, ${person.name}, ${person.locale}, ${cleanName(input.teamName)})`,
    );
    if (row?.outcome === "used") throw new AppError("owner_link_used");
    if (row?.outcome !== "created") throw new AppError("owner_link_unknown");
    const actor = {
      type: "user",
      userId: row.user_id,
      accountId: row.account_id,
      role: "owner",
      name: person.name,
    } as const;
    await inTenant({ app, orgId: row.org_id }, (tenantTx) =>
      audit(tenantTx, { actor, correlationId: input.correlationId }, "team.create", { target: row.org_id }),
    );
    return { orgId: row.org_id, actor };
  });
}

/** The team that owns the instance; null while nobody has opened the owner link. */
export async function firstTeam(app: App): Promise<{ orgId: string; name: string } | null> {
  const [row] = await inSystem(app, (tx) =>
    tx.execute<{ org_id: string }>(sql`SELECT org_id FROM auth.org_ids() LIMIT 1`),
  );
  return row === undefined ? null : nameTeam(app, row.org_id);
}

/** Every team of this instance, oldest first, for programs of the operator. */
export async function everyTeam(app: App): Promise<{ orgId: string; name: string }[]> {
  const rows = await inSystem(app, (tx) =>
    tx.execute<{ org_id: string }>(sql`SELECT org_id FROM auth.org_ids()`),
  );
  const teams: { orgId: string; name: string }[] = [];
  for (const { org_id: orgId } of rows) {
    const team = await nameTeam(app, orgId);
    if (team !== null) teams.push(team);
  }
  return teams;
}

async function nameTeam(app: App, orgId: string): Promise<{ orgId: string; name: string } | null> {
  const [team] = await inTenant({ app, orgId }, (tx) =>
    tx.select({ name: organizations.name }).from(organizations).where(eq(organizations.id, orgId)),
  );
  return team === undefined ? null : { orgId, name: team.name };
}

/** The teams of the person who asks, in the order in which they joined. */
export async function listTeams(scope: Scope): Promise<Team[]> {
  const { accountId } = personOf(scope);
  const rows = await inSystem(scope.app, (tx) =>
    tx.execute<RawTeam & { chosen: boolean }>(sql`SELECT * FROM auth.teams_of(${accountId})`),
  );
  return rows.map((row) => ({ ...teamOf(row), chosen: row.chosen }));
}

/** Whether `createTeam` would let this person: see TEAM_CREATION. */
export async function mayCreateTeam(scope: Scope): Promise<boolean> {
  const { accountId } = personOf(scope);
  const [row] = await inSystem(scope.app, (tx) =>
    tx.execute<{ may: boolean }>(sql`SELECT auth.may_create_team(${accountId}, ${isOpen(scope)}) AS may`),
  );
  return row?.may === true;
}

/**
 * Makes one more team, owned by the person who asks and chosen at once. Throws
 * `team_name_invalid`, `team_creation_closed` or `too_many_teams`.
 */
export async function createTeam(scope: Scope, name: string): Promise<Team> {
  const { accountId } = personOf(scope);
  const clean = validName(name);
  const [row] = await inSystem(scope.app, (tx) =>
    tx.execute<{ outcome: string; org_id: string }>(
      sql`SELECT * FROM auth.create_team(${accountId}, ${clean}, ${isOpen(scope)}, ${TEAMS_OWNED_MAX}, ${scope.correlationId})`,
    ),
  );
  if (row?.outcome === "full") throw new AppError("too_many_teams", { max: TEAMS_OWNED_MAX });
  if (row?.outcome !== "created") throw new AppError("team_creation_closed");
  return { id: row.org_id, name: clean, role: "owner", chosen: true };
}

/** The team that the private chat of the person who asks speaks to from now on. Throws `team_unknown`. */
export async function chooseTeam(scope: Scope, orgId: string): Promise<Team> {
  const { accountId } = personOf(scope);
  const [row] = await inSystem(scope.app, (tx) =>
    tx.execute<RawTeam>(sql`SELECT * FROM auth.choose_team(${accountId}, ${orgId}, ${scope.correlationId})`),
  );
  if (row === undefined) throw new AppError("team_unknown");
  return { ...teamOf(row), chosen: true };
}

/** Admins only. Throws `team_name_invalid` for an empty or overlong name. */
export async function renameTeam(scope: Scope, name: string): Promise<string> {
  requireRole(scope, "admin");
  const clean = validName(name);
  await inTenant(scope, async (tx) => {
    await tx.update(organizations).set({ name: clean }).where(eq(organizations.id, scope.orgId));
    await audit(tx, scope, "team.rename");
  });
  return clean;
}

/**
 * Ties a Telegram group to the admin's team. Claiming it again for the same
 * team changes nothing. Throws `group_taken` when another team has it.
 */
export async function claimGroup(scope: Scope, botId: number, place: Place): Promise<"claimed" | "already"> {
  requireRole(scope, "admin");
  return inTenant(scope, async (tx) => {
    const here = and(
      eq(chats.orgId, scope.orgId),
      eq(chats.botId, botId),
      eq(chats.telegramChatId, place.chatId),
    );
    const [known] = await tx.select({ status: chats.status }).from(chats).where(here);
    if (known?.status === "active") return "already";
    await orTaken(() =>
      tx.transaction((savepoint) =>
        known === undefined
          ? insertClaimed(savepoint, scope, botId, place)
          : reactivate(savepoint, place, here),
      ),
    );
    await alertOwners(tx, scope, {
      kind: "new_group",
      key: `${scope.correlationId}:${place.chatId}`,
      params: { team: scope.team, group: place.title, name: scope.actor.name },
      except: [userOf(scope.actor)],
    });
    await audit(tx, scope, "group.claim", { target: String(place.chatId) });
    return "claimed";
  });
}

async function insertClaimed(tx: Tx, scope: Scope, botId: number, place: Place): Promise<void> {
  const [group] = await tx
    .insert(groups)
    .values({ orgId: scope.orgId, name: place.title })
    .returning({ id: groups.id });
  await tx.insert(chats).values({
    orgId: scope.orgId,
    botId,
    telegramChatId: place.chatId,
    kind: place.kind,
    title: place.title,
    groupId: group?.id ?? null,
  });
}

async function reactivate(tx: Tx, place: Place, here: SQL | undefined): Promise<void> {
  await tx.update(chats).set({ status: "active", title: place.title }).where(here);
}

async function orTaken(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (err) {
    if (sqlStateOf(err) === UNIQUE_VIOLATION) throw new AppError("group_taken");
    throw err;
  }
}

function sqlStateOf(err: unknown): string | null {
  if (err instanceof DatabaseError) return err.code;
  const cause = err instanceof Error ? err.cause : null;
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : null;
}

function teamOf(row: RawTeam) {
  return { id: row.org_id, name: row.org_name, role: row.role };
}

function isOpen(scope: Scope): boolean {
  return scope.app.teamCreation === "anyone";
}

function validName(name: string): string {
  const clean = cleanName(name);
  if (clean === "" || clean.length > TEAM_NAME_CHARS_MAX)
    throw new AppError("team_name_invalid", { max: TEAM_NAME_CHARS_MAX });
  return clean;
}

// One line, no invisible characters: the name is shown in lists and in sentences.
function cleanName(name: string): string {
  return name
    .normalize("NFC")
    .replaceAll(/[\p{C}\p{Z}]+/gu, " ")
    .trim();
}
