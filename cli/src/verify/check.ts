import type { Db } from '@caudal/postgres/types.ts'

/** The result of a check: how many items it checked, and a message for each violation. */
export type Finding = { checked: number; violations: string[] }

/** `skipped` lists services that the check needs but the system lacks; then nothing was checked. */
export type CheckReport = Finding & { name: string; skipped?: string[] }

/** The services whose databases are read. */
export const DATABASES = [
  'payments',
  'wallets',
  'processor',
  'notifications',
  'orders',
  'identity',
] as const

/** The databases of the running services, with the owner's rights. */
export type Databases = Partial<Record<(typeof DATABASES)[number], Db>>

/** The input of a check: the databases and the simulators' records, at least those it needs. */
export type CheckInput = Required<Databases> & {
  charges: ReadonlyMap<string, readonly Charge[]>
  messages: ReadonlyMap<string, ReadonlySet<string>>
  /** Whether the system is idle: a payment that is not final now will never be. */
  isIdle: boolean
}

/** A charge: money that moved at the PSP. */
export type Charge = { payment_id: string; amount: string; currency: string }

/** Something a check reads: the database of a service, or a simulator's records. */
export type Source = keyof Databases | 'psp' | 'push'

/** One check of `caudal verify`. */
export type Check = {
  name: string
  /** What the system must run. A check without needs reads what is available. */
  needs: readonly Source[]
  run(input: CheckInput): Promise<Finding>
}

/** The maximum number of truncated violations; a last line counts the others. */
const LISTED = 100

/** Truncates a long list of violations; the last line says how many were left out. */
export function truncated(violations: readonly string[]): string[] {
  if (violations.length <= LISTED) return [...violations]
  return [...violations.slice(0, LISTED), `… and ${violations.length - LISTED} more`]
}
