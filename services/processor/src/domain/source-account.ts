/** The operator's own account numbers at the PSP: per tenant and currency, else the default. */
export type SourceAccounts = {
  default: string
  tenants: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** The account that pays: of tenant and currency, else the default one (P5). */
export function sourceAccountOf(
  { tenants, default: fallback }: SourceAccounts,
  tenantId: string,
  currency: string,
): string {
  const own = Object.hasOwn(tenants, tenantId) ? tenants[tenantId] : undefined
  const account = own && Object.hasOwn(own, currency) ? own[currency] : undefined
  return account ?? fallback
}
