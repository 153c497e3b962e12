import { expect, test } from "bun:test";
import { SignJWT, type JWTPayload } from "jose";
import { createHash, createHmac, generateKeyPairSync, hkdfSync, randomUUID } from "node:crypto";
import { systemClock } from "../clock.ts";
import { createTokens, type AccessClaims } from "./tokens.ts";

const SECRET = "ZEn2bDHHj7qEWWnqmIFKvVtFhUuZ2xr8Cw4l1MDqjX0=";
const OLD_SECRET = "8wO3u8gk2mTj7s1Zq0yXc5vB9nLrKdHfPeGaUiYtRxM=";
const ISSUER = "https://bot.example.test";
const AT = 1_800_000_000; // seconds
const KEY = new Uint8Array(hkdfSync("sha256", SECRET, "", "jwt-access-v1", 32));
const KID = createHash("sha256").update(KEY).digest("hex").slice(0, 16);
const CLAIMS: AccessClaims = {
  accountId: randomUUID(),
  orgId: randomUUID(),
  role: "admin",
  sessionId: randomUUID(),
  epoch: 3,
};

function start(secrets = [SECRET], atSeconds = AT) {
  return createTokens({ secrets, issuer: ISSUER, clock: { ...systemClock, now: () => atSeconds * 1_000 } });
}

test("what is signed is read back, for fifteen minutes", async () => {
  const token = await start().sign(CLAIMS);
  expect(await start().verify(token)).toEqual(CLAIMS);
  expect(await start([SECRET], AT + 15 * 60 - 1).verify(token)).toEqual(CLAIMS);
  expect(await start([SECRET], AT + 15 * 60 + 31).verify(token)).toBeNull();
});

test("JW-01: no other algorithm is taken, nor none at all", async () => {
  const good = await start().sign(CLAIMS);
  const [, payload = "", signature = ""] = good.split(".");
  const header = (alg: unknown) => encoded({ alg, typ: "at+jwt", kid: KID });
  for (const alg of ["none", "None", "nOnE", "NONE", "", null, "HS384", "RS256", "hs256", ["HS256"]]) {
    for (const end of ["", signature])
      expect(await start().verify(`${header(alg)}.${payload}.${end}`)).toBeNull();
  }
  for (const [alg, hash] of [
    ["HS384", "sha384"],
    ["HS512", "sha512"],
    ["RS256", "sha256"],
  ] as const) {
    const signed = createHmac(hash, KEY)
      .update(`${header(alg)}.${payload}`)
      .digest("base64url");
    expect(await start().verify(`${header(alg)}.${payload}.${signed}`)).toBeNull();
  }
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const foreign = new SignJWT(payloadOf({})).setProtectedHeader({ alg: "RS256", typ: "at+jwt", kid: KID });
  expect(await start().verify(await foreign.sign(privateKey))).toBeNull();
});

test("JW-02: a header may name a key of ours and nothing else", async () => {
  const tokens = start();
  for (const kid of ["unknown", "../../etc/passwd", "' OR 1=1 --", "k".repeat(10_240), [KID], null, 7])
    expect(await tokens.verify(forged({ kid }))).toBeNull();
  for (const extra of [
    { jku: "https://evil.example/keys" },
    { jwk: { kty: "oct", k: "AA" } },
    { x5u: "https://evil.example" },
    { crit: ["b64"], b64: false },
    { typ: "JWT" },
    { typ: undefined },
    { cty: "JWT" },
  ])
    expect(await tokens.verify(forged(extra))).toBeNull();
  expect(await tokens.verify(forged({}))).toEqual(CLAIMS);
});

test("JW-03: half a minute of clock difference is forgiven, more is not", async () => {
  const verify = (change: Record<string, unknown>) => start().verify(forged({}, change));
  expect(await verify({ exp: AT - 29 })).toEqual(CLAIMS);
  expect(await verify({ exp: AT - 31 })).toBeNull();
  expect(await verify({ nbf: AT + 29 })).toEqual(CLAIMS);
  expect(await verify({ nbf: AT + 31 })).toBeNull();
  expect(await verify({ iat: AT + 3_600 })).toBeNull();
  expect(await verify({ iat: AT - 16 * 60 })).toBeNull();
});

