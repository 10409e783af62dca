import type { CallKey } from '@caudal/outbound/call-key.ts'
import type { OperationFacts } from '../domain/operation-facts.ts'
import type { PspState } from '../domain/psp-state.ts'
import type { RetryPolicy } from '../domain/retry-policy.ts'
import { firstPspOf, pspsOf, type Route, type RoutedPayment } from '../domain/route.ts'
import type { SourceAccounts } from '../domain/source-account.ts'
import type { PspAdapter } from '../psp/adapter.ts'
import type { Gate } from './admission.ts'
import { callKeyOf } from './call-key-of.ts'
import type { SendCall } from './call-psp.ts'
import type { Waiting } from './waiting.ts'

/** A PSP as those who record operations for it use it. */
export type PspAtWork = {
  name: string
  adapter: PspAdapter
  policy: RetryPolicy
  accounts: SourceAccounts
  gate: Gate
  waiting: Waiting
  state: () => PspState
  /** Whether new payments of the key go there now: it is enabled and its circuit is not open. */
  isOpen: (key: CallKey) => boolean
  send: (calls: readonly SendCall[]) => void
  /** Payments were recorded that wait in the table. */
  addBacklog: () => void
}

/** All PSPs, and which of them a payment goes to. */
export type Psps = {
  default: PspAtWork
  get(name: string): PspAtWork | undefined
  /** The PSPs that a payment may go to, in order of preference; never empty. */
  routeOf(payment: RoutedPayment): readonly PspAtWork[]
  /** The one of them that takes the payment now, else the preferred one. */
  choose(route: readonly PspAtWork[], facts: OperationFacts): PspAtWork
}

/** Connects the PSPs, the default one first, with the routes. */
export function createPsps(
  [first, ...further]: readonly [PspAtWork, ...PspAtWork[]],
  routes: readonly Route[],
): Psps {
  const psps = new Map([first, ...further].map((psp) => [psp.name, psp]))
  const get = (name: string): PspAtWork => {
    const psp = psps.get(name)
    if (psp === undefined) throw new Error(`PSP ${name} is not configured`)
    return psp
  }
  const byDefault = first.name
  const alone = [first]
  return {
    default: first,
    get: (name) => psps.get(name),
    routeOf(payment) {
      if (further.length === 0) return alone
      const hasCurrency = (name: string): boolean => {
        const { currencies } = get(name).adapter.capabilities
        return currencies === null || currencies.includes(payment.currency)
      }
      return pspsOf(routes, payment, { byDefault, hasCurrency }).map(get)
    },
    choose(route, facts) {
      const [only, ...others] = route
      if (only !== undefined && others.length === 0) return only
      const key = callKeyOf(facts)
      const names = route.map(({ name }) => name)
      return get(firstPspOf(names, (name) => get(name).isOpen(key)))
    },
  }
}
