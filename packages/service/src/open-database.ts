import type { DatabaseSettings } from '@caudal/config/service-settings.ts'
import { checkDatabase } from '@caudal/postgres/check-database.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { ServiceParts } from './start-service.ts'

type DatabaseConfig = Pick<DatabaseSettings, 'databaseUrl' | 'refuseOwner'>

/**
 * Opens the pool of the service's database.
 *
 * @throws {Error} if `caudal migrate` has not run, or in production if the role owns the tables
 */
export async function openDatabase(
  name: string,
  { databaseUrl, refuseOwner = false }: DatabaseConfig,
  { sets, max }: { sets: readonly MigrationSet[]; max?: number },
  { logger, metrics, started }: ServiceParts,
): Promise<Db> {
  const db = createPool({
    url: databaseUrl,
    applicationName: name,
    metrics,
    ...(max !== undefined && { max }),
    onError: (error) => logger.warn({ err: error }, 'lost a database connection'),
  })
  started(() => db.end())
  await checkDatabase(db, { sets, refuseOwner, warn: (sentence) => logger.warn(sentence) })
  return db
}
