import { type CallKey, nameOf } from '@caudal/outbound/call-key.ts'
import type { TurnLimits } from '../store/claim-due.ts'

/** What this instance knows of recorded payments that are due and not yet sent. */
export interface Waiting {
  /** About how many; exact when it was counted last. */
  readonly count: number
  /** Whether payments of the key wait, so that new ones belong behind them. */
  has(key: CallKey): boolean
  /** Payments were recorded that wait. */
  recorded(keys: readonly CallKey[]): void
  /** Payments were claimed within these limits. Returns whether some may be left. */
  claimed(keys: readonly CallKey[], limits: TurnLimits): boolean
  /** Sets the count. If it is 0, no payment of any key waits. */
  counted(count: number): void
}

/** Creates the knowledge of an instance that has seen no payment yet. */
export function createWaiting(): Waiting {
  const names = new Map<string, CallKey>()
  let count = 0
  return {
    get count() {
      return count
    },
    has: (key) => names.has(nameOf(key)),
    recorded(keys) {
      count += keys.length
      for (const key of keys) names.set(nameOf(key), key)
    },
    claimed(keys, limits) {
      const isLimited = limitsReached(keys, limits)
      count = Math.max(0, count - keys.length)
      for (const key of keys) names.set(nameOf(key), key)
      // Where none may be claimed, some may wait.
      for (const { key, most } of limits.keys) if (most === 0) names.set(nameOf(key), key)
      for (const [name, key] of names) if (!isLimited(key)) names.delete(name)
      const isSomeLeft = names.size > 0
      if (!isSomeLeft) count = 0
      return isSomeLeft
    },
    counted(counted) {
      count = counted
      if (counted === 0) names.clear()
    },
  }
}

/** Whether the limits kept payments of a key from being claimed. */
export function limitsReached(
  claimed: readonly CallKey[],
  { total, ofKey, ofTenant, keys, tenants }: TurnLimits,
): (key: CallKey) => boolean {
  const counts = new Map<string, number>()
  const add = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const key of claimed) {
    add(nameOf(key))
    add(key.tenant)
  }
  const mostOfKey = new Map(keys.map(({ key, most }) => [nameOf(key), most]))
  const mostOfTenant = new Map(tenants.map(({ tenant, most }) => [tenant, most]))
  return (key) =>
    claimed.length >= total ||
    (counts.get(nameOf(key)) ?? 0) >= (mostOfKey.get(nameOf(key)) ?? ofKey) ||
    (counts.get(key.tenant) ?? 0) >= (mostOfTenant.get(key.tenant) ?? ofTenant)
}
