import { CRASH_VARIABLES, parseCrashPoint } from '@caudal/crash-points/crash-point.ts'
import { LOG_LEVELS, type LogLevel } from '@caudal/telemetry/logger.ts'
import { DEFAULT_PORTS, type ProcessName } from './default-ports.ts'
import type { EdgeSettings } from './edge-settings.ts'
import type { EnvironmentReader } from './environment.ts'
import { type KafkaConfig, readKafkaConfig } from './kafka-config.ts'

/** What every service is configured with. */
export interface ServiceSettings {
  host: string
  port: number
  region: string
  logLevel: LogLevel
  /** Before the name of each metric; none by default. */
  metricsPrefix?: string
  edge?: EdgeSettings
}

const POSTGRES = ['postgres', 'postgresql']

/** Host, port, …: `CAUDAL_<SERVICE>_HOST` before `CAUDAL_HOST`, `CAUDAL_<SERVICE>_PORT`, … */
export function readServiceSettings(
  reader: EnvironmentReader,
  service: ProcessName,
): ServiceSettings {
  refuseCrashPoints(reader)
  return {
    host: readHost(reader, service),
    port: reader.port(`CAUDAL_${service}_PORT`, DEFAULT_PORTS[service]),
    region: reader.text('CAUDAL_REGION', 'local'),
    logLevel: reader.oneOf('CAUDAL_LOG_LEVEL', LOG_LEVELS, 'info'),
    ...readMetricsPrefix(reader),
    edge: readEdgeSettings(reader, service),
  }
}

/** Only tests kill a process on purpose: in production nothing may ask for that. */
function refuseCrashPoints(reader: EnvironmentReader): void {
  const point = reader.optional('CAUDAL_CRASH_POINT')
  const isKnown = point === undefined || parseCrashPoint(point).fatal !== undefined
  if (!isKnown) reader.refuse('CAUDAL_CRASH_POINT', 'must be <point>[:<nth hit>]')
  if (!isProduction(reader)) return
  for (const name of CRASH_VARIABLES) {
    if (reader.optional(name) !== undefined) reader.refuse(name, 'must not be set in production')
  }
}

function isProduction(reader: EnvironmentReader): boolean {
  return reader.optional('NODE_ENV') === 'production'
}

function readHost(reader: EnvironmentReader, service: string): string {
  return reader.text(`CAUDAL_${service}_HOST`, reader.text('CAUDAL_HOST', '127.0.0.1'))
}

/** `CAUDAL_METRICS_PREFIX`, such as `caudal_`, where names of several products would collide. */
function readMetricsPrefix(reader: EnvironmentReader): Pick<ServiceSettings, 'metricsPrefix'> {
  const metricsPrefix = reader.optional('CAUDAL_METRICS_PREFIX')
  if (metricsPrefix === undefined) return {}
  if (/^[a-z][a-z0-9_]*_$/.test(metricsPrefix)) return { metricsPrefix }
  reader.refuse('CAUDAL_METRICS_PREFIX', 'must be lower-case letters, digits and _, and end with _')
  return {}
}

/**
 * The names are those of `CAUDAL_PUBLIC_URL`, of the service's own `CAUDAL_<SERVICE>_URL`, and
 * `CAUDAL_ALLOWED_HOSTS`, separated by commas.
 */
function readEdgeSettings(reader: EnvironmentReader, service: string): EdgeSettings {
  const urls = ['CAUDAL_PUBLIC_URL', `CAUDAL_${service}_URL`].filter(
    (name) => reader.optional(name) !== undefined,
  )
  const named = (reader.optional('CAUDAL_ALLOWED_HOSTS') ?? '').split(',').map((it) => it.trim())
  const hosts = [...urls.map((name) => hostOf(reader.url(name))), ...named].filter(Boolean)
  const port = `CAUDAL_${service}_OPERATIONS_PORT`
  if (reader.optional(port) === undefined) return { hosts }
  const operations = {
    host: reader.text('CAUDAL_OPERATIONS_HOST', readHost(reader, service)),
    port: reader.port(port, 0),
    isPublic: reader.flag('CAUDAL_OPERATIONS_PUBLIC', false),
  }
  return { hosts, operations }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : ''
}

/** The base URL of a peer, `CAUDAL_<SERVICE>_URL`. */
export function readPeerUrl(reader: EnvironmentReader, peer: ProcessName): string {
  return reader.url(`CAUDAL_${peer}_URL`, `http://127.0.0.1:${DEFAULT_PORTS[peer]}`)
}

/** Where a service's data is: its database and the event log. */
export interface DatabaseSettings {
  databaseUrl: string
  logDatabaseUrl: string
  /** Refuses a role that owns the tables (ADR 0030); otherwise the service warns of it. */
  refuseOwner?: boolean
  /** The event log's Kafka; absent where the log is in PostgreSQL. */
  kafka?: KafkaConfig
}

