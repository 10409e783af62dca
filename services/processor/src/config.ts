import { type EnvironmentReader, readEnvironment } from '@caudal/config/environment.ts'
import {
  type DatabaseSettings,
  type IssuerSettings,
  readDatabaseSettings,
  readIssuerSettings,
  readPeerUrl,
  readServiceSettings,
  type ServiceSettings,
} from '@caudal/config/service-settings.ts'
import { DEFAULT_PSP, isPspName, PSP_PATTERN } from '@caudal/contracts/psp.ts'
import type { CircuitSettings } from '@caudal/outbound/circuit.ts'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { type CallbackSettings, readCallbackSettings } from './callbacks/callback-settings.ts'
import type { RetryPolicy } from './domain/retry-policy.ts'
import type { SourceAccounts } from './domain/source-account.ts'

export interface Config extends ServiceSettings, DatabaseSettings, IssuerSettings {
  psp: PspSettings
}

/** Settings of the PSP, from `CAUDAL_PSP_*`. */
export interface PspSettings {
  /** Names its settlement account; kept with each payment from its first attempt on (ADR 0019). */
  name: string
  url: string
  apiKey: string | undefined
  connectTimeoutMs: number
  /** Most concurrent payment requests. */
  maxSends: number
  /** Most concurrent status queries. */
  maxQueries: number
  /** Most payments that wait in the table for a free call; further ones stay in the log. */
  maxWaiting: number
  /** How long a stop waits for calls in flight. */
  drainMs: number
  accounts: SourceAccounts
  policy: RetryPolicy
  circuit: CircuitSettings & { pauseMs: number }
  callbacks: CallbackSettings
}

const Account = Type.String({ minLength: 1, maxLength: 64 })
const Accounts = Type.Object(
  {
    default: Account,
    tenants: Type.Optional(Type.Record(Type.String(), Type.Record(Type.String(), Account))),
  },
  { additionalProperties: false },
)
const accountsValidator = Compile(Accounts)

const DEFAULT_ACCOUNT = '2143658709'
/** How late an attempt may be recorded before another instance takes the payment over. */
const GRACE_MS = 1_000
const WAIT_MS = 250

/** @throws {ConfigError} naming every bad variable at once */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => ({
    ...readServiceSettings(reader, 'PROCESSOR'),
    ...readDatabaseSettings(reader, 'PROCESSOR'),
    ...readIssuerSettings(reader),
    psp: readPspSettings(reader),
  }))
}

function readPspSettings(reader: EnvironmentReader): PspSettings {
  const policy = readPolicy(reader)
  const connectTimeoutMs = reader.durationMs('CAUDAL_PSP_CONNECT_TIMEOUT', 2_000)
  if (connectTimeoutMs >= policy.timeoutMs) {
    reader.refuse('CAUDAL_PSP_CONNECT_TIMEOUT', 'must be shorter than CAUDAL_PSP_TIMEOUT')
  }
  return {
    name: readName(reader),
    url: readPeerUrl(reader, 'PSP'),
    apiKey: reader.optional('CAUDAL_PSP_API_KEY'),
    connectTimeoutMs,
    maxSends: reader.integer('CAUDAL_PSP_MAX_REQUESTS', { min: 1, max: 4_096 }, 512),
    maxQueries: reader.integer('CAUDAL_PSP_MAX_QUERIES', { min: 1, max: 1_024 }, 64),
    maxWaiting: reader.integer('CAUDAL_PSP_MAX_WAITING', { min: 1, max: 1_000_000 }, 20_000),
    drainMs: reader.durationMs('CAUDAL_PSP_DRAIN', 5_000),
    accounts: readAccounts(reader),
    policy,
    callbacks: readCallbackSettings(reader),
    circuit: {
      threshold:
        reader.integer('CAUDAL_PSP_CIRCUIT_FAILURE_PERCENT', { min: 1, max: 99 }, 50) / 100,
      windowMs: reader.durationMs('CAUDAL_PSP_CIRCUIT_WINDOW', 10_000),
      minimumPerSecond: reader.integer('CAUDAL_PSP_CIRCUIT_MIN_RATE', { min: 1, max: 10_000 }, 10),
      pauseMs: reader.durationMs('CAUDAL_PSP_CIRCUIT_PAUSE', 5_000),
    },
  }
}

function readName(reader: EnvironmentReader): string {
  const variable = 'CAUDAL_PSP_NAME'
  const name = reader.optional(variable) ?? DEFAULT_PSP
  if (!isPspName(name)) reader.refuse(variable, `must match ${PSP_PATTERN}`)
  return name
}

function readPolicy(reader: EnvironmentReader): RetryPolicy {
  const timeoutMs = reader.durationMs('CAUDAL_PSP_TIMEOUT', 5_000)
  if (timeoutMs < 1) reader.refuse('CAUDAL_PSP_TIMEOUT', 'must not be zero')
  return {
    timeoutMs,
    graceMs: GRACE_MS,
    maxRetries: reader.integer('CAUDAL_PSP_RETRIES', { min: 0, max: 20 }, 3),
    retryBaseMs: reader.durationMs('CAUDAL_PSP_RETRY_BASE', 250),
    retryMaxMs: reader.durationMs('CAUDAL_PSP_RETRY_MAX', 5_000),
    retryAfterMaxMs: reader.durationMs('CAUDAL_PSP_RETRY_AFTER_MAX', 60_000),
    firstQueryMs: reader.durationMs('CAUDAL_PSP_FIRST_QUERY', 1_000),
    queryMaxMs: reader.durationMs('CAUDAL_PSP_QUERY_MAX', 60_000),
    misconfiguredMs: reader.durationMs('CAUDAL_PSP_REFUSED_PAUSE', 30_000),
    waitMs: WAIT_MS,
    circuitWaitMs: reader.durationMs('CAUDAL_PSP_CIRCUIT_WAIT', 15_000),
  }
}

function readAccounts(reader: EnvironmentReader): SourceAccounts {
  const name = 'CAUDAL_PSP_SOURCE_ACCOUNTS'
  const text = reader.optional(name) ?? JSON.stringify({ default: DEFAULT_ACCOUNT })
  const value = readJson(text)
  if (accountsValidator.Check(value)) return { tenants: {}, ...value }
  reader.refuse(name, 'must be JSON like {"default":"…","tenants":{"caudal":{"USD":"…"}}}')
  return { default: DEFAULT_ACCOUNT, tenants: {} }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
