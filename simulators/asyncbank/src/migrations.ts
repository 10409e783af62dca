import { fileURLToPath } from 'node:url'
import { cursorMigrations } from '@caudal/http/cursor-key.ts'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'
import { bankMigrations } from '@caudal/simulator-kit/migrations.ts'

/** The simulator's tables. */
export const asyncbankMigrations: MigrationSet[] = [
  { name: 'asyncbank', dir: fileURLToPath(new URL('../migrations', import.meta.url)) },
  cursorMigrations,
  bankMigrations,
]
