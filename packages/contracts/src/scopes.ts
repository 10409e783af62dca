type Holder = 'user' | 'client'

/** Every scope of a token, with what it allows and who may have it. The only list of scopes. */
export const SCOPES = {
  'payments:read': { allows: 'read payments', holders: ['user', 'client'] },
  'payments:write': { allows: 'request payments', holders: ['user', 'client'] },
  'ledger:read': { allows: 'read accounts, statements and transfers', holders: ['client'] },
  'ledger:write': { allows: 'post transfers', holders: ['client'] },
  'ledger:admin': { allows: 'open, change and close accounts', holders: ['client'] },
  'orders:read': { allows: 'read the orders of all users', holders: ['client'] },
  'orders:write': { allows: 'create orders', holders: ['client'] },
  'users:read': { allows: 'read users and their devices', holders: ['client'] },
  'users:write': { allows: 'create users and remove devices', holders: ['client'] },
  'users:impersonate': { allows: 'make tokens of any user', holders: ['client'] },
  'trace:read': { allows: 'read the steps of a payment', holders: ['client'] },
  'wallet:read': { allows: 'read the own wallet and its entries', holders: ['user'] },
} as const satisfies Record<string, { allows: string; holders: readonly Holder[] }>

export type Scope = keyof typeof SCOPES

type NameOf<S extends Scope> = S extends `${infer Thing}:${infer Act}`
  ? `${Thing}${Capitalize<Act>}`
  : never
type Names = { readonly [S in Scope as NameOf<S>]: S }

/** The scopes by their names in code: `SCOPE.paymentsWrite` is `payments:write`. */
export const SCOPE = Object.fromEntries(
  Object.keys(SCOPES).map((scope) => [
    scope.replace(/:(.)/, (_, first: string) => first.toUpperCase()),
    scope,
  ]),
) as Names

/** The scopes that a holder may have, in the order of the list. */
export function scopesOf(holder: Holder): Scope[] {
  const scopes = Object.keys(SCOPES) as Scope[]
  return scopes.filter((scope) => SCOPES[scope].holders.some((each) => each === holder))
}
