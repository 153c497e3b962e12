import { anchorIn, verifyAudit, type Anchor, type ChainReport } from "../../core/audit-chain.ts";
import { exportAudit } from "../../core/audit-export.ts";
import { auditActors, readAudit, type AuditKind, type AuditRow } from "../../core/audit-log.ts";
import { takePress, type ButtonSpec } from "../../core/buttons.ts";
import { AppError } from "../../core/errors.ts";
import type { OutgoingMessage } from "../../core/pipeline/outbox.ts";
import { requireRole, type Scope } from "../../core/scope.ts";
import { languageOf, sentence } from "../../core/text/text.ts";
import { argumentOf } from "../addressing.ts";
import { conclude } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";
import { auditSettingsRow } from "./audit-settings.ts";
import { screen } from "./screen.ts";

/** What is looked at: events of one kind, of one person or program, after one row; empty is all of them. */
type Look = { readonly kind: AuditKind | ""; readonly actorId: string; readonly after: string };

const ROWS_SHOWN = 10;
const ACTORS_SHOWN = 20;
const BUTTONS_IN_ROW = 3;
const KINDS: Readonly<Record<AuditKind, true>> = {
  turn: true,
  conversation: true,
  credential: true,
  member: true,
  owner: true,
  invite: true,
  team: true,
  group: true,
  chat: true,
  auth: true,
  account: true,
  budget: true,
  audit: true,
  ratelimit: true,
};
const ALL: Look = { kind: "", actorId: "", after: "" };
const UUID = /^([0-9a-f]{8})-[0-9a-f-]{27}$/;

/** /audit: the team's log. With `verify`, `export`, a kind of event or a person's name that part of it. Admins only. */
export async function auditLog(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  await conclude(ctx, visit, async () => ordered(ctx, scope, argumentOf(ctx.message)));
}

/** A press that looks at another part of the log. */
export async function showAudit(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await pressed(ctx, visit, scope, { buttonId, view: async (look) => [await page(ctx, scope, look)] });
}

/** The button that lists the kinds of events. */
export async function chooseKind(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await pressed(ctx, visit, scope, {
    buttonId,
    view: async () => {
      const choices = kinds().map((kind) => lookButton(kindName(scope, kind), { ...ALL, kind }));
      const text = sentence(scope.locale, "audit_kinds", { team: scope.team });
      return [await screen(ctx, scope, text, [...inRows(choices), [everything(scope)]])];
    },
  });
}

/** The button that lists who did something. */
export async function chooseActor(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await pressed(ctx, visit, scope, {
    buttonId,
    view: async () => {
      const actors = await auditActors(scope, ACTORS_SHOWN);
      const choices = actors.map(({ id, name, events }) =>
        lookButton(`${name} (${events})`, { ...ALL, actorId: id }),
      );
      const text = sentence(scope.locale, "audit_actors", { team: scope.team });
      return [await screen(ctx, scope, text, [...inRows(choices), [everything(scope)]])];
    },
  });
}

/** The button that sends the log as a file. */
export async function sendAudit(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await pressed(ctx, visit, scope, {
    buttonId,
    view: async (look) => [...(await exported(scope)), await page(ctx, scope, look)],
  });
}

/** The button that checks the log. */
export async function checkAudit(ctx: Ctx, visit: Visit, scope: Scope, buttonId: string): Promise<void> {
  await pressed(ctx, visit, scope, {
    buttonId,
    view: async (look) => [{ text: await verified(scope, null) }, await page(ctx, scope, look)],
  });
}

async function pressed(
  ctx: Ctx,
  visit: Visit,
  scope: Scope,
  { buttonId, view }: { buttonId: string; view: (look: Look) => Promise<OutgoingMessage[]> },
): Promise<void> {
  await conclude(ctx, visit, async () => {
    const { value } = await takePress(scope, buttonId, visit.place.chatId);
    return view(lookIn(value ?? ""));
  });
}

async function ordered(ctx: Ctx, scope: Scope, words: string): Promise<OutgoingMessage[]> {
  requireRole(scope, "admin");
  const [order = "", ...rest] = words.split(/\s+/);
  if (order === "") return [await page(ctx, scope, ALL)];
  if (order.toLowerCase() === "export") return exported(scope);
  if (order.toLowerCase() === "verify") {
    const noted = anchorIn(rest.join(" "));
    if (noted === null && rest.length > 0) throw new AppError("audit_anchor_unclear");
    return [{ text: await verified(scope, noted) }];
  }
  const kind = kinds().find((known) => known === words.toLowerCase());
  if (kind !== undefined) return [await page(ctx, scope, { ...ALL, kind })];
  const actors = await auditActors(scope, Number.MAX_SAFE_INTEGER);
  const actor = actors.find(({ name }) => name.toLowerCase() === words.toLowerCase());
  if (actor === undefined) throw new AppError("audit_unclear", { kinds: kinds().join(", ") });
  return [await page(ctx, scope, { ...ALL, actorId: actor.id })];
}

