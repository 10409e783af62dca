import { ACCESS, OPERATOR_ROLE, type StatefulService } from '@caudal/contracts/service-access.ts'
import { logMigrationsOf } from '@caudal/event-log/migrations.ts'
import type { LogUser } from '@caudal/event-log/postgres/let-use-log.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { migrate } from '@caudal/postgres/migrate.ts'
import { SERVICE_ENTRIES } from './services.ts'

/** The database of a service, and the role that it connects as. */
export type MigrationTarget = { service: StatefulService; database: string; role: string }

/** What to migrate. */
export type MigrationOptions = {
  /** Server URL of the role that owns the databases; only this connects as it (ADR 0030). */
  ownerUrl: string
  targets: readonly MigrationTarget[]
  /** The database of the embedded log; undefined if the log is Kafka. */
  logDatabase: string | undefined
  /** Roles that lose all rights, such as the one that all services shared in release 0.1.0. */
  withdraw?: readonly string[]
}

const LOG_DATABASE = 'caudal_log'

/**
 * Creates and migrates the databases of services and of the embedded log, and gives each role what
 * its service needs and no more. Repeatable.
 *
 * @throws {Error} naming roles that do not exist
 */
export async function migrateServices(options: MigrationOptions): Promise<void> {
  const { ownerUrl: adminUrl, targets, logDatabase, withdraw = [] } = options
  const known = await knownRoles(adminUrl)
  const missing = new Set(targets.map(({ role }) => role).filter((role) => !known.has(role)))
  if (missing.size > 0) {
    throw new Error(
      `these roles do not exist: ${[...missing].join(', ')}. Create them with the script that ` +
        '"caudal migrate --roles" prints.',
    )
  }
  const operator = known.has(OPERATOR_ROLE) ? { operator: OPERATOR_ROLE } : {}
  const own = targets.map(async ({ service, database, role }) => {
    const sets = await SERVICE_ENTRIES.get(service)!.migrations()
    await migrate({ adminUrl, database, sets, roles: [role], ...operator, withdraw })
  })
  const users = targets.map(logUserOf).filter(({ appends, reads }) => appends.length > 0 || reads)
  const roles = [...new Set(users.map(({ role }) => role))]
  const log = async (): Promise<void> => {
    if (logDatabase === undefined || roles.length === 0) return
    const sets = [logMigrationsOf(users)]
    await migrate({ adminUrl, database: logDatabase, sets, roles, ...operator, withdraw })
  }
  await Promise.all([...own, log()])
}

function logUserOf({ service, role }: MigrationTarget): LogUser {
  const { appends, reads } = ACCESS[service]
  return { role, appends, reads: reads.length > 0 }
}

async function knownRoles(url: string): Promise<Set<string>> {
  const pool = createPool({ url, applicationName: 'caudal-migrate', max: 1 })
  try {
    const { rows } = await pool.query<{ name: string }>('SELECT rolname AS name FROM pg_roles')
    return new Set(rows.map(({ name }) => name))
  } finally {
    await pool.end()
  }
}

/**
 * The databases of the named services. A variable `CAUDAL_<SERVICE>_DATABASE_URL` names another
 * database and role; so does `server`, the DATABASE_URL of services that share one.
 */
export function migrationTargets(
  names: readonly string[],
  env: NodeJS.ProcessEnv,
  server?: string,
): MigrationTarget[] {
  return names.filter(isStateful).map((service) => {
    const { key } = SERVICE_ENTRIES.get(service)!
    const { role, database } = ACCESS[service]
    const own = parse(env[`CAUDAL_${key}_DATABASE_URL`])
    return {
      service,
      database: own?.database || database,
      role: own?.role || parse(server)?.role || role,
    }
  })
}

/** The database of the embedded log, or undefined if `KAFKA_BROKERS` names another log. */
export function logDatabaseOf(env: NodeJS.ProcessEnv): string | undefined {
  if (env['KAFKA_BROKERS']) return undefined
  return parse(env['CAUDAL_LOG_DATABASE_URL'])?.database || LOG_DATABASE
}

function isStateful(name: string): name is StatefulService {
  return Object.hasOwn(ACCESS, name)
}

function parse(url: string | undefined): { role: string; database: string } | undefined {
  if (!url || !URL.canParse(url)) return undefined
  const { username, pathname } = new URL(url)
  return { role: decodeURIComponent(username), database: decodeURIComponent(pathname.slice(1)) }
}
