import { fileURLToPath } from 'node:url'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'

/** The tables of what the simulator was sent. */
export const pushMigrations: MigrationSet = {
  name: 'push',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
}
