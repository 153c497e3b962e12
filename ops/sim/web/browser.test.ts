import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContextOptions, type Locator, type Page } from "playwright-core";
import { greyPng } from "../picture.ts";
import { startProgram } from "../program.ts";

const CHROMIUM = "/usr/bin/chromium";
const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const withChromium = test.skipIf(!existsSync(CHROMIUM));
const TEST_MS_MAX = 60_000;
// Long enough for every answer on the way; a step that needs it all has failed.
const PATIENCE_MS = 20_000;
const PHONE = { width: 390, height: 844 };
const TABS_MAX = 40;

const ALICE = 1001;
const BOB = 1002;
const GROUP = -1_001_000_000_001;
const MENTION = "@blockbot_demo_bot";

withChromium(
  "a newcomer owns the team, is answered, stops and retries, invites Bob, and has the bot in a group",
  async () => {
    await using demo = await openDemo();
    const { page } = demo;

    await page.goto(demo.ownerLink);
    await page.getByTestId("start").click();
    const welcome = answer(page, "You are the owner of “Alice's team”");
    await welcome.waitFor();
    expect(await welcome.getByRole("button", { name: /Keep|Choose/ }).allInnerTexts()).toEqual([
      "Keep “Alice's team”",
      "Choose another name",
    ]);
    await welcome.getByRole("button", { name: "Keep" }).click();
    await answer(page, "Your team is called “Alice's team”").waitFor();

    await say(page, "Show me some formatting");
    const formatted = answer(page, "In production: sent by Resend");
    await finished(formatted);
    expect((await framesOf(page, formatted)).at(-1)?.buttons).toEqual([]);
    expect(await formatted.locator("strong").allInnerTexts()).toContain("bold");
    expect(await formatted.locator("em").innerText()).toBe("italic");
    expect(await formatted.locator("s").innerText()).toBe("struck out");
    expect(await formatted.locator("a").getAttribute("href")).toBe("https://example.com/");
    expect(await formatted.locator("blockquote").innerText()).toBe("A quotation stands apart from the rest.");
    expect(await formatted.locator(".code-block figcaption").innerText()).toContain("ts");
    expect(await formatted.locator(".code-block pre code").innerText()).toContain("1 < 2 && 3 > 2");
    expect(await formatted.innerText()).toContain("1. Ask for a table or for code\n2. Ask for a long answer");
    expect(await formatted.innerText()).toContain("• Bullets work too\n");

    await say(page, "My name is Ann.");
    await finished(answer(page, "Nice to meet you, Ann"));
    await say(page, "What is my name?");
    await finished(answer(page, "Your name is Ann."));

    await page.locator("#file-picker").setInputFiles([
      { name: "before.png", mimeType: "image/png", buffer: Buffer.from(greyPng(320, 240)) },
      { name: "after.png", mimeType: "image/png", buffer: Buffer.from(greyPng(240, 320)) },
    ]);
    await say(page, "What differs?");
    await finished(answer(page, "I got 2 pictures"));
    expect(await bubbles(page, "false").locator("img").count()).toBe(2);

    await say(page, "Write me a long answer");
    const running = page.getByTestId("message").filter({ has: page.getByRole("button", { name: "Stop" }) });
    await running.waitFor();
    const stopped = page.locator(`[data-message-id="${await running.getAttribute("data-message-id")}"]`);
    const early = (await stopped.getByTestId("text").innerText()).length;
    await until(async () => (await stopped.getByTestId("text").innerText()).length > early);
    await stopped.getByRole("button", { name: "Stop" }).click();
    await stopped.getByText("Stopped.", { exact: true }).waitFor();
    await finished(stopped);
    expect(await stopped.innerText()).not.toContain("Part 12 of 12");
    const frames = await framesOf(page, stopped);
    expect(frames.filter((frame) => frame.buttons.includes("Stop")).length).toBeGreaterThan(1);
    expectGrowth(frames);

    await stopped.getByRole("button", { name: "Retry" }).click();
    const ending = answer(page, "After part 12 the answer is complete.");
    await finished(ending);
    await stopped.getByRole("button", { name: "Retry" }).waitFor({ state: "detached" });
    const parts = await fromBotAfter(page, stopped);
    expect(parts.length).toBeGreaterThan(1);
    expect(Array.from(parts.join("\n").matchAll(/Part \d+ of 12/g), String)).toEqual(
      Array.from({ length: 12 }, (_, i) => `Part ${i + 1} of 12`),
    );

    await page.getByTestId(`person-${BOB}`).click();
    await say(page, "Hello, who are you?");
    await answer(page, "I only talk with the members of a team.").waitFor();
    await page.getByTestId(`person-${ALICE}`).click();
    await answer(page, "Bob (Telegram id 1002) wrote to me and is in no team.").waitFor();
    await say(page, "/invite");
    await answer(page, "This link lets one person join").getByRole("link").click();
    expect(await page.getByText("This opens the link as Alice.").isVisible()).toBe(true);
    await page.getByTestId(`person-${BOB}`).click();
    expect(await page.getByText("This opens the link as Bob.").isVisible()).toBe(true);
    await page.getByTestId("start").click();
    await answer(page, "Welcome to “Alice's team”, Bob. You are a member.").waitFor();
    await say(page, "Can you hear me now?");
    await finished(answer(page, "Can you hear me now?"));

    await page.getByTestId(`chat-${GROUP}`).click();
    await page.getByTestId("group-intro").waitFor();
    await say(page, "Is anybody here?");
    await page.getByTestId(`person-${ALICE}`).click();
    await say(page, "/claim");
    await answer(page, "This group now belongs to “Alice's team”.").waitFor();
    await say(page, "Lunch at noon, everybody?");
    await say(page, `${MENTION} give us a list`);
    const inGroup = answer(page, "Bullets work too");
    await finished(inGroup);
    expect(await inGroup.locator(".reply-quote").innerText()).toContain(`${MENTION} give us a list`);
    expect(await bubbles(page, "true").count()).toBe(2);
    expect(await bubbles(page, "false").count()).toBe(4);

    await page.getByTestId(`chat-${ALICE}`).click();
    await page.getByTestId("mode-overloaded").check();
    await say(page, "Are you there?");
    const sorry = answer(page, "Claude is overloaded right now. Your question is kept");
    await finished(sorry);
    await page.getByTestId("mode-ok").check();
    await sorry.getByRole("button", { name: "Retry" }).click();
    await finished(answer(page, "Thanks for your message. You wrote:"));
    expect(await bubbles(page, "true").last().locator("blockquote").innerText()).toBe("Are you there?");
    await sorry.getByRole("button", { name: "Retry" }).waitFor({ state: "detached" });
    expect(demo.problems).toEqual([]);
  },
  TEST_MS_MAX,
);

