/** Who may hold a scope: a user, or a client (a service by its own token). */
export type ScopeHolder = 'user' | 'client'

interface ScopeRow {
  allows: string
  holders: readonly ScopeHolder[]
  /** Narrower scopes that this one includes: a token with it has them too. */
  means?: readonly `${string}:${string}`[]
}

/**
 * Every scope of a token: what it allows, who may hold it and which narrower scopes it includes.
 * The only list of scopes; code names one of them by `SCOPE`.
 */
export const SCOPES = {
  'payments:read': { allows: 'read payments', holders: ['user', 'client'] },
  'payments:write': { allows: 'request payments', holders: ['user', 'client'] },
  'ledger:read': { allows: 'read accounts, statements and transfers', holders: ['client'] },
  'ledger:write': {
    allows: 'post every command that moves money, one by one and in batches',
    holders: ['client'],
    means: [
      'ledger:credit',
      'ledger:debit',
      'ledger:hold',
      'ledger:transfer',
      'ledger:system',
      'ledger:overdraft',
    ],
  },
  'ledger:credit': { allows: 'credit wallets', holders: ['client'] },
  'ledger:debit': { allows: 'debit wallets', holders: ['client'] },
  'ledger:hold': { allows: 'make, commit and release holds', holders: ['client'] },
  'ledger:transfer': { allows: 'post transfers of several postings', holders: ['client'] },
  'ledger:system': {
    allows: 'name accounts of the system in transfers, beside the scope of the command',
    holders: ['client'],
  },
  'ledger:overdraft': {
    allows: 'use the overdraft of a wallet, beside the scope of the command',
    holders: ['client'],
  },
  'ledger:admin': {
    allows:
      'open, freeze, limit and close accounts, end holds of other clients, ' +
      'reclassify in corrections',
    holders: ['client'],
  },
  'operations:cancel': {
    allows: 'cancel payments and refunds that were not sent to the PSP yet',
    holders: ['client'],
  },
  'refunds:write': { allows: 'request and cancel refunds of payments', holders: ['client'] },
  'cases:read': { allows: 'read cases and returns', holders: ['client'] },
  'cases:write': { allows: 'unblock destinations', holders: ['client'] },
  'callbacks:read': { allows: 'read callbacks of PSPs', holders: ['client'] },
  'callbacks:write': { allows: 'apply callbacks of PSPs again', holders: ['client'] },
  'psps:read': { allows: 'read the PSPs and their states', holders: ['client'] },
  'psps:write': { allows: 'enable, drain and disable PSPs', holders: ['client'] },
  'orders:read': { allows: 'read the orders of all users', holders: ['client'] },
  'orders:write': { allows: 'create orders', holders: ['client'] },
  'users:read': { allows: 'read users and their devices', holders: ['client'] },
  'users:write': { allows: 'create users and remove devices', holders: ['client'] },
  'users:impersonate': { allows: 'make tokens of any user or client', holders: ['client'] },
  'tenants:any': {
    allows: 'name any tenant in a request, beside the scope of the request',
    holders: ['client'],
  },
  'trace:read': { allows: 'read the steps of a payment', holders: ['client'] },
  'wallet:read': { allows: 'read the own wallet and its entries', holders: ['user'] },
} as const satisfies Record<`${string}:${string}`, ScopeRow>

export type Scope = keyof typeof SCOPES

type NameOf<S extends Scope> = S extends `${infer A}:${infer B}` ? `${A}${Capitalize<B>}` : never

/** The scopes by name: `SCOPE.paymentsWrite` is the scope to request payments. */
export const SCOPE = Object.fromEntries(
  Object.keys(SCOPES).map((scope) => [nameOf(scope), scope]),
) as { readonly [S in Scope as NameOf<S>]: S }

/** All scopes that this holder may have, in the order of the list. */
export function scopesOf(holder: ScopeHolder): Scope[] {
  return Object.entries<ScopeRow>(SCOPES).flatMap(([scope, { holders }]) =>
    holders.includes(holder) ? [scope as Scope] : [],
  )
}

/**
 * What a token with these scopes may do: the scopes and those that they include, each once. A scope
 * that the list does not have stays as it is.
 */
export function expandScopes(
  scopes: Iterable<string>,
  list: Readonly<Record<string, Partial<ScopeRow>>> = SCOPES,
): Set<string> {
  const expanded = new Set(scopes)
  // A set also iterates over what is added meanwhile, so included scopes may include others.
  for (const scope of expanded) {
    const row = Object.hasOwn(list, scope) ? list[scope] : undefined
    for (const meant of row?.means ?? []) expanded.add(meant)
  }
  return expanded
}

function nameOf(scope: string): string {
  return scope.replace(/:(.)/, (_colon, letter: string) => letter.toUpperCase())
}
