import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createVault, parseMasterKeys, VaultError, type MasterKey, type SealContext } from "./cipher.ts";

const KEY_1 = "5rK0m0s1l8Xv7hG2c9QeT4yUbN6aZ3wJpLdFxVqHk+E=";
const KEY_2 = "Q7dWm2n9zR4uYcK1xV8aJ5sLh3gTfE6iPoBqNwC0MvA=";
const PLACE: SealContext = { orgId: "0192f0c1-0000-7000-8000-000000000001", record: "r1", name: "anthropic" };
const BYTES_MAX = 64 * 1024;
const OVERHEAD_BYTES = 33;
const SEALS = 100_000;
const NONCE_AT = 5;
const TEXT_AT = 17;

test("an envelope that was sealed once opens for ever: the format is fixed", async () => {
  const sealed =
    "01000000010102030405060708090a0b0cf5e79e03c713b688c8d2468dc82944b9052f201861c85efbda87febb2961";
  const vault = createVault(parseMasterKeys(KEY_1));
  expect(vault.open(Buffer.from(sealed, "hex"), PLACE).expose()).toBe("sk-ant-example");
});

test("another implementation reads what is sealed, from the description alone", async () => {
  const vault = createVault(parseMasterKeys(`2:${KEY_2},1:${KEY_1}`));
  const envelope = Buffer.from(vault.seal("grüße 🔑", PLACE));
  expect(envelope.subarray(0, 5).toString("hex")).toBe("0100000002");
  expect(await openWithWebCrypto(envelope, KEY_2, 2, PLACE)).toBe("grüße 🔑");
});

test("VA-02: an envelope that was altered in any way does not open", () => {
  const vault = createVault(parseMasterKeys(`2:${KEY_2},1:${KEY_1}`));
  const whole = Buffer.from(vault.seal("a secret", PLACE));
  const altered: Buffer[] = [];
  for (let bit = 0; bit < whole.length * 8; bit += 1) {
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    altered.push(flipped);
  }
  for (let length = 0; length < whole.length; length += 1) {
    altered.push(whole.subarray(0, length), whole.subarray(whole.length - length));
  }
  for (const more of [1, 4, 16]) {
    altered.push(Buffer.concat([whole, Buffer.alloc(more)]), Buffer.concat([Buffer.alloc(more), whole]));
  }
  altered.push(
    Buffer.concat([whole, whole]),
    Buffer.alloc(OVERHEAD_BYTES),
    Buffer.alloc(BYTES_MAX + OVERHEAD_BYTES + 1, 1),
  );
  // The other key is here as well: its number alone must not be enough.
  const otherKid = Buffer.from(whole);
  otherKid.writeUInt32BE(1, 1);
  altered.push(otherKid);

  for (const envelope of altered) expectRefused(() => vault.open(envelope, PLACE));
  expect(vault.open(whole, PLACE).expose()).toBe("a secret");
});

test("VA-03: an envelope that was moved to another place does not open", () => {
  const vault = createVault(parseMasterKeys(KEY_1));
  const envelope = vault.seal("a secret", { orgId: "team", record: "1", name: "anthropic" });
  const places: SealContext[] = [
    { orgId: "other", record: "1", name: "anthropic" },
    { orgId: "team", record: "2", name: "anthropic" },
    { orgId: "team", record: "1", name: "slack" },
    { orgId: "team", record: "1a", name: "nthropic" },
    { orgId: "team1", record: "", name: "anthropic" },
    { orgId: "", record: "team1", name: "anthropic" },
    { orgId: "1", record: "team", name: "anthropic" },
    { orgId: "team", record: "1", name: "" },
  ];
  for (const place of places) expectRefused(() => vault.open(envelope, place));
  // Neither kind of envelope passes for the other, even where every name is the same.
  const nowhere = { orgId: "", record: "", name: "" };
  expectRefused(() => vault.open(vault.sealKeyCheck(), nowhere));
  expect(vault.opensKeyCheck(vault.seal("blockbot key check", nowhere))).toBe(false);
});

