import { fileURLToPath } from 'node:url'

/** The table of STANDARD_KEYS and its retention, for services that have no table of their own. */
export const idempotencyMigrations = {
  name: 'idempotency',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
}
