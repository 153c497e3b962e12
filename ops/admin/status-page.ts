import { html } from "hono/html";
import type { HealthReport } from "../../core/health.ts";
import { pageStyle } from "./page-style.ts";

type Tone = "good" | "warn" | "bad" | "idle";
type Name = keyof HealthReport["components"];
type Part = { title: string; states: Readonly<Record<string, readonly [tone: Tone, sentence: string]>> };

const SECONDS_SHOWN_MAX = 120;
const MINUTES_SHOWN_MAX = 120;
const HOURS_SHOWN_MAX = 48;

const HEADLINES: Readonly<Record<HealthReport["status"], readonly [Tone, string]>> = {
  ok: ["good", "Everything works"],
  degraded: ["warn", "Running, but not everything works"],
  down: ["bad", "Not working"],
};

const NO_DATABASE = ["idle", "Cannot be read without the database"] as const;

const PARTS: Readonly<Record<Name, Part>> = {
  telegram: {
    title: "Telegram",
    states: {
      ok: ["good", "Messages are being fetched"],
      starting: ["warn", "Waiting for the first fetch since the start"],
      down: ["bad", "No messages are being fetched"],
      unknown: NO_DATABASE,
    },
  },
  claude: {
    title: "Claude",
    states: {
      ok: ["good", "Answering"],
      unknown: ["idle", "Not asked since the start"],
      unavailable: ["warn", "Not answering"],
      limited: ["warn", "Takes no more questions for a while"],
      not_connected: ["warn", "No key is set up"],
    },
  },
  database: {
    title: "Database",
    states: { ok: ["good", "Answers"], down: ["bad", "Does not answer"] },
  },
  redis: {
    title: "Redis",
    states: {
      ok: ["good", "Answers"],
      degraded: ["warn", "Does not answer; limits are counted in the process"],
      off: ["idle", "Not set up; limits are counted in the process"],
    },
  },
  inbox: {
    title: "Messages in",
    states: {
      ok: ["good", "Taken up in time"],
      degraded: ["warn", "Waiting for too long"],
      unknown: NO_DATABASE,
    },
  },
  outbox: {
    title: "Messages out",
    states: {
      ok: ["good", "Delivered in time"],
      degraded: ["warn", "Late"],
      unknown: NO_DATABASE,
    },
  },
  jobs: {
    title: "Background work",
    states: {
      ok: ["good", "Done in time"],
      degraded: ["warn", "Waiting for too long, or given up"],
      unknown: NO_DATABASE,
    },
  },
  mail: {
    title: "Mail",
    states: {
      ok: ["good", "Sent in time"],
      degraded: ["warn", "Late, being tried again"],
      off: ["idle", "Not set up"],
      unknown: NO_DATABASE,
    },
  },
  disk: {
    title: "Disk",
    states: {
      ok: ["good", "Has room"],
      low: ["warn", "Nearly full"],
      unknown: ["idle", "Cannot be read"],
    },
  },
};

const STYLE = pageStyle(`
ul { list-style: none; padding: 0; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
li { display: grid; grid-template-columns: 1rem 1fr; column-gap: .75rem; padding: .9rem 1.1rem; }
li + li { border-top: 1px solid var(--line); }
h2 { font-size: 1rem; font-weight: 600; }
li p { grid-column: 2; overflow-wrap: anywhere; }
.facts, footer { color: var(--soft); font-size: .875rem; font-variant-numeric: tabular-nums; }
footer { margin-top: 1.25rem; }
.mark { width: .7rem; height: .7rem; border-radius: 50%; align-self: center; background: currentColor; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); } .idle { color: var(--idle); }
`);

/** What the page may load: its own style, by hash, and nothing else. */
export const STATUS_PAGE_CSP = [
  "default-src 'none'",
  `style-src ${STYLE.source}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The report as a page for people, with no script and nothing from outside. Without details it names states only. */
export function statusPage(report: HealthReport, options: { withDetails: boolean; refreshSeconds: number }) {
  const [tone, headline] = HEADLINES[report.status];
  const facts = options.withDetails ? factsOf(report) : null;
  const names = Object.keys(PARTS) as Name[]; // safe: PARTS is a record of exactly these names
  const running = options.withDetails ? `, up for ${duration(report.uptimeSeconds)}` : "";
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>BlockBot: ${headline}</title>
        ${STYLE.element}
      </head>
      <body>
        <main>
          <p class="product">BlockBot</p>
          <h1 class="${tone}">${headline}</h1>
          <ul>
            ${names.map((name) => item(PARTS[name], report.components[name].state, facts?.[name] ?? []))}
          </ul>
          <footer>
            Version ${report.version}${running}. This page reloads every ${options.refreshSeconds} seconds.
          </footer>
        </main>
      </body>
    </html> `;
}

function item(part: Part, state: string, facts: readonly string[]) {
  const [tone, sentence] = part.states[state] ?? ["idle", state];
  return html`<li>
    <span class="mark ${tone}"></span>
    <h2>${part.title}</h2>
    <p>${sentence}</p>
    ${facts.length === 0 ? "" : html`<p class="facts">${facts.join(" · ")}</p>`}
  </li> `;
}

function factsOf({ components }: HealthReport): Record<Name, string[]> {
  const { database, redis, telegram, claude, inbox, outbox, jobs, mail, disk } = components;
  return {
    database: known(database.latencyMs, (ms) => `answered in ${ms} ms`),
    redis: known(redis.latencyMs, (ms) => `answered in ${ms} ms`),
    telegram: [
      ...known(telegram.botUsername, (name) => `@${name}`),
      ...known(telegram.secondsSinceLastPoll, (seconds) => `last fetch ${duration(seconds)} ago`),
    ],
    claude: [
      ...known(claude.kind, (kind) => kind.replaceAll("_", " ")),
      ...known(claude.forSeconds, (seconds) => `for ${duration(seconds)}`),
      ...known(claude.retryInSeconds, (seconds) => `asked again in ${duration(seconds)}`),
    ],
    inbox: [
      ...known(inbox.waiting, (count) => `${count} waiting`),
      ...known(inbox.oldestSeconds, (seconds) => `the oldest for ${duration(seconds)}`),
      ...known(inbox.parked, (count) => `${count} set aside`),
    ],
    outbox: [
      ...known(outbox.waiting, (count) => `${count} waiting`),
      ...known(outbox.unknown, (count) => `${count} with unknown outcome`),
      ...known(outbox.failed, (count) => `${count} failed`),
    ],
    jobs: [
      ...known(jobs.waiting, (count) => `${count} waiting`),
      ...known(jobs.oldestSeconds, (seconds) => `the oldest for ${duration(seconds)}`),
      ...known(jobs.dead, (count) => `${count} given up since yesterday`),
    ],
    mail: known(mail.waiting, (count) => `${count} waiting`),
    disk: known(disk.freeMegabytes, (megabytes) => `${(megabytes / 1_000).toFixed(1)} GB free`),
  };
}

function known<T>(value: T | null, phrase: (value: T) => string): string[] {
  return value === null ? [] : [phrase(value)];
}

function duration(seconds: number): string {
  if (seconds <= SECONDS_SHOWN_MAX) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes <= MINUTES_SHOWN_MAX) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours <= HOURS_SHOWN_MAX ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
