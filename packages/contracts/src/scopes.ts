/** Every scope of a token, with what it allows and who may have it. The only list of scopes. */
export const SCOPES = {
  'payments:write': { allows: 'request payments', holders: ['user', 'client'] },
  'payments:read': { allows: 'read payments', holders: ['user', 'client'] },
  'wallet:read': { allows: 'read the own wallet and its entries', holders: ['user'] },
  'ledger:write': { allows: 'post transfers and change accounts', holders: ['client'] },
  'ledger:read': { allows: 'read accounts, statements and transfers', holders: ['client'] },
  'orders:write': { allows: 'create orders', holders: ['client'] },
  'orders:read': { allows: 'read the orders of all users', holders: ['client'] },
  'users:write': { allows: 'create users and remove devices', holders: ['client'] },
  'users:read': { allows: 'read users and their devices', holders: ['client'] },
  'users:impersonate': { allows: 'make tokens of any user', holders: ['client'] },
  'trace:read': { allows: 'read the steps of a payment', holders: ['client'] },
} as const satisfies Record<string, { allows: string; holders: readonly ('user' | 'client')[] }>

export type Scope = keyof typeof SCOPES
