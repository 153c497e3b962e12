import { expect, test } from "bun:test";
import { detailsAccess } from "./details-access.ts";

const TOKEN = "0123456789abcdef";

test("the token shows details to anybody, and nothing like it does", () => {
  const mayReadWith = (authorization: string, healthToken: string | null = TOKEN) =>
    detailsAccess({ healthToken, trustedProxies: [] })(asked({ authorization }), "203.0.113.9");
  expect(mayReadWith(`Bearer ${TOKEN}`)).toBe(true);
  expect(mayReadWith(`bearer ${TOKEN}`)).toBe(true);
  for (const wrong of [
    "",
    "Bearer",
    "Bearer ",
    TOKEN,
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}0`,
    `Bearer ${TOKEN.slice(1)}`,
  ]) {
    expect([wrong, mayReadWith(wrong)]).toEqual([wrong, false]);
  }
  expect(mayReadWith("Bearer ", "")).toBe(false);
  expect(mayReadWith("Bearer null", null)).toBe(false);
});

test("without the token only this machine itself sees details", () => {
  const mayRead = detailsAccess({ healthToken: TOKEN, trustedProxies: [] });
  for (const peer of ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]) {
    expect([peer, mayRead(asked(), peer)]).toEqual([peer, true]);
  }
  for (const peer of ["203.0.113.9", "10.0.0.1", "172.17.0.1", "::ffff:10.0.0.1", "2001:db8::1", null]) {
    expect([peer, mayRead(asked(), peer)]).toEqual([peer, false]);
  }
  for (const name of ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"]) {
    expect([name, mayRead(asked({ [name]: "127.0.0.1" }), "127.0.0.1")]).toEqual([name, false]);
  }
  // A page whose name was rebound to 127.0.0.1 asks from this machine, by its own name.
  expect(mayRead(new Request("http://rebound.example:3000/health"), "127.0.0.1")).toBe(false);
  expect(mayRead(new Request("http://localhost:3000/health"), "127.0.0.1")).toBe(true);
});

test("a loopback peer that is a known proxy is not this machine itself", () => {
  expect(detailsAccess({ healthToken: null, trustedProxies: ["127.0.0.1"] })(asked(), "127.0.0.1")).toBe(
    false,
  );
  expect(detailsAccess({ healthToken: null, trustedProxies: ["127.0.0.0/8"] })(asked(), "127.0.0.2")).toBe(
    false,
  );
  expect(detailsAccess({ healthToken: null, trustedProxies: ["10.0.0.0/8"] })(asked(), "127.0.0.1")).toBe(
    true,
  );
  for (const entry of ["traefik", "10.0.0.0/33", "10.0.0.0/", "::1/129", "10.0.0.0/8/8", ""]) {
    expect(() => detailsAccess({ healthToken: null, trustedProxies: [entry] })).toThrow(
      `TRUSTED_PROXIES: "${entry}"`,
    );
  }
});

function asked(headers: Record<string, string> = {}): Request {
  return new Request("http://127.0.0.1:3000/health", { headers });
}
