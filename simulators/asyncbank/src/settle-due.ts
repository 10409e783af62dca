import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourChooser } from '@caudal/simulator-kit/behaviour-settings.ts'
import { parseBehaviour } from '@caudal/simulator-kit/behaviour.ts'
import {
  insertCallbacks,
  type NewCallback,
} from '@caudal/simulator-kit/callbacks/callback-table.ts'
import type { Callbacks } from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import { type PlannedOutcome, planOutcome } from '@caudal/simulator-kit/plan-outcome.ts'
import { callbacksOf } from './domain/callback-items.ts'
import { decideSettlement, type Original } from './domain/decide-settlement.ts'
import type { Transfer } from './domain/transfer.ts'
import {
  claimDue,
  type DueTransfer,
  finishTransfers,
  lockOriginals,
  msUntilSettlement,
} from './store/settle-transfers.ts'

export interface SettleDueDeps {
  db: Db
  chooser: BehaviourChooser
  callbacks: Pick<Callbacks, 'enabled' | 'wake'>
}

const MOST_PER_ROUND = 200

/**
 * Settles or rejects every transfer that is due, and stores the callbacks about it in the same
 * transaction. Returns the milliseconds until the next one is due; null if there is none.
 */
export async function settleDue(deps: SettleDueDeps): Promise<number | null> {
  while ((await settleSome(deps)) > 0) deps.callbacks.wake()
  return msUntilSettlement(deps.db)
}

function settleSome({ db, chooser, callbacks }: SettleDueDeps): Promise<number> {
  return transaction(db, async (tx) => {
    const due = await claimDue(tx, MOST_PER_ROUND)
    if (due.length === 0) return 0
    const originals = await lockOriginals(tx, [
      ...new Set(due.flatMap(({ originalId }) => originalId ?? [])),
    ])
    const at = new Date()
    const reports: NewCallback[] = []
    const ended = due.map((transfer) => {
      const outcome = outcomeOf(transfer)
      const final = endOf(transfer, { outcome, originals, limits: chooser })
      if (callbacks.enabled) reports.push(...callbacksOf(final, outcome.callback, at))
      return final
    })
    await finishTransfers(tx, ended)
    if (reports.length > 0) await tx.query(insertCallbacks(reports))
    return due.length
  })
}

/** The faults of a behaviour are over once the bank has accepted a transfer. */
function outcomeOf({ behaviour }: DueTransfer): PlannedOutcome {
  const parsed = parseBehaviour(behaviour)
  const chosen = parsed === null || 'share' in parsed ? { kind: 'approve' as const } : parsed
  return planOutcome(chosen, Number.POSITIVE_INFINITY)
}

/** Decides one transfer; later ones of the batch see its effects. */
function endOf(
  transfer: DueTransfer,
  how: {
    outcome: PlannedOutcome
    originals: Map<string, Original>
    limits: { voidMs: number; refundMs: number }
  },
): Transfer {
  const { outcome, originals, limits } = how
  const original = originals.get(transfer.originalId ?? '')
  const verdict = outcome.verdict ?? 'approved'
  const decided = decideSettlement(transfer, original, { verdict, limits })
  const isReversed =
    decided.state === 'settled' && outcome.callback.reverses && transfer.kind !== 'void'
  const final: Transfer = {
    ...transfer,
    state: isReversed ? 'reversed' : decided.state,
    code: decided.state === 'rejected' ? decided.code : null,
  }
  if (final.state === 'settled' && original !== undefined) {
    original.backMinor += final.amountMinor
    original.voided ||= final.kind === 'void'
  }
  const asOriginal = originals.get(final.transferId)
  if (asOriginal !== undefined) asOriginal.transfer = final
  return final
}
