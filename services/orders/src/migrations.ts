import { fileURLToPath } from 'node:url'
import { consumerMigrations } from '@caudal/event-log/migrations.ts'
import { cursorMigrations } from '@caudal/http/cursor-key.ts'

/** Everything that the orders database needs. */
export const orderMigrations = [
  consumerMigrations,
  cursorMigrations,
  { name: 'orders', dir: fileURLToPath(new URL('../migrations', import.meta.url)) },
]
