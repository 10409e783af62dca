// `npm run record-migrations`: adds new migrations to the list of those that have landed.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CHECKSUMS, recordMigrations } from './tidy/migrations.ts'
import { readTree } from './tidy/source-tree.ts'

const ROOT = join(import.meta.dirname, '..')

try {
  writeFileSync(join(ROOT, CHECKSUMS), recordMigrations(readTree(ROOT)))
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
