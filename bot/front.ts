import type { UserFromGetMe } from "grammy/types";
import type { App } from "../core/app.ts";
import { markRevoked, takeLease, type Lease } from "../core/pipeline/lease.ts";
import { createApi, failureOf } from "./client.ts";
import { createDatabaseWatch, type DatabaseWatch } from "./database-watch.ts";
import { serve, type BotSettings } from "./tenure.ts";

const LEASE_POLL_MS = 1_000;
const STALLS_MAX = 2;
const GREETING_RETRY_MS = 2_000;
const GREETING_RETRY_MS_MAX = 30_000;

/**
 * Runs the bot until `stop`: waits for the lease, polls, answers, sends. A
 * second process with the same token waits its turn. `polling` resolves with
 * who we are as soon as this process holds the lease.
 */
export function startBot(app: App, settings: BotSettings) {
  const stopping = new AbortController();
  const polling = Promise.withResolvers<UserFromGetMe>();
  const gaveUp = Promise.withResolvers<void>();
  let stalls = 0;
  const done = runUntilStopped();

  async function runUntilStopped(): Promise<void> {
    const me = await introduce(app, settings, stopping.signal);
    if (me === null) return;
    const watch = createDatabaseWatch(app, settings, me);
    const ended = new AbortController();
    const watching = watch.keep(AbortSignal.any([stopping.signal, ended.signal]));
    await serveAgainAndAgain(me, watch).finally(() => ended.abort());
    await watching;
  }

  async function serveAgainAndAgain(me: UserFromGetMe, watch: DatabaseWatch): Promise<void> {
    while (!stopping.signal.aborted) {
      const lease = await waitForLease(app, me, stopping.signal);
      if (lease === null) return;
      await watch.taken();
      polling.resolve(me);
      const why = await serve(app, settings, { me, lease }, stopping.signal).catch((err: unknown) => {
        app.log.error({ err }, "serving the bot failed and is begun again");
        return null;
      });
      watch.left();
      // Rebuilt once. When that mends nothing it is for a fresh process, and for whoever supervises it.
      stalls = why === "stalled" ? 1 : why === "never polled" ? stalls + 1 : 0;
      if (stalls >= STALLS_MAX) return gaveUp.resolve();
      if (why === null) await app.clock.sleep(LEASE_POLL_MS, stopping.signal);
      if (why === "token revoked") {
        app.log.error(
          { botId: me.id },
          "Telegram refuses TELEGRAM_BOT_TOKEN; polling has stopped, everything else goes on",
        );
        return;
      }
    }
  }

  return {
    polling: polling.promise,
    /** Resolves when polling stalls, and does again when all was built anew: nothing in this process can be trusted to mend it. */
    gaveUp: gaveUp.promise,
    /** Takes no more updates, lets running answers finish for at most twenty seconds, and leaves the rest to the next start. */
    async stop(): Promise<void> {
      stopping.abort();
      await done;
    },
  };
}

// Telegram may be away when we start: that is no reason to die. Null when we are stopped, or the token is refused.
async function introduce(
  app: App,
  settings: BotSettings,
  signal: AbortSignal,
): Promise<UserFromGetMe | null> {
  const api = createApi(settings, "send");
  for (
    let waitMs = GREETING_RETRY_MS;
    !signal.aborted;
    waitMs = Math.min(waitMs * 2, GREETING_RETRY_MS_MAX)
  ) {
    try {
      const me = await api.getMe();
      if ((await api.getWebhookInfo()).url !== "") await api.deleteWebhook();
      return me;
    } catch (err) {
      const failure = failureOf(err);
      if (failure.kind === "revoked") {
        app.log.error("Telegram refuses TELEGRAM_BOT_TOKEN: take a new one from @BotFather");
        await markRevoked(app, Number(settings.token.split(":")[0])).catch((failed: unknown) =>
          app.log.warn({ err: failed }, "the refusal could not be written down"),
        );
        return null;
      }
      app.log.warn({ failure: failure.kind, waitMs }, "Telegram does not answer yet");
      await app.clock.sleep(failure.kind === "retry_after" ? failure.seconds * 1_000 : waitMs, signal);
    }
  }
  return null;
}

async function waitForLease(app: App, me: UserFromGetMe, signal: AbortSignal): Promise<Lease | null> {
  let told = false;
  while (!signal.aborted) {
    try {
      const lease = await takeLease(app, { id: me.id, username: me.username });
      if (!("heldBy" in lease)) return lease;
      if (!told)
        app.log.info({ heldBy: lease.heldBy }, "another process serves this bot; waiting for its lease");
      told = true;
    } catch (err) {
      app.log.warn({ err }, "the lease could not be asked for");
    }
    await app.clock.sleep(LEASE_POLL_MS, signal);
  }
  return null;
}
