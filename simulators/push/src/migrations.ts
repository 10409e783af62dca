import { fileURLToPath } from 'node:url'
import { cursorMigrations } from '@caudal/http/cursor-key.ts'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'

/** The simulator's tables. */
export const pushMigrations: MigrationSet[] = [
  { name: 'push', dir: fileURLToPath(new URL('../migrations', import.meta.url)) },
  cursorMigrations,
]
