import { join } from 'node:path'
import { ConfigError } from '@caudal/config/environment.ts'
import { ACCESS, ROLES } from '@caudal/contracts/service-access.ts'
import {
  type LocalPostgres,
  startLocalPostgres,
} from '@caudal/local-postgres/start-local-postgres.ts'
import { databaseUrl } from '@caudal/postgres/database-url.ts'
import { FIRST_ROLE } from '@caudal/postgres/grant-access.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { checkServer } from './check-server.ts'
import {
  logDatabaseOf,
  migrateServices,
  migrationTargets,
  type MigrationTarget,
} from './migrate-services.ts'
import { needsEmbedded } from './partial-system.ts'
import { SERVICE_ENTRIES } from './services.ts'

/** The databases of the services of this process. */
export type OpenedDatabase = {
  /** The variables by which each service finds its database. */
  env: NodeJS.ProcessEnv
  /** The server, for commands; not for services. */
  url: string
  explain?: LocalPostgres['explain']
  failed: Promise<Error>
}

type DatabaseOptions = {
  names: readonly string[]
  dataDir: string
  env: NodeJS.ProcessEnv
  logger: Logger
}

/**
 * Starts the embedded server, unless the environment names one, and migrates its databases.
 * Services connect as roles of their own, never as the owner (ADR 0030).
 */
export async function openServiceDatabases(
  { names, dataDir, env, logger }: DatabaseOptions,
  started: (stop: () => Promise<void>) => void,
): Promise<OpenedDatabase> {
  if (!needsEmbedded(names, env)) return openGiven(names, env, logger)
  const postgres = await startLocalPostgres({
    dataDir: join(dataDir, 'postgres'),
    roles: ROLES,
    logger,
  })
  started(() => postgres.stop())
  const own = names.filter((name) => !env[`CAUDAL_${keyOf(name)}_DATABASE_URL`])
  const targets = migrationTargets(own, {})
  const logDatabase = logDatabaseOf(env)
  // No other process uses the server, so nothing of release 0.1.0 runs beside this start.
  const withdraw = [FIRST_ROLE]
  await migrateServices({ ownerUrl: postgres.ownerUrl, targets, logDatabase, withdraw }).catch(
    async (error: unknown) => {
      throw await postgres.explain(error)
    },
  )
  const namesLog = Boolean(env['CAUDAL_LOG_DATABASE_URL'])
  return {
    env: Object.fromEntries(
      targets.flatMap((target) => {
        const server = postgres.roleUrl(target.role)
        const log = namesLog ? undefined : databaseUrl(server, logDatabase ?? 'caudal_log')
        return variablesOf(target, databaseUrl(server, target.database), log)
      }),
    ),
    url: postgres.ownerUrl,
    explain: postgres.explain,
    failed: postgres.failed,
  }
}

async function openGiven(
  names: readonly string[],
  env: NodeJS.ProcessEnv,
  logger: Logger,
): Promise<OpenedDatabase> {
  const { DATABASE_URL: given, CAUDAL_MIGRATION_DATABASE_URL: ownerUrl } = env
  const targets = migrationTargets(names, env, given)
  // A gateway has no database, and so no password for the server that its environment may name.
  if (given && targets.length > 0) await checkServer('DATABASE_URL', given)
  if (ownerUrl && targets.length > 0) {
    if (env['NODE_ENV'] === 'production') {
      const only = 'is for "caudal migrate" only: services do not get the URL of the owner'
      throw new ConfigError([`CAUDAL_MIGRATION_DATABASE_URL ${only}`])
    }
    await checkServer('CAUDAL_MIGRATION_DATABASE_URL', ownerUrl)
    logger.warn(
      'this start migrates, because it got CAUDAL_MIGRATION_DATABASE_URL: in production only ' +
        '"caudal migrate" gets the URL of the owner',
    )
    await migrateServices({ ownerUrl, targets, logDatabase: logDatabaseOf(env) })
  }
  return { env: {}, url: ownerUrl ?? given ?? '', failed: new Promise(() => {}) }
}

function variablesOf(
  { service }: MigrationTarget,
  own: string,
  log: string | undefined,
): [string, string][] {
  const key = keyOf(service)
  const variables: [string, string][] = [[`CAUDAL_${key}_DATABASE_URL`, own]]
  const { appends, reads } = ACCESS[service]
  const usesLog = appends.length > 0 || reads.length > 0
  if (log !== undefined && usesLog) variables.push([`CAUDAL_${key}_LOG_DATABASE_URL`, log])
  return variables
}

function keyOf(name: string): string {
  return SERVICE_ENTRIES.get(name)!.key
}
