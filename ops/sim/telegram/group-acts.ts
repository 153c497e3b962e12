import { GENERAL } from "./access.ts";
import { addGroup, announce, say } from "./acts.ts";
import { changeBotStanding, tellBotMember } from "./membership.ts";
import type { BotStanding, Group } from "./roster.ts";
import type { Telegram } from "./telegram.ts";

/**
 * What people do to a group, as its owner would: each throws when there is no
 * such group, and tells the bot what the service would tell it.
 */
export function groupActs(telegram: Telegram) {
  return {
    /** Makes the bot an admin, an ordinary member, one that may not write, or removes it. */
    setBotStanding(chat: number, standing: BotStanding): void {
      const { group, owner } = groupAt(telegram, chat);
      changeBotStanding(telegram, { group, from: owner, standing });
    },
    /** A basic group becomes a supergroup: the bot hears that it has joined the new one, then both service messages. */
    upgradeGroup(chat: number, to: number): void {
      const { group, owner } = groupAt(telegram, chat);
      if (!group.traits.basic) throw new Error(`The group ${chat} is a supergroup already`);
      addGroup(telegram, { id: to, title: group.title, members: group.members, botIsMember: true });
      tellBotMember(telegram, { chat: to, from: owner, before: "left", after: "member" });
      announce(telegram, { from: owner, chat: to }, { kind: "migrate_from", chat });
      announce(telegram, { from: owner, chat }, { kind: "migrate_to", chat: to });
      telegram.roster.setTraits(group, { upgradedTo: to });
    },
    /** The bot is told of a supergroup only. */
    deleteGroup(chat: number): void {
      const { group, owner } = groupAt(telegram, chat);
      if (group.traits.basic) telegram.roster.setTraits(group, { deleted: true });
      else changeBotStanding(telegram, { group, from: owner, standing: "left" });
    },
    /** Seconds between two messages of a member; 0 for none. */
    setSlowMode(chat: number, slowModeSeconds: number): void {
      telegram.roster.setTraits(groupAt(telegram, chat).group, { slowModeSeconds });
    },
    /** Its messages are gone with it, and nobody is told. */
    deleteTopic(chat: number, thread: number): void {
      for (const { topic, messageId } of telegram.messages.inChat(chat)) {
        if (topic === thread) telegram.messages.remove(chat, messageId);
      }
      telegram.feed.tell({ type: "chats" });
    },
    /** Without a thread the General topic. */
    closeTopic(chat: number, thread?: number): void {
      const { group, owner } = groupAt(telegram, chat);
      const place = { from: owner, chat, ...(thread === undefined ? {} : { thread }) };
      announce(telegram, place, { kind: "forum_topic_closed" });
      telegram.roster.setTraits(group, {
        closedTopics: [...group.traits.closedTopics, thread ?? GENERAL],
      });
    },
    /** A post of the channel that the group is linked with appears in the group. */
    postInChannel(chat: number, channel: { id: number; title: string }, text: string): number {
      const { owner } = groupAt(telegram, chat);
      const forward = { type: "channel", ...channel } as const;
      return say(telegram, { from: owner, chat, text, as: channel, forward, viaLinkedChannel: true });
    },
    /** Privacy mode, which @BotFather changes for a bot. */
    setHearsAll(hearsAll: boolean): void {
      telegram.store.setSetting("hears all", hearsAll ? "yes" : "no");
    },
  };
}

function groupAt(telegram: Telegram, chat: number): { group: Group; owner: number } {
  const group = telegram.roster.group(chat);
  const owner = group?.members[0];
  if (!group || owner === undefined) throw new Error(`There is no group ${chat} with a member`);
  return { group, owner };
}
