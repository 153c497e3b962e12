import { createHash, timingSafeEqual } from "node:crypto";
import { BlockList, isIP, isIPv6 } from "node:net";

const NETWORK = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i;
const BEARER = /^Bearer +([^ ]+)$/i;
const PROXY_HEADERS = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
];
const LOCAL_NAMES = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * Decides who sees the numbers and texts of `/health`: whoever holds `healthToken`,
 * and this machine itself. The latter is a loopback peer that is no known proxy, sends no
 * header of one, and asks for a local name: a page that rebinds its own name to
 * 127.0.0.1 does not. Throws when an entry of `trustedProxies` is neither an address
 * nor a network.
 */
export function detailsAccess(settings: { healthToken: string | null; trustedProxies: readonly string[] }) {
  const tokenHash = settings.healthToken === null ? null : hashOf(settings.healthToken);
  const proxies = networks(settings.trustedProxies);
  const loopback = networks(["127.0.0.0/8", "::1"]);

  return (request: Request, peer: string | null): boolean => {
    const [, token] = BEARER.exec(request.headers.get("authorization") ?? "") ?? [];
    // Hashing first makes the lengths equal, which the comparison needs.
    if (token !== undefined && tokenHash !== null && timingSafeEqual(hashOf(token), tokenHash)) return true;
    return (
      peer !== null &&
      loopback(peer) &&
      !proxies(peer) &&
      PROXY_HEADERS.every((name) => !request.headers.has(name)) &&
      LOCAL_NAMES.test(new URL(request.url).hostname)
    );
  };
}

function networks(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of entries) addNetwork(list, entry);
  return (address) => list.check(address, familyOf(address));
}

function addNetwork(list: BlockList, entry: string): void {
  const [, address = "", bits] = NETWORK.exec(entry) ?? [];
  const bitsMax = isIPv6(address) ? 128 : 32;
  const prefix = bits === undefined ? bitsMax : Number(bits);
  if (isIP(address) === 0 || prefix > bitsMax) {
    throw new Error(`TRUSTED_PROXIES: "${entry}" is neither an address nor a network such as 10.0.0.0/8.`);
  }
  list.addSubnet(address, prefix, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIPv6(address) ? "ipv6" : "ipv4";
}

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
