import type { DisputeBooks } from '@caudal/simulator-kit/disputes.ts'
import { hexOf } from './domain/transfer.ts'
import { newTransferId } from './process-batch.ts'
import { findPayment } from './store/find-transfers.ts'
import { insertTransfers } from './store/insert-transfers.ts'
import { lockOriginals } from './store/settle-transfers.ts'

/** The books of disputes: they take the locks and bounds of refunds and returns. */
export const disputeBooks: DisputeBooks = {
  gatewayIdOf: newTransferId,
  async lockCharge(tx, paymentId) {
    const payment = await findPayment(tx, paymentId)
    if (payment === undefined) return undefined
    const { transferId: chargeId, amountMinor, currency } = payment
    const { transfer, backMinor } = (await lockOriginals(tx, [chargeId])).get(chargeId)!
    const bookedMinor = transfer.state === 'reversed' ? amountMinor : backMinor
    return { chargeId, amountMinor, leftMinor: amountMinor - bookedMinor, currency }
  },
  async moveBack(tx, { disputeId, gatewayId, amountMinor, currency, reason }, { chargeId }) {
    const of = { kind: 'dispute', amountMinor, currency, originalId: chargeId } as const
    const end = { state: 'settled', code: reason, behaviour: 'approve', settleMs: 0 } as const
    const own = {
      transferId: gatewayId,
      ref: disputeId,
      key: null,
      fingerprint: '',
      chargesMinor: 0n,
    }
    await insertTransfers(tx, [{ ...own, ...of, ...end, accountNumber: '' }])
  },
  bodyOf({ disputeId, gatewayId, amountMinor, currency, reason, state }, { chargeId }) {
    return JSON.stringify({
      id: gatewayId,
      ref: hexOf(disputeId),
      kind: 'dispute',
      state,
      orig: chargeId,
      amount: String(amountMinor),
      ccy: currency,
      code: reason,
      at: new Date().toISOString(),
    })
  },
}
