/** Which part of a list is wanted: what follows the item `after`, from the beginning when that is null. */
export type PageRequest = { readonly after: string | null; readonly limit: number };

/** One part of a list in a stable order. `next` is the `after` of the following part, null at the end. */
export type Page<Item> = { readonly items: readonly Item[]; readonly next: string | null };

/** Makes a page of rows that were read with one more than `limit`, to see whether something follows. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  shape: { readonly cursor: (row: Row) => string; readonly item: (row: Row) => Item },
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(shape.item),
    next: rows.length > limit && last !== undefined ? shape.cursor(last) : null,
  };
}
