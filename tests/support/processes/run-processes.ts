import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { ACCESS, OPERATOR_ROLE, ROLES } from '@caudal/contracts/service-access.ts'
import { freePorts } from '@caudal/local-postgres/free-port.ts'
import { startLocalPostgres } from '@caudal/local-postgres/start-local-postgres.ts'
import { logDatabaseOf, migrateServices, migrationTargets } from 'caudal/system/migrate-services.ts'
import { readOrMakeSecrets } from 'caudal/system/secrets.ts'
import { removeOwnState, type SystemState, writeSystemState } from 'caudal/system/state-file.ts'
import { silentLogger } from '../silent-logger.ts'
import { startBalancer } from './balancer.ts'
import {
  environmentOf,
  type SystemPlan,
  planProcesses,
  type Service,
  SERVICE_NAMES,
} from './plan-processes.ts'
import { environmentKey, ServiceProcess } from './service-process.ts'

/** What to run. */
export type ProcessesOptions = {
  dataDir: string
  /** Variables of every process, which override the planned ones. */
  env?: NodeJS.ProcessEnv
  /** The sources of a service's release; this repository by default. */
  roots?: Partial<Record<Service, string>>
  /** The number of processes of a service; one by default. */
  replicas?: Partial<Record<Service, number>>
}

/** A running system with every service in its own process. */
export type Processes = {
  state: SystemState
  /** The variables with which the command line finds the system. */
  commandEnvironment: NodeJS.ProcessEnv
  /** The processes of a service, in the order of their creation. */
  of(service: Service): ServiceProcess[]
  /** Starts another process of a service, behind its balancer if there is one. */
  add(service: Service): Promise<ServiceProcess>
  /** Stops all processes; returns a text for each exit code other than 0. */
  stop(): Promise<string[]>
}

/**
 * Starts PostgreSQL in the data directory and a process for each service, all at once, since none
 * needs another one to start. The command line and the test helpers find them by the state file.
 */
export async function runProcesses(options: ProcessesOptions): Promise<Processes> {
  const { dataDir, replicas = {}, roots = {} } = options
  const logDir = join(dataDir, 'logs')
  await mkdir(logDir, { recursive: true })
  const cleanups: (() => Promise<unknown>)[] = []
  const all: ServiceProcess[] = []
  try {
    const postgres = await startLocalPostgres({
      dataDir: join(dataDir, 'postgres'),
      settings: { max_connections: '400' },
      roles: ROLES,
      logger: silentLogger,
    })
    cleanups.push(() => postgres.stop())
    const { ownerUrl } = postgres
    await migrateServices({
      ownerUrl,
      targets: migrationTargets(SERVICE_NAMES, {}),
      logDatabase: logDatabaseOf(options.env ?? {}),
    })
    const secrets = await readOrMakeSecrets(dataDir)
    const plan = await planProcesses(dataDir, secrets, {
      databasesOf: (service) =>
        service === 'api-gateway'
          ? {}
          : { DATABASE_URL: postgres.roleUrl(ACCESS[service].role), NODE_ENV: 'production' },
      common: { CAUDAL_LOG_LEVEL: 'warn', ...options.env },
    })
    const of = (service: Service) => all.filter((one) => one.service === service)
    const create = (service: Service, port: number): ServiceProcess => {
      const logFile = join(logDir, `${service}-${of(service).length + 1}.log`)
      const env = environmentOf(plan, service, port)
      const root = roots[service]
      const made = new ServiceProcess({
        service,
        env,
        logFile,
        ...(root !== undefined && { root }),
      })
      all.push(made)
      return made
    }
    for (const service of SERVICE_NAMES) {
      const count = replicas[service] ?? 1
      const address = plan.addresses[service]
      const ports = count === 1 ? [address] : await freePorts(count)
      for (const port of ports) create(service, port)
      if (count === 1) continue
      const balancer = await startBalancer(address, () => of(service).map((one) => one.port))
      cleanups.push(() => balancer.stop())
    }
    await startAll(all)
    const state = stateOf(dataDir, plan, ownerUrl, secrets['caudal-cli'] ?? '')
    await writeSystemState(state)
    cleanups.push(() => removeOwnState(dataDir))
    return {
      state,
      commandEnvironment: commandEnvironment(state, postgres.roleUrl(OPERATOR_ROLE)),
      of,
      async add(service) {
        const [port] = await freePorts(1)
        const made = create(service, port!)
        await made.start()
        return made
      },
      stop: () => stopAll(all, cleanups),
    }
  } catch (error) {
    await stopAll(all, cleanups)
    throw error
  }
}

async function startAll(processes: readonly ServiceProcess[]): Promise<void> {
  const started = await Promise.allSettled(processes.map((one) => one.start()))
  const failed = started.find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
}

/** Stops the gateways first, so that no requests arrive, then all others, and the database last. */
async function stopAll(
  processes: readonly ServiceProcess[],
  cleanups: readonly (() => Promise<unknown>)[],
): Promise<string[]> {
  const entrance = processes.filter(({ service }) => service === 'api-gateway')
  const others = processes.filter(({ service }) => service !== 'api-gateway')
  const codes: string[] = []
  const end = async (one: ServiceProcess): Promise<void> => {
    const code = await one.stop()
    if (code !== 0) codes.push(`${one.service}: ${code}\n${one.logs().slice(-5).join('\n')}`)
  }
  for (const group of [entrance, others]) await Promise.all(group.map(end))
  for (const cleanup of cleanups.toReversed()) await cleanup()
  return codes
}

function stateOf(
  dataDir: string,
  plan: SystemPlan,
  databaseUrl: string,
  secret: string,
): SystemState {
  const urlOf = (service: Service) => `http://127.0.0.1:${plan.addresses[service]}`
  const services = Object.fromEntries(SERVICE_NAMES.map((service) => [service, urlOf(service)]))
  return {
    pid: process.pid,
    host: hostname(),
    gateway_url: urlOf('api-gateway'),
    console_url: null,
    psp_url: urlOf('psp'),
    asyncbank_url: urlOf('asyncbank'),
    push_url: urlOf('push'),
    data_dir: dataDir,
    // Their operations are public.
    operations: services,
    services,
    database_url: databaseUrl,
    client: { id: 'caudal-cli', secret },
  }
}

function commandEnvironment(state: SystemState, operatorUrl: string): NodeJS.ProcessEnv {
  const urls = Object.entries(state.services).map(([service, url]) => [
    `CAUDAL_${environmentKey(service)}_URL`,
    url,
  ])
  return {
    ...Object.fromEntries(urls),
    DATABASE_URL: operatorUrl,
    CAUDAL_CLIENT_ID: state.client.id,
    CAUDAL_CLIENT_SECRET: state.client.secret,
  }
}
