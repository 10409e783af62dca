import { generateKeyPairSync } from 'node:crypto'
import { type EnvironmentReader, readEnvironment } from '@caudal/http/environment.ts'
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
} from '@caudal/http/service-settings.ts'
import type { ServiceAccount } from './push/google-tokens.ts'
import type { ApnsKey } from './push/provider-tokens.ts'

export type Config = ServiceSettings &
  DatabaseSettings &
  ClientSettings &
  IssuerSettings & {
    identityUrl: string
    identityTimeoutMs: number
    concurrency: number
    leaseMs: number
    pushTimeoutMs: number
    fcm: { url: string; account: ServiceAccount }
    apns: { url: string; topic: string; key: ApnsKey }
  }

/** @throws {ConfigError} naming every bad variable at once */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => ({
    ...readServiceSettings(reader, 'NOTIFICATIONS'),
    ...readDatabaseSettings(reader, 'NOTIFICATIONS'),
    ...readClientSettings(reader, 'NOTIFICATIONS'),
    ...readIssuerSettings(reader),
    identityUrl: readPeerUrl(reader, 'IDENTITY'),
    identityTimeoutMs: reader.durationMs('CAUDAL_NOTIFICATIONS_IDENTITY_TIMEOUT', 3_000),
    concurrency: reader.integer('CAUDAL_PUSH_CONCURRENCY', { min: 1, max: 10_000 }, 500),
    leaseMs: reader.durationMs('CAUDAL_PUSH_LEASE', 30_000),
    pushTimeoutMs: reader.durationMs('CAUDAL_PUSH_TIMEOUT', 5_000),
    fcm: readFcm(reader),
    apns: readApns(reader),
  }))
}

/** Google's service account file as JSON; without one, a key of our own for the push simulator. */
function readFcm(reader: EnvironmentReader): Config['fcm'] {
  const simulator = readPeerUrl(reader, 'PUSH')
  const url = reader.url('CAUDAL_FCM_URL', simulator)
  const name = 'CAUDAL_FCM_SERVICE_ACCOUNT'
  const text = reader.optional(name)
  if (text === undefined) {
    if (url !== simulator) reader.refuse(name, 'is missing')
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const account = {
      project_id: 'caudal-development',
      client_email: 'caudal@caudal-development.iam.example',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      token_uri: `${url}/token`,
    }
    return { url, account }
  }
  try {
    return { url, account: JSON.parse(text) as ServiceAccount }
  } catch {
    reader.refuse(name, 'must be the JSON of a service account file')
    return { url, account: {} as ServiceAccount }
  }
}

/** Apple's key by its text and ids; without one, a key of our own for the push simulator. */
function readApns(reader: EnvironmentReader): Config['apns'] {
  const url = reader.url(
    'CAUDAL_APNS_URL',
    reader.url('CAUDAL_PUSH_APNS_URL', 'http://127.0.0.1:8089'),
  )
  const topic = reader.text('CAUDAL_APNS_TOPIC', 'dev.caudal.app')
  const given = reader.optional('CAUDAL_APNS_PRIVATE_KEY')
  if (given !== undefined) {
    const keyId = reader.text('CAUDAL_APNS_KEY_ID')
    const teamId = reader.text('CAUDAL_APNS_TEAM_ID')
    return { url, topic, key: { keyId, teamId, privateKey: given } }
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { url, topic, key: { keyId: 'DEVELOPMENT', teamId: 'DEVELOPMENT', privateKey: pem } }
}
