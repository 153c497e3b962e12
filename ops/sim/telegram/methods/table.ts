import { answerCallbackQuery, getFile } from "./answering.ts";
import { getChat, getChatAdministrators, getChatMember, leaveChat } from "./chats.ts";
import {
  deleteMessage,
  deleteMessages,
  editMessageCaption,
  editMessageReplyMarkup,
  editMessageText,
  setMessageReaction,
} from "./editing.ts";
import type { Method } from "./method.ts";
import { deleteWebhook, getMe, getUpdates, getWebhookInfo, setWebhook } from "./polling.ts";
import { sendChatAction, sendDocument, sendMessage, sendPhoto } from "./sending.ts";
import {
  deleteMyCommands,
  getMyCommands,
  setMyCommands,
  setMyDescription,
  setMyName,
  setMyShortDescription,
} from "./settings.ts";

/** The methods that this simulator implements, by their exact names. */
export const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>(
  Object.entries({
    answerCallbackQuery,
    deleteMessage,
    deleteMessages,
    deleteMyCommands,
    deleteWebhook,
    editMessageCaption,
    editMessageReplyMarkup,
    editMessageText,
    getChat,
    getChatAdministrators,
    getChatMember,
    getFile,
    getMe,
    getMyCommands,
    getUpdates,
    getWebhookInfo,
    leaveChat,
    sendChatAction,
    sendDocument,
    sendMessage,
    sendPhoto,
    setMessageReaction,
    setMyCommands,
    setMyDescription,
    setMyName,
    setMyShortDescription,
    setWebhook,
  }),
);
