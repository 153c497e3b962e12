import { join } from "node:path";
import { createClaudeSim } from "./sim/claude/server.ts";
import { createMailSim } from "./sim/mail.ts";
import { createTelegramSim } from "./sim/telegram/server.ts";
import page from "./sim/web/index.html";

/** The people and groups that the demo begins with. Ids are Telegram's own kind: groups are negative. */
const ALICE = { id: 1001, firstName: "Alice", username: "alice", languageCode: "en" };
const BOB = { id: 1002, firstName: "Bob", username: "bob", languageCode: "en" };
const STRANGER = { id: 1003, firstName: "Sam", lastName: "Stranger", username: "sam", languageCode: "en" };
const GROUP = {
  id: -1_001_000_000_001,
  title: "Team room",
  members: [ALICE.id, BOB.id, STRANGER.id],
  botIsMember: true,
};
const FORUM = {
  id: -1_001_000_000_002,
  title: "Project hub",
  members: [ALICE.id, BOB.id],
  forum: true,
  topics: ["Design", "Website"],
  botIsMember: true,
};

const TOKEN = "7000000001:SIMULATED_TELEGRAM_TOKEN_for_the_demo";

/**
 * The simulated world of the demo: Telegram with its chat page, mail with its
 * mailbox, and the practice Claude unless a real key is given. State lives in
 * `folder`. Throws when `port` is taken, naming the key to change.
 */
export async function startDemo(options: { folder: string; port: number; practiceClaude: boolean }) {
  const claude = options.practiceClaude ? await createClaudeSim({}) : null;
  const mail = await createMailSim({ statePath: join(options.folder, "mail.sqlite") });
  try {
    const telegram = await createTelegramSim({
      port: options.port,
      statePath: join(options.folder, "telegram.sqlite"),
      token: TOKEN,
      botUsername: "blockbot_demo_bot",
      page,
      routes: {
        "/sim/mail": (request) => mail.control(request),
        ...(claude === null ? {} : { "/sim/claude": (request: Request) => claude.control(request) }),
      },
    });
    for (const person of [ALICE, BOB, STRANGER]) telegram.addPerson(person);
    for (const group of [GROUP, FORUM]) telegram.addGroup(group);
    return {
      pageUrl: telegram.url,
      telegram: { token: TOKEN, apiRoot: telegram.url },
      claudeUrl: claude?.url ?? null,
      mail: { apiKey: "re_simulated", baseUrl: mail.url, from: "BlockBot <hello@blockbot.example>" },
      async stop(): Promise<void> {
        await telegram.stop();
        await mail.stop();
        await claude?.stop();
      },
    };
  } catch (err) {
    await mail.stop();
    await claude?.stop();
    if (err instanceof Error && "code" in err && err.code === "EADDRINUSE") {
      throw new Error(
        `Port ${options.port} is already in use. Stop the program that uses it, or set DEMO_PORT to a free one.`,
        { cause: err },
      );
    }
    throw err;
  }
}