withChromium(
  "everything can be done with the keyboard; the mailbox is empty; the health page is for people",
  async () => {
    await using demo = await openDemo();
    const { page } = demo;
    const { keyboard } = page;

    await page.goto(demo.ownerLink);
    await page.locator("[data-testid=start]:focus").waitFor();
    await keyboard.press("Enter");
    await answer(page, "You are the owner").waitFor();
    for (let i = 0; (await focusedText(page)) !== "Keep “Alice's team”"; i += 1) {
      expect(i).toBeLessThan(TABS_MAX);
      await keyboard.press("Shift+Tab");
    }
    await keyboard.press("Enter");
    await answer(page, "Your team is called").waitFor();
    for (let i = 0; (await focusedText(page)) !== "composer"; i += 1) {
      expect(i).toBeLessThan(TABS_MAX);
      await keyboard.press("Tab");
    }
    await keyboard.type("first line");
    await keyboard.press("Shift+Enter");
    await keyboard.type("second line");
    await keyboard.press("Enter");
    await finished(answer(page, "Thanks for your message"));
    expect(await bubbles(page, "false").last().getByTestId("text").innerText()).toBe(
      "first line\nsecond line",
    );

    const menu = page.getByTestId("command-menu");
    await keyboard.type("/");
    await menu.waitFor();
    await keyboard.press("Escape");
    expect(await menu.isVisible()).toBe(false);
    await keyboard.press("Backspace");
    await keyboard.type("/");
    expect((await menu.getByRole("option").allInnerTexts()).join(" ")).toContain("/invite");
    expect(await menu.locator("[aria-selected=true]").count()).toBe(0);
    await keyboard.press("ArrowDown");
    await keyboard.press("ArrowDown");
    await keyboard.press("ArrowUp");
    expect(await menu.locator("[aria-selected=true]").innerText()).toContain("/new");
    await keyboard.press("Enter");
    await answer(page, "A new conversation.").waitFor();
    expect(await menu.isVisible()).toBe(false);
    await keyboard.type("/hel");
    await keyboard.press("Tab");
    expect(await page.getByTestId("composer").inputValue()).toBe("/help ");
    await keyboard.press("Enter");
    await answer(page, "I am the assistant of “Alice's team”").waitFor();

    await page.getByTestId("mailbox").click();
    await page.getByText("No mail yet").waitFor();
    await page.goto(demo.healthUrl);
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe("Everything works");
    expect(await page.getByRole("heading", { level: 2 }).allInnerTexts()).toContain("Telegram");
    expect(demo.problems).toEqual([]);
  },
  TEST_MS_MAX,
);

