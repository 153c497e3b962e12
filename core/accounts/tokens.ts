import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from "jose";
import { createHash, hkdfSync, randomUUID } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../clock.ts";

export const ACCESS_MINUTES = 15;
const ALGORITHM = "HS256";
const TYPE = "at+jwt";
const AUDIENCE = "blockbot-api";
const CLOCK_TOLERANCE_SECONDS = 30;
const SECRET_BYTES_MIN = 32;
const TOKEN_CHARS_MAX = 4_096;
// Decoders of base64 forgive padding, white space and stray bits at the end: one signature would have many spellings.
const FORM = /^[\w-]+\.[\w-]+\.[\w-]{42}[AEIMQUYcgkosw048]$/;

/** What an access token says. It is believed only as far as the database agrees. */
export type AccessClaims = {
  readonly accountId: string;
  readonly orgId: string;
  readonly role: "owner" | "admin" | "member";
  readonly sessionId: string;
  readonly epoch: number;
};

const claimsSchema = z.strictObject({
  iss: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  sub: z.uuid(),
  org: z.uuid(),
  role: z.enum(["owner", "admin", "member"]),
  sid: z.uuid(),
  epoch: z.int().min(0),
  jti: z.uuid(),
  iat: z.int(),
  exp: z.int(),
  nbf: z.int().optional(),
});
// Nothing else may stand there: a key or an address for one would be the sender's.
const headerSchema = z.strictObject({
  alg: z.literal(ALGORITHM),
  typ: z.literal(TYPE),
  kid: z.string().max(64),
});

/**
 * Signs with the first secret and accepts any, so that a new one can be put in
 * front of the old. `issuer` keeps the tokens of two instances apart. Throws for
 * a secret of less than 32 bytes: jose would sign with it.
 */
export function createTokens(options: { secrets: readonly string[]; issuer: string; clock: Clock }) {
  const { issuer, clock } = options;
  const keys = options.secrets.map(keyOf);
  const [newest] = keys;
  if (newest === undefined) throw new Error("access tokens need a secret");
  const now = () => new Date(clock.now());

  return {
    async sign(claims: AccessClaims): Promise<string> {
      const issuedAt = Math.floor(clock.now() / 1000);
      return new SignJWT({ org: claims.orgId, role: claims.role, sid: claims.sessionId, epoch: claims.epoch })
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: newest.kid })
        .setIssuer(issuer)
        .setAudience(AUDIENCE)
        .setSubject(claims.accountId)
        .setJti(randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + ACCESS_MINUTES * 60)
        .sign(newest.key);
    },

    /** Null for whatever is not a token of ours that is good now; never says why. */
    async verify(token: string): Promise<AccessClaims | null> {
      if (token.length > TOKEN_CHARS_MAX || !FORM.test(token)) return null;
      const key = keys.find(({ kid }) => kid === kidOf(token));
      if (key === undefined) return null;
      try {
        const { payload } = await jwtVerify(token, key.key, {
          algorithms: [ALGORITHM],
          typ: TYPE,
          issuer,
          audience: AUDIENCE,
          requiredClaims: ["sub", "jti", "iat", "exp"],
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          maxTokenAge: ACCESS_MINUTES * 60,
          currentDate: now(),
        });
        const claims = claimsSchema.safeParse(payload);
        if (!claims.success) return null;
        const { sub, org, role, sid, epoch } = claims.data;
        return { accountId: sub, orgId: org, role, sessionId: sid, epoch };
      } catch (err) {
        if (err instanceof errors.JOSEError || err instanceof TypeError) return null;
        throw err;
      }
    },
  };
}

export type Tokens = ReturnType<typeof createTokens>;

function keyOf(secret: string): { kid: string; key: Uint8Array } {
  if (Buffer.byteLength(secret) < SECRET_BYTES_MIN) {
    throw new Error(`a secret for access tokens must have at least ${SECRET_BYTES_MIN} bytes`);
  }
  const key = new Uint8Array(hkdfSync("sha256", secret, "", "jwt-access-v1", SECRET_BYTES_MIN));
  return { kid: createHash("sha256").update(key).digest("hex").slice(0, 16), key };
}

function kidOf(token: string): string | null {
  try {
    const header = headerSchema.safeParse(decodeProtectedHeader(token));
    return header.success ? header.data.kid : null;
  } catch (err) {
    if (err instanceof TypeError) return null; // not a token at all
    throw err;
  }
}
