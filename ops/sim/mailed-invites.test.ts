import { expect, test } from "bun:test";
import { CHROMIUM_EXISTS, openBrowser } from "./browser.ts";
import { ALICE, BOB, startWorld, STRANGER, type World } from "./world.ts";

const withChromium = test.skipIf(!CHROMIUM_EXISTS);
const TEST_MS_MAX = 60_000;
const EMAIL = "bob@company.com";
const PHONE = { width: 390, height: 844 };
const ROOMY = { LIMIT_MAGIC_LINK_PER_MINUTE: "9", LIMIT_MAGIC_LINK_PER_15_MINUTES: "9" };

const start = () =>
  startWorld((_request, { lastUserText }) => ({ text: `Echo: ${lastUserText}` }), {
    rateLimits: false,
    limits: ROOMY,
  });

/** The two links of the newest mail, once so many have come. */
async function newestLinks(world: World, mails: number): Promise<{ page: string; start: string }> {
  while (world.mail.mails().length < mails) await Bun.sleep(20);
  const text = world.mail.mails()[0]?.text ?? "";
  return {
    page: /https?:\/\/\S+#[\w-]{43}/.exec(text)?.[0] ?? "",
    start: /\?start=(\S+)/.exec(text)?.[1] ?? "",
  };
}

async function inviteByMail(
  world: World,
  mails: number,
  role = "",
): Promise<{ page: string; start: string }> {
  world.telegram.say({ from: ALICE, text: `/invite ${role} ${EMAIL}` });
  await world.hears(ALICE, EMAIL);
  return newestLinks(world, mails);
}

withChromium(
  "the mail of an invite joins and signs in with one press, and /login then brings Telegram to the same person",
  async () => {
    await using world = await start();
    await world.claimTeam();
    const links = await inviteByMail(world, 1, "admin");
    expect(world.mail.mails()[0]).toMatchObject({
      to: [EMAIL],
      subject: "Alice invites you to “Alice's team”",
      html: expect.stringContaining("Or join in Telegram"),
    });
    for (const method of ["GET", "HEAD"])
      // as scanners look at it
      expect((await fetch(links.page, { method })).headers.get("set-cookie")).toBeNull();
    await using browser = await openBrowser();
    const page = await browser.page({ viewport: PHONE, colorScheme: "dark" });
    await page.goto(links.page);
    await page.getByRole("heading", { name: "Alice invites you to “Alice's team”" }).waitFor();
    expect(await page.getByText(`You join as ${EMAIL}, as an admin.`).isVisible()).toBe(true);
    expect(await page.getByLabel("Six-digit code").isVisible()).toBe(false);
    expect(new URL(page.url()).hash).toBe("");
    expect(await page.content()).not.toContain(links.page.split("#")[1] ?? "");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText(`You are in “Alice's team” now, and signed in as ${EMAIL}.`).waitFor();
    expect(await page.getByRole("link", { name: "The bot in Telegram" }).getAttribute("href")).toBe(
      `https://t.me/blockbot_demo_bot?text=${encodeURIComponent(`/login ${EMAIL}`)}`,
    );
    expect(
      await page.evaluate(async () => (await fetch("/api/v1/auth/refresh", { method: "POST" })).status),
    ).toBe(200);
    await world.hears(ALICE, "bob has used your invite and is in “Alice's team” now.");

    // Used up, for both of its links, and each says so.
    await page.goto(links.page);
    await page
      .getByText("That invite link has been used. Each works once. If that was not you, ask for a new one.")
      .waitFor();
    world.telegram.say({ from: STRANGER, text: `/start ${links.start}` });
    await world.hears(
      STRANGER,
      "That invite link has been used. Each works once. If that was not you, ask for a new one.",
    );

    world.telegram.say({ from: BOB, text: "hello?" });
    await world.hears(BOB, "If you have joined by mail, send me /login and your address.");
    world.telegram.say({ from: BOB, text: `/login ${EMAIL}` });
    const { text } = await world.hears(BOB, "enter this code there");
    await page.goto((await newestLinks(world, 2)).page);
    await page.getByText("The Telegram account @bob asks to be tied").waitFor();
    await page.getByLabel("Six-digit code").fill(/^\s*(\d{6})$/m.exec(text)?.[1] ?? "");
    await page.getByRole("button", { name: "Tie and sign in" }).click();
    await page.getByText(`${EMAIL} is tied to your Telegram account now`).waitFor();
    await world.hears(BOB, `The address ${EMAIL} is tied to this Telegram account now`);
    world.telegram.say({ from: BOB, text: "it is me" });
    await world.hears(BOB, "Echo: it is me");
    world.telegram.say({ from: BOB, text: "/invite" });
    await world.hears(BOB, "https://t.me/blockbot_demo_bot?start=i_");
    expect(browser.problems).toEqual([
      "console: Failed to load resource: the server responded with a status of 410 (Gone)",
    ]);
  },
  TEST_MS_MAX,
);

withChromium(
  "who has an account joins with it, and is signed in by the mail that follows, in the browser that asked",
  async () => {
    await using world = await start();
    await world.claimTeam();
    const first = await inviteByMail(world, 1);
    await using browser = await openBrowser();
    const before = await browser.page();
    await before.goto(first.page);
    await before.getByRole("button", { name: "Join the team" }).click();
    await before.getByRole("heading", { name: "You are signed in" }).waitFor();

    world.telegram.say({ from: ALICE, text: "/team" });
    await world.hears(ALICE, "You are in no other team");
    world.press(ALICE, "New team");
    await world.hears(ALICE, "What should the new team be called?");
    world.telegram.say({ from: ALICE, text: "Lab" });
    await world.hears(ALICE, "“Lab” is your new team");
    const second = await inviteByMail(world, 2);
    const page = await browser.page({ locale: "de-DE" });
    await page.goto(second.page);
    await page.getByRole("heading", { name: "Alice lädt dich zu „Lab“ ein" }).waitFor();
    await page.getByRole("button", { name: "Dem Team beitreten" }).click();
    await page.getByText(`Du bist im Team „Lab“, mit dem Konto, das ${EMAIL} hier schon hat.`).waitFor();
    expect((await page.context().cookies()).map(({ name }) => name)).not.toContain("__Host-rt");
    await page.goto((await newestLinks(world, 3)).page);
    expect(await page.getByLabel("Sechsstelliger Code").isVisible()).toBe(false);
    await page.getByRole("button", { name: "Anmelden" }).click();
    await page.getByText(`Du bist bei „Lab“ als ${EMAIL} angemeldet.`).waitFor();
    expect(browser.problems).toEqual([]);
  },
  TEST_MS_MAX,
);
