import { fileURLToPath } from 'node:url'
import { cursorMigrations } from '@caudal/http/cursor-key.ts'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'
import { bankMigrations } from '@caudal/simulator-kit/migrations.ts'

/** The simulator's tables. */
export const pspMigrations: MigrationSet[] = [
  { name: 'psp', dir: fileURLToPath(new URL('../migrations', import.meta.url)) },
  cursorMigrations,
  bankMigrations,
]