test("JW-04: every claim must be there, of its kind, and ours", async () => {
  const verify = (change: Record<string, unknown>) => start().verify(forged({}, change));
  for (const claim of ["iss", "aud", "sub", "org", "role", "sid", "epoch", "jti", "iat", "exp"]) {
    for (const wrong of [undefined, null, {}, [], claim === "epoch" ? "3" : 3.5, -1, ""])
      expect([claim, wrong, await verify({ [claim]: wrong })]).toEqual([claim, wrong, null]);
  }
  expect(await verify({ aud: ["another", "blockbot-api"] })).toEqual(CLAIMS);
  expect(await verify({ aud: ["another"] })).toBeNull();
  expect(await verify({ iss: "https://staging.example.test" })).toBeNull();
  expect(await verify({ role: "root" })).toBeNull();
  expect(await verify({ admin: true })).toBeNull();
  const body = JSON.stringify(payloadOf({})).replace("{", `{"role":"owner",`);
  expect(
    await start().verify(signed(encoded(headerOf({})), Buffer.from(body).toString("base64url"))),
  ).toEqual(CLAIMS); // the last one counts, as everywhere
});

// Wycheproof's tokens carry none of our headers, so all of them would be refused for that. These are its ways of being wrong, on ours.
test("JW-05: a signature counts in one spelling, whole and unchanged to the last bit", async () => {
  const tokens = start();
  const good = await tokens.sign(CLAIMS);
  const [header = "", payload = "", signature = ""] = good.split(".");
  const mac = Buffer.from(signature, "base64url");
  const changed = Array.from({ length: mac.length * 8 }, (_, bit) => {
    const other = Buffer.from(mac);
    other.writeUInt8(other.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    return other.toString("base64url");
  });
  const cut = Array.from({ length: mac.length }, (_, bytes) => mac.subarray(0, bytes).toString("base64url"));
  const last = String.fromCharCode(signature.charCodeAt(42) + 1); // the same 32 bytes to most decoders
  const spellings = [
    `${signature.slice(0, 42)}${last}`,
    `${signature}=`,
    `${signature} `,
    `${signature}\n`,
    `${signature.slice(0, 9)}\n${signature.slice(9)}`,
    `${signature}AAAA`,
    mac.toString("base64"),
    mac.toString("hex"),
    Buffer.concat([mac, mac]).toString("base64url"),
    Buffer.alloc(32).toString("base64url"),
    `${signature}.`,
    `${signature}.${signature}`,
  ];
  for (const wrong of [...changed, ...cut, ...spellings])
    expect([wrong, await tokens.verify(`${header}.${payload}.${wrong}`)]).toEqual([wrong, null]);
  for (const wrong of [
    ` ${good}`,
    `.${good}`,
    `${header}=.${payload}.${signature}`,
    `${header}.${payload}=.${signature}`,
    `${header} .${payload}.${signature}`,
    `${payload}.${header}.${signature}`,
    `${header}..${signature}`,
    JSON.stringify({ protected: header, payload, signature }),
    JSON.stringify({ payload, signatures: [{ protected: header, signature }] }),
  ])
    expect([wrong, await tokens.verify(wrong)]).toEqual([wrong, null]);
  expect(await tokens.verify(good)).toEqual(CLAIMS);
});

test("JW-06: a new secret in front signs, the old one is accepted until it is taken away", async () => {
  const old = await start([OLD_SECRET]).sign(CLAIMS);
  const both = start([SECRET, OLD_SECRET]);
  expect(await both.verify(old)).toEqual(CLAIMS);
  const fresh = await both.sign(CLAIMS);
  expect(await start([SECRET]).verify(fresh)).toEqual(CLAIMS);
  expect(await start([SECRET]).verify(old)).toBeNull();
  expect(() => start(["a".repeat(31)])).toThrow("at least 32 bytes");
  expect(() => start([])).toThrow("need a secret");
});

test("JW-07: what is far too long is refused unread", async () => {
  const tokens = start();
  const good = await tokens.sign(CLAIMS);
  for (const long of [
    good + "A".repeat(2_000_000),
    ".".repeat(100_000),
    "",
    "a.b",
    "a.b.c",
    "🙂.🙂.🙂",
    "\0",
  ])
    expect(await tokens.verify(long)).toBeNull();
});

function headerOf(change: Record<string, unknown>) {
  return { alg: "HS256", typ: "at+jwt", kid: KID, ...change };
}

function payloadOf(change: Record<string, unknown>): JWTPayload {
  const { accountId, orgId, role, sessionId, epoch } = CLAIMS;
  const times = { iat: AT - 5, exp: AT + 600 };
  const who = { sub: accountId, org: orgId, role, sid: sessionId, epoch, jti: randomUUID() };
  return { iss: ISSUER, aud: "blockbot-api", ...who, ...times, ...change };
}

/** Signed with the right key, whatever it says. */
function forged(header: Record<string, unknown>, payload: Record<string, unknown> = {}): string {
  return signed(encoded(headerOf(header)), encoded(payloadOf(payload)));
}

function signed(header: string, payload: string): string {
  return `${header}.${payload}.${createHmac("sha256", KEY).update(`${header}.${payload}`).digest("base64url")}`;
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
