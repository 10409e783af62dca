import { fileURLToPath } from 'node:url'
import { consumerMigrations } from '@caudal/event-log/migrations.ts'
import { cursorMigrations } from '@caudal/http/cursor-key.ts'
import { outboxMigrations } from '@caudal/outbox/migrations.ts'

const ownMigrations = {
  name: 'payments',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
}

/** Every table of the service's database. */
export const paymentMigrations = [
  ownMigrations,
  outboxMigrations,
  consumerMigrations,
  cursorMigrations,
]
