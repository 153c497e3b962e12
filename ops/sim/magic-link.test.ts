import { expect, test } from "bun:test";
import { CHROMIUM_EXISTS, openBrowser } from "./browser.ts";
import { ALICE, startWorld, STRANGER, type World } from "./world.ts";

const withChromium = test.skipIf(!CHROMIUM_EXISTS);
const TEST_MS_MAX = 60_000;
const PHONE = { width: 390, height: 844 };
const EMAIL = "alice@company.com";

withChromium(
  "ML-02 and ML-20: /login, the mail, one button and the code tie an address, however often scanners look at the link first",
  async () => {
    await using world = await startWorld(undefined, { rateLimits: false });
    await world.claimTeam();
    const { link, code } = await askInTelegram(world);
    await scan(link);
    await using browser = await openBrowser();

    const scanner = await browser.page(); // one that runs the page, and presses nothing
    await scanner.goto(link);
    await scanner.getByRole("button").waitFor();
    await scanner.close();

    const page = await browser.page({ viewport: PHONE, colorScheme: "dark" });
    await page.goto(link);
    await page.getByRole("heading", { name: "Is @alice you?" }).waitFor();
    expect(new URL(page.url()).hash).toBe("");
    expect(await page.getByText(`asks to be tied to ${EMAIL}, for “Alice's team”`).isVisible()).toBe(true);
    const token = link.split("#")[1] ?? "";
    expect(await page.content()).not.toContain(token);
    expect(
      await page.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.title])),
    ).not.toContain(token);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);

    const button = page.getByRole("button", { name: "Tie and sign in" });
    const field = page.getByLabel("Six-digit code");
    await button.click();
    await page.getByRole("alert").getByText("Enter the six-digit code").waitFor();
    await field.fill(code === "000000" ? "000001" : "000000");
    await field.press("Enter");
    await page.getByRole("alert").getByText("4 tries are left").waitFor();
    await field.fill(`${code.slice(0, 3)} ${code.slice(3)}`);
    await button.click();
    await page.getByRole("heading", { name: "You are signed in" }).waitFor();
    await page.getByText(`${EMAIL} is tied to your Telegram account now`).waitFor();
    await world.hears(ALICE, `The address ${EMAIL} is tied to this Telegram account now`);
    const cookies = await page.context().cookies();
    expect(
      cookies.map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite })),
    ).toEqual([{ name: "__Host-rt", httpOnly: true, secure: true, sameSite: "Strict" }]);

    await page.goto(link);
    await page.getByRole("heading", { name: "This link no longer works" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Open the link from your mail" }).waitFor();
    world.telegram.say({ from: ALICE, text: "/sessions" });
    const shown = await world.hears(ALICE, "You are signed in at one place");
    expect(shown.text).toContain("1. Alice's team: Mozilla/5.0");
    world.press(ALICE, "Sign out everywhere");
    await world.hears(ALICE, "You are signed in nowhere");
    expect(browser.problems).toEqual([
      "console: Failed to load resource: the server responded with a status of 403 (Forbidden)",
      "console: Failed to load resource: the server responded with a status of 403 (Forbidden)",
      "console: Failed to load resource: the server responded with a status of 410 (Gone)",
    ]);
  },
  TEST_MS_MAX,
);

withChromium(
  "in the browser that asked, one press signs in; another one needs the code; and the page speaks the browser's language",
  async () => {
    const limits = { LIMIT_MAGIC_LINK_PER_MINUTE: "5" };
    await using world = await startWorld(undefined, { rateLimits: false, limits });
    await world.claimTeam();
    await tie(world);
    await using browser = await openBrowser();
    const page = await browser.page({ locale: "de-DE" });
    await page.goto(`${world.adminUrl}/auth/magic`);
    const asked = await page.evaluate(async (email) => {
      const body = JSON.stringify({ email });
      const headers = { "Content-Type": "application/json" };
      return (await fetch("/api/v1/auth/magic-link", { method: "POST", headers, body })).json();
    }, "ALICE@company.com");
    expect(asked).toEqual({ code: expect.stringMatching(/^\d{6}$/), expiresIn: 600 });
    const link = await newestLink(world, 2);

    const elsewhere = await browser.page({ locale: "ru-RU" });
    await elsewhere.goto(link);
    await elsewhere.getByLabel("Шестизначный код").waitFor();
    await page.goto(link);
    await page.getByRole("heading", { name: "Anmelden bei „Alice's team“" }).waitFor();
    expect(await page.locator("html").getAttribute("lang")).toBe("de");
    expect(await page.getByLabel("Sechsstelliger Code").isVisible()).toBe(false);
    await page.keyboard.press("Tab"); // the heading is where a screen reader begins; the button comes next
    await page.keyboard.press("Enter");
    await page.getByText(`Du bist bei „Alice's team“ als ${EMAIL} angemeldet.`).waitFor();
    expect(
      await page.evaluate(async () => (await fetch("/api/v1/auth/refresh", { method: "POST" })).status),
    ).toBe(200);
  },
  TEST_MS_MAX,
);

