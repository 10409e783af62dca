import { type Static, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Problem } from './problem.ts'

const MAX_CURSOR_LENGTH = 512

/** The query of every list: `limit` 1-100 (default 20), `cursor` from the previous page. */
export const pageQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: MAX_CURSOR_LENGTH })),
})

/** The schema of an answer that is a page of items. */
export function pageOf<T extends TSchema>(item: T) {
  return Type.Object({
    data: Type.Array(item),
    has_more: Type.Boolean(),
    next_cursor: Type.Union([Type.String(), Type.Null()]),
  })
}

/** An opaque position in a list, as JSON: strings for ids, times and big integers. */
export function encodeCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url')
}

/** Compiles the reader of a list's cursors. A wrong cursor throws MALFORMED_REQUEST. */
export function cursorReader<T extends TSchema>(position: T): (cursor: string) => Static<T> {
  const validator = Compile(position)
  return (cursor) => {
    const value = readJson(cursor)
    if (value === undefined || !validator.Check(value)) {
      throw new Problem('MALFORMED_REQUEST', 'query: cursor is not one we gave out', {
        members: { param: 'cursor' },
      })
    }
    return value
  }
}

/**
 * Cuts a page from rows that were read with `limit + 1`; `positionOf` returns the position after a
 * row.
 */
export function cutPage<R, T>(
  rows: readonly R[],
  options: { limit: number; positionOf: (row: R) => unknown; show: (row: R) => T },
): { data: T[]; has_more: boolean; next_cursor: string | null } {
  const { limit, positionOf, show } = options
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const hasMore = rows.length > limit && last !== undefined
  return {
    data: shown.map(show),
    has_more: hasMore,
    next_cursor: hasMore ? encodeCursor(positionOf(last)) : null,
  }
}

function readJson(cursor: string): unknown {
  const bytes = Buffer.from(cursor, 'base64url')
  // Node skips characters that are not base64url; a cursor that has them was not issued here.
  if (bytes.toString('base64url') !== cursor) return undefined
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
