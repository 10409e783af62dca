import type { Db } from '@caudal/postgres/types.ts'

/** What a check found: how many things it looked at, and a sentence for each that is wrong. */
export type Finding = { checked: number; violations: string[] }

export type CheckResult = Finding & { name: string }

/** The databases of the services, as their owner, and the simulators' own books. */
export type Evidence = {
  payments: Db
  wallets: Db
  processor: Db
  notifications: Db
  orders: Db
  identity: Db
  charges: ReadonlyMap<string, readonly Charge[]>
  messages: ReadonlyMap<string, ReadonlySet<string>>
  /** Nothing moves any more: what has not come to its end by now never will. */
  still: boolean
}

/** Money that really moved at the PSP. */
export type Charge = { payment_id: string; amount: string; currency: string }

export type Check = { name: string; run(evidence: Evidence): Promise<Finding> }

/** A check lists this many violations at most; the count in the last line says how many more. */
const LISTED = 100

/** Cuts a long list of violations; an honest last line tells what was left out. */
export function listed(violations: readonly string[]): string[] {
  if (violations.length <= LISTED) return [...violations]
  return [...violations.slice(0, LISTED), `… and ${violations.length - LISTED} more`]
}