withChromium("without scripts the page says what to do", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  await using browser = await openBrowser();
  const page = await browser.page({ javaScriptEnabled: false });
  await page.goto(`${world.adminUrl}/auth/magic`);
  expect(await page.locator("main").innerText()).toContain("This page needs JavaScript");
  expect(await page.getByRole("button").count()).toBe(0);
});

test("/login is in private, with an address that can be one, and a stranger is told the same whatever it is", async () => {
  await using world = await startWorld(undefined, { rateLimits: false });
  await world.claimTeam();
  const { telegram } = world;
  telegram.say({ from: ALICE, text: "/login" });
  await world.hears(ALICE, "Which address?");
  telegram.say({ from: ALICE, text: "/login alice@company" });
  await world.hears(ALICE, "That is not an e-mail address that I can write to.");
  telegram.say({ from: STRANGER, text: "/login" });
  await world.hears(STRANGER, "I only talk with the members of a team");
  telegram.say({ from: STRANGER, text: "/login me@" });
  await world.hears(STRANGER, "That is not an e-mail address that I can write to.");
  telegram.say({ from: STRANGER, text: "/login nobody@company.com" });
  await world.hears(STRANGER, "If nobody@company.com is the address of somebody who has joined a team here");
  telegram.say({ from: ALICE, text: `/login ${EMAIL}` });
  await world.hears(ALICE, "A mail is on its way");
  while (world.mail.mails().length < 1) await Bun.sleep(20);
  expect(world.mail.mails().map(({ to }) => to)).toEqual([[EMAIL]]);
  telegram.say({ from: ALICE, text: `/login ${EMAIL}` });
  await world.hears(ALICE, "A mail went to that address a moment ago.");
});

async function askInTelegram(world: World): Promise<{ link: string; code: string }> {
  world.telegram.say({ from: ALICE, text: `/login ${EMAIL}` });
  const { text } = await world.hears(ALICE, `A mail is on its way to ${EMAIL}`);
  return { link: await newestLink(world, 1), code: /^\s*(\d{6})$/m.exec(text)?.[1] ?? "" };
}

async function newestLink(world: World, mails: number): Promise<string> {
  while (world.mail.mails().length < mails) await Bun.sleep(20);
  return /https?:\/\/\S+#[\w-]{43}/.exec(world.mail.mails()[0]?.text ?? "")?.[0] ?? "";
}

/** Ties the address without the page. */
async function tie(world: World): Promise<void> {
  const { link, code } = await askInTelegram(world);
  const body = JSON.stringify({ token: link.split("#")[1], code });
  const headers = { "Content-Type": "application/json" };
  const confirm = `${world.adminUrl}/api/v1/auth/magic-link/confirm`;
  expect((await fetch(confirm, { method: "POST", headers, body })).status).toBe(200);
}

/** What mail scanners, chat previews and prefetching browsers do with a link. */
async function scan(link: string): Promise<void> {
  const looks: RequestInit[] = [
    { method: "GET" },
    { method: "HEAD" },
    { method: "OPTIONS" },
    { headers: { Purpose: "prefetch" } },
    { headers: { "Sec-Purpose": "prefetch;prerender" } },
  ];
  for (const look of [...looks, ...looks]) {
    const response = await fetch(link, look);
    expect([look.method, response.status]).toEqual([look.method, look.method === "OPTIONS" ? 405 : 200]);
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(response.headers.get("cache-control")).toBe("no-store");
  }
}
