import type { App } from "../core/app.ts";
import { rotateKeys } from "../core/vault/rotation.ts";
import { runAsOperator } from "./operator.ts";

/** `npm run rotate-key`: seals every stored credential with the newest key of MASTER_KEY. */
async function rotateKey(app: App): Promise<string> {
  const [newest, ...older] = app.vault.keyIds();
  const { resealed, teams, unreadable } = await rotateKeys(app);
  if (unreadable > 0)
    throw new Error(
      `${count(resealed, "credential")} sealed with key ${newest}, but ${count(unreadable, "credential")} opened with no key: altered, or moved in the database. Have them connected again, then run this once more.`,
    );
  return [
    `Key ${newest}: ${count(resealed, "credential")} of ${count(teams, "team")} sealed with it now, the others were before.`,
    older.length === 0
      ? `MASTER_KEY holds no other key. To change it, put a new one before it: MASTER_KEY=${newest + 1}:…,${newest}:…`
      : `Nothing needs key ${older.join(" and ")} any more. Take it out of MASTER_KEY and start every process again.`,
  ].join("\n");
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

await runAsOperator(rotateKey);
