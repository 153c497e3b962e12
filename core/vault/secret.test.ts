import { expect, test } from "bun:test";
import { format, inspect } from "node:util";
import { createLog } from "../log.ts";
import { createSecret } from "./secret.ts";

const PLAINTEXT = "sk-canary-4f1c";

test("VA-09: a secret prints as [redacted] everywhere and is read in one way only", async () => {
  const secret = createSecret(PLAINTEXT);
  const logged: string[] = [];
  const log = createLog({ level: "info", destination: { write: (line) => void logged.push(line) } });
  log.info({ credential: secret, deep: { inside: [secret] } }, "using %s and %o", secret, secret);
  const failure = await Promise.reject(new Error(`refused ${String(secret)}`, { cause: secret })).catch(
    (err: unknown) => inspect(err),
  );

  const printed = [
    `a ${secret as unknown as string}`, // as it looks where the type was lost
    `with ${JSON.stringify({ secret, list: [secret] })}`,
    inspect(secret),
    inspect({ deep: { deeper: [secret] } }, { depth: 10, showHidden: true }),
    Bun.inspect(secret),
    Bun.inspect([{ secret }]),
    format("%s %j %o %O", secret, secret, secret, secret),
    failure,
    logged.join(""),
    consoleOutputOf(secret),
  ];
  for (const text of printed) {
    expect(text).toContain("[redacted]");
    expect(text).not.toContain(PLAINTEXT);
  }
  expect(JSON.stringify(Object.entries(secret))).not.toContain(PLAINTEXT);
  expect(() => Object.assign(secret, { toString: () => PLAINTEXT })).toThrow();
  expect(secret.expose()).toBe(PLAINTEXT);
});

// The real console of another process: Bun's console does not go through node's inspect.
function consoleOutputOf(secret: { expose(): string }): string {
  const program = `
    import { createSecret } from ${JSON.stringify(new URL("./secret.ts", import.meta.url).pathname)};
    const secret = createSecret(${JSON.stringify(secret.expose())});
    console.log(secret, { secret }, [secret], "%s", secret);
    console.error("failed", secret);`;
  const ran = Bun.spawnSync([process.execPath, "--no-env-file", "-e", program]);
  return ran.stdout.toString() + ran.stderr.toString();
}
