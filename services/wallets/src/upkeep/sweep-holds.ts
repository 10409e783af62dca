import { hash } from 'node:crypto'
import { systemActor } from '@caudal/contracts/actor.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { TakeCommand } from '../ledger/domain/command.ts'
import type { RequestOutcome } from '../ledger/domain/outcome.ts'
import { LEDGER_RIGHTS } from '../ledger/domain/rights.ts'
import { transferIdFrom } from '../ledger/domain/transfer.ts'
import type { Origin, Work } from '../ledger/origin.ts'
import { processBatch } from '../ledger/process-batch.ts'
import { claimDueHolds, type DueHold } from './store/claim-due-holds.ts'
import { forgetEndedHolds } from './store/forget-ended-holds.ts'

export interface SweepDeps {
  db: Db
  region: string
  observer: { holdsExpired(work: readonly Work[], outcomes: readonly RequestOutcome[]): void }
  afterCommit: () => void
}

const HOLDS_AT_ONCE = 500
/** A timer waits for no answer, and nothing follows but the ledger's own events. */
const TIMER: Origin = { traceparent: undefined }

/**
 * Releases holds whose time is over, in batches until none is due; returns how many. Nothing
 * depends on when it runs: a hold has ended with its time, and a second rollback changes nothing.
 */
export async function sweepHolds(deps: SweepDeps): Promise<number> {
  let total = 0
  for (;;) {
    const { claimed, ended } = await sweepBatch(deps)
    total += ended
    if (claimed < HOLDS_AT_ONCE) return total
  }
}

/** How many were due, and how many of them had not ended before. */
async function sweepBatch(deps: SweepDeps): Promise<{ claimed: number; ended: number }> {
  const { db, region, observer, afterCommit } = deps
  const swept = await transaction(
    db,
    async (tx) => {
      const due = await claimDueHolds(tx, HOLDS_AT_ONCE)
      if (due.length === 0) return null
      const work = due.map((hold): Work => ({ command: expiryOf(hold), origin: TIMER }))
      const { outcomes } = await processBatch({ region, slot: 0 }, tx, work)
      await forgetEndedHolds(tx, due)
      return { work, outcomes: outcomes.map(({ outcome }) => outcome) }
    },
    'expired-holds',
  )
  if (swept === null) return { claimed: 0, ended: 0 }
  afterCommit()
  observer.holdsExpired(swept.work, swept.outcomes)
  const { length: ended } = swept.outcomes.filter(({ type }) => type === 'posted')
  return { claimed: swept.work.length, ended }
}

/** The end of a hold's time as a command: no client sends it, so it is known by its hold. */
export function expiryOf({ holdId, accountId, tenantId }: DueHold): TakeCommand {
  const value = `expire:${holdId}`
  return {
    kind: 'rollback',
    tenantId,
    actor: systemActor('wallets'),
    source: { type: 'expiry', id: holdId },
    rights: LEDGER_RIGHTS,
    policy: null,
    accountId,
    transferId: transferIdFrom(newId()),
    key: { clientId: null, value, fingerprint: hash('sha256', value, 'hex') },
    referenceId: holdId,
    reason: 'hold_expired',
    valueDate: null,
    holdId,
    psp: null,
    releaseRest: false,
    amountMinor: null,
    currency: null,
  }
}
