import { randomBytes } from "node:crypto";
import { decryptBytes, deriveBytes, encryptBytes, KEY_BYTES, NONCE_BYTES, TAG_BYTES } from "./aead.ts";
import { createSecret, type Secret } from "./secret.ts";

/** One master key: 32 bytes, and the number that envelopes name it by. */
export type MasterKey = { kid: number; key: Uint8Array };

/** Where a sealed value belongs. An envelope opens only in the very same place. */
export type SealContext = { orgId: string; record: string; name: string };

export type Vault = ReturnType<typeof createVault>;

/** An envelope was altered, moved, or sealed with a key that is not here. Never says which. */
export class VaultError extends Error {
  constructor() {
    super("the sealed value cannot be opened");
    this.name = "VaultError";
  }
}

type Place = SealContext & { purpose: "credential" | "key-check" };

const PLAINTEXT_BYTES_MAX = 64 * 1024;
const KID_MAX = 0xffff_ffff;
// Random keys have about thirty different bytes; sixteen or fewer happen once in 10^14.
const DISTINCT_BYTES_MIN = 17;

const VERSION = 0x01;
const HEADER_BYTES = 5;
const OVERHEAD_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;
const SEAL_SALT = "blockbot-vault-v1";
const DERIVE_SALT = "blockbot-derive-v1";

const KEY_CHECK: Place = { purpose: "key-check", orgId: "", record: "", name: "" };
const KEY_CHECK_TEXT = "blockbot key check";
const NEW_KEY = "openssl rand -base64 32";

/**
 * Reads `base64`, which is key 1, or `2:base64,1:base64` with the newest and
 * highest first. Throws an `Error` that names the problem and the fix, and
 * never any part of a key.
 */
export function parseMasterKeys(text: string): MasterKey[] {
  const entries = text.split(",").map((entry) => entry.trim());
  const keys = entries.map((entry) => parseMasterKey(entry, entries.length === 1));
  for (const [index, { kid }] of keys.entries()) {
    const before = keys[index - 1]?.kid ?? Infinity;
    if (keys.findIndex((key) => key.kid === kid) < index) {
      throw new Error(`has two keys with the number ${kid}: give each its own`);
    }
    if (kid > before)
      throw new Error(`must begin with the highest number: put key ${kid} before key ${before}`);
  }
  return keys;
}

/**
 * Seals with the first key and opens with any of them. Envelope: version 1,
 * key number u32, nonce 12, ciphertext, tag 16. Each team has a key of its own,
 * derived from the master key, and each envelope is bound to its place.
 */
export function createVault(keys: readonly MasterKey[]) {
  const [newest, ...older] = keys;
  if (newest === undefined) throw new Error("a vault needs a master key");

  function openAt(place: Place, envelope: Uint8Array): string {
    try {
      return decrypt(keys, place, Buffer.from(envelope));
    } catch {
      throw new VaultError(); // no cause: why it failed is nobody's business
    }
  }

  return {
    /** Throws `RangeError` above 64 KiB of UTF-8, and for text with half a surrogate pair, which has no bytes. */
    seal: (plaintext: string, context: SealContext): Uint8Array =>
      encrypt(newest, credentialAt(context), plaintext),
    /** Throws `VaultError`, whatever the reason. */
    open: (envelope: Uint8Array, context: SealContext): Secret =>
      createSecret(openAt(credentialAt(context), envelope)),
    /** The same plaintext in the same place, under the newest key: it never leaves the vault. Throws `VaultError`. */
    reseal: (envelope: Uint8Array, context: SealContext): Uint8Array =>
      encrypt(newest, credentialAt(context), openAt(credentialAt(context), envelope)),
    /** The numbers of all keys, the newest first. */
    keyIds: (): readonly [number, ...number[]] => [newest.kid, ...older.map(({ kid }) => kid)],
    /** A known text, sealed: stored once, it tells a later start whether it has the same keys. */
    sealKeyCheck: (): Uint8Array => encrypt(newest, KEY_CHECK, KEY_CHECK_TEXT),
    opensKeyCheck(envelope: Uint8Array): boolean {
      try {
        return openAt(KEY_CHECK, envelope) === KEY_CHECK_TEXT;
      } catch (err) {
        if (err instanceof VaultError) return false;
        throw err;
      }
    },
    /** Thirty-two bytes for one purpose, independent of all others. They change when the newest key does. */
    derive: (label: string): Uint8Array => deriveBytes(newest.key, DERIVE_SALT, label),
  };
}