withChromium(
  "on a phone in the dark nothing is wider than the screen",
  async () => {
    await using demo = await openDemo({ viewport: PHONE, colorScheme: "dark" });
    const { page } = demo;

    await page.goto(demo.ownerLink);
    await page.getByTestId("start").waitFor();
    await expectFits(page, "a start link");
    await page.getByTestId("start").click();
    await answer(page, "You are the owner").waitFor();
    await expectFits(page, "buttons");
    await say(page, `Formatting, please: ${"W".repeat(300)} https://example.com/${"w".repeat(300)}`);
    await finished(answer(page, "In production: sent by Resend"));
    await say(page, "M".repeat(300));
    await finished(answer(page, "I only follow a few simple rules"));
    await say(page, "/invite");
    await answer(page, "This link lets one person join").waitFor();
    await expectFits(page, "a chat");
    await page.getByTestId("commands-button").click();
    await page.getByTestId("command-menu").waitFor();
    await expectFits(page, "the command menu");
    await page.getByTestId("commands-button").click();

    await page.getByRole("link", { name: "Back to chats" }).click();
    await page.getByTestId(`chat-${ALICE}`).waitFor();
    await expectFits(page, "the chat list");
    await page.getByTestId("panel-tab").click();
    await page.getByTestId("mode-ok").waitFor();
    await expectFits(page, "the panel");
    await page.getByRole("link", { name: "Back to chats" }).click();
    await page.getByTestId(`chat-${GROUP}`).click();
    await page.getByTestId("group-intro").waitFor();
    await expectFits(page, "a group");
    await page.getByRole("link", { name: "Back to chats" }).click();
    await page.getByTestId("mailbox").click();
    await page.getByText("No mail yet").waitFor();
    await expectFits(page, "the mailbox");
    await page.goto(demo.healthUrl);
    await expectFits(page, "the health page");
    expect(demo.problems).toEqual([]);
  },
  TEST_MS_MAX,
);

/** What a bubble has shown, one entry for each change. */
type Frame = { id: string; text: string; buttons: string[] };

