import { ApiError } from "../api-error.ts";
import { botUser } from "../message-view.ts";
import type { Telegram } from "../telegram.ts";
import { flagOf, integerOf, type Params, textOf } from "../validation.ts";
import type { Call } from "./method.ts";

const WEBHOOK_ACTIVE =
  "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";

export function getMe({ telegram }: Call): unknown {
  return {
    ...botUser(telegram),
    can_join_groups: true,
    can_read_all_group_messages: telegram.hearsAll(),
    supports_guest_queries: false,
    supports_inline_queries: false,
    can_connect_to_business: false,
    has_main_web_app: false,
    has_topics_enabled: false,
    allows_users_to_create_topics: false,
    can_manage_bots: false,
    supports_join_request_queries: false,
  };
}

export async function getUpdates({ telegram, params, signal }: Call): Promise<unknown> {
  if (webhook(telegram) !== "") throw new ApiError(409, WEBHOOK_ACTIVE);
  rememberAllowed(telegram, params);
  return telegram.poller.poll({
    offset: integerOf(params, "offset") ?? 0,
    limit: integerOf(params, "limit") ?? 100,
    timeoutSeconds: integerOf(params, "timeout") ?? 0,
    signal,
  });
}

/** Only remembers the address: nothing is delivered to it, and getUpdates fails while it is set. */
export function setWebhook({ telegram, params }: Call): true {
  telegram.store.setSetting("webhook", textOf(params, "url") ?? "");
  rememberAllowed(telegram, params);
  if (flagOf(params, "drop_pending_updates")) telegram.updates.clear();
  return true;
}

export function deleteWebhook({ telegram, params }: Call): true {
  telegram.store.setSetting("webhook", "");
  if (flagOf(params, "drop_pending_updates")) telegram.updates.clear();
  return true;
}

export function getWebhookInfo({ telegram }: Call): unknown {
  const allowed = telegram.updates.allowed();
  return {
    url: webhook(telegram),
    has_custom_certificate: false,
    pending_update_count: telegram.updates.pending(),
    ...(allowed.length === 0 ? {} : { allowed_updates: allowed }),
  };
}

function webhook(telegram: Telegram): string {
  return telegram.store.setting("webhook") ?? "";
}

function rememberAllowed(telegram: Telegram, params: Params): void {
  const kinds = params["allowed_updates"];
  if (Array.isArray(kinds)) telegram.updates.setAllowed(kinds.map(String));
}
