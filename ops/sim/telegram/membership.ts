import { chatView, userView } from "./message-view.ts";
import type { BotStanding, Group } from "./roster.ts";
import type { Telegram } from "./telegram.ts";

const MAY = ["manage_chat", "delete_messages", "restrict_members", "invite_users", "manage_topics"];
const MAY_SEND = ["messages", "photos", "documents", "other_messages", "polls"];

const RIGHTS: Record<Exclude<BotStanding, "never">, object> = {
  member: {},
  left: {},
  kicked: { until_date: 0 },
  administrator: {
    can_be_edited: false,
    is_anonymous: false,
    ...Object.fromEntries(MAY.map((right) => [`can_${right}`, true])),
  },
  restricted: {
    is_member: true,
    until_date: 0,
    ...Object.fromEntries(MAY_SEND.map((what) => [`can_send_${what}`, false])),
  },
};

/** How a person or the bot stands in a group; the first member owns it. */
export function groupMember(telegram: Telegram, group: Group, user: number): Record<string, unknown> {
  if (user === telegram.botId) return botMember(telegram, group.bot);
  const status = group.members[0] === user ? "creator" : group.members.includes(user) ? "member" : "left";
  return { user: userView(telegram, user), status, ...(status === "creator" ? { is_anonymous: false } : {}) };
}

/** Moves the bot in or out of a group and tells it, as the service does. */
export function changeBotStanding(
  telegram: Telegram,
  change: { group: Group; from: number; standing: BotStanding },
): void {
  const { group, from, standing } = change;
  if (group.bot === standing) return;
  telegram.store.atomically(() => {
    telegram.roster.setBotStanding(group.id, standing);
    tellBotMember(telegram, { chat: group.id, from, before: group.bot, after: standing });
  });
  telegram.feed.tell({ type: "chats" });
}

/** The my_chat_member update. In a private chat, "kicked" means that the person blocked the bot. */
export function tellBotMember(
  telegram: Telegram,
  change: { chat: number; from: number; before: BotStanding; after: BotStanding },
): void {
  telegram.update("my_chat_member", {
    chat: chatView(telegram, change.chat),
    from: userView(telegram, change.from),
    date: telegram.date(),
    old_chat_member: botMember(telegram, change.before),
    new_chat_member: botMember(telegram, change.after),
  });
}

function botMember(telegram: Telegram, standing: BotStanding): Record<string, unknown> {
  const status = standing === "never" ? "left" : standing;
  const user = userView(telegram, telegram.botId);
  return { user, status, ...RIGHTS[status] };
}
