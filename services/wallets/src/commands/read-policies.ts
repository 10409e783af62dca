import { hash } from 'node:crypto'
import type { EnvironmentReader } from '@caudal/config/environment.ts'
import { CLIENT_PATTERN, DEFAULT_TENANT, TENANT_PATTERN } from '@caudal/contracts/tenant.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { SYSTEM_ACCOUNT_KINDS } from '../ledger/domain/account.ts'
import type { CurrencyLimits } from '../ledger/domain/policy.ts'
import type { NamedPolicy } from './policy-book.ts'

const NAME = 'CAUDAL_WALLETS_CLIENT_POLICIES'
const VERSION_DIGITS = 16

const closed = { additionalProperties: false }
const Limits = Type.Object(
  { max_per_transfer: Type.Optional(Type.String()), max_per_day: Type.Optional(Type.String()) },
  closed,
)
const Policy = Type.Object(
  {
    client_id: Type.String({ pattern: `^(\\*|${CLIENT_PATTERN})$` }),
    tenant_id: Type.Optional(Type.String({ pattern: TENANT_PATTERN })),
    account_kinds: Type.Optional(
      Type.Array(Type.Enum(['wallet', ...SYSTEM_ACCOUNT_KINDS]), { minItems: 1 }),
    ),
    currencies: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Z]{3}$' }), Limits)),
  },
  closed,
)
type Policy = Static<typeof Policy>
type WrittenLimits = Record<keyof Static<typeof Limits>, string | undefined>
const Policies = Compile(Type.Array(Policy, { maxItems: 1_000 }))

/**
 * Reads the policies of clients, a JSON array. A mistake refuses the whole variable: a client never
 * runs with a policy that was half understood.
 */
export function readPolicies(reader: EnvironmentReader): NamedPolicy[] {
  const text = reader.optional(NAME)
  if (text === undefined) return []
  const policies = parse(text)
  if (policies === undefined || !Policies.Check(policies)) {
    const [first] = policies === undefined ? [] : Policies.Errors(policies)
    const where = first ? `: ${first.instancePath} ${first.message}` : ''
    reader.refuse(NAME, `must be a JSON array of policies${where}`)
    return []
  }
  const names = new Set(policies.map((it) => `${it.tenant_id ?? DEFAULT_TENANT}/${it.client_id}`))
  if (names.size < policies.length) reader.refuse(NAME, 'names a client twice')
  return policies.flatMap((given) => {
    try {
      return [readPolicy(given)]
    } catch (error) {
      if (!(error instanceof AmountError)) throw error
      reader.refuse(NAME, `has a wrong policy of the client ${given.client_id}: ${error.message}`)
      return []
    }
  })
}

function readPolicy(given: Policy): NamedPolicy {
  const { client_id: clientId, tenant_id: tenantId = DEFAULT_TENANT } = given
  const document = inOneOrder(given)
  const { account_kinds: kinds, currencies } = document
  const limits = currencies && Object.entries(currencies).map(readLimits)
  const text = JSON.stringify([tenantId, clientId, document])
  const policy = {
    version: hash('sha256', text, 'hex').slice(0, VERSION_DIGITS),
    accountKinds: kinds === undefined ? null : new Set(kinds),
    currencies: limits === undefined ? null : new Map(limits),
  }
  return { tenantId, clientId, policy, document }
}

/** Policies that say the same have the same text, in whatever order they were written. */
function inOneOrder({ account_kinds: kinds, currencies }: Policy) {
  const entries = currencies && Object.entries(currencies).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const limits = entries?.map(([currency, { max_per_transfer, max_per_day }]) => {
    return [currency, { max_per_transfer, max_per_day }] as const
  })
  return {
    ...(kinds !== undefined && { account_kinds: kinds.toSorted() }),
    ...(limits !== undefined && { currencies: Object.fromEntries(limits) }),
  }
}

function readLimits([currency, limits]: [string, WrittenLimits]): [string, CurrencyLimits] {
  parseAmount('0', currency) // throws on a currency that there is not
  const minor = (amount: string | undefined): bigint | null =>
    amount === undefined ? null : parseAmount(amount, currency)
  const { max_per_transfer: perTransfer, max_per_day: perDay } = limits
  return [currency, { perTransferMinor: minor(perTransfer), perDayMinor: minor(perDay) }]
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
