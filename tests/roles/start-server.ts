import { join } from 'node:path'
import {
  type LocalPostgres,
  startLocalPostgres,
} from '@caudal/local-postgres/start-local-postgres.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { dataDirectory } from '../support/launch-system.ts'
import { silentLogger } from '../support/silent-logger.ts'

/** Starts an empty server with these roles; it stops when the scope ends. */
export async function startServer(
  scope: TestScope,
  roles: readonly string[] = [],
): Promise<LocalPostgres> {
  const dataDir = join(await dataDirectory(scope), 'postgres')
  const options = { dataDir, roles, throwaway: true, logger: silentLogger }
  const server = await startLocalPostgres(options)
  scope.after(() => server.stop())
  return server
}
