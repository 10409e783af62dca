import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '@caudal/local-postgres/free-port.ts'
import { bankEnvironment } from 'caudal/system/bank-environment.ts'
import { secretEnvironment, type Secrets } from 'caudal/system/secrets.ts'
import { environmentKey } from './service-process.ts'

/** Every service, by its name in `caudal start`. */
export const SERVICE_NAMES = [
  'psp',
  'asyncbank',
  'push',
  'identity',
  'orders',
  'wallets',
  'payments',
  'processor',
  'notifications',
  'api-gateway',
] as const
/** The name of a service. */
export type Service = (typeof SERVICE_NAMES)[number]

/** The services that consume a payment's events. */
export const CORE: readonly Service[] = ['payments', 'wallets', 'processor', 'notifications']

/** The secrets of each service. */
const SECRETS_OF: Partial<Record<Service, readonly string[]>> = {
  psp: ['CAUDAL_PSP_SIMULATOR_CALLBACK_URL', 'CAUDAL_PSP_SIMULATOR_CALLBACK_SECRETS'],
  asyncbank: [
    'CAUDAL_ASYNCBANK_SIMULATOR_API_KEY',
    'CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_URL',
    'CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_KEYID',
    'CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_KEY',
  ],
  processor: [
    'CAUDAL_PSP_CALLBACK_SECRETS',
    'CAUDAL_PSPS',
    'CAUDAL_PSP_ASYNCBANK_URL',
    'CAUDAL_PSP_ASYNCBANK_API_KEY',
    'CAUDAL_PSP_ASYNCBANK_CALLBACK_SECRETS',
  ],
  identity: ['CAUDAL_IDENTITY_CLIENTS', 'CAUDAL_DEVELOPMENT_LOGIN'],
  payments: ['CAUDAL_PAYMENTS_CLIENT_SECRET'],
  notifications: ['CAUDAL_NOTIFICATIONS_CLIENT_SECRET'],
}

/** The configuration of a system, as an operator would set it. */
export type SystemPlan = {
  /** The port of each service: its process, or the balancer of several processes. */
  addresses: Record<Service, number>
  apnsPort: number
  /** The databases of a service, as its own role. */
  databasesOf(service: Service): NodeJS.ProcessEnv
  common: NodeJS.ProcessEnv
  secrets: NodeJS.ProcessEnv
  signingKey: string
}

/** Chooses ports, and creates or reads the gateway's signing key. */
export async function planProcesses(
  dataDir: string,
  secrets: Secrets,
  { databasesOf, common }: Pick<SystemPlan, 'databasesOf' | 'common'>,
): Promise<SystemPlan> {
  const ports = await freePorts(SERVICE_NAMES.length + 1)
  const addresses = Object.fromEntries(
    SERVICE_NAMES.map((service, index) => [service, ports[index]!]),
  ) as SystemPlan['addresses']
  const at = (service: Service): string => `http://127.0.0.1:${addresses[service]}`
  const banks = { gatewayUrl: at('api-gateway'), asyncbankUrl: at('asyncbank') }
  return {
    addresses,
    apnsPort: ports.at(-1)!,
    databasesOf,
    common,
    secrets: { ...secretEnvironment(secrets), ...bankEnvironment(secrets, banks) },
    signingKey: await signingKey(dataDir),
  }
}

/** The environment of one process that listens on `port`. */
export function environmentOf(plan: SystemPlan, service: Service, port: number): NodeJS.ProcessEnv {
  const urls = Object.entries(plan.addresses).map(([name, at]) => [
    `CAUDAL_${environmentKey(name)}_URL`,
    `http://127.0.0.1:${at}`,
  ])
  const own = SECRETS_OF[service] ?? []
  return {
    ...inherited(),
    ...Object.fromEntries(urls),
    CAUDAL_PUSH_APNS_URL: `http://127.0.0.1:${plan.apnsPort}`,
    [`CAUDAL_${environmentKey(service)}_PORT`]: String(port),
    // The tests read metrics where the service is.
    CAUDAL_OPERATIONS_PUBLIC: 'true',
    ...(service === 'push' && { CAUDAL_PUSH_APNS_PORT: String(plan.apnsPort) }),
    ...Object.fromEntries(own.map((name) => [name, plan.secrets[name]])),
    ...(service === 'api-gateway' && { CAUDAL_GATEWAY_SIGNING_KEY: plan.signingKey }),
    ...plan.databasesOf(service),
    ...plan.common,
  }
}

/** Only the variables that any process needs, so that nothing else configures Caudal. */
function inherited(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'NODE_COMPILE_CACHE', 'SystemRoot']
  return Object.fromEntries(names.map((name) => [name, process.env[name]]))
}

/** The signing key of all gateways; stored, so that it is the same after a restart. */
async function signingKey(dataDir: string): Promise<string> {
  const file = join(dataDir, 'gateway-key.pem')
  const known = await readFile(file, 'utf8').catch(() => undefined)
  if (known !== undefined) return known
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  await writeFile(file, pem, { mode: 0o600 })
  return pem
}
