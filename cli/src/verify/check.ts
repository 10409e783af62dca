import type { Db } from '@caudal/postgres/types.ts'

/** What a check found: how many things it looked at, and a sentence for each that is wrong. */
export type Finding = { checked: number; violations: string[] }

/** `skipped` names what the check needs and the system does not run; it looked at nothing then. */
export type CheckResult = Finding & { name: string; skipped?: string[] }

/** The services whose databases are looked into. */
export const LOOKED_INTO = [
  'payments',
  'wallets',
  'processor',
  'notifications',
  'orders',
  'identity',
] as const

/** The databases of the services that run, as their owner. */
export type Databases = Partial<Record<(typeof LOOKED_INTO)[number], Db>>

/** The databases, and the simulators' own books; of what a check needs all is there. */
export type Evidence = Required<Databases> & {
  charges: ReadonlyMap<string, readonly Charge[]>
  messages: ReadonlyMap<string, ReadonlySet<string>>
  /** Nothing moves any more: what has not come to its end by now never will. */
  still: boolean
}

/** Money that really moved at the PSP. */
export type Charge = { payment_id: string; amount: string; currency: string }

/** What a check can need: the database of a service, or a simulator's book. */
export type Source = keyof Databases | 'psp' | 'push'

export type Check = {
  name: string
  /** What must be part of the system; a check that needs nothing looks at what there is. */
  needs: readonly Source[]
  run(evidence: Evidence): Promise<Finding>
}

/** A check lists this many violations at most; the count in the last line says how many more. */
const LISTED = 100

/** Cuts a long list of violations; an honest last line tells what was left out. */
export function listed(violations: readonly string[]): string[] {
  if (violations.length <= LISTED) return [...violations]
  return [...violations.slice(0, LISTED), `… and ${violations.length - LISTED} more`]
}
