import type { NewCallback } from '@caudal/simulator-kit/callbacks/callback-table.ts'
import type { CallbackPlan } from '@caudal/simulator-kit/plan-outcome.ts'
import { declineCode } from './decide-settlement.ts'
import { oppositeState } from './form-responses.ts'
import { hexOf, type Transfer, type TransferState } from './transfer.ts'

/** A reversal is reported after the settlement, unless the receiver was not there for it. */
const REVERSAL_AFTER_MS = 100

/** The callbacks about a transfer that has ended, as its behaviour plans them. */
export function callbacksOf(transfer: Transfer, plan: CallbackPlan, at: Date): NewCallback[] {
  const subjectId = transfer.ref
  const { delayMs, lie } = plan
  const reached: TransferState = transfer.state === 'reversed' ? 'settled' : transfer.state
  const amountMinor = lie === 'wrong_amount' ? wrongAmount(transfer) : transfer.amountMinor
  const state = lie === 'opposite' ? oppositeState(reached) : reached
  const body = itemOf({ ...transfer, amountMinor, state }, at)
  const callbacks = Array.from({ length: plan.copies }, () => ({ subjectId, body, delayMs }))
  if (transfer.state !== 'reversed') return callbacks
  const reversed = { subjectId, body: itemOf(transfer, at), delayMs: delayMs + REVERSAL_AFTER_MS }
  return [...callbacks, reversed]
}

function wrongAmount({ amountMinor }: Transfer): bigint {
  return amountMinor === 1n ? 2n : 1n
}

/** One item of a batch, as JSON. */
function itemOf(transfer: Transfer, at: Date): string {
  const { kind, state, originalId } = transfer
  const code = codeOf(transfer)
  return JSON.stringify({
    id: transfer.transferId,
    ref: hexOf(transfer.ref),
    kind,
    state,
    ...(originalId !== null && { orig: originalId }),
    amount: String(transfer.amountMinor),
    ccy: transfer.currency,
    ...(transfer.chargesMinor > 0n && { charges: String(transfer.chargesMinor) }),
    ...(code !== null && { code }),
    at: at.toISOString(),
  })
}

/** Why it was rejected, even if only the callback claims that, or returned. */
function codeOf({ kind, state, code }: Transfer): string | null {
  if (state === 'rejected') return code ?? declineCode(kind)
  return kind === 'return' ? code : null
}
