import { createPool } from '@caudal/postgres/create-pool.ts'
import { isConnectionFault } from '@caudal/postgres/errors.ts'
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
    if (!isConnectionFault(error) && !isUnavailable(error)) throw error
    throw new UnreachableError('could not reach the databases', { cause: error })
  } finally {
    await Promise.all([...databases.values()].map((db) => db.end()))
  }
}

/** No connection, or a server without the service's database (SQLSTATE 3D000). */
function isUnavailable(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'DATABASE_UNAVAILABLE' || code === '3D000'
}
