const SAFE_SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);
const BOT_LINK_HOSTS = new Set(["t.me", "telegram.me"]);
const START_CODE = /^[A-Za-z0-9_-]{1,64}$/;
const WEB_ADDRESS = /https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]}]/g;

/** The address to put in an `href`, or null for schemes that a message must not open. */
export function safeHref(address: string): string | null {
  const whole = /^[a-z][a-z0-9+.-]*:/i.test(address) ? address : `https://${address}`;
  const url = URL.parse(whole);
  return url !== null && SAFE_SCHEMES.has(url.protocol) ? url.href : null;
}

/** What a link into the private chat with this bot carries, or null when it leads elsewhere. */
export function botLink(address: string, botUsername: string): { code: string | null } | null {
  const url = URL.parse(address.includes(":") ? address : `https://${address}`);
  if (url === null) return null;
  const name = url.protocol === "tg:" ? url.searchParams.get("domain") : usernameIn(url);
  if (name?.toLowerCase() !== botUsername.toLowerCase()) return null;
  return { code: startCode(url.searchParams.get("start")) };
}

/** A start parameter as Telegram allows it (1-64 of A-Z a-z 0-9 _ -), or null. */
export function startCode(code: string | null): string | null {
  return code !== null && START_CODE.test(code) ? code : null;
}

/** Cuts plain text into stretches that are web addresses and stretches that are not. */
export function withAddresses(text: string): { text: string; isAddress: boolean }[] {
  const parts: { text: string; isAddress: boolean }[] = [];
  let at = 0;
  for (const match of text.matchAll(WEB_ADDRESS)) {
    if (at < match.index) parts.push({ text: text.slice(at, match.index), isAddress: false });
    parts.push({ text: match[0], isAddress: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), isAddress: false });
  return parts;
}

function usernameIn(url: URL): string | null {
  return BOT_LINK_HOSTS.has(url.hostname) ? url.pathname.slice(1) : null;
}
