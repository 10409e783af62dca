import type { Hold } from '../ledger/domain/hold.ts'

/** A hold with its times. */
export interface HoldHistory extends Hold {
  createdAt: Date
  changedAt: Date
}
