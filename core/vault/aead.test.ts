import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { type Aead, decryptBytes, deriveBytes, encryptBytes, TAG_BYTES } from "./aead.ts";

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const hex = (given: Uint8Array) => Buffer.from(given).toString("hex");

// The Galois/Counter Mode specification of McGrew and Viega, test cases 13 to 16.
const PLAIN =
  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
const ZERO = "00";
const FEFF = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
const CIPHER =
  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662";
const GCM = [
  {
    key: ZERO.repeat(32),
    nonce: ZERO.repeat(12),
    bound: "",
    plain: "",
    sealed: "530f8afbc74536b9a963b4f1c4cb738b",
  },
  {
    key: ZERO.repeat(32),
    nonce: ZERO.repeat(12),
    bound: "",
    plain: ZERO.repeat(16),
    sealed: "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
  },
  {
    key: FEFF,
    nonce: "cafebabefacedbaddecaf888",
    bound: "",
    plain: `${PLAIN}1aafd255`,
    sealed: `${CIPHER}898015adb094dac5d93471bdec1a502270e3cc6c`,
  },
  {
    key: FEFF,
    nonce: "cafebabefacedbaddecaf888",
    bound: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    plain: PLAIN,
    sealed: `${CIPHER}76fc6ece0f4e1768cddf8853bb2d551b`,
  },
];

// RFC 5869, appendix A, test cases 1 to 3.
const HKDF = [
  {
    from: "0b".repeat(22),
    salt: "000102030405060708090a0b0c",
    info: "f0f1f2f3f4f5f6f7f8f9",
    out: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
  },
  {
    from: counted(0x00, 80),
    salt: counted(0x60, 80),
    info: counted(0xb0, 80),
    out: "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
  },
  {
    from: "0b".repeat(22),
    salt: "",
    info: "",
    out: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
  },
];

test("VA-01: the cipher and the key derivation agree with their specifications' test cases", () => {
  for (const { key, nonce, bound, plain, sealed } of GCM) {
    const aead = { key: bytes(key), nonce: bytes(nonce), bound: bytes(bound) };
    expect(hex(encryptBytes(aead, bytes(plain)))).toBe(sealed);
    expect(hex(decryptBytes(aead, bytes(sealed)))).toBe(plain);
  }
  for (const { from, salt, info, out } of HKDF)
    expect(hex(deriveBytes(bytes(from), bytes(salt), bytes(info), out.length / 2))).toBe(out);
});

test("VA-01: what was altered, and a tag that was shortened, is refused", () => {
  for (const { key, nonce, bound, sealed } of GCM) {
    const aead = { key: bytes(key), nonce: bytes(nonce), bound: bytes(bound) };
    const refused = (changed: Partial<Aead>, text: Uint8Array) =>
      expect(() => decryptBytes({ ...aead, ...changed }, text)).toThrow();
    for (let bit = 0; bit < sealed.length * 4; bit += 1) refused({}, flipped(bytes(sealed), bit));
    for (let bit = 0; bit < 96; bit += 1) refused({ nonce: flipped(aead.nonce, bit) }, bytes(sealed));
    for (let bit = 0; bit < 256; bit += 1) refused({ key: flipped(aead.key, bit) }, bytes(sealed));
    for (let cut = 1; cut <= TAG_BYTES; cut += 1) refused({}, bytes(sealed).subarray(0, -cut));
    refused({ bound: bytes(`${bound}00`) }, bytes(sealed));
    refused({ nonce: new Uint8Array() }, bytes(sealed));
  }
});

test("VA-01: another implementation agrees, whatever the lengths", async () => {
  for (let n = 0; n < 200; n += 1) {
    const random = (length: number) => Uint8Array.from(randomBytes(length));
    const aead = { key: random(32), nonce: random(12), bound: random(n % 37) };
    const plain = random((n * 7) % 301);
    const key = await crypto.subtle.importKey("raw", aead.key, "AES-GCM", false, ["encrypt"]);
    const algorithm = { name: "AES-GCM", iv: aead.nonce, additionalData: aead.bound, tagLength: 128 };
    const theirs = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, plain));
    expect(hex(encryptBytes(aead, plain))).toBe(hex(theirs));
    expect(hex(decryptBytes(aead, theirs))).toBe(hex(plain));
  }
});

function flipped(given: Uint8Array, bit: number): Uint8Array {
  return given.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
}

function counted(from: number, count: number): string {
  return hex(Uint8Array.from({ length: count }, (_, index) => from + index));
}
