/** An account of ours at a PSP. */
export type NamedAccount = { psp: string; account: string }

/** A PSP with the accounts that its callbacks name; `tenants` null: an account of every tenant. */
type WithAccounts = {
  name: string
  callbacks: { accounts: ReadonlyMap<string, { tenants: ReadonlySet<string> | null }> }
}

/** The accounts that speak for the tenant alone. Those that several tenants share are of none. */
export function accountsOfTenant(psps: readonly WithAccounts[], tenantId: string): NamedAccount[] {
  return psps.flatMap(({ name: psp, callbacks }) =>
    [...callbacks.accounts].flatMap(([account, { tenants }]) =>
      tenants?.size === 1 && tenants.has(tenantId) ? [{ psp, account }] : [],
    ),
  )
}
