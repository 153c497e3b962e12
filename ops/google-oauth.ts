import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type { App } from "../core/app.ts";
import type { Config } from "../core/config.ts";
import { type Authorization, codeIn, startAuthorization } from "../core/vault/authorization.ts";
import { addCredential } from "../core/vault/credentials.ts";
import { explain } from "./failure.ts";
import { openLoopback } from "./loopback.ts";
import { operatorScope, runAsOperator } from "./operator.ts";
import { chooseTeam } from "./team-choice.ts";

const DRIVE_READ = "https://www.googleapis.com/auth/drive.readonly";
const PATIENCE_MS = 15 * 60_000;

const USAGE = `Connects a team's Google account, once:

  npm run connect:google                       for the first team
  npm run connect:google -- --team "NAME"      for another one
  npm run connect:google -- --scope SCOPE      another permission than reading Drive; may be repeated
  npm run connect:google -- --no-browser       only prints the link`;

const OPTIONS = {
  team: { type: "string" },
  scope: { type: "string", multiple: true },
  "no-browser": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

type Asked = { readonly team: string | null; readonly scopes: readonly string[]; readonly browser: boolean };

/** `npm run connect:google`: beside the running product or without it, on a desktop or on a server without one. */
async function main(args: string[]): Promise<void> {
  try {
    const { values } = parseArgs({ args, options: OPTIONS });
    if (values.help) throw new Error(USAGE);
    const asked = {
      team: values.team ?? null,
      scopes: values.scope ?? [DRIVE_READ],
      browser: !values["no-browser"],
    };
    await runAsOperator((app, config) => connectGoogle(app, config, asked));
  } catch (err) {
    process.stderr.write(`${explain(err)}\n`);
    process.exitCode = 1;
  }
}

async function connectGoogle(app: App, config: Config, asked: Asked): Promise<string> {
  const { google } = config.oauthClients;
  const endpoint = app.oauth.google;
  if (google === null || endpoint === null)
    throw new Error(
      "GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET are not set. Make an OAuth client of the type Desktop app in the Google Cloud Console and put its id and secret there.",
    );
  const team = await chooseTeam(app, asked.team);
  const loopback = await openLoopback();
  try {
    const { redirectUri } = loopback;
    const { authUrl, clientId } = google;
    const authorization = startAuthorization({ authUrl, clientId, scopes: asked.scopes, redirectUri });
    const code = await codeOf(authorization, loopback.address, asked);
    const reply = await endpoint.exchange({ code, verifier: authorization.verifier, redirectUri });
    if (reply.outcome !== "granted")
      throw new Error(`Google gave no tokens (${reply.detail}). Nothing was changed; run this again.`);
    const { refreshToken, ...tokens } = reply.tokens;
    // A server that gives all that was asked for may leave it out (RFC 6749, section 5.1).
    const scopes = tokens.scopes.length === 0 ? asked.scopes : tokens.scopes;
    const missing = asked.scopes.filter((scope) => !scopes.includes(scope));
    if (missing.length > 0)
      throw new Error(
        `Google was not allowed to give ${missing.join(" and ")}. Nothing was changed; run this again and leave every permission ticked.`,
      );
    if (refreshToken === null)
      throw new Error(
        "Google gave no refresh token, so this would end within the hour. Nothing was changed; take BlockBot's access back at https://myaccount.google.com/connections and run this again.",
      );
    await addCredential(operatorScope(app, team, "connect-google"), "google", {
      ...tokens,
      scopes,
      refreshToken,
    });
    return `Google is connected for “${team.name}”. Its tokens are sealed in the database and renew themselves; /connections shows it, /disconnect google forgets it.`;
  } finally {
    loopback.close();
  }
}

async function codeOf(
  authorization: Authorization,
  arrived: Promise<URL>,
  { browser }: Asked,
): Promise<string> {
  process.stdout.write(
    `Open this link and allow BlockBot in:\n\n${authorization.url}\n\nIf your browser is on another machine, it ends on a page that does not load. Copy that page's address from the address bar, paste it here and press Enter.\n\n`,
  );
  if (browser) openBrowser(authorization.url);
  const terminal = createInterface({ input: process.stdin });
  const pasted = new Promise<URL>((resolve) => {
    terminal.on("line", (line) => {
      const address = URL.parse(line.trim());
      if (address !== null) resolve(address);
      else if (line.trim() !== "")
        process.stdout.write(`That is no address: it begins with ${authorization.redirectUri}\n`);
    });
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error("Nobody came back within 15 minutes. Run this again.")),
      PATIENCE_MS,
    );
  });
  try {
    const found = codeIn(authorization, await Promise.race([arrived, pasted, late]));
    if ("code" in found) return found.code;
    throw new Error(
      {
        foreign: "That address does not belong to this link. Nothing was changed; run this again.",
        denied: "Google says that it was not allowed. Nothing was changed.",
        no_code: "That address has no code in it. Nothing was changed; run this again.",
      }[found.problem],
    );
  } finally {
    clearTimeout(timer);
    terminal.close();
  }
}

// Best effort: the link has been printed.
function openBrowser(url: string): void {
  const hasScreen =
    process.platform === "darwin" || Boolean(process.env["DISPLAY"] ?? process.env["WAYLAND_DISPLAY"]);
  if (!hasScreen) return;
  const opener = spawn(process.platform === "darwin" ? "open" : "xdg-open", [url], {
    stdio: "ignore",
    detached: true,
  });
  opener.on("error", () => process.stdout.write("No browser could be opened here.\n"));
  opener.unref();
}

await main(process.argv.slice(2));
