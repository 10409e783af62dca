import { isDeepStrictEqual } from 'node:util'
import { databaseUrl } from '@caudal/postgres/database-url.ts'
import type { Invocation } from '../command.ts'
import { UnreachableError } from '../errors.ts'
import { externalServices } from './external-services.ts'
import { call } from './http-client.ts'
import { isStale, readSystemState, type SystemState } from './state-file.ts'

/** The addresses of a running system, from its state file or the environment. */
export type System = {
  gatewayUrl: string
  pspUrl: string
  /** The second PSP's simulator. */
  asyncbankUrl: string
  pushUrl: string
  serviceUrl(service: string): string
  /** The token endpoint of the identity service, or of another provider. */
  tokenUrl: string
  /**
   * Whether the system has this service. Without a state file it has all, except those that
   * `CAUDAL_EXTERNAL_SERVICES` names, and the second PSP's simulator only if its address is named.
   */
  runs(service: string): boolean
  databaseUrl(database: string): string
  /** The same as the role that owns the databases, where the environment names it. */
  ownerDatabaseUrl(database: string): string
  client: { id: string; secret: string }
}

type Where = Pick<Invocation, 'dataDir' | 'url'>

/**
 * Finds the system that `--url` and `--data` name. A gateway named by `--url` must respond, and
 * must be the gateway of the system in the state file.
 *
 * @throws {UnreachableError} if no system is named or it is unreachable
 */
export async function findSystem(where: Where): Promise<System> {
  const state = await liveState(where)
  const gatewayUrl = where.url ?? state?.gateway_url
  const env = process.env
  const external = externalServices(env)
  if (!gatewayUrl && !state && !env['CAUDAL_IDENTITY_URL']) {
    throw new UnreachableError(
      `no running system found: ${where.dataDir} has no state file. Start a system with ` +
        '"caudal start", or name one with --data or --url.',
    )
  }
  if (where.url !== undefined) await checkGateway(where.url, state)
  const named = (name: string, known: string | null | undefined): string => {
    const found = env[`CAUDAL_${name}_URL`] ?? known
    if (found) return found
    throw new UnreachableError(
      `CAUDAL_${name}_URL is not set, and there is no state file with this address`,
    )
  }
  const ownDatabase = (database: string): string | undefined =>
    env[`${database.toUpperCase()}_DATABASE_URL`]
  const owner = env['CAUDAL_MIGRATION_DATABASE_URL']
  const server = (): string => {
    const found = env['DATABASE_URL'] ?? owner ?? state?.database_url
    if (found) return found
    throw new UnreachableError(
      'DATABASE_URL is not set, and there is no state file with the database',
    )
  }
  const serviceUrl = (service: string): string => named(keyOf(service), state?.services[service])
  return {
    gatewayUrl: gatewayUrl ?? 'http://127.0.0.1:8080',
    get pspUrl() {
      return named('PSP', state?.psp_url)
    },
    get asyncbankUrl() {
      return named('ASYNCBANK', state?.asyncbank_url)
    },
    get pushUrl() {
      return named('PUSH', state?.push_url)
    },
    serviceUrl,
    get tokenUrl() {
      return env['CAUDAL_IDENTITY_TOKEN_URL'] || `${serviceUrl('identity')}/token`
    },
    runs(service) {
      const isNamed = env[`CAUDAL_${keyOf(service)}_URL`] !== undefined
      if (state !== undefined) return state.services[service] !== undefined || isNamed
      return !external.has(service) && (service !== 'asyncbank' || isNamed)
    },
    databaseUrl: (database) => ownDatabase(database) ?? databaseUrl(server(), database),
    ownerDatabaseUrl: (database) => databaseUrl(owner ?? server(), database),
    client: {
      id: env['CAUDAL_CLIENT_ID'] ?? state?.client.id ?? 'caudal-cli',
      secret: env['CAUDAL_CLIENT_SECRET'] ?? state?.client.secret ?? '',
    },
  }
}

/** The <KEY> of CAUDAL_<KEY>_URL. */
function keyOf(service: string): string {
  return service.toUpperCase().replaceAll('-', '_')
}

/** Reads the state file, unless the system that wrote it was killed. */
async function liveState({ dataDir, url }: Where): Promise<SystemState | undefined> {
  const state = await readSystemState(dataDir)
  if (!state || !isStale(state)) return state
  if (url !== undefined) return undefined
  throw new UnreachableError(
    `the system of ${dataDir} is not running: its process ${state.pid} has ended. Start it again ` +
      'with "caudal start".',
  )
}

/**
 * Checks that the gateway responds and belongs to the system in the state file.
 *
 * @throws {UnreachableError}
 */
async function checkGateway(url: string, state: SystemState | undefined): Promise<void> {
  const { status, body } = await call(`${url}/healthz`)
  const { name } = (body ?? {}) as { name?: unknown }
  if (status !== 200 || name !== 'api-gateway') {
    throw new UnreachableError(`${url} is not a gateway`)
  }
  const own = state?.gateway_url
  if (!state || !own || own === url) return
  const [theirs, ours] = await Promise.all([keysOf(url), keysOf(own).catch(() => undefined)])
  if (theirs === undefined || ours === undefined || isDeepStrictEqual(theirs, ours)) return
  throw new UnreachableError(`${url} is not the gateway of the system in ${state.data_dir}`)
}

/** The public signing keys of a gateway, which identify it; undefined if a proxy hides them. */
async function keysOf(gatewayUrl: string): Promise<unknown> {
  const { status, body } = await call(`${gatewayUrl}/internal/jwks.json`)
  return status === 200 ? body : undefined
}
