import type { EnvironmentReader } from '@caudal/config/environment.ts'
import { readPeerUrl } from '@caudal/config/service-settings.ts'
import { DEFAULT_PSP, isPspName, PSP_PATTERN } from '@caudal/contracts/psp.ts'
import type { CircuitSettings } from '@caudal/outbound/circuit.ts'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { RetryPolicy } from '../domain/retry-policy.ts'
import type { SourceAccounts } from '../domain/source-account.ts'
import { ADAPTER_NAMES, type AdapterName, isAdapterName, isCallbackSecret } from './adapters.ts'
import { type CallbackSettings, readCallbackSettings } from './callback-settings.ts'

/** Settings of one PSP. */
export interface PspSettings {
  /** Names its settlement account; kept with each payment from its first attempt on (ADR 0019). */
  name: string
  adapter: AdapterName
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

/** What a variable of a PSP is about: `CAUDAL_PSP_<suffix>`, `CAUDAL_PSP_<NAME>_<suffix>`. */
const SUFFIXES = [
  'ADAPTER',
  'URL',
  'API_KEY',
  'CALLBACK_SECRETS',
  'CALLBACK_MAX_AGE',
  'SOURCE_ACCOUNTS',
  'TIMEOUT',
  'CONNECT_TIMEOUT',
  'MAX_REQUESTS',
  'MAX_QUERIES',
  'MAX_WAITING',
  'DRAIN',
  'RETRIES',
  'RETRY_BASE',
  'RETRY_MAX',
  'RETRY_AFTER_MAX',
  'FIRST_QUERY',
  'QUERY_MAX',
  'REFUSED_PAUSE',
  'CIRCUIT_FAILURE_PERCENT',
  'CIRCUIT_WINDOW',
  'CIRCUIT_MIN_RATE',
  'CIRCUIT_PAUSE',
  'CIRCUIT_WAIT',
] as const
type Suffix = (typeof SUFFIXES)[number]

/** The variable that sets something of a PSP. */
type NameOf = (suffix: Suffix) => string

const FURTHER = 'CAUDAL_PSPS'
const ofDefault: NameOf = (suffix) => `CAUDAL_PSP_${suffix}`

/**
 * Reads the PSPs, the default one first. It has the variables `CAUDAL_PSP_…`. `CAUDAL_PSPS` names
 * further ones, each with variables `CAUDAL_PSP_<NAME>_…`. What a further PSP does not set it has
 * from the default one, but for its address and secrets.
 */
export function readPsps(reader: EnvironmentReader): [PspSettings, ...PspSettings[]] {
  const name = reader.optional('CAUDAL_PSP_NAME') ?? DEFAULT_PSP
  if (!isPspName(name)) reader.refuse('CAUDAL_PSP_NAME', `must match ${PSP_PATTERN}`)
  const adapter = reader.oneOf(ofDefault('ADAPTER'), ADAPTER_NAMES, 'syncbank')
  const first: PspSettings = {
    name,
    adapter,
    url: readPeerUrl(reader, 'PSP'),
    ...readSecrets(reader, ofDefault, { adapter, maxAge: ofDefault('CALLBACK_MAX_AGE') }),
    ...readLimits(reader, ofDefault),
  }
  return [checked(reader, first, ofDefault), ...readFurther(reader, name)]
}

function readFurther(reader: EnvironmentReader, first: string): PspSettings[] {
  const names = (reader.optional(FURTHER) ?? '').split(',').map((it) => it.trim())
  const further = names.filter((name) => name !== '')
  const bad = further.find((name) => !isPspName(name))
  if (bad !== undefined) {
    reader.refuse(FURTHER, `must be names that match ${PSP_PATTERN}, separated by commas`)
    return []
  }
  if (new Set([first, ...further]).size <= further.length) {
    reader.refuse(FURTHER, `must name each PSP once, and not ${first} again`)
    return []
  }
  const variables = [ofDefault, ...further.map(ownNameOf)].flatMap((of) => SUFFIXES.map(of))
  if (new Set(variables).size < variables.length) {
    reader.refuse(FURTHER, 'must not have a name with which two variables would be the same')
    return []
  }
  return further.map((name) => readOne(reader, name))
}

function readOne(reader: EnvironmentReader, name: string): PspSettings {
  const own = ownNameOf(name)
  const nameOf: NameOf = (suffix) =>
    reader.optional(own(suffix)) === undefined ? ofDefault(suffix) : own(suffix)
  const byName = isAdapterName(name) ? name : undefined
  const adapter = reader.oneOf(own('ADAPTER'), ADAPTER_NAMES, byName)
  const settings: PspSettings = {
    name,
    adapter,
    url: reader.url(own('URL')),
    ...readSecrets(reader, own, { adapter, maxAge: nameOf('CALLBACK_MAX_AGE') }),
    ...readLimits(reader, nameOf),
  }
  return checked(reader, settings, own)
}

function ownNameOf(name: string): NameOf {
  return (suffix) => `CAUDAL_PSP_${name.toUpperCase()}_${suffix}`
}

/** The secrets of a PSP are its own, never those of the default one. */
function readSecrets(
  reader: EnvironmentReader,
  own: NameOf,
  { adapter, maxAge }: { adapter: AdapterName; maxAge: string },
): Pick<PspSettings, 'apiKey' | 'callbacks'> {
  return {
    apiKey: reader.optional(own('API_KEY')),
    callbacks: readCallbackSettings(reader, {
      secrets: own('CALLBACK_SECRETS'),
      maxAge,
      isSecret: (text) => isCallbackSecret(adapter, text),
    }),
  }
}

function checked(reader: EnvironmentReader, settings: PspSettings, nameOf: NameOf): PspSettings {
  const { connectTimeoutMs, policy } = settings
  if (connectTimeoutMs >= policy.timeoutMs) {
    reader.refuse(nameOf('CONNECT_TIMEOUT'), `must be shorter than ${nameOf('TIMEOUT')}`)
  }
  return settings
}

type Limits = Omit<PspSettings, 'name' | 'adapter' | 'url' | 'apiKey' | 'callbacks'>

function readLimits(reader: EnvironmentReader, nameOf: NameOf): Limits {
  const percent = reader.integer(nameOf('CIRCUIT_FAILURE_PERCENT'), { min: 1, max: 99 }, 50)
  return {
    connectTimeoutMs: reader.durationMs(nameOf('CONNECT_TIMEOUT'), 2_000),
    maxSends: reader.integer(nameOf('MAX_REQUESTS'), { min: 1, max: 4_096 }, 512),
    maxQueries: reader.integer(nameOf('MAX_QUERIES'), { min: 1, max: 1_024 }, 64),
    maxWaiting: reader.integer(nameOf('MAX_WAITING'), { min: 1, max: 1_000_000 }, 20_000),
    drainMs: reader.durationMs(nameOf('DRAIN'), 5_000),
    accounts: readAccounts(reader, nameOf('SOURCE_ACCOUNTS')),
    policy: readPolicy(reader, nameOf),
    circuit: {
      threshold: percent / 100,
      windowMs: reader.durationMs(nameOf('CIRCUIT_WINDOW'), 10_000),
      minimumPerSecond: reader.integer(nameOf('CIRCUIT_MIN_RATE'), { min: 1, max: 10_000 }, 10),
      pauseMs: reader.durationMs(nameOf('CIRCUIT_PAUSE'), 5_000),
    },
  }
}

function readPolicy(reader: EnvironmentReader, nameOf: NameOf): RetryPolicy {
  const timeoutMs = reader.durationMs(nameOf('TIMEOUT'), 5_000)
  if (timeoutMs < 1) reader.refuse(nameOf('TIMEOUT'), 'must not be zero')
  return {
    timeoutMs,
    graceMs: GRACE_MS,
    maxRetries: reader.integer(nameOf('RETRIES'), { min: 0, max: 20 }, 3),
    retryBaseMs: reader.durationMs(nameOf('RETRY_BASE'), 250),
    retryMaxMs: reader.durationMs(nameOf('RETRY_MAX'), 5_000),
    retryAfterMaxMs: reader.durationMs(nameOf('RETRY_AFTER_MAX'), 60_000),
    firstQueryMs: reader.durationMs(nameOf('FIRST_QUERY'), 1_000),
    queryMaxMs: reader.durationMs(nameOf('QUERY_MAX'), 60_000),
    misconfiguredMs: reader.durationMs(nameOf('REFUSED_PAUSE'), 30_000),
    waitMs: WAIT_MS,
    circuitWaitMs: reader.durationMs(nameOf('CIRCUIT_WAIT'), 15_000),
  }
}

function readAccounts(reader: EnvironmentReader, name: string): SourceAccounts {
  const text = reader.optional(name) ?? JSON.stringify({ default: DEFAULT_ACCOUNT })
  const value = readJson(text)
  if (accountsValidator.Check(value)) return { tenants: {}, ...value }
  reader.refuse(name, 'must be JSON like {"default":"…","tenants":{"caudal":{"USD":"…"}}}')
  return { default: DEFAULT_ACCOUNT, tenants: {} }
}

/** The value of a text in JSON; undefined if it is none. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
