import { fileURLToPath } from 'node:url'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'

/** The tables that every simulated bank has: callbacks and the log of requests. */
export const bankMigrations: MigrationSet = {
  name: 'simulated_bank',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
  secretTables: ['callback_settings'],
}
