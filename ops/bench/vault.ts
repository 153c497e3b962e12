import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { createVault, parseMasterKeys } from "../../core/vault/cipher.ts";
import type { BenchResult } from "./figures.ts";

const ROUNDS = 20_000;
const SECRET = "sk-ant-a-secret-of-the-usual-length-".padEnd(108, "x");

/** Sealing and opening one credential, against AES-256-GCM alone, without key derivation or binding. */
export async function vault(): Promise<BenchResult> {
  const keys = createVault(parseMasterKeys(randomBytes(32).toString("base64")));
  const context = { orgId: crypto.randomUUID(), record: crypto.randomUUID(), name: "slack" };
  const sealed = keys.seal(SECRET, context);
  const bare = bareCipher();
  const bareSealed = bare.seal();
  const baselineSeal = perSecond(() => bare.seal());
  const baselineOpen = perSecond(() => bare.open(bareSealed));
  return {
    figures: [
      {
        what: "seal",
        value: perSecond(() => keys.seal(SECRET, context)),
        unit: "/s",
        baseline: baselineSeal,
      },
      {
        what: "open",
        value: perSecond(() => keys.open(sealed, context)),
        unit: "/s",
        baseline: baselineOpen,
      },
    ],
    notes: ["Baseline: AES-256-GCM with one fixed key, in the same process."],
  };
}

function bareCipher() {
  const key = randomBytes(32);
  return {
    seal(): { nonce: Buffer; body: Buffer; tag: Buffer } {
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
      const body = Buffer.concat([cipher.update(SECRET, "utf8"), cipher.final()]);
      return { nonce, body, tag: cipher.getAuthTag() };
    },
    open({ nonce, body, tag }: { nonce: Buffer; body: Buffer; tag: Buffer }): string {
      const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
      decipher.setAuthTag(tag);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
    },
  };
}

/** After a tenth of the rounds to warm up. */
function perSecond(work: () => unknown): number {
  for (let round = 0; round < ROUNDS / 10; round += 1) work();
  const startedAt = performance.now();
  for (let round = 0; round < ROUNDS; round += 1) work();
  return (ROUNDS / (performance.now() - startedAt)) * 1_000;
}
