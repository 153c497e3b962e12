type Unit = "ms" | "µs" | "/s" | "MB" | "%" | "×" | "";

/** One measured number. `baseline` is the same number of something simpler, measured in the same run. */
export type Figure = {
  readonly what: string;
  readonly value: number;
  readonly unit: Unit;
  readonly baseline?: number;
  readonly goal?: { readonly atMost: number } | { readonly atLeast: number };
};

export type BenchResult = {
  readonly figures: readonly Figure[];
  /** Conditions that a reader must know: what the baseline is, which limits were raised. */
  readonly notes?: readonly string[];
};

/** A benchmark. It brings everything that it needs but Postgres, and takes its databases from `createTestDatabase`. */
export type Bench = () => Promise<BenchResult>;

/** Whether a figure meets its goal; one without a goal does. */
export function isMet({ value, goal }: Figure): boolean {
  if (goal === undefined) return true;
  return "atMost" in goal ? value <= goal.atMost : value >= goal.atLeast;
}

/** The figures as a Markdown table, which README can take as it is. */
export function tableOf({ figures, notes = [] }: BenchResult): string {
  const rows = figures.map((figure) => [
    figure.what,
    `${numeral(figure.value)} ${figure.unit}`.trim(),
    figure.baseline === undefined ? "" : `${numeral(figure.baseline)} ${figure.unit}`.trim(),
    figure.baseline === undefined || figure.baseline === 0 ? "" : numeral(figure.value / figure.baseline),
    goalOf(figure),
  ]);
  const head = ["figure", "measured", "baseline", "ratio", "goal"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(head), rule, ...rows.map(line), ...notes.map((note) => `\n${note}`)].join("\n");
}

/**
 * The value below which a share of the samples lies, by nearest rank: 0.5 is
 * the median, 1 the largest. NaN without samples.
 */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

function goalOf(figure: Figure): string {
  const { goal } = figure;
  if (goal === undefined) return "";
  const bound = "atMost" in goal ? `≤ ${numeral(goal.atMost)}` : `≥ ${numeral(goal.atLeast)}`;
  return isMet(figure) ? bound : `${bound} MISSED`;
}

function numeral(value: number): string {
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
