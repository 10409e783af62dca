/** For which payments which PSPs are chosen, in order of preference. */
export type Route = {
  tenant?: string
  /** The service that is paid, by its name. */
  service?: string
  currency?: string
  psps: readonly string[]
}

/** What a route depends on. */
export type RoutedPayment = {
  tenantId: string
  /** null for a payout, which is for none. */
  service: string | null
  currency: string
}

/**
 * The PSPs of a payment in order of preference: those of the first route that matches which have
 * its currency. A route whose PSPs all lack it does not match.
 */
export function pspsOf(
  routes: readonly Route[],
  { tenantId, service, currency }: RoutedPayment,
  { byDefault, hasCurrency }: { byDefault: string; hasCurrency: (psp: string) => boolean },
): readonly string[] {
  const matches = (wanted: string | undefined, given: string | null): boolean =>
    wanted === undefined || wanted === given
  for (const route of routes) {
    const isMatch =
      matches(route.tenant, tenantId) &&
      matches(route.service, service) &&
      matches(route.currency, currency)
    const able = isMatch ? route.psps.filter(hasCurrency) : []
    if (able.length > 0) return able
  }
  return [byDefault]
}

/** The first PSP that can take the payment now; the preferred one if none can. */
export function firstPspOf(psps: readonly string[], isOpen: (psp: string) => boolean): string {
  const [preferred] = psps
  if (preferred === undefined) throw new Error('a payment has a PSP')
  return psps.find(isOpen) ?? preferred
}

/**
 * The PSP after this one, in turn, that can take the payment now; null if none can. Only for a
 * payment of which nothing left (rule 9).
 */
export function nextPspOf(
  psps: readonly string[],
  psp: string,
  isOpen: (psp: string) => boolean,
): string | null {
  const after = psps.indexOf(psp) + 1
  const others = [...psps.slice(after), ...psps.slice(0, after)].filter((one) => one !== psp)
  return others.find(isOpen) ?? null
}

/** The tenants of a PSP by the routes, `*` for all; the default PSP serves all that match none. */
export function tenantsOf(routes: readonly Route[], psp: string, isDefault: boolean): string[] {
  const named = routes.filter((route) => route.psps.includes(psp))
  const tenants = new Set(named.map(({ tenant }) => tenant ?? '*'))
  if (isDefault) tenants.add('*')
  return tenants.has('*') ? ['*'] : [...tenants].toSorted()
}