function parseMasterKey(entry: string, alone: boolean): MasterKey {
  const [, number, base64] = /^(?:(\d{1,10}):)?([\w+/-]+={0,2})$/.exec(entry) ?? [];
  if (base64 === undefined) throw new Error(`must be base64, or pairs like 2:base64,1:base64: ${NEW_KEY}`);
  if (number === undefined && !alone) {
    throw new Error("must number every key when there are several: 2:base64,1:base64");
  }
  const kid = Number(number ?? 1);
  if (kid < 1 || kid > KID_MAX) throw new Error(`must number its keys from 1 to ${KID_MAX}`);
  const key = Buffer.from(base64, "base64");
  if (key.length !== KEY_BYTES) {
    throw new Error(`must be ${KEY_BYTES} bytes, but key ${kid} is ${key.length}: ${NEW_KEY}`);
  }
  if (isGuessable(key)) throw new Error(`must be random, but key ${kid} is a pattern or a text: ${NEW_KEY}`);
  return { kid, key: new Uint8Array(key) };
}

// Zeros, repetitions, counted-up bytes, passphrases and hex digits.
function isGuessable(key: Buffer): boolean {
  const steps = new Set(key.map((byte, index) => byte - (key[index - 1] ?? byte)).subarray(1));
  return (
    new Set(key).size < DISTINCT_BYTES_MIN ||
    steps.size === 1 ||
    key.every((byte) => byte >= 0x20 && byte < 0x7f)
  );
}

const credentialAt = (context: SealContext): Place => ({ ...context, purpose: "credential" });

function encrypt({ kid, key }: MasterKey, place: Place, plaintext: string): Uint8Array {
  if (!plaintext.isWellFormed()) throw new RangeError("a sealed text must be well-formed");
  const bytes = Buffer.from(plaintext, "utf8");
  if (bytes.length > PLAINTEXT_BYTES_MAX) {
    throw new RangeError(`a sealed text has at most ${PLAINTEXT_BYTES_MAX} bytes`);
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(VERSION, 0);
  header.writeUInt32BE(kid, 1);
  const nonce = randomBytes(NONCE_BYTES);
  const aead = { key: teamKey(key, kid, place.orgId), nonce, bound: boundData(header, place) };
  return Buffer.concat([header, nonce, encryptBytes(aead, bytes)]);
}

function decrypt(keys: readonly MasterKey[], place: Place, envelope: Buffer): string {
  const length = envelope.length - OVERHEAD_BYTES;
  if (length < 0 || length > PLAINTEXT_BYTES_MAX || envelope[0] !== VERSION) throw new VaultError();
  const header = envelope.subarray(0, HEADER_BYTES);
  const kid = header.readUInt32BE(1);
  const master = keys.find((candidate) => candidate.kid === kid);
  if (master === undefined) throw new VaultError();
  const nonce = envelope.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
  const aead = { key: teamKey(master.key, kid, place.orgId), nonce, bound: boundData(header, place) };
  return decryptBytes(aead, envelope.subarray(HEADER_BYTES + NONCE_BYTES)).toString("utf8");
}

function teamKey(master: Uint8Array, kid: number, orgId: string): Uint8Array {
  return deriveBytes(master, SEAL_SALT, `${kid}|${orgId}`);
}

// Each field is led by its length: without it, ("1", "anthropic") and ("1a", "nthropic") would be one place.
function boundData(header: Uint8Array, place: Place): Uint8Array {
  const fields = [place.purpose, place.orgId, place.record, place.name].flatMap((field) => {
    const bytes = Buffer.from(field, "utf8");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat([header, ...fields]);
}
