import type { DatabaseSettings } from '@caudal/config/service-settings.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { migrate, type MigrationSet } from '@caudal/postgres/migrate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { ServiceParts } from './start-service.ts'

type DatabaseConfig = Omit<DatabaseSettings, 'logDatabaseUrl'>

/** Migrates the service's database if the configuration allows it, and opens its pool. */
export async function openDatabase(
  name: string,
  { databaseUrl, database, migrationUrl }: DatabaseConfig,
  { sets, max }: { sets: readonly MigrationSet[]; max?: number },
  { logger, metrics, started }: ServiceParts,
): Promise<Db> {
  if (migrationUrl !== undefined) await migrate({ adminUrl: migrationUrl, database, sets })
  const db = createPool({
    url: databaseUrl,
    applicationName: name,
    metrics,
    ...(max !== undefined && { max }),
    onError: (error) => logger.warn({ err: error }, 'lost a database connection'),
  })
  started(() => db.end())
  return db
}
