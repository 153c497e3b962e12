import { existsSync } from "node:fs";
import { chromium, type Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
const CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"];
const PATIENCE_MS = 15_000;

/** Whether tests in a browser can run here. */
export const CHROMIUM_EXISTS = existsSync(CHROMIUM);

/** A browser of one test. Every page of it has cookies of its own. */
export async function openBrowser() {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: CHROMIUM_ARGS });
  const problems: string[] = [];
  return {
    /** Errors in the console, and requests that left the server. */
    problems,
    async page(options: Parameters<typeof browser.newContext>[0] = {}): Promise<Page> {
      const context = await browser.newContext({ locale: "en-GB", ...options });
      context.on("request", (request) => {
        if (new URL(request.url()).hostname !== "127.0.0.1") problems.push(`asked for ${request.url()}`);
      });
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      page.on("console", (line) => line.type() === "error" && problems.push(`console: ${line.text()}`));
      page.on("pageerror", (err) => problems.push(`uncaught: ${err.message}`));
      return page;
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
