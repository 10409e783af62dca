import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { startLocalPostgres } from '@caudal/local-postgres/start-local-postgres.ts'
import { databaseUrl } from '@caudal/postgres/database-url.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { UnreachableError } from '../errors.ts'
import { isStale, readSystemState } from '../system/state-file.ts'

/** The databases of a system whose services are stopped. */
export type StoppedSystem = {
  /** As the role that owns the tables. */
  databaseUrl(database: string): string
  logUrl: string
  close(): Promise<void>
}

/**
 * Opens the databases of a system: those that the environment names, or the embedded server of the
 * data directory, which is started for this command.
 *
 * @throws {UnreachableError} if the system runs, or has no database
 */
export async function openStoppedSystem(
  dataDir: string,
  env: NodeJS.ProcessEnv,
  logger: Logger,
): Promise<StoppedSystem> {
  const state = await readSystemState(dataDir)
  if (state !== undefined && !isStale(state)) {
    throw new UnreachableError(
      `the system of ${dataDir} is running (process ${state.pid} on ${state.host}): stop it first`,
    )
  }
  const given = env['CAUDAL_MIGRATION_DATABASE_URL'] ?? env['DATABASE_URL']
  if (given) return systemAt(given, env, async () => {})
  const directory = join(dataDir, 'postgres')
  const exists = await access(directory).then(
    () => true,
    () => false,
  )
  if (!exists) {
    throw new UnreachableError(
      `${dataDir} has no database. Name the data directory of the system with --data, or its ` +
        'databases with CAUDAL_MIGRATION_DATABASE_URL.',
    )
  }
  const postgres = await startLocalPostgres({ dataDir: directory, logger })
  return systemAt(postgres.ownerUrl, {}, () => postgres.stop())
}

function systemAt(
  server: string,
  env: NodeJS.ProcessEnv,
  close: () => Promise<void>,
): StoppedSystem {
  const urlOf = (database: string): string => {
    const own = env[`${database.toUpperCase()}_DATABASE_URL`]
    return own === undefined ? databaseUrl(server, database) : asOwner(own, server)
  }
  return { databaseUrl: urlOf, logUrl: urlOf('caudal_log'), close }
}

/** The URL of a service names its database, but its role may not move positions. */
function asOwner(own: string, server: string): string {
  const url = new URL(own)
  const { username, password } = new URL(server)
  Object.assign(url, { username, password })
  return url.href
}
