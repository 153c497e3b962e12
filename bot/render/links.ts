const URL_UNITS_MAX = 2048;

const WEB = /^https?:\/\/(?:[^/?#\s@]*@)?([^/?#\s]+)/i;
const OTHER = /^(?:mailto|tel|tg):[^\s]+$/i;
// Marks that turn the direction of text, and controls: an address must read as what it is.
const DECEPTIVE = /[\p{Cc}\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u;

/**
 * The address in the form in which Telegram keeps a link, or null where it would silently drop the link and the
 * address with it: another scheme, a host without a dot, an address that is too long.
 */
export function linkTarget(href: string): string | null {
  if (href.length > URL_UNITS_MAX || DECEPTIVE.test(href)) return null;
  const url = href.trim().replaceAll(/\s/g, "%20");
  const host = WEB.exec(url)?.[1];
  if (host !== undefined) return /[^.]\.[^.]|^\[/.test(host) && URL.canParse(url) ? url : null;
  return OTHER.test(url) ? url : null;
}
