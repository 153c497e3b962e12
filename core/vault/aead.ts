import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";

const ALGORITHM = "aes-256-gcm";
const HASH = "sha256";

export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/** One use of a key: `nonce` must be new for this key, `bound` is what else the tag vouches for. */
export type Aead = { key: Uint8Array; nonce: Uint8Array; bound: Uint8Array };

/** Ciphertext, then the tag of 16 bytes. */
export function encryptBytes({ key, nonce, bound }: Aead, bytes: Uint8Array): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(bound);
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** Throws for anything that `encryptBytes` did not make with the same key, nonce and bound data. */
export function decryptBytes({ key, nonce, bound }: Aead, sealed: Uint8Array): Buffer {
  // Node takes tags of four bytes unless the length is fixed.
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(bound);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const bytes = decipher.update(sealed.subarray(0, -TAG_BYTES));
  return Buffer.concat([bytes, decipher.final()]); // only what `final` has vouched for
}

/** HKDF (RFC 5869) with SHA-256. */
export function deriveBytes(
  from: Uint8Array,
  salt: Uint8Array | string,
  info: Uint8Array | string,
  length = KEY_BYTES,
): Uint8Array {
  return new Uint8Array(hkdfSync(HASH, from, salt, info, length));
}
