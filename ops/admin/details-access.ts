import { timingSafeEqual } from "node:crypto";
import { hashOf } from "../../core/accounts/callers.ts";
import { networks } from "./networks.ts";

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
