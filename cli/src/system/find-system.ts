import { databaseUrl } from '@caudal/postgres/database-url.ts'
import type { Invocation } from '../command.ts'
import { UnreachableError } from '../errors.ts'
import { readState } from './state-file.ts'

/** Where everything of a running system is: from its state file, or from the environment. */
export type System = {
  gatewayUrl: string
  pspUrl: string
  pushUrl: string
  serviceUrl(service: string): string
  databaseUrl(database: string): string
  client: { id: string; secret: string }
}

/** @throws {UnreachableError} when neither a state file nor the environment names a system */
export async function findSystem({
  dataDir,
  url,
}: Pick<Invocation, 'dataDir' | 'url'>): Promise<System> {
  const state = await readState(dataDir)
  const gatewayUrl = url ?? state?.gateway_url
  const env = process.env
  if (!gatewayUrl && !state && !env['CAUDAL_IDENTITY_URL']) {
    throw new UnreachableError(
      `no running system found: ${dataDir} has no state file (start one with "caudal start", or ` +
        'name it with --data or --url)',
    )
  }
  const named = (name: string, known: string | null | undefined): string => {
    const found = env[`CAUDAL_${name}_URL`] ?? known
    if (found) return found
    throw new UnreachableError(`CAUDAL_${name}_URL is not set, and no state file names it`)
  }
  const ownDatabase = (database: string): string | undefined =>
    env[`${database.toUpperCase()}_DATABASE_URL`]
  const server = (): string => {
    const found = env['CAUDAL_MIGRATION_DATABASE_URL'] ?? env['DATABASE_URL'] ?? state?.database_url
    if (found) return found
    throw new UnreachableError('DATABASE_URL is not set, and no state file names the database')
  }
  return {
    gatewayUrl: gatewayUrl ?? 'http://127.0.0.1:8080',
    get pspUrl() {
      return named('PSP', state?.psp_url)
    },
    get pushUrl() {
      return named('PUSH', state?.push_url)
    },
    serviceUrl: (service) =>
      named(service.toUpperCase().replaceAll('-', '_'), state?.services[service]),
    databaseUrl: (database) => ownDatabase(database) ?? databaseUrl(server(), database),
    client: {
      id: env['CAUDAL_CLIENT_ID'] ?? state?.client.id ?? 'caudal-cli',
      secret: env['CAUDAL_CLIENT_SECRET'] ?? state?.client.secret ?? '',
    },
  }
}
