import type { Forward, SenderChat, StoredMessage } from "./message.ts";

// The accounts that the service puts in place of whoever wrote as a chat.
const ANONYMOUS_ADMIN = {
  id: 1_087_968_824,
  is_bot: true,
  first_name: "Group",
  username: "GroupAnonymousBot",
};
const CHANNEL = { id: 136_817_688, is_bot: true, first_name: "Channel", username: "Channel_Bot" };
const SERVICE = { id: 777_000, is_bot: false, first_name: "Telegram" };

type Views = {
  userView(id: number): Record<string, unknown>;
  chatView(id: number): Record<string, unknown>;
};

/** Who a message is from, as the Bot API shows it: the person, or the chat that they speak for. */
export function senderView(message: StoredMessage, views: Views): Record<string, unknown> {
  const { senderChat, viaLinkedChannel, forward } = message;
  const origin =
    forward === undefined ? {} : { forward_origin: originView(forward, message.date, views.userView) };
  if (senderChat === undefined) return { from: views.userView(message.fromId), ...origin };
  const sender = { sender_chat: senderChatView(senderChat, message.chat, views.chatView), ...origin };
  if (viaLinkedChannel === true) return { from: SERVICE, ...sender, is_automatic_forward: true };
  return { from: senderChat === "group" ? ANONYMOUS_ADMIN : CHANNEL, ...sender };
}

function senderChatView(sender: SenderChat, chat: number, chatView: Views["chatView"]): object {
  return sender === "group" ? chatView(chat) : { id: sender.id, type: "channel", title: sender.title };
}

function originView(forward: Forward, date: number, userView: Views["userView"]): object {
  switch (forward.type) {
    case "user":
      return { type: "user", sender_user: userView(forward.person), date };
    case "hidden_user":
      return { type: "hidden_user", sender_user_name: forward.name, date };
    case "channel": {
      const chat = { id: forward.id, type: "channel", title: forward.title };
      return { type: "channel", chat, message_id: 1, date };
    }
  }
}
