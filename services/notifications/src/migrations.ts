import { fileURLToPath } from 'node:url'
import { consumerMigrations } from '@caudal/event-log/migrations.ts'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'

/** Every table of the notification service's database. */
export const notificationMigrations: MigrationSet[] = [
  consumerMigrations,
  { name: 'notifications', dir: fileURLToPath(new URL('../migrations', import.meta.url)) },
]
