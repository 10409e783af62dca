import type { Db } from '@caudal/postgres/types.ts'
import type { CheckpointPosition } from './checkpoint.ts'
import type { AddDifference, Finding } from './findings.ts'
import type { PaymentPage } from './walk-payments.ts'

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

/** The input of a check: the databases and the simulators' books, at least those it needs. */
export type CheckInput = Required<Databases> & {
  /** Base URLs of the simulators. */
  pspUrl: string
  /** Empty if the second PSP's simulator does not run. */
  asyncbankUrl: string
  pushUrl: string
  /** What changed from this time on may still be under way in a busy system. */
  recentFrom: Date
  /** Everything up to this position was checked before and is proved to be unchanged. */
  since?: CheckpointPosition
}

/** Something a check reads: the database of a service, or a simulator's books. */
export type CheckSource = keyof Databases | 'psp' | 'asyncbank' | 'push'

type Named = {
  name: string
  /** What the system must run. A check without needs reads what is available. */
  needs: readonly CheckSource[]
}

/** One check of `caudal verify` that runs on its own. */
export type Check = Named & { run(input: CheckInput): Promise<Finding> }

/** A check that looks at all payments: those that run together share one walk. */
export type PaymentCheck = Named & {
  /** Checks one page and returns the number of payments that it concerns. */
  look(page: PaymentPage, add: AddDifference): number
  /** Finds what no single page shows. */
  lookAcross?(input: CheckInput): Promise<Finding>
}
