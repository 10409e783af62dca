import { type TSchema, Type } from 'typebox'

const MAX_CURSOR_LENGTH = 512

/** The query of every list: `limit` 1-100 (default 20), `cursor` from the previous page. */
export const pageQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  cursor: Type.Optional(
    Type.String({
      pattern: `^[A-Za-z0-9_-]{1,${MAX_CURSOR_LENGTH}}$`,
      description: 'the `next_cursor` of the page before, of the same list and filters',
    }),
  ),
})

/** The schema of an answer that is a page of items. */
export function pageOf<T extends TSchema>(item: T) {
  return Type.Object({
    data: Type.Array(item),
    has_more: Type.Boolean(),
    next_cursor: Type.Union([Type.String(), Type.Null()]),
  })
}

/**
 * Cuts a page from rows that were read with `limit + 1`; `cursorAfter` returns the cursor of the
 * position after a row.
 */
export function cutPage<R, T>(
  rows: readonly R[],
  options: { limit: number; cursorAfter: (row: R) => string; show: (row: R) => T },
): { data: T[]; has_more: boolean; next_cursor: string | null } {
  const { limit, cursorAfter, show } = options
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const hasMore = rows.length > limit && last !== undefined
  return {
    data: shown.map(show),
    has_more: hasMore,
    next_cursor: hasMore ? cursorAfter(last) : null,
  }
}
