import { z } from "zod";

/** Micro-dollars: millionths of a US dollar, always whole. */
const MICRO_USD = 1_000_000;
const USD_MAX = 1_000_000;
const NONE = "none";

/** The keys of the environment that set a budget, in US dollars a month, each with what holds without it. */
export const BUDGET_KEYS = {
  BUDGET_INSTANCE_USD: dollars(200),
  BUDGET_TEAM_USD: dollars(50),
  BUDGET_MEMBER_USD: dollars(20),
};

/** What a month may cost, in micro-dollars; null is no limit. Teams and members may have budgets of their own. */
export function budgetRulesOf(values: { readonly [Key in keyof typeof BUDGET_KEYS]: number | null }) {
  return {
    /** All teams together: nobody gets more, whatever their own budget says. */
    instanceMicroUsd: values.BUDGET_INSTANCE_USD,
    teamMicroUsd: values.BUDGET_TEAM_USD,
    memberMicroUsd: values.BUDGET_MEMBER_USD,
  };
}

export type BudgetRules = ReturnType<typeof budgetRulesOf>;

/** Dollars with at most two decimals, as whole micro-dollars; null when the text is none, or more than a million. */
export function microUsdIn(text: string): number | null {
  if (!/^\d{1,7}(\.\d{1,2})?$/.test(text)) return null;
  const microUsd = Math.round(Number(text) * MICRO_USD);
  return microUsd <= USD_MAX * MICRO_USD ? microUsd : null;
}

function dollars(otherwise: number) {
  return z
    .string()
    .transform((text, ctx) => {
      if (text.toLowerCase() === NONE) return null;
      const microUsd = microUsdIn(text);
      if (microUsd !== null) return microUsd;
      ctx.addIssue({
        code: "custom",
        message: `must be an amount in US dollars from 0 to ${USD_MAX}, such as 49.50, or ${NONE} for no limit`,
      });
      return z.NEVER;
    })
    .default(otherwise * MICRO_USD);
}
