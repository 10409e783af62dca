import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts } from '@caudal/local-postgres/free-port.ts'
import { secretEnvironment, type Secrets } from 'caudal/system/secrets.ts'
import { keyOf } from './service-process.ts'

/** Every process of the system, by the name that `caudal start` takes. */
export const SERVICES = [
  'psp',
  'push',
  'identity',
  'orders',
  'wallets',
  'payments',
  'processor',
  'notifications',
  'api-gateway',
] as const
export type Service = (typeof SERVICES)[number]

/** Those that a payment goes through in the log. */
export const CORE: readonly Service[] = ['payments', 'wallets', 'processor', 'notifications']

/** Only the service that needs a secret gets it. */
const SECRETS_OF: Partial<Record<Service, readonly string[]>> = {
  identity: ['CAUDAL_IDENTITY_CLIENTS', 'CAUDAL_DEVELOPMENT_LOGIN'],
  payments: ['CAUDAL_PAYMENTS_CLIENT_SECRET'],
  notifications: ['CAUDAL_NOTIFICATIONS_CLIENT_SECRET'],
}

/** What all processes of a system are told: where everything is, as an operator would. */
export type Plan = {
  /** Where others find a service: its process, or the balancer before several. */
  addresses: Record<Service, number>
  apnsPort: number
  common: NodeJS.ProcessEnv
  secrets: NodeJS.ProcessEnv
  signingKey: string
}

export async function planProcesses(
  dataDir: string,
  secrets: Secrets,
  common: NodeJS.ProcessEnv,
): Promise<Plan> {
  const ports = await freePorts(SERVICES.length + 1)
  const addresses = Object.fromEntries(
    SERVICES.map((service, index) => [service, ports[index]!]),
  ) as Plan['addresses']
  return {
    addresses,
    apnsPort: ports.at(-1)!,
    common,
    secrets: secretEnvironment(secrets),
    signingKey: await signingKey(dataDir),
  }
}

/** The configuration of one process that listens at `port`. */
export function environmentOf(plan: Plan, service: Service, port: number): NodeJS.ProcessEnv {
  const urls = Object.entries(plan.addresses).map(([name, at]) => [
    `CAUDAL_${keyOf(name)}_URL`,
    `http://127.0.0.1:${at}`,
  ])
  const own = SECRETS_OF[service] ?? []
  return {
    ...inherited(),
    ...Object.fromEntries(urls),
    CAUDAL_PUSH_APNS_URL: `http://127.0.0.1:${plan.apnsPort}`,
    [`CAUDAL_${keyOf(service)}_PORT`]: String(port),
    ...(service === 'push' && { CAUDAL_PUSH_APNS_PORT: String(plan.apnsPort) }),
    ...Object.fromEntries(own.map((name) => [name, plan.secrets[name]])),
    ...(service === 'api-gateway' && { CAUDAL_GATEWAY_SIGNING_KEY: plan.signingKey }),
    ...plan.common,
  }
}

/** Nothing that configures Caudal by chance: only what a process needs to run at all. */
function inherited(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'NODE_COMPILE_CACHE', 'SystemRoot']
  return Object.fromEntries(names.map((name) => [name, process.env[name]]))
}

/** One for all gateways; kept, so that it survives a restart of everything. */
async function signingKey(dataDir: string): Promise<string> {
  const file = join(dataDir, 'gateway-key.pem')
  const known = await readFile(file, 'utf8').catch(() => undefined)
  if (known !== undefined) return known
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  await writeFile(file, pem, { mode: 0o600 })
  return pem
}
