import type { Store } from "./store.ts";

export type Person = {
  id: number;
  firstName: string;
  lastName?: string;
  username?: string;
  languageCode?: string;
};
/** `started` means that the person once wrote to the bot in private, before which it may not write to them. */
export type KnownPerson = Person & { started: boolean; blocked: boolean; deactivated: boolean };
/** Restricted means that the bot is there and may not write. */
export type BotStanding = "never" | "member" | "administrator" | "restricted" | "left" | "kicked";
export type Traits = {
  /** A basic group, which can be upgraded: its messages are counted together with the private ones. */
  basic: boolean;
  /** The supergroup that a basic group has become. */
  upgradedTo: number | null;
  deleted: boolean;
  slowModeSeconds: number;
  closedTopics: number[];
};
export type Group = {
  id: number;
  title: string;
  forum: boolean;
  bot: BotStanding;
  members: number[];
  traits: Traits;
};
type PersonFlag = "started" | "blocked" | "deactivated";

const ORDINARY: Traits = {
  basic: false,
  upgradedTo: null,
  deleted: false,
  slowModeSeconds: 0,
  closedTopics: [],
};

type PersonRow = { profile: string; started: number; blocked: number; deactivated: number };
type GroupRow = { id: number; title: string; forum: number; bot: BotStanding };

/** Whether the bot is in the group, whatever it may do there. */
export function isInside(standing: BotStanding): boolean {
  return standing === "member" || standing === "administrator" || standing === "restricted";
}

/** People and groups: who exists, who is where, and how they stand to the bot. */
export function createRoster(store: Store) {
  function personOf(row: PersonRow): KnownPerson {
    const profile = JSON.parse(row.profile) as Person; // safe: written by addPerson below
    return {
      ...profile,
      started: row.started === 1,
      blocked: row.blocked === 1,
      deactivated: row.deactivated === 1,
    };
  }

  function groupOf(row: GroupRow): Group {
    const members = store.all<{ person: number }>(
      "SELECT person FROM members WHERE chat = ? ORDER BY rowid",
      row.id,
    );
    const { id, title, bot } = row;
    const traits = { ...ORDINARY, ...(JSON.parse(store.setting(`group ${id}`) ?? "{}") as Partial<Traits>) }; // safe: setTraits wrote it
    return { id, title, bot, forum: row.forum === 1, members: members.map(({ person }) => person), traits };
  }

  return {
    addPerson(person: Person): boolean {
      const added = "INSERT INTO people (id, profile) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id";
      return store.all(added, person.id, JSON.stringify(person)).length > 0;
    },
    /** Returns false, and changes nothing, when the group is known already. */
    addGroup(group: Omit<Group, "traits">): boolean {
      const added =
        "INSERT INTO groups (id, title, forum, bot) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id";
      const isNew = store.all(added, group.id, group.title, Number(group.forum), group.bot).length > 0;
      if (!isNew) return false;
      for (const member of group.members) store.run("INSERT INTO members VALUES (?, ?)", group.id, member);
      return true;
    },
    person(id: number): KnownPerson | null {
      const row = store.all<PersonRow>("SELECT * FROM people WHERE id = ?", id)[0];
      return row ? personOf(row) : null;
    },
    people(): KnownPerson[] {
      return store.all<PersonRow>("SELECT * FROM people ORDER BY position").map(personOf);
    },
    group(id: number): Group | null {
      const row = store.all<GroupRow>("SELECT * FROM groups WHERE id = ?", id)[0];
      return row ? groupOf(row) : null;
    },
    groups(): Group[] {
      return store.all<GroupRow>("SELECT * FROM groups ORDER BY position").map(groupOf);
    },
    mark(person: number, flag: PersonFlag, value: boolean): void {
      store.run(`UPDATE people SET ${flag} = ? WHERE id = ?`, Number(value), person);
    },
    setTraits({ id, traits }: Group, changes: Partial<Traits>): void {
      store.setSetting(`group ${id}`, JSON.stringify({ ...traits, ...changes }));
    },
    setBotStanding(group: number, standing: BotStanding): void {
      store.run("UPDATE groups SET bot = ? WHERE id = ?", standing, group);
    },
  };
}
