import { fileURLToPath } from 'node:url'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'

/** The tables of a simulated bank's callbacks. */
export const callbackMigrations: MigrationSet = {
  name: 'callbacks',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
  secretTables: ['callback_settings'],
}
