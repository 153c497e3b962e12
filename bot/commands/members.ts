import {
  actionsOn,
  changeRole,
  listMembers,
  readMember,
  removeMember,
  transferOwnership,
  type Member,
} from "../../core/accounts/members.ts";
import { takePress, type ButtonSpec } from "../../core/buttons.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import { mayActAs, type Role, type Scope } from "../../core/scope.ts";
import { sentence } from "../../core/text/text.ts";
import { conclude } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { screen } from "./screen.ts";

const MEMBERS_SHOWN = 10;

type View = (scope: Scope, ctx: Ctx, value: string) => Promise<OutgoingMessage>;

/** /members and /remove, and the buttons that turn their pages. */
export async function members(ctx: Ctx, visit: Visit, scope: Scope, buttonId?: string): Promise<void> {
  if (buttonId !== undefined) return pressed(ctx, visit, scope, { buttonId, view: page });
  await conclude(ctx, visit, async () => [await page(scope, ctx, "")]);
}

/** A press on a name: what may be done about this person. */
export async function member(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await pressed(ctx, visit, scope, {
    buttonId,
    view: async (scope, ctx, userId) => card(scope, ctx, await readMember(scope, userId)),
  });
}

/** "Make admin", "Make member": the button carries the role and the person. */
export async function setRole(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await pressed(ctx, visit, scope, {
    buttonId,
    view: async (scope, ctx, value) => {
      const [role = "", userId = ""] = value.split(":");
      // safe: only `card` writes the value of these buttons
      return card(scope, ctx, await changeRole(scope, userId, role as Role));
    },
  });
}

/** The button that hands the team over, before it is pressed once more. */
export async function askHandOver(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await pressed(ctx, visit, scope, {
    buttonId,
    view: async (scope, ctx, userId) => {
      const { name } = await readMember(scope, userId);
      const text = sentence(scope.locale, "hand_over_ask", { name, team: scope.team });
      return screen(ctx, scope, text, sure(scope, "button_hand_over", "hand_over_sure", userId));
    },
  });
}

/** The second press: that person is the owner, and who pressed an admin. */
export async function handOver(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await pressed(ctx, visit, scope, {
    buttonId,
    view: async (scope, ctx, userId) => {
      const { name } = await transferOwnership(scope, userId);
      const text = sentence(scope.locale, "handed_over", { name, team: scope.team });
      return screen(ctx, scope, text, [[backToList(scope)]]);
    },
  });
}

/** The button that removes a person, before it is pressed once more. */
export async function askRemove(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await pressed(ctx, visit, scope, {
    buttonId,
    view: async (scope, ctx, userId) => {
      const { name } = await readMember(scope, userId);
      const text = sentence(scope.locale, "remove_ask", { name, team: scope.team });
      return screen(ctx, scope, text, sure(scope, "button_remove", "remove_member_sure", userId));
    },
  });
}

/** The second press: that person is in the team no more. */
export async function remove(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await pressed(ctx, visit, scope, {
    buttonId,
    view: async (scope, ctx, userId) => {
      const { name } = await removeMember(scope, userId);
      const text = sentence(scope.locale, "removed", { name, team: scope.team });
      return screen(ctx, scope, text, [[backToList(scope)]]);
    },
  });
}

async function pressed(
  ctx: Ctx,
  visit: Visit,
  scope: Scope,
  { buttonId, view }: { buttonId: string; view: View },
): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    return [await view(scope, ctx, value ?? "")];
  });
}

async function page(scope: Scope, ctx: Ctx, after: string): Promise<OutgoingMessage> {
  const { items, next } = await listMembers(scope, {
    after: after === "" ? null : after,
    limit: MEMBERS_SHOWN,
  });
  const lines = items.map(({ name, role }) => sentence(scope.locale, "member_line", { name, role }));
  const text = [sentence(scope.locale, "members", { team: scope.team }), "", ...lines].join("\n");
  const changeable = items.filter((item) => isChangeable(scope, item));
  const names = changeable.map(({ id, name }): ButtonSpec[] => [{ label: name, kind: "member", value: id }]);
  return screen(ctx, scope, text, [
    ...names,
    [
      ...(after === ""
        ? []
        : [{ label: sentence(scope.locale, "button_first_page"), kind: "members" } as const]),
      ...(next === null
        ? []
        : [{ label: sentence(scope.locale, "button_next_page"), kind: "members", value: next } as const]),
    ],
    mayActAs(scope, "admin") ? [{ label: sentence(scope.locale, "button_invites"), kind: "invites" }] : [],
  ]);
}

function isChangeable(scope: Scope, item: Member): boolean {
  const { roles, handOver, remove } = actionsOn(scope, item);
  return roles.length > 0 || handOver || remove;
}

async function card(scope: Scope, ctx: Ctx, item: Member): Promise<OutgoingMessage> {
  const { roles, handOver, remove } = actionsOn(scope, item);
  const date = new Intl.DateTimeFormat(scope.locale, { dateStyle: "long", timeZone: scope.timeZone });
  const text = sentence(scope.locale, "member_card", {
    name: item.name,
    role: item.role,
    team: scope.team,
    date: date.format(item.joinedAt),
  });
  const button = (label: string, kind: ButtonSpec["kind"], value: string): ButtonSpec => ({
    label,
    kind,
    value,
  });
  return screen(ctx, scope, text, [
    roles.map((role) =>
      button(sentence(scope.locale, "button_make_role", { role }), "member_role", `${role}:${item.id}`),
    ),
    handOver ? [button(sentence(scope.locale, "button_hand_over"), "hand_over", item.id)] : [],
    remove ? [button(sentence(scope.locale, "button_remove"), "remove_member", item.id)] : [],
    [backToList(scope)],
  ]);
}

function sure(
  scope: Scope,
  id: "button_hand_over" | "button_remove",
  kind: ButtonSpec["kind"],
  userId: string,
): ButtonSpec[][] {
  return [
    [
      { label: sentence(scope.locale, id), kind, value: userId },
      { label: sentence(scope.locale, "button_cancel"), kind: "member", value: userId },
    ],
  ];
}

function backToList(scope: Scope): ButtonSpec {
  return { label: sentence(scope.locale, "button_all_members"), kind: "members" };
}
