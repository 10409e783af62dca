import { readFileSync } from 'node:fs'
import type { EnvironmentReader } from './environment.ts'

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const
const COMPRESSIONS = ['none', 'gzip', 'lz4', 'zstd'] as const
const TOPIC_MODES = ['create', 'check'] as const
const MAX_COPIES = 9
const MIN_SESSION_MS = 1_000

/** Where OAUTHBEARER takes its tokens: an endpoint, or a file that something else renews. */
export type KafkaTokens =
  | { tokenUrl: string; clientId: string; clientSecret: string; scope: string }
  | { tokenFile: string }

export type KafkaLogin =
  | {
      mechanism: Exclude<(typeof MECHANISMS)[number], 'OAUTHBEARER'>
      username: string
      password: string
    }
  | { mechanism: 'OAUTHBEARER'; tokens: KafkaTokens }

/** How a service reaches Kafka; read from `KAFKA_*`. */
export interface KafkaConfig {
  brokers: string[]
  /** Before the names of topics and groups. */
  prefix?: string
  /** PEM texts, read from the files that are named. */
  tls?: { ca?: string; cert?: string; key?: string; serverName?: string }
  login?: KafkaLogin
  compression?: (typeof COMPRESSIONS)[number]
  checkTopicsOnly: boolean
  replicationFactor?: number
  minInSyncReplicas?: number
  sessionTimeoutMs?: number
  appendTimeoutMs?: number
}

/** Kafka's settings, or undefined without `KAFKA_BROKERS`: the log is then in PostgreSQL. */
export function readKafkaConfig(reader: EnvironmentReader): KafkaConfig | undefined {
  const text = reader.optional('KAFKA_BROKERS')
  if (text === undefined) return undefined
  const tls = readTls(reader)
  const login = readLogin(reader)
  const copies = optionalCount(reader, 'KAFKA_REPLICATION_FACTOR')
  const inSync = optionalCount(reader, 'KAFKA_MIN_INSYNC_REPLICAS')
  if (copies !== undefined && inSync !== undefined && inSync > copies) {
    reader.refuse('KAFKA_MIN_INSYNC_REPLICAS', 'must not exceed KAFKA_REPLICATION_FACTOR')
  }
  const session = optionalDuration(reader, 'KAFKA_SESSION_TIMEOUT', MIN_SESSION_MS)
  const append = optionalDuration(reader, 'KAFKA_APPEND_TIMEOUT', MIN_SESSION_MS)
  const prefix = readPrefix(reader)
  return {
    brokers: readBrokers(reader, text),
    ...(prefix !== undefined && { prefix }),
    checkTopicsOnly: reader.oneOf('KAFKA_TOPICS', TOPIC_MODES, 'create') === 'check',
    ...(tls && { tls }),
    ...(login && { login }),
    ...(reader.optional('KAFKA_COMPRESSION') !== undefined && {
      compression: reader.oneOf('KAFKA_COMPRESSION', COMPRESSIONS),
    }),
    ...(copies !== undefined && { replicationFactor: copies }),
    ...(inSync !== undefined && { minInSyncReplicas: inSync }),
    ...(session !== undefined && { sessionTimeoutMs: session }),
    ...(append !== undefined && { appendTimeoutMs: append }),
  }
}

function readBrokers(reader: EnvironmentReader, text: string): string[] {
  const brokers = text.split(',').map((broker) => broker.trim())
  const wellFormed = brokers.every((broker) => {
    const port = Number(/^(?:[\w.-]+|\[[\da-fA-F:.]+\]):(\d{1,5})$/.exec(broker)?.[1] ?? 0)
    return port > 0 && port <= 65_535
  })
  if (!wellFormed) reader.refuse('KAFKA_BROKERS', 'must be host:port, several separated by commas')
  return brokers
}

function readPrefix(reader: EnvironmentReader): string | undefined {
  const prefix = reader.optional('KAFKA_PREFIX')
  if (prefix !== undefined && !/^[A-Za-z0-9._-]{1,100}$/.test(prefix)) {
    reader.refuse('KAFKA_PREFIX', 'must be up to 100 letters, digits, dots, hyphens, underscores')
  }
  return prefix
}

function readTls(reader: EnvironmentReader): KafkaConfig['tls'] {
  const ca = readFileNamed(reader, 'KAFKA_TLS_CA_FILE')
  const cert = readFileNamed(reader, 'KAFKA_TLS_CERT_FILE')
  const key = readFileNamed(reader, 'KAFKA_TLS_KEY_FILE')
  const serverName = reader.optional('KAFKA_TLS_SERVER_NAME')
  if (cert !== undefined && key === undefined) reader.text('KAFKA_TLS_KEY_FILE')
  if (key !== undefined && cert === undefined) reader.text('KAFKA_TLS_CERT_FILE')
  const named = { ca, cert, key, serverName }
  const given = Object.entries(named).filter(([, value]) => value !== undefined)
  if (!reader.flag('KAFKA_TLS', false)) {
    if (given.length > 0) reader.refuse('KAFKA_TLS', 'must be true where KAFKA_TLS_* is set')
    return undefined
  }
  return Object.fromEntries(given)
}

function readLogin(reader: EnvironmentReader): KafkaLogin | undefined {
  if (reader.optional('KAFKA_SASL_MECHANISM') === undefined) {
    for (const name of ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD']) {
      if (reader.optional(name) !== undefined) reader.text('KAFKA_SASL_MECHANISM')
    }
    return undefined
  }
  const mechanism = reader.oneOf('KAFKA_SASL_MECHANISM', MECHANISMS)
  if (mechanism === 'OAUTHBEARER') return { mechanism, tokens: readTokens(reader) }
  return {
    mechanism,
    username: reader.text('KAFKA_SASL_USERNAME'),
    password: reader.secret('KAFKA_SASL_PASSWORD', undefined, 1),
  }
}

function readTokens(reader: EnvironmentReader): KafkaTokens {
  const tokenFile = reader.optional('KAFKA_OAUTH_TOKEN_FILE')
  if (tokenFile !== undefined) {
    readFileNamed(reader, 'KAFKA_OAUTH_TOKEN_FILE')
    return { tokenFile }
  }
  return {
    tokenUrl: reader.url('KAFKA_OAUTH_TOKEN_URL'),
    clientId: reader.text('KAFKA_OAUTH_CLIENT_ID'),
    clientSecret: reader.secret('KAFKA_OAUTH_CLIENT_SECRET'),
    scope: reader.text('KAFKA_OAUTH_SCOPE', ''),
  }
}

function readFileNamed(reader: EnvironmentReader, name: string): string | undefined {
  const path = reader.optional(name)
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch {
    reader.refuse(name, 'must name a file that can be read')
    return ''
  }
}

function optionalCount(reader: EnvironmentReader, name: string): number | undefined {
  if (reader.optional(name) === undefined) return undefined
  return reader.integer(name, { min: 1, max: MAX_COPIES })
}

function optionalDuration(
  reader: EnvironmentReader,
  name: string,
  minMs: number,
): number | undefined {
  if (reader.optional(name) === undefined) return undefined
  const durationMs = reader.durationMs(name)
  if (durationMs < minMs) reader.refuse(name, `must be ${minMs}ms or longer`)
  return durationMs
}
