import { fileURLToPath } from 'node:url'
import type { Reader } from '@caudal/postgres/types.ts'
import { createCursors, type Cursors } from './cursors.ts'

/** The table with the key of a service's cursors, for every database that lists are read from. */
export const cursorMigrations = {
  name: 'cursors',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
  secretTables: ['cursor_keys'],
}

/** The cursors of a service's lists, under the key in its database (ADR 0031). */
export async function openCursors(db: Reader): Promise<Cursors> {
  const { rows } = await db.query<{ key: Buffer }>({
    name: 'read-cursor-key',
    text: 'SELECT key FROM cursor_keys',
  })
  return createCursors(rows[0]!.key)
}
