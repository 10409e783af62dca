import { fileURLToPath } from 'node:url'
import { consumerMigrations } from '@caudal/event-log/migrations.ts'

/** Everything that the orders database needs. */
export const orderMigrations = [
  consumerMigrations,
  { name: 'orders', dir: fileURLToPath(new URL('../migrations', import.meta.url)) },
]