/**
 * `DATABASE_URL` names the server; the database is `caudal_<service>` unless overridden by
 * `CAUDAL_<SERVICE>_DATABASE_URL`, and that of the log `caudal_log` unless
 * `CAUDAL_<SERVICE>_LOG_DATABASE_URL` or `CAUDAL_LOG_DATABASE_URL` names another one.
 */
export function readDatabaseSettings(reader: EnvironmentReader, service: string): DatabaseSettings {
  const own = `CAUDAL_${service}_DATABASE_URL`
  const server = reader.url(
    'DATABASE_URL',
    'postgres://caudal_app@127.0.0.1:5432/postgres',
    POSTGRES,
  )
  const databaseUrl = reader.url(own, onServer(server, `caudal_${service.toLowerCase()}`), POSTGRES)
  const logUrl = onServer(server, 'caudal_log')
  const ownLog = `CAUDAL_${service}_LOG_DATABASE_URL`
  const namesLog = reader.optional(ownLog) !== undefined
  const kafka = readKafkaConfig(reader)
  return {
    databaseUrl,
    logDatabaseUrl: reader.url(namesLog ? ownLog : 'CAUDAL_LOG_DATABASE_URL', logUrl, POSTGRES),
    refuseOwner: isProduction(reader),
    ...(kafka && { kafka }),
  }
}

/** The OAuth client a service calls its peers as. */
export interface ClientSettings {
  clientId: string
  clientSecret: string
  /** Where it gets its tokens. */
  tokenUrl: string
}

/** A service's client id is its name; `CAUDAL_<SERVICE>_CLIENT_SECRET` before the common one. */
export function readClientSettings(
  reader: EnvironmentReader,
  service: ProcessName,
): ClientSettings {
  const name = service.toLowerCase().replaceAll('_', '-')
  const own = `CAUDAL_${service}_CLIENT_SECRET`
  const hasOwn = reader.optional(own) !== undefined
  return {
    clientId: reader.text(`CAUDAL_${service}_CLIENT_ID`, reader.text('CAUDAL_CLIENT_ID', name)),
    clientSecret: reader.secret(hasOwn ? own : 'CAUDAL_CLIENT_SECRET'),
    tokenUrl: reader.url('CAUDAL_IDENTITY_TOKEN_URL', `${readPeerUrl(reader, 'IDENTITY')}/token`),
  }
}

/**
 * Who vouches for callers: the identity service, and the gateway for users behind it; null where
 * there is no gateway, and so no users.
 */
export interface IssuerSettings {
  identityIssuer: string
  /** `aud` of its tokens. */
  audience: string
  identityJwksUrl: string
  /** Where it publishes whose tokens are withdrawn; another provider may not. */
  identityRevocationsUrl?: string
  gatewayIssuer: string | null
  gatewayJwksUrl: string
}

/** The value of `CAUDAL_GATEWAY_ISSUER` without a gateway. */
export const NO_GATEWAY = 'none'

/**
 * Issuers are names that survive a change of address; their keys are at the peers' URLs. Another
 * provider than the identity service has its keys at `CAUDAL_IDENTITY_JWKS_URL`, and a list of
 * withdrawn tokens only if `CAUDAL_IDENTITY_REVOCATIONS_URL` names it.
 */
export function readIssuerSettings(reader: EnvironmentReader): IssuerSettings {
  const gatewayIssuer = reader.text('CAUDAL_GATEWAY_ISSUER', 'https://gateway.caudal.local')
  const identity = readPeerUrl(reader, 'IDENTITY')
  const [keys, list] = ['CAUDAL_IDENTITY_JWKS_URL', 'CAUDAL_IDENTITY_REVOCATIONS_URL'] as const
  const isOther = reader.optional(keys) !== undefined && reader.optional(list) === undefined
  return {
    identityIssuer: reader.text('CAUDAL_ISSUER', 'https://identity.caudal.local'),
    audience: reader.text('CAUDAL_AUDIENCE', 'caudal'),
    identityJwksUrl: reader.url(keys, `${identity}/jwks`),
    ...(!isOther && { identityRevocationsUrl: reader.url(list, `${identity}/revocations`) }),
    gatewayIssuer: gatewayIssuer === NO_GATEWAY ? null : gatewayIssuer,
    gatewayJwksUrl: `${readPeerUrl(reader, 'API_GATEWAY')}/internal/jwks.json`,
  }
}

function onServer(serverUrl: string, database: string): string {
  if (!URL.canParse(serverUrl)) return serverUrl
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  return url.href
}
