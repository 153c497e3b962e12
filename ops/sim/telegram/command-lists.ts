import type { Store } from "./store.ts";

export type BotCommand = { command: string; description: string };
export type CommandList = { scope: string; languageCode: string; commands: BotCommand[] };

type Row = { scope: string; language: string; commands: string };

/** The command menus, one for each scope and language. A scope is written "chat:-100123" or "default". */
export function createCommandLists(store: Store) {
  function get(scope: string, languageCode: string): BotCommand[] {
    const row = store.all<Row>(
      "SELECT * FROM commands WHERE scope = ? AND language = ?",
      scope,
      languageCode,
    )[0];
    return row ? listOf(row).commands : [];
  }

  return {
    get,
    set({ scope, languageCode, commands }: CommandList): void {
      const set =
        "INSERT INTO commands VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET commands = excluded.commands";
      store.run(set, scope, languageCode, JSON.stringify(commands));
    },
    remove(scope: string, languageCode: string): void {
      store.run("DELETE FROM commands WHERE scope = ? AND language = ?", scope, languageCode);
    },
    all(): CommandList[] {
      return store.all<Row>("SELECT * FROM commands ORDER BY scope, language").map(listOf);
    },
    /** What chats of this kind show to somebody without a language of their own. */
    forChats(kind: "private" | "group"): BotCommand[] {
      const own = get(`all_${kind}_chats`, "");
      return own.length > 0 ? own : get("default", "");
    },
  };
}

function listOf({ scope, language, commands }: Row): CommandList {
  const list = JSON.parse(commands) as BotCommand[]; // safe: written by set
  return { scope, languageCode: language, commands: list };
}