test("VA-08: a text comes back byte for byte up to 64 KiB, and one byte more is refused", () => {
  const vault = createVault(parseMasterKeys(KEY_1));
  const texts = [
    "",
    "x",
    "\u0000",
    "\uFEFFmark",
    "é\r\n🔑",
    "x".repeat(BYTES_MAX),
    "ü".repeat(BYTES_MAX / 2),
  ];
  for (const text of texts) {
    const envelope = vault.seal(text, PLACE);
    expect(envelope.length).toBe(Buffer.byteLength(text) + OVERHEAD_BYTES);
    expect(vault.open(envelope, PLACE).expose()).toBe(text);
  }
  for (const text of [
    "x".repeat(BYTES_MAX + 1),
    "ü".repeat(BYTES_MAX / 2 + 1),
    "half \uD83D",
    "\uDD11 half",
  ]) {
    expect(() => vault.seal(text, PLACE)).toThrow(RangeError);
  }
});

test("VA-04: in a hundred thousand envelopes no nonce is used twice, and the same text never looks the same", () => {
  const vault = createVault(parseMasterKeys(KEY_1));
  // Eight bytes of each are enough to tell them apart, and take little room.
  const [nonces, texts] = [new BigUint64Array(SEALS), new BigUint64Array(SEALS)];
  for (let n = 0; n < SEALS; n += 1) {
    const envelope = Buffer.from(vault.seal("the same", PLACE));
    nonces[n] = envelope.readBigUInt64BE(NONCE_AT);
    texts[n] = envelope.readBigUInt64BE(TEXT_AT);
  }
  expect(repeats(nonces)).toBe(0);
  expect(repeats(texts)).toBe(0);
});

test("the newest key seals, older keys still open, and a key that is gone opens nothing", () => {
  const old = createVault(parseMasterKeys(`1:${KEY_1}`));
  const both = createVault(parseMasterKeys(` 2:${KEY_2} , 1:${KEY_1} `));
  const rotated = createVault(parseMasterKeys(`2:${KEY_2}`));
  expect([old.keyIds(), both.keyIds(), rotated.keyIds()]).toEqual([[1], [2, 1], [2]]);

  const before = old.seal("a secret", PLACE);
  const after = both.seal("a secret", PLACE);
  expect(both.open(before, PLACE).expose()).toBe("a secret");
  expect(rotated.open(after, PLACE).expose()).toBe("a secret");
  expectRefused(() => rotated.open(before, PLACE));
  expectRefused(() => old.open(after, PLACE));

  // What is sealed anew needs the new key alone, and stays in its place.
  const resealed = both.reseal(before, PLACE);
  expect(rotated.open(resealed, PLACE).expose()).toBe("a secret");
  expectRefused(() => old.open(resealed, PLACE));
  expectRefused(() => rotated.reseal(before, PLACE));
  expectRefused(() => both.reseal(before, { ...PLACE, record: "r2" }));

  expect(both.opensKeyCheck(old.sealKeyCheck())).toBe(true);
  expect(rotated.opensKeyCheck(old.sealKeyCheck())).toBe(false);
  expect(old.opensKeyCheck(new Uint8Array())).toBe(false);
  // The right number over the wrong key is the mistake that this is for.
  expect(createVault(parseMasterKeys(`1:${KEY_2}`)).opensKeyCheck(old.sealKeyCheck())).toBe(false);
});

test("keys for other purposes are fixed per label and differ from one another", () => {
  const vault = createVault(parseMasterKeys(KEY_1));
  const again = createVault(parseMasterKeys(`1:${KEY_1}`));
  expect(hex(vault.derive("user"))).toBe(hex(again.derive("user")));
  expect(vault.derive("user").length).toBe(32);
  const derived = [
    vault.derive("user"),
    vault.derive("mail"),
    vault.derive(""),
    createVault(parseMasterKeys(KEY_2)).derive("user"),
    vault.derive(`1|${PLACE.orgId}`),
  ];
  expect(new Set([...derived.map(hex), hex(Buffer.from(KEY_1, "base64"))]).size).toBe(derived.length + 1);
});

