import type { Api, Context } from "grammy";
import type { Message, UserFromGetMe } from "grammy/types";
import type { Sender as Person } from "../core/accounts/sender.ts";
import type { App } from "../core/app.ts";
import type { Place } from "../core/chat/conversations.ts";
import type { FetchFile } from "../core/chat/file-content.ts";
import type { Lease } from "../core/pipeline/lease.ts";
import type { Scope } from "../core/scope.ts";
import type { Lanes } from "./lanes.ts";
import type { Sender } from "./sender.ts";
import type { Slots } from "./slots.ts";

/** What the Telegram side of one running bot shares. */
export type Front = {
  readonly app: App;
  readonly api: Api;
  readonly me: UserFromGetMe;
  readonly lease: Lease;
  readonly sender: Sender;
  readonly lanes: Lanes;
  readonly fetchFile: FetchFile;
  /** Turns with files hold them in memory, so only some of them run at once. */
  readonly withFileSlot: Slots;
};

/** What the gate found out about an update. */
export type Visit = {
  readonly updateIds: readonly number[];
  readonly correlationId: string;
  readonly place: Place;
  readonly from: { readonly id: number; readonly name: string; readonly locale: string };
  readonly person: Person;
  /** Null for strangers and in groups that no team has claimed. */
  readonly scope: Scope | null;
  readonly locale: string;
};

/** One update on its way through the middleware. `note` collects what its log line says. */
export type Ctx = Context & {
  front: Front;
  updateIds: readonly number[];
  /** What else belongs to this message: the rest of a burst, a paste or an album. */
  rest: readonly Message[];
  /** To be called when the update's promise has been taken over: the next control update of its lane may begin. */
  adopted: () => void;
  /** True when a press has had its answer: a refusal that comes later is a message. */
  answered: boolean;
  note: { what?: string; outcome?: string; orgId?: string; userId?: string; correlationId?: string };
  visit: Visit | null;
};