async function exported(scope: Scope): Promise<OutgoingMessage[]> {
  const { name, content, rows, left } = await exportAudit(scope);
  const text = sentence(scope.locale, "audit_exported", { rows, left });
  return [{ text }, { text: "", file: { name, content } }];
}

async function verified(scope: Scope, noted: Anchor | null): Promise<string> {
  const { rows, head, broken, anchor } = await verifyAudit(scope, noted);
  const lines = [
    broken === null
      ? sentence(scope.locale, "audit_whole", { rows, team: scope.team })
      : sentence(scope.locale, "audit_broken", {
          seq: String(broken.seq), // a number would be grouped
          reason: broken.reason,
          team: scope.team,
        }),
    ...(anchor === null || noted === null ? [] : [anchorLine(scope, noted, anchor)]),
    ...(head === null
      ? []
      : [sentence(scope.locale, "audit_anchor", { seq: String(head.seq), hash: head.hash })]),
  ];
  return lines.join("\n");
}

function anchorLine(scope: Scope, { seq }: Anchor, state: NonNullable<ChainReport["anchor"]>): string {
  return sentence(scope.locale, "audit_anchor_state", { seq: String(seq), state });
}

async function page(ctx: Ctx, scope: Scope, look: Look): Promise<OutgoingMessage> {
  const { items, next } = await readAudit(
    scope,
    { after: look.after === "" ? null : look.after, limit: ROWS_SHOWN },
    {
      ...(look.kind === "" ? {} : { kind: look.kind }),
      ...(look.actorId === "" ? {} : { actorId: look.actorId }),
    },
  );
  const text = [
    sentence(scope.locale, items.length === 0 ? "audit_empty" : "audit_list", {
      team: scope.team,
      kind: look.kind === "" ? "all" : kindName(scope, look.kind),
    }),
    ...(items.length === 0 ? [] : ["", ...items.map((row) => lineOf(scope, row))]),
  ].join("\n");
  const state = valueOf(look);
  const isAll = look.kind === "" && look.actorId === "" && look.after === "";
  const button = (label: string, kind: ButtonSpec["kind"], value = state): ButtonSpec => ({
    label,
    kind,
    value,
  });
  return screen(ctx, scope, text, [
    [
      ...(look.after === ""
        ? []
        : [button(sentence(scope.locale, "button_newest"), "audit", valueOf({ ...look, after: "" }))]),
      ...(next === null
        ? []
        : [button(sentence(scope.locale, "button_older"), "audit", valueOf({ ...look, after: next }))]),
    ],
    [
      button(sentence(scope.locale, "button_audit_kinds"), "audit_kinds"),
      button(sentence(scope.locale, "button_audit_actors"), "audit_actors"),
      ...(isAll ? [] : [everything(scope)]),
    ],
    [
      button(sentence(scope.locale, "button_audit_export"), "audit_export"),
      button(sentence(scope.locale, "button_audit_verify"), "audit_verify"),
    ],
    auditSettingsRow(scope),
  ]);
}

// The names of actions are those of the file too, so that what was seen here is found there.
function lineOf(scope: Scope, row: AuditRow): string {
  const language = languageOf(scope.locale);
  const at = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
    timeZone: scope.timeZone,
    day: "2-digit",
    month: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(row.at);
  const target = row.target === null ? "" : ` ${UUID.exec(row.target)?.[1] ?? row.target}`;
  const outcome = row.outcome === "ok" ? "" : ` (${row.outcome})`;
  return `${at} ${row.actorName ?? row.actorId}: ${row.action}${target}${outcome}`;
}

function kinds(): AuditKind[] {
  return Object.keys(KINDS) as AuditKind[]; // safe: its keys are the kinds
}

function kindName(scope: Scope, kind: AuditKind): string {
  return sentence(scope.locale, "audit_kind", { kind });
}

function everything(scope: Scope): ButtonSpec {
  return lookButton(sentence(scope.locale, "button_audit_all"), ALL);
}

function lookButton(label: string, look: Look): ButtonSpec {
  return { label, kind: "audit", value: valueOf(look) };
}

function valueOf({ kind, actorId, after }: Look): string {
  return `${kind}|${actorId}|${after}`;
}

function lookIn(value: string): Look {
  const [kind = "", actorId = "", after = ""] = value.split("|");
  // safe: only valueOf writes the value of these buttons
  return { kind: kind as Look["kind"], actorId, after };
}

function inRows(choices: readonly ButtonSpec[]): ButtonSpec[][] {
  return Array.from({ length: Math.ceil(choices.length / BUTTONS_IN_ROW) }, (_, row) =>
    choices.slice(row * BUTTONS_IN_ROW, (row + 1) * BUTTONS_IN_ROW),
  );
}
