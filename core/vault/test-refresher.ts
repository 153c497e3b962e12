import { createApp } from "../app.ts";
import { createLog } from "../log.ts";
import type { Scope } from "../scope.ts";
import { testSettings } from "../test-app.ts";
import { withCredential } from "./credentials.ts";
import { createSecret } from "./secret.ts";

/** A process that uses one team's OAuth credential many times at once, for tests of single flight. Prints what it got. */
const [databaseUrl = "", orgId = "", tokenUrl = "", clientId = "", secret = "", uses = "1"] =
  process.argv.slice(2);
const app = createApp(
  {
    ...testSettings(databaseUrl),
    oauthClients: { claude: { tokenUrl, clientId, secret: createSecret(secret) }, google: null },
  },
  { log: createLog({ level: "silent" }) },
);
const scope: Scope = {
  app,
  orgId,
  team: "a team",
  actor: { type: "system", name: "test" },
  correlationId: "c",
  locale: "en",
  timeZone: "UTC",
  log: app.log,
};
const seen = await Promise.all(
  Array.from({ length: Number(uses) }, () => withCredential(scope, "claude", async (token) => token)),
);
process.stdout.write(JSON.stringify(seen));
await app.close();
