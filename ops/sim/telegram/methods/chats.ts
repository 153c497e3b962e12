import { chatFor, openChatFor } from "../access.ts";
import { badRequest, violation } from "../api-error.ts";
import { changeBotStanding, groupMember } from "../membership.ts";
import { chatView, userView } from "../message-view.ts";
import { integerOf } from "../validation.ts";
import type { Call } from "./method.ts";

const REACTIONS_MAX = 11;
const GIFT_KINDS = [
  "unlimited_gifts",
  "limited_gifts",
  "unique_gifts",
  "premium_subscription",
  "gifts_from_channels",
];

export function getChat({ telegram, params }: Call): unknown {
  const found = chatFor(telegram, params);
  const { id } = found.group ? openChatFor(telegram, params) : found;
  return {
    ...chatView(telegram, id),
    accent_color_id: 0,
    max_reaction_count: REACTIONS_MAX,
    accepted_gift_types: Object.fromEntries(GIFT_KINDS.map((kind) => [kind, false])),
  };
}

export function getChatMember({ telegram, params }: Call): unknown {
  const chat = openChatFor(telegram, params);
  const user = integerOf(params, "user_id") ?? 0;
  const known = user === telegram.botId || telegram.roster.person(user) !== null;
  if (!known || (!chat.group && user !== telegram.botId && user !== chat.id))
    throw badRequest("user not found");
  if (chat.group) return groupMember(telegram, chat.group, user);
  return { user: userView(telegram, user), status: "member" };
}

export function getChatAdministrators({ telegram, params }: Call): unknown {
  const { group } = openChatFor(telegram, params);
  if (!group) throw violation("there are no administrators in the private chat");
  return group.members.slice(0, 1).map((owner) => groupMember(telegram, group, owner));
}

export function leaveChat({ telegram, params }: Call): true {
  const { group } = openChatFor(telegram, params);
  if (!group) throw violation("chat member status can't be changed in private chats");
  changeBotStanding(telegram, { group, from: telegram.botId, standing: "left" });
  return true;
}
