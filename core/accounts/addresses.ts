const ADDRESS_CHARS_MAX = 254;
// What real mailboxes look like. Quoted local parts and raw Unicode are legal and unused, and two spellings of one address are a way in.
const ADDRESS =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$/;
const LOCAL_CHARS_MAX = 64;

/** The one spelling of an e-mail address that is stored and compared, or null for what is not exactly one address. */
export function addressOf(text: string): string | null {
  if (text.length > ADDRESS_CHARS_MAX) return null;
  const address = text.toLowerCase();
  // Lowering the Kelvin sign gives a k: only what was ASCII before is the same address.
  const isPlain = /^[\x21-\x7e]+$/.test(text) && ADDRESS.test(address);
  return isPlain && address.indexOf("@") <= LOCAL_CHARS_MAX ? address : null;
}
