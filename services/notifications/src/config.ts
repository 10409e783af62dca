import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { type EnvironmentReader, readEnvironment } from '@caudal/config/environment.ts'
import {
  type ClientSettings,
  type DatabaseSettings,
  type IssuerSettings,
  readClientSettings,
  readDatabaseSettings,
  readIssuerSettings,
  readPeerUrl,
  readServiceSettings,
  type ServiceSettings,
} from '@caudal/config/service-settings.ts'
import type { ServiceAccount } from './push/google-tokens.ts'
import type { ApnsKey } from './push/provider-tokens.ts'

export type Config = ServiceSettings &
  DatabaseSettings &
  ClientSettings &
  IssuerSettings & {
    /** The user service, which knows languages and devices; identity by default. */
    usersUrl: string
    identityTimeoutMs: number
    /** Most notifications in flight to each push service. */
    concurrency: number
    /** The lease of a notification. */
    leaseMs: number
    /** Timeout for one notification to one device. */
    pushTimeoutMs: number
    fcm: { url: string; connections: number; account: ServiceAccount }
    apns: { url: string; topic: string; key: ApnsKey }
  }

const LEASE = 'CAUDAL_PUSH_LEASE'
const FCM_ACCOUNT = 'CAUDAL_FCM_SERVICE_ACCOUNT'
const APNS_KEY = 'CAUDAL_APNS_PRIVATE_KEY'

/** @throws {ConfigError} naming every bad variable at once */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => {
    const identityTimeoutMs = reader.durationMs('CAUDAL_NOTIFICATIONS_IDENTITY_TIMEOUT', 3_000)
    const pushTimeoutMs = reader.durationMs('CAUDAL_PUSH_TIMEOUT', 5_000)
    const leaseMs = reader.durationMs(LEASE, 15_000)
    if (leaseMs <= identityTimeoutMs + pushTimeoutMs) {
      reader.refuse(LEASE, 'must be longer than the timeouts of identity and push together')
    }
    return {
      ...readServiceSettings(reader, 'NOTIFICATIONS'),
      ...readDatabaseSettings(reader, 'NOTIFICATIONS'),
      ...readClientSettings(reader, 'NOTIFICATIONS'),
      ...readIssuerSettings(reader),
      usersUrl: reader.url('CAUDAL_USERS_URL', readPeerUrl(reader, 'IDENTITY')),
      identityTimeoutMs,
      concurrency: reader.integer('CAUDAL_PUSH_CONCURRENCY', { min: 1, max: 10_000 }, 500),
      leaseMs,
      pushTimeoutMs,
      fcm: readFcm(reader),
      apns: readApns(reader),
    }
  })
}

/** Google's service account file as JSON; generates a key for the push simulator if unset. */
function readFcm(reader: EnvironmentReader): Config['fcm'] {
  const simulator = readPeerUrl(reader, 'PUSH')
  const url = reader.url('CAUDAL_FCM_URL', simulator)
  const connections = reader.integer('CAUDAL_FCM_CONNECTIONS', { min: 1, max: 1_000 }, 64)
  const text = reader.optional(FCM_ACCOUNT)
  if (text !== undefined) return { url, connections, account: readServiceAccount(reader, text) }
  if (url !== simulator) reader.refuse(FCM_ACCOUNT, 'is missing')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const account = {
    project_id: 'caudal-development',
    client_email: 'caudal@caudal-development.iam.example',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    token_uri: `${url}/token`,
  }
  return { url, connections, account }
}

function readServiceAccount(reader: EnvironmentReader, text: string): ServiceAccount {
  const members = ['project_id', 'client_email', 'private_key', 'token_uri'] as const
  const account: ServiceAccount = {
    project_id: '',
    client_email: '',
    private_key: '',
    token_uri: '',
  }
  try {
    const given = JSON.parse(text) as Record<string, unknown>
    for (const member of members) {
      const value = given[member]
      if (typeof value === 'string' && value !== '') account[member] = value
      else reader.refuse(FCM_ACCOUNT, `lacks ${member}`)
    }
    if (account.private_key !== '') requireKey(reader, FCM_ACCOUNT, account.private_key, 'rsa')
  } catch {
    reader.refuse(FCM_ACCOUNT, 'must be the JSON of a service account file')
  }
  return account
}

/** Apple's key by its text and ids; generates a key for the push simulator if unset. */
function readApns(reader: EnvironmentReader): Config['apns'] {
  const simulator = reader.url('CAUDAL_PUSH_APNS_URL', 'http://127.0.0.1:8089')
  const url = reader.url('CAUDAL_APNS_URL', simulator)
  const privateKey = reader.optional(APNS_KEY)
  if (privateKey !== undefined) {
    requireKey(reader, APNS_KEY, privateKey, 'ec')
    const keyId = reader.text('CAUDAL_APNS_KEY_ID')
    const teamId = reader.text('CAUDAL_APNS_TEAM_ID')
    const topic = reader.text('CAUDAL_APNS_TOPIC')
    return { url, topic, key: { keyId, teamId, privateKey } }
  }
  if (url !== simulator) reader.refuse(APNS_KEY, 'is missing')
  const made = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const pem = made.export({ type: 'pkcs8', format: 'pem' }).toString()
  const key = { keyId: 'DEVELOPMENT', teamId: 'DEVELOPMENT', privateKey: pem }
  return { url, topic: reader.text('CAUDAL_APNS_TOPIC', 'dev.caudal.app'), key }
}

function requireKey(
  reader: EnvironmentReader,
  name: string,
  pem: string,
  type: 'rsa' | 'ec',
): void {
  let found: string | undefined
  try {
    found = createPrivateKey(pem).asymmetricKeyType
  } catch {}
  if (found === type) return
  reader.refuse(name, `must hold a private key (PKCS #8, ${type.toUpperCase()})`)
}
