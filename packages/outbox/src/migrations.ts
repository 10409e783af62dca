import { fileURLToPath } from 'node:url'

/** The outbox table that every publishing service has in its own database (F3). */
export const outboxMigrations = {
  name: 'outbox',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
}
