import { fileURLToPath } from 'node:url'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'

/** The simulator's tables. */
export const pspMigrations: MigrationSet = {
  name: 'psp',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
}
