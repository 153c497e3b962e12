import { readBudgets, setBudget, type Limit } from "../../core/chat/budget-limits.ts";
import { endOf } from "../../core/chat/quotas.ts";
import { ownUsage, teamUsage, type Meter, type Use } from "../../core/chat/usage.ts";
import type { Scope } from "../../core/scope.ts";
import { barText, dollarsText, momentText, monthText, tokensText } from "../../core/text/figures.ts";
import { sentence } from "../../core/text/text.ts";
import { argumentOf } from "../addressing.ts";
import { conclude, messageOf } from "../conclude.ts";
import type { Ctx, Visit } from "../context.ts";

// The rest is added up, so that the answer stays one message.
const MEMBERS_SHOWN_MAX = 30;

/** /usage: what the person has used in this month. /usage team: everybody, for admins. */
export async function usage(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  const ofTeam = argumentOf(ctx.message).toLowerCase() === "team";
  await conclude(ctx, visit, async () => [
    messageOf(ctx, visit, ofTeam ? await teamText(scope) : await ownText(scope)),
  ]);
}

/** /budget: what the team and its members may use in a month; with an argument, to change it. Admins only. */
export async function budget(ctx: Ctx, visit: Visit, scope: Scope): Promise<void> {
  const words = argumentOf(ctx.message);
  await conclude(ctx, visit, async () => [
    messageOf(ctx, visit, words === "" ? await budgetsText(scope) : await changeText(scope, words)),
  ]);
}

async function ownText(scope: Scope): Promise<string> {
  const { locale } = scope;
  const { period, own, team } = await ownUsage(scope);
  const { used, lim } = team.microusd;
  return paragraphs(
    [sentence(locale, "usage_own", { month: monthText(locale, period) }), ...useLines(locale, own)],
    lim === null
      ? []
      : [sentence(locale, "usage_team_share", { bar: barText(used / lim), percent: percentOf(used, lim) })],
    closingLines(scope, period, [own]),
  );
}

async function teamText(scope: Scope): Promise<string> {
  const { locale, team: name } = scope;
  const { period, team, members, shared } = await teamUsage(scope);
  const shown = members.slice(0, MEMBERS_SHOWN_MAX);
  const hidden = members.slice(MEMBERS_SHOWN_MAX);
  const sumHidden = hidden.reduce((sum, { use }) => sum + use.microusd.used, 0);
  return paragraphs(
    [
      sentence(locale, "usage_team", { team: name, month: monthText(locale, period) }),
      ...useLines(locale, team),
    ],
    [
      ...shown.map(
        ({ name, use }) =>
          `${name === "" ? sentence(locale, "usage_former") : name}: ${useText(locale, use)}`,
      ),
      ...(hidden.length === 0
        ? []
        : [
            sentence(locale, "usage_others", {
              count: hidden.length,
              used: dollarsText(locale, sumHidden),
            }),
          ]),
      ...(shared === 0 ? [] : [sentence(locale, "usage_shared", { used: dollarsText(locale, shared) })]),
    ],
    closingLines(scope, period, [team, ...members.map(({ use }) => use)]),
  );
}

async function budgetsText(scope: Scope): Promise<string> {
  const { locale } = scope;
  const { team, everyone, members, instance } = await readBudgets(scope);
  const limits = (of: readonly Limit[]) =>
    of.flatMap((limit) =>
      limit.measure === "tokens" && limit.lim === null ? [] : [limitText(locale, limit)],
    );
  const line = (holder: string, of: readonly Limit[]) => `${holder}: ${limits(of).join(", ")}`;
  return paragraphs(
    [
      sentence(locale, "budget_list", { team: scope.team }),
      line(sentence(locale, "budget_of_team"), team),
      line(sentence(locale, "budget_of_everyone"), everyone),
    ],
    members
      .slice(0, MEMBERS_SHOWN_MAX)
      .map(({ name, limits: own }, index) =>
        own.some(({ isOwn }) => isOwn) ? line(`#${index + 1} ${name}`, own) : `#${index + 1} ${name}`,
      ),
    instance === null
      ? []
      : [sentence(locale, "budget_of_instance", { limit: dollarsText(locale, instance) })],
    [sentence(locale, "budget_how")],
  );
}

async function changeText(scope: Scope, words: string): Promise<string> {
  const { locale } = scope;
  const { holder, measure, lim } = await setBudget(scope, words);
  return sentence(locale, "budget_set", {
    holder: holder.kind,
    name: holder.kind === "member" ? holder.name : "",
    to: lim === undefined ? "default" : lim === null ? "none" : "amount",
    limit: typeof lim === "number" ? limitText(locale, { measure, lim }) : "",
  });
}

function useLines(locale: string, { microusd, tokens }: Use): string[] {
  return [
    meterLine(locale, microusd, dollarsOf(locale, microusd)),
    meterLine(locale, tokens, tokensOf(locale, tokens)),
  ];
}

// A bar only where there is something to measure by.
function meterLine(locale: string, { used, lim }: Meter, text: string): string {
  if (lim === null) return text;
  return sentence(locale, "usage_bar", {
    bar: barText(lim === 0 ? 1 : used / lim),
    used: text,
    percent: percentOf(used, lim),
  });
}

function useText(locale: string, { microusd, tokens }: Use): string {
  return `${dollarsOf(locale, microusd)}, ${tokensOf(locale, tokens)}`;
}

function dollarsOf(locale: string, { used, lim, exact }: Meter): string {
  const text = dollarsText(locale, used, exact);
  return lim === null ? text : sentence(locale, "usage_of", { used: text, limit: dollarsText(locale, lim) });
}

function tokensOf(locale: string, { used, lim }: Meter): string {
  const text = sentence(locale, "usage_tokens", { tokens: tokensText(locale, used) });
  return lim === null ? text : sentence(locale, "usage_of", { used: text, limit: tokensText(locale, lim) });
}

function limitText(locale: string, { measure, lim }: Pick<Limit, "measure" | "lim">): string {
  if (lim === null) return sentence(locale, "budget_none");
  return measure === "microusd"
    ? dollarsText(locale, lim)
    : sentence(locale, "usage_tokens", { tokens: tokensText(locale, lim) });
}

function closingLines(scope: Scope, period: string, uses: readonly Use[]): string[] {
  const { locale, timeZone } = scope;
  const resets = sentence(locale, "usage_resets", { resets: momentText(locale, timeZone, endOf(period)) });
  const guessed = uses.some(({ microusd }) => !microusd.exact);
  return guessed ? [sentence(locale, "usage_at_least"), resets] : [resets];
}

function percentOf(used: number, lim: number): number {
  return lim === 0 ? 100 : Math.floor((used / lim) * 100);
}

function paragraphs(...blocks: readonly (readonly string[])[]): string {
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}