/** The real program on an empty data folder, and a browser with nothing open yet. */
async function openDemo(options: BrowserContextOptions = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), "blockbot-browser-"));
  chmodSync(dataDir, 0o755); // started as root, Postgres runs as a user who must get in
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  const program = stack.use(await startProgram({ DATA_DIR: dataDir }));
  const browser = stack.use(await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS }));
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    ...options,
  });
  const healthUrl = program.link("Health");
  const own = new Set([healthUrl, program.link("chat page:")].map((url) => new URL(url).origin));
  const problems: string[] = [];
  context.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && !own.has(origin)) problems.push(`asked for ${request.url()}`);
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("console", (line) => line.type() === "error" && problems.push(`console: ${line.text()}`));
  page.on("pageerror", (err) => problems.push(`uncaught: ${err.message}`));
  await page.addInitScript(recordFrames);
  const owned = stack.move();
  return {
    page,
    ownerLink: program.ownerLink() ?? "",
    healthUrl,
    /** Errors in the console, and requests that left the program. */
    problems,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Runs in the page: an answer is written in a second, too fast to be watched from outside. */
function recordFrames(): void {
  const frames: Frame[] = [];
  Object.assign(window, { frames_of_the_test: frames });
  const look = (): void => {
    for (const bubble of document.querySelectorAll<HTMLElement>("[data-from-bot=true]")) {
      const id = bubble.dataset["messageId"] ?? "";
      const text = bubble.querySelector("[data-testid=text]")?.textContent ?? "";
      const buttons = [...bubble.querySelectorAll(".key")].map((key) => key.textContent ?? "");
      const last = frames.findLast((frame) => frame.id === id);
      if (last?.text !== text || last.buttons.join() !== buttons.join()) frames.push({ id, text, buttons });
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
}

async function framesOf(page: Page, bubble: Locator): Promise<Frame[]> {
  const id = await bubble.getAttribute("data-message-id");
  const frames = await page.evaluate<Frame[]>("frames_of_the_test");
  return frames.filter((frame) => frame.id === id);
}

function expectGrowth(frames: Frame[]): void {
  const lengths = frames.map((frame) => frame.text.length);
  expect(lengths.length).toBeGreaterThan(1);
  expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  expect(lengths.at(-1)).toBeGreaterThan(lengths[0] ?? 0);
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId("composer").fill(text);
  await page.getByTestId("send").click();
}

const bubbles = (page: Page, fromBot: "true" | "false"): Locator =>
  page.locator(`[data-testid=message][data-from-bot=${fromBot}]`);

/** The newest message of the bot with these words. */
const answer = (page: Page, words: string): Locator =>
  bubbles(page, "true").filter({ hasText: words }).last();

async function finished(bubble: Locator): Promise<void> {
  await bubble.waitFor();
  await bubble.getByRole("button", { name: "Stop" }).waitFor({ state: "detached" });
}

/** What the bot has said below this message. */
async function fromBotAfter(page: Page, bubble: Locator): Promise<string[]> {
  const id = Number(await bubble.getAttribute("data-message-id"));
  const all = await bubbles(page, "true").all();
  const ids = await Promise.all(all.map((each) => each.getAttribute("data-message-id")));
  const later = all.filter((_, i) => Number(ids[i]) > id);
  return Promise.all(later.map((each) => each.getByTestId("text").innerText()));
}

const focusedText = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const focused = document.activeElement;
    return focused?.getAttribute("data-testid") ?? focused?.textContent ?? "";
  });

async function expectFits(page: Page, what: string): Promise<void> {
  const [wide, isDark] = await page.evaluate(() => {
    const tooWide = [...document.querySelectorAll<HTMLElement>("body *")].filter((element) => {
      const { right, width, left } = element.getBoundingClientRect();
      return (
        width > 0 && (right > innerWidth + 1 || left < -1) && element.closest("pre, svg, [hidden]") === null
      );
    });
    const names = tooWide.map((element) => `${element.tagName} ${element.className}`);
    const isWhole = (document.scrollingElement?.scrollWidth ?? 0) <= innerWidth;
    const [red = 255] = (/\d+/.exec(getComputedStyle(document.body).backgroundColor) ?? []).map(Number);
    return [isWhole ? names : ["the page", ...names], red < 60] as const;
  });
  expect({ what, wide, isDark }).toEqual({ what, wide: [], isDark: true });
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (
    const startedAt = performance.now();
    performance.now() - startedAt < PATIENCE_MS;
    await Bun.sleep(20)
  ) {
    if (await holds()) return;
  }
  throw new Error("it did not come to that");
}
