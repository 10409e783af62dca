import { createPool } from '@caudal/postgres/create-pool.ts'
import {
  DatabaseUnavailableError,
  isConnectionFault,
  isMissingDatabase,
} from '@caudal/postgres/errors.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { UnreachableError } from '../errors.ts'
import type { System } from '../system/find-system.ts'

/**
 * Runs `work` with the databases of services, by name, and closes them.
 *
 * @throws {UnreachableError} when a database cannot be reached
 */
export async function withDatabases<T>(
  system: System,
  services: readonly string[],
  work: (databases: ReadonlyMap<string, Db>) => Promise<T>,
): Promise<T> {
  const databases = new Map<string, Db>(
    services.map((service) => [
      service,
      createPool({
        url: system.databaseUrl(`caudal_${service}`),
        applicationName: 'caudal-dlq',
        max: 1,
      }),
    ]),
  )
  try {
    return await work(databases)
  } catch (error) {
    const isAway = isConnectionFault(error) || error instanceof DatabaseUnavailableError
    if (!isAway && !isMissingDatabase(error)) throw error
    throw new UnreachableError('could not reach the databases', { cause: error })
  } finally {
    await Promise.all([...databases.values()].map((db) => db.end()))
  }
}
