import { hash } from 'node:crypto'
import { newId } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { RollbackCommand } from '../ledger/domain/command.ts'
import { transferIdFrom } from '../ledger/domain/transfer.ts'
import { type CommandWork, processBatch } from '../ledger/process-batch.ts'
import type { Observer } from '../observe.ts'
import { claimDueHolds, type DueHold } from './store/claim-due-holds.ts'
import { forgetEndedHolds } from './store/forget-ended-holds.ts'

export interface SweepDeps {
  db: Db
  region: string
  observer: Pick<Observer, 'holdsExpired'>
  afterCommit: () => void
}

const HOLDS_AT_ONCE = 500

/**
 * Gives the money of holds back whose time is over, in batches until none is due. Nothing depends
 * on when it runs: a hold has ended with its time, and whoever is second finds it ended.
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
  const swept = await transaction(db, async (tx) => {
    const due = await claimDueHolds(tx, HOLDS_AT_ONCE)
    if (due.length === 0) return null
    const work = due.map(workOf)
    const { outcomes } = await processBatch(tx, work, { region })
    await forgetEndedHolds(tx, due)
    return { work, outcomes }
  })
  if (swept === null) return { claimed: 0, ended: 0 }
  afterCommit()
  observer.holdsExpired(swept.work, swept.outcomes)
  const { length: ended } = swept.outcomes.filter(({ type }) => type === 'committed')
  return { claimed: swept.work.length, ended }
}

function workOf(due: DueHold): CommandWork {
  return { command: expiryOf(due), traceparent: undefined, event: null, record: null }
}

/** The end of a hold's time as a command: nobody's, so it is known by its hold. */
export function expiryOf({ holdId, accountId, tenantId }: DueHold): RollbackCommand {
  const value = `expire:${holdId}`
  return {
    kind: 'rollback',
    tenantId,
    accountId,
    transferId: transferIdFrom(newId()),
    key: { clientId: null, value, fingerprint: hash('sha256', value, 'hex') },
    referenceId: holdId,
    reason: 'hold_expired',
    stripe: 0,
    valueDate: null,
    hold: { by: 'expiry', holdId },
    amountMinor: null,
    currency: null,
  }
}
