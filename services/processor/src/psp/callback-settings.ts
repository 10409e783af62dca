import type { EnvironmentReader } from '@caudal/config/environment.ts'
import { DEFAULT_TENANT, TENANT_PATTERN } from '@caudal/contracts/tenant.ts'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

/** An account at a PSP, as its callbacks name it. */
export type CallbackAccount = {
  /** Each of them verifies a callback; several live at once while they rotate. */
  secrets: readonly string[]
  /** Whose money it is where a callback is about no payment of ours. */
  tenantId: string
  /** Whose operations its callbacks may be about; null: those of every tenant. */
  tenants: ReadonlySet<string> | null
}

/** Who may report to us for a PSP, from its variables `…_CALLBACK_SECRETS` and `…_MAX_AGE`. */
export type CallbackSettings = {
  accounts: ReadonlyMap<string, CallbackAccount>
  /** How far the signed time of a delivery may be from now. */
  maxAgeMs: number
}

const ACCOUNT = '^[a-z0-9][a-z0-9_-]{0,63}$'
const DEFAULT_ACCOUNT = 'main'
const MIN_SECRET_LENGTH = 8
const HOUR_MS = 3_600_000
/** PSPs repeat a callback for days, and what was stored is never stored again. */
const MAX_AGE_MS = 72 * HOUR_MS

const EVERY_TENANT = '*'

const Tenant = Type.String({ pattern: TENANT_PATTERN })
const Secret = Type.String({ minLength: MIN_SECRET_LENGTH, maxLength: 1_024 })
const Secrets = Type.Array(Secret, { minItems: 1, maxItems: 10 })
const Accounts = Type.Record(
  Type.String({ pattern: ACCOUNT }),
  Type.Object(
    {
      secrets: Secrets,
      tenant: Type.Optional(Tenant),
      tenants: Type.Optional(
        Type.Array(Type.Union([Tenant, Type.Literal(EVERY_TENANT)]), { minItems: 1 }),
      ),
    },
    { additionalProperties: false },
  ),
  { additionalProperties: false },
)
const accountsValidator = Compile(Accounts)
const secretsValidator = Compile(Secrets)

/** The variables of a PSP, and what its adapter takes for a secret. */
export type CallbackVariables = {
  secrets: string
  maxAge: string
  isSecret: (text: string) => boolean
}

/**
 * Reads secrets of the account `main`, separated by commas, or JSON for several accounts. Without
 * them there is an account whose callbacks are all refused.
 */
export function readCallbackSettings(
  reader: EnvironmentReader,
  { secrets: variable, maxAge, isSecret }: CallbackVariables,
): CallbackSettings {
  const text = reader.optional(variable)
  const accounts = text === undefined ? accountsOf({ [DEFAULT_ACCOUNT]: {} }) : parse(text)
  const secrets = [...(accounts?.values() ?? [])].flatMap((account) => account.secrets)
  if (accounts !== null && !secrets.every(isSecret)) {
    reader.refuse(variable, 'must be secrets in the form that the adapter of the PSP takes')
  }
  if (accounts === null) {
    reader.refuse(
      variable,
      'must be secrets of 8 characters or more, separated by commas, ' +
        'or JSON like {"main":{"secrets":["…"],"tenant":"caudal"}}',
    )
  }
  return {
    accounts: accounts ?? new Map(),
    maxAgeMs: reader.durationMs(maxAge, MAX_AGE_MS),
  }
}

function parse(text: string): Map<string, CallbackAccount> | null {
  if (!text.trimStart().startsWith('{')) {
    const secrets = text.split(',').map((secret) => secret.trim())
    return secretsValidator.Check(secrets) ? accountsOf({ [DEFAULT_ACCOUNT]: { secrets } }) : null
  }
  try {
    const value: unknown = JSON.parse(text)
    return accountsValidator.Check(value) ? accountsOf(value) : null
  } catch {
    return null
  }
}

type GivenAccount = { secrets?: string[]; tenant?: string; tenants?: string[] }

function accountsOf(
  accounts: Readonly<Record<string, GivenAccount>>,
): Map<string, CallbackAccount> {
  const isOnly = Object.keys(accounts).length === 1
  return new Map(
    Object.entries(accounts).map(([name, { secrets = [], tenant = DEFAULT_TENANT, tenants }]) => [
      name,
      {
        secrets,
        tenantId: tenant,
        tenants: tenantsOf(tenants ?? [isOnly ? EVERY_TENANT : tenant]),
      },
    ]),
  )
}

function tenantsOf(tenants: readonly string[]): ReadonlySet<string> | null {
  return tenants.includes(EVERY_TENANT) ? null : new Set(tenants)
}
