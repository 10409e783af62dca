import { randomUUID } from 'node:crypto'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { insertCallbacks } from '@caudal/simulator-kit/callbacks/callback-table.ts'
import type { Callbacks } from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import type { BankConsole } from '@caudal/simulator-kit/http/movement-routes.ts'
import { planOutcome } from '@caudal/simulator-kit/plan-outcome.ts'
import { callbacksOf } from './domain/callback-items.ts'
import type { Transfer } from './domain/transfer.ts'
import { newTransferId } from './process-batch.ts'
import { findPayment } from './store/find-transfers.ts'
import { insertTransfers } from './store/insert-transfers.ts'
import { settleRejected } from './store/settle-rejected.ts'
import { lockOriginals } from './store/settle-transfers.ts'

const PLAIN = planOutcome({ kind: 'approve' }, 0)

/** Creates the console. Its orders take the same lock and bound as a client's refunds. */
export function createConsole(deps: {
  db: Db
  callbacks: Pick<Callbacks, 'enabled' | 'wake'>
}): BankConsole {
  const { db, callbacks } = deps
  async function report(tx: Tx, transfer: Transfer, at: Date): Promise<void> {
    if (!callbacks.enabled) return
    await tx.query(insertCallbacks(callbacksOf(transfer, PLAIN.callback, at)))
  }
  return {
    async currencyOf(paymentId) {
      return (await findPayment(db, paymentId))?.currency ?? null
    },
    async sendBack(kind, order) {
      const moved = await transaction(db, async (tx) => {
        const payment = await findPayment(tx, order.paymentId)
        if (payment === undefined) return 'payment_not_found' as const
        const original = (await lockOriginals(tx, [payment.transferId])).get(payment.transferId)!
        const isReversed = original.transfer.state === 'reversed'
        const bookedMinor = isReversed ? payment.amountMinor : original.backMinor
        const leftMinor = payment.amountMinor - (order.beyondCharge ? 0n : bookedMinor)
        const { chargesMinor } = order
        const amountMinor = order.amountMinor ?? leftMinor - chargesMinor
        const isWithin = amountMinor > 0n && amountMinor + chargesMinor <= leftMinor
        if (!isWithin) return 'exceeds_charge' as const
        const { currency, accountNumber, transferId: originalId } = payment
        const own = { transferId: newTransferId(), ref: randomUUID(), key: null, fingerprint: '' }
        const end = {
          state: 'settled',
          code: order.reason,
          behaviour: 'approve',
          settleMs: 0,
        } as const
        const about = { kind, amountMinor, chargesMinor, currency, accountNumber, originalId }
        const transfer = { ...own, ...end, ...about }
        await insertTransfers(tx, [transfer])
        const at = new Date()
        await report(tx, transfer, at)
        return { movementId: own.ref, amountMinor, currency, at }
      })
      callbacks.wake()
      return moved
    },
    async captureDeclined(paymentId) {
      const at = new Date()
      const settled = await transaction(db, async (tx) => {
        const transfer = await settleRejected(tx, paymentId)
        if (transfer !== undefined) await report(tx, transfer, at)
        return transfer
      })
      callbacks.wake()
      if (settled === undefined) return null
      const { transferId, amountMinor, currency, accountNumber } = settled
      return {
        paymentId,
        gatewayTransactionId: transferId,
        amountMinor,
        currency,
        accountNumber,
        at,
      }
    },
  }
}
