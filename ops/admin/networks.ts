import { BlockList, isIP, isIPv6 } from "node:net";

const NETWORK = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i;
const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;
const HOPS_MAX = 20;

/** Whether an address is in one of these networks. Throws when an entry is neither an address nor a network. */
export function networks(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of entries) addNetwork(list, entry);
  return (address) => list.check(address, familyOf(address));
}

/**
 * Whom limits count: the address that the nearest untrusted hop has, an IPv6
 * one by its /64, which is what one customer gets. What a client writes into
 * `X-Forwarded-For` itself stands left of that and is not believed.
 */
export function clientNetworks(trustedProxies: readonly string[]) {
  const isTrusted = networks(trustedProxies);
  return (request: Request, peer: string | null): string => {
    if (peer === null) return "unknown";
    const forwarded = (request.headers.get("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim());
    const hops = [...forwarded.slice(-HOPS_MAX), peer];
    let nearest = peer;
    for (const hop of hops.reverse()) {
      if (isIP(hop) === 0) break;
      nearest = hop;
      if (!isTrusted(hop)) break;
    }
    return networkOf(nearest);
  };
}

function networkOf(address: string): string {
  const plain = MAPPED.exec(address)?.[1] ?? address;
  if (!isIPv6(plain)) return plain;
  const [head = "", tail = ""] = plain.toLowerCase().split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const groups = [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0"), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
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