test("a weak or wrong MASTER_KEY is refused with its fix, and never repeated in the message", () => {
  const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64");
  const refused: [text: string, says: RegExp][] = [
    ["", /base64/],
    ["not base64!", /base64/],
    [base64(randomBytes(31)), /key 1 is 31: openssl rand -base64 32/],
    [base64(randomBytes(33)), /key 1 is 33/],
    [randomBytes(32).toString("hex"), /key 1 is 48/],
    [base64(new Uint8Array(32)), /random/],
    [base64(new Uint8Array(32).fill(0xab)), /random/],
    [base64(Uint8Array.from({ length: 32 }, (_, index) => index + 200)), /random/],
    [base64(Uint8Array.from({ length: 32 }, (_, index) => index * 7)), /random/],
    [
      base64(
        Buffer.concat([
          Buffer.from(KEY_1, "base64").subarray(0, 16),
          Buffer.from(KEY_1, "base64").subarray(0, 16),
        ]),
      ),
      /random/,
    ],
    [base64("change-me-before-you-go-live-ok!"), /random/],
    [base64(randomBytes(16).toString("hex")), /random/],
    [`${KEY_2},${KEY_1}`, /number every key/],
    [`2:${KEY_2},${KEY_1}`, /number every key/],
    [`1:${KEY_2},1:${KEY_1}`, /two keys with the number 1/],
    [`3:${KEY_2},2:${KEY_1},3:${KEY_1}`, /two keys with the number 3/],
    [`1:${KEY_1},2:${KEY_2}`, /put key 2 before key 1/],
    [`0:${KEY_1}`, /from 1 to 4294967295/],
    [`4294967296:${KEY_1}`, /from 1 to 4294967295/],
    [`2:${KEY_2},`, /base64/],
  ];
  for (const [text, says] of refused) {
    const message = messageOf(() => parseMasterKeys(text));
    expect(message).toMatch(says);
    for (const part of text.match(/[\w+/]{12,}/g) ?? []) expect(message).not.toContain(part);
  }
  for (let n = 0; n < 500; n += 1) parseMasterKeys(base64(randomBytes(32)));
  expect(parseMasterKeys(`4294967295:${KEY_1.replace("+", "-")}`)).toEqual([
    { kid: 4294967295, key: bytesOf(KEY_1) },
  ]);
  expect(() => createVault([] satisfies MasterKey[])).toThrow();
});

function repeats(values: BigUint64Array): number {
  values.sort();
  return values.filter((value, index) => index > 0 && value === values[index - 1]).length;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (err) {
    if (err instanceof Error) return err.message;
  }
  return "nothing was refused";
}

function expectRefused(open: () => unknown): void {
  let thrown: unknown = null;
  try {
    open();
  } catch (err) {
    thrown = err;
  }
  expect(thrown).toBeInstanceOf(VaultError);
  expect(thrown).toMatchObject({ message: "the sealed value cannot be opened" });
  expect((thrown as Error).cause).toBeUndefined();
}

async function openWithWebCrypto(
  envelope: Buffer,
  master: string,
  kid: number,
  place: SealContext,
): Promise<string> {
  const ikm = await crypto.subtle.importKey("raw", bytesOf(master), "HKDF", false, ["deriveKey"]);
  const key = await crypto.subtle.deriveKey(
    {
      name: "HKDF",
      hash: "SHA-256",
      salt: Buffer.from("blockbot-vault-v1"),
      info: Buffer.from(`${kid}|${place.orgId}`),
    },
    ikm,
    { name: "AES-GCM", length: 256 },
    false,
    ["decrypt"],
  );
  const led = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    return [0, 0, bytes.length >> 8, bytes.length & 0xff, ...bytes];
  };
  const additionalData = Uint8Array.from([
    1,
    0,
    0,
    0,
    kid,
    ...led("credential"),
    ...led(place.orgId),
    ...led(place.record),
    ...led(place.name),
  ]);
  const algorithm = {
    name: "AES-GCM",
    iv: new Uint8Array(envelope.subarray(5, 17)),
    additionalData,
    tagLength: 128,
  };
  return new TextDecoder().decode(
    await crypto.subtle.decrypt(algorithm, key, new Uint8Array(envelope.subarray(17))),
  );
}
