import { fileURLToPath } from 'node:url'
import { consumerMigrations } from '@caudal/event-log/migrations.ts'
import { cursorMigrations } from '@caudal/http/cursor-key.ts'
import { outboxMigrations } from '@caudal/outbox/migrations.ts'

const ownMigrations = {
  name: 'processor',
  dir: fileURLToPath(new URL('../migrations', import.meta.url)),
}

/** Everything that the processor's database needs. */
export const processorMigrations = [
  ownMigrations,
  outboxMigrations,
  consumerMigrations,
  cursorMigrations,
]
