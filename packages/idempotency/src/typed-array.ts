import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { KeyColumn } from './key-table.ts'

/** One array parameter of the column's type. */
export function typedArray<T>(
  type: KeyColumn['type'],
  items: readonly T[],
  pick: (item: T) => string,
): Sql {
  return type === 'uuid'
    ? sql`${uuidArray(items, pick)}::uuid[]`
    : sql`${textArray(items, pick)}::text[]`
}
