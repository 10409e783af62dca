import { fileURLToPath } from 'node:url'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'

/** The tables of the simulator's books. */
export const pspMigrations: MigrationSet = {
  name: 'psp',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
}
