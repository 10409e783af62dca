import { hostname } from 'node:os'
import type { RunningService } from '@caudal/http/running-service.ts'
import { explainFileError } from '@caudal/local-postgres/local-postgres-error.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { bankEnvironment, hasBanks } from './bank-environment.ts'
import { checkConfiguration } from './check-configuration.ts'
import { makeDirectory } from './make-directory.ts'
import { openServiceDatabases } from './open-databases.ts'
import { isPartial, missingSettings, withoutGateway } from './partial-system.ts'
import { operationsPortOf, planPorts } from './plan-ports.ts'
import { newSecrets, readOrMakeSecrets, secretEnvironment, type Secrets } from './secrets.ts'
import { type LoadedService, SERVICE_ENTRIES } from './services.ts'
import { removeOwnState, type SystemState, writeSystemState } from './state-file.ts'

/** What to run, and where. */
export type RunOptions = {
  names: readonly string[]
  dataDir: string
  /** The gateway's port, which the other services' ports follow; 0 chooses free ports. */
  firstPort: number
  env: NodeJS.ProcessEnv
  logger: Logger
}

const SLOW_STOP_MS = 5_000
/** Stands for an address that is not known yet. */
const LOOPBACK = 'http://127.0.0.1'

/** The running services. */
export type RunningSystem = {
  state: SystemState
  /** Resolves with the reason if the embedded database was lost for good. */
  failed: Promise<Error>
  stop(): Promise<void>
}

/**
 * Starts services in this process, with an embedded PostgreSQL unless the environment names a
 * server. `stop` stops everything in reverse order. A failed start leaves nothing running.
 */
export async function runSystem(options: RunOptions): Promise<RunningSystem> {
  const { names, dataDir, firstPort, logger } = options
  const part = isPartial(names, options.env)
  const stops: Stop[] = []
  let explain = async (error: unknown) => error
  const stop = async (): Promise<void> => {
    for (const one of stops.splice(0).toReversed()) await stopWatched(one, logger)
  }
  try {
    const loaded = await Promise.all(names.map((name) => SERVICE_ENTRIES.get(name)!.load()))
    const known = { ...environmentOf(part ? undefined : newSecrets(), names), ...options.env }
    checkConfiguration(loaded, known, part ? missingSettings(names, options.env) : [])
    const ports = await planPorts(options.env, names, firstPort)
    stops.push({ name: 'ports', run: ports.release })
    if (!part) {
      await makeDirectory(dataDir)
      // Removed last: while the file exists, a part of the system may still run.
      stops.push({ name: 'state file', run: () => removeOwnState(dataDir) })
    }
    const closing = (run: () => Promise<void>): void => void stops.push({ name: 'postgres', run })
    const database = await openServiceDatabases(options, closing)
    explain = database.explain ?? explain
    const secrets = part ? {} : await readOrMakeSecrets(dataDir)
    const made = environmentOf(part ? undefined : secrets, names, ports.env)
    const alone = withoutGateway(names, options.env)
    const env = { ...made, ...options.env, ...alone, ...database.env, ...ports.env }
    await ports.release()
    const services = await startServices(loaded, env, stops)
    const state = describe(options, services, database.url, secrets, operationsUrls(names, env))
    if (!part) await writeSystemState(state)
    logger.info({ services: state.services }, 'the system is ready')
    return { state, failed: database.failed, stop }
  } catch (error) {
    await stop().catch((fault: unknown) => logger.error({ err: fault }, 'could not stop cleanly'))
    throw explainFileError(await explain(error), dataDir)
  }
}

/** What a system of its own is configured with; `env` has the addresses. */
function environmentOf(
  secrets: Secrets | undefined,
  names: readonly string[],
  env: NodeJS.ProcessEnv = {},
): NodeJS.ProcessEnv {
  if (secrets === undefined) return {}
  if (!hasBanks(names)) return secretEnvironment(secrets)
  const { CAUDAL_API_GATEWAY_URL, CAUDAL_ASYNCBANK_URL } = env
  const gatewayUrl = CAUDAL_API_GATEWAY_URL ?? LOOPBACK
  const asyncbankUrl = CAUDAL_ASYNCBANK_URL ?? LOOPBACK
  const banks = bankEnvironment(secrets, { gatewayUrl, asyncbankUrl })
  return { ...secretEnvironment(secrets), ...banks }
}

type Stop = { name: string; run: () => Promise<void> }

/** Stops one part and logs its name while it takes long. */
async function stopWatched({ name, run }: Stop, logger: Logger): Promise<void> {
  const startedAt = performance.now()
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000)
    logger.warn({ part: name, seconds }, 'still stopping')
  }, SLOW_STOP_MS)
  try {
    await run()
  } finally {
    clearInterval(timer)
  }
}

/** Starts all services at once; none needs another one to start. */
async function startServices(
  loaded: readonly LoadedService[],
  env: NodeJS.ProcessEnv,
  stops: Stop[],
): Promise<RunningService[]> {
  const started = await Promise.allSettled(loaded.map(async (service) => service.start(env)))
  const services = started.flatMap((it) => (it.status === 'fulfilled' ? [it.value] : []))
  for (const service of services) stops.push({ name: service.name, run: () => service.stop() })
  const failed = started.find((it) => it.status === 'rejected')
  if (failed) throw failed.reason
  return services
}

/** Where the operations port of each service is. */
function operationsUrls(names: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const urlOf = (name: string): string => {
    const { key } = SERVICE_ENTRIES.get(name)!
    return `http://127.0.0.1:${env[operationsPortOf(key)]}`
  }
  return Object.fromEntries(names.map((name) => [name, urlOf(name)]))
}

function describe(
  { names, dataDir }: RunOptions,
  services: readonly RunningService[],
  databaseUrl: string,
  secrets: Secrets,
  operations: Record<string, string>,
): SystemState {
  const urls = Object.fromEntries(names.map((name, index) => [name, services[index]!.url]))
  return {
    pid: process.pid,
    host: hostname(),
    gateway_url: urls['api-gateway'] ?? null,
    console_url: null,
    psp_url: urls['psp'] ?? null,
    asyncbank_url: urls['asyncbank'] ?? null,
    push_url: urls['push'] ?? null,
    data_dir: dataDir,
    services: urls,
    operations,
    database_url: databaseUrl,
    client: { id: 'caudal-cli', secret: secrets['caudal-cli'] ?? '' },
  }
}
